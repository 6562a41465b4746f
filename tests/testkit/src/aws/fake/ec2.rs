//! EC2: each call under its name, with what it is about, and what it does.

use async_trait::async_trait;
use landfall_aws::api::Action as A;
use landfall_aws::api::ec2::{
    Ec2, Instance, Interface, NewSecurityGroup, RouteTable, Rule, SecurityGroup, Subnet, Vpc,
    WhichSecurityGroups, Zone,
};
use landfall_aws::api::ids::{InstanceId, SecurityGroupId, VpcId};
use landfall_aws::api::{Answer, Page, Tags};

use super::FakeAws;
use super::page::page;
use super::state::State;

fn one(id: &impl ToString) -> Vec<String> {
    vec![id.to_string()]
}

#[async_trait]
impl Ec2 for FakeAws {
    async fn subnets(&self, vpc: &VpcId, token: Option<&str>) -> Answer<Page<Subnet>> {
        let list = |state: &mut State| {
            let of_vpc = state.network.subnets.iter().filter(|(_, subnet)| subnet.vpc == *vpc);
            let read = of_vpc.map(|(id, it)| (id, Subnet { free: state.free(it), ..it.clone() }));
            Ok(page(read, token, state.page))
        };
        self.call(A::DescribeSubnets, one(vpc), list).await
    }

    async fn vpc(&self, id: &VpcId) -> Answer<Vpc> {
        self.call(A::DescribeVpcs, one(id), |state| state.network.vpc(id).cloned()).await
    }

    async fn route_tables(&self, vpc: &VpcId, token: Option<&str>) -> Answer<Page<RouteTable>> {
        let list = |state: &mut State| {
            let tables = state.network.route_tables.iter().enumerate().filter(|(_, (of, _))| of == vpc);
            let keyed = tables.map(|(at, (_, table))| (format!("{at:08}"), table.clone()));
            Ok(page(keyed, token, state.page))
        };
        self.call(A::DescribeRouteTables, one(vpc), list).await
    }

    async fn zones(&self) -> Answer<Vec<Zone>> {
        self.call(A::DescribeAvailabilityZones, Vec::new(), |state| Ok(state.network.zones.clone())).await
    }

    async fn instances(&self, ids: &[InstanceId], token: Option<&str>) -> Answer<Page<Instance>> {
        let about = ids.iter().map(ToString::to_string).collect();
        self.call(A::DescribeInstances, about, |state| state.list_instances(ids, token)).await
    }

    async fn security_groups(
        &self,
        which: &WhichSecurityGroups,
        token: Option<&str>,
    ) -> Answer<Page<SecurityGroup>> {
        let about = match which {
            WhichSecurityGroups::Tagged(tags) => {
                tags.iter().map(|(key, value)| format!("{key}={value}")).collect()
            }
            WhichSecurityGroups::Known(ids) => ids.iter().map(ToString::to_string).collect(),
            WhichSecurityGroups::Named { names, .. } => names.clone(),
            WhichSecurityGroups::LettingIn(id) => one(id),
        };
        self.call(A::DescribeSecurityGroups, about, |state| state.list_security_groups(which, token)).await
    }

    async fn interfaces(&self, group: &SecurityGroupId, token: Option<&str>) -> Answer<Page<Interface>> {
        let list = |state: &mut State| Ok(state.interfaces_in(group, token));
        self.call(A::DescribeNetworkInterfaces, one(group), list).await
    }

    async fn create_security_group(&self, new: &NewSecurityGroup) -> Answer<SecurityGroupId> {
        self.call(A::CreateSecurityGroup, one(&new.name), |state| state.create_security_group(new)).await
    }

    async fn delete_security_group(&self, id: &SecurityGroupId) -> Answer<()> {
        self.call(A::DeleteSecurityGroup, one(id), |state| state.delete_security_group(id)).await
    }

    async fn authorize(&self, id: &SecurityGroupId, rules: &[Rule]) -> Answer<()> {
        self.call(A::AuthorizeSecurityGroupIngress, one(id), |state| state.authorize(id, rules)).await
    }

    async fn revoke(&self, id: &SecurityGroupId, rules: &[Rule]) -> Answer<()> {
        self.call(A::RevokeSecurityGroupIngress, one(id), |state| state.revoke(id, rules)).await
    }

    async fn create_tags(&self, id: &SecurityGroupId, tags: &Tags) -> Answer<()> {
        self.call(A::CreateTags, one(id), |state| state.create_tags(id, tags)).await
    }

    async fn delete_tags(&self, id: &SecurityGroupId, keys: &[String]) -> Answer<()> {
        self.call(A::DeleteTags, one(id), |state| state.delete_tags(id, keys)).await
    }
}
