//! EC2.

use super::{Client, unless};
use crate::api::ec2::{
    Instance, Interface, NewSecurityGroup, RouteTable, Rule, SecurityGroup, Subnet, Vpc, WhichSecurityGroups,
    Zone,
};
use crate::api::ids::{InstanceId, SecurityGroupId, VpcId};
use crate::api::{Action, Tags};
use crate::error::AwsError;

/// Most values of a filter in one request.
const VALUES_AT_ONCE: usize = 200;

/// What EC2 calls a security group that is not there: by name and by id.
const NO_GROUP: &[&str] = &["InvalidGroup.NotFound", "InvalidGroupId.NotFound"];

impl Client {
    /// `DescribeSubnets` of a network.
    pub async fn subnets(&self, vpc: &VpcId) -> Result<Vec<Subnet>, AwsError> {
        let ec2 = &self.calls.ec2;
        let page = |token: Option<String>| async move { ec2.subnets(vpc, token.as_deref()).await };
        self.pages(Action::DescribeSubnets, vpc.as_str(), page).await
    }

    /// `DescribeVpcs` with this id; `InvalidVpcID.NotFound` if there is none.
    pub async fn vpc(&self, id: &VpcId) -> Result<Vpc, AwsError> {
        self.call(Action::DescribeVpcs, id.as_str(), self.calls.ec2.vpc(id)).await
    }

    /// `DescribeRouteTables` of a network.
    pub async fn route_tables(&self, vpc: &VpcId) -> Result<Vec<RouteTable>, AwsError> {
        let ec2 = &self.calls.ec2;
        let page = |token: Option<String>| async move { ec2.route_tables(vpc, token.as_deref()).await };
        self.pages(Action::DescribeRouteTables, vpc.as_str(), page).await
    }

    /// `DescribeAvailabilityZones` of the region.
    pub async fn zones(&self) -> Result<Vec<Zone>, AwsError> {
        self.call(Action::DescribeAvailabilityZones, None, self.calls.ec2.zones()).await
    }

    /// `DescribeInstances` with any number of ids; unknown ids are left out.
    pub async fn instances(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, AwsError> {
        let (ec2, mut all) = (&self.calls.ec2, Vec::new());
        for part in ids.chunks(VALUES_AT_ONCE) {
            let page = |token: Option<String>| async move { ec2.instances(part, token.as_deref()).await };
            all.extend(self.pages(Action::DescribeInstances, None, page).await?);
        }
        Ok(all)
    }

    /// `DescribeSecurityGroups`; unknown ids and names are left out.
    pub async fn security_groups(&self, which: &WhichSecurityGroups) -> Result<Vec<SecurityGroup>, AwsError> {
        let parts = match which {
            WhichSecurityGroups::Tagged(_) | WhichSecurityGroups::LettingIn(_) => vec![which.clone()],
            WhichSecurityGroups::Known(ids) => {
                ids.chunks(VALUES_AT_ONCE).map(|part| WhichSecurityGroups::Known(part.to_vec())).collect()
            }
            WhichSecurityGroups::Named { vpc, names } => names
                .chunks(VALUES_AT_ONCE)
                .map(|part| WhichSecurityGroups::Named { vpc: vpc.clone(), names: part.to_vec() })
                .collect(),
        };
        let (ec2, mut all) = (&self.calls.ec2, Vec::new());
        for part in &parts {
            let page =
                |token: Option<String>| async move { ec2.security_groups(part, token.as_deref()).await };
            all.extend(self.pages(Action::DescribeSecurityGroups, None, page).await?);
        }
        Ok(all)
    }

    /// `DescribeNetworkInterfaces` that are in a security group.
    pub async fn interfaces(&self, group: &SecurityGroupId) -> Result<Vec<Interface>, AwsError> {
        let ec2 = &self.calls.ec2;
        let page = |token: Option<String>| async move { ec2.interfaces(group, token.as_deref()).await };
        self.pages(Action::DescribeNetworkInterfaces, group.as_str(), page).await
    }

    /// `CreateSecurityGroup`; [`AwsError::NameTaken`] if the network has one of that name.
    pub async fn create_security_group(&self, new: &NewSecurityGroup) -> Result<SecurityGroupId, AwsError> {
        let request = self.calls.ec2.create_security_group(new);
        let answer = self.call(Action::CreateSecurityGroup, new.name.as_str(), request).await;
        answer.map_err(|error| error.or_name_taken("security group", &new.name))
    }

    /// `DeleteSecurityGroup`; `DependencyViolation` while an interface or another group's rule refers to it.
    pub async fn delete_security_group(&self, id: &SecurityGroupId) -> Result<(), AwsError> {
        let request = self.calls.ec2.delete_security_group(id);
        unless(self.call(Action::DeleteSecurityGroup, id.as_str(), request).await, NO_GROUP)
    }

    /// `AuthorizeSecurityGroupIngress`, all or nothing. `InvalidPermission.Duplicate` means that the group was not read
    /// recently enough: some of the rules exist, so none was added.
    pub async fn authorize(&self, id: &SecurityGroupId, rules: &[Rule]) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        let request = self.calls.ec2.authorize(id, rules);
        self.call(Action::AuthorizeSecurityGroupIngress, id.as_str(), request).await
    }

    /// `RevokeSecurityGroupIngress`. `InvalidPermission.NotFound` means that the group was not read recently enough.
    pub async fn revoke(&self, id: &SecurityGroupId, rules: &[Rule]) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        let request = self.calls.ec2.revoke(id, rules);
        self.call(Action::RevokeSecurityGroupIngress, id.as_str(), request).await
    }

    /// `CreateTags`, replacing values of equal keys.
    pub async fn create_tags(&self, id: &SecurityGroupId, tags: &Tags) -> Result<(), AwsError> {
        if tags.is_empty() {
            return Ok(());
        }
        self.call(Action::CreateTags, id.as_str(), self.calls.ec2.create_tags(id, tags)).await
    }

    /// `DeleteTags` by key.
    pub async fn delete_tags(&self, id: &SecurityGroupId, keys: &[String]) -> Result<(), AwsError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.call(Action::DeleteTags, id.as_str(), self.calls.ec2.delete_tags(id, keys)).await
    }
}
