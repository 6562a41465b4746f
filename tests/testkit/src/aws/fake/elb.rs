//! ELBv2: each call under its name, with what it is about, and what it does.

use async_trait::async_trait;
use landfall_aws::api::Action as A;
use landfall_aws::api::elb::{
    AddressType, Elb, HealthCheck, Listener, ListenerSpec, LoadBalancer, NewListener, NewLoadBalancer,
    NewTargetGroup, SubnetChange, Target, TargetGroup, TargetState, WhichBalancers, WhichGroups,
};
use landfall_aws::api::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use landfall_aws::api::{Answer, Attributes, Page, Tags};

use super::FakeAws;
use super::page::page;
use super::state::State;

fn one(id: &impl ToString) -> Vec<String> {
    vec![id.to_string()]
}

#[async_trait]
impl Elb for FakeAws {
    async fn load_balancers(
        &self,
        which: &WhichBalancers,
        marker: Option<&str>,
    ) -> Answer<Page<LoadBalancer>> {
        let about = match which {
            WhichBalancers::All => Vec::new(),
            WhichBalancers::Named(names) => names.clone(),
            WhichBalancers::Known(arns) => arns.iter().map(ToString::to_string).collect(),
        };
        self.call(A::DescribeLoadBalancers, about, |state| state.list_balancers(which, marker)).await
    }

    async fn target_groups(&self, which: &WhichGroups, marker: Option<&str>) -> Answer<Page<TargetGroup>> {
        let about = match which {
            WhichGroups::All => Vec::new(),
            WhichGroups::Named(names) => names.clone(),
            WhichGroups::Of(balancer) => one(balancer),
        };
        self.call(A::DescribeTargetGroups, about, |state| state.list_groups(which, marker)).await
    }

    async fn tags(&self, arns: &[String]) -> Answer<Vec<(String, Tags)>> {
        self.call(A::DescribeTags, arns.to_vec(), |state| state.read_tags(arns)).await
    }

    async fn listeners(&self, of: &LoadBalancerArn, marker: Option<&str>) -> Answer<Page<Listener>> {
        self.call(A::DescribeListeners, one(of), |state| state.list_listeners(of, marker)).await
    }

    async fn certificates(&self, of: &ListenerArn, marker: Option<&str>) -> Answer<Page<String>> {
        let list = |state: &mut State| state.list_certificates(of, marker);
        self.call(A::DescribeListenerCertificates, one(of), list).await
    }

    async fn listener_attributes(&self, of: &ListenerArn) -> Answer<Attributes> {
        let read = |state: &mut State| Ok(state.listener(of)?.attributes.clone());
        self.call(A::DescribeListenerAttributes, one(of), read).await
    }

    async fn balancer_attributes(&self, of: &LoadBalancerArn) -> Answer<Attributes> {
        let read = |state: &mut State| Ok(state.balancer(of)?.attributes.clone());
        self.call(A::DescribeLoadBalancerAttributes, one(of), read).await
    }

    async fn group_attributes(&self, of: &TargetGroupArn) -> Answer<Attributes> {
        let read = |state: &mut State| Ok(state.group(of)?.attributes.clone());
        self.call(A::DescribeTargetGroupAttributes, one(of), read).await
    }

    async fn target_health(&self, of: &TargetGroupArn) -> Answer<Vec<TargetState>> {
        self.call(A::DescribeTargetHealth, one(of), |state| state.target_health(of)).await
    }

    async fn limits(&self, marker: Option<&str>) -> Answer<Page<(String, String)>> {
        let list = |state: &mut State| {
            let lines = state.quotas.listed().map(|line| (line.0.clone(), line));
            let sorted: std::collections::BTreeMap<_, _> = lines.collect();
            Ok(page(sorted, marker, state.page))
        };
        self.call(A::DescribeAccountLimits, Vec::new(), list).await
    }

    async fn capacity(&self, of: &LoadBalancerArn) -> Answer<Option<u32>> {
        let read = |state: &mut State| Ok(state.balancer(of)?.capacity);
        self.call(A::DescribeCapacityReservation, one(of), read).await
    }

    async fn create_balancer(&self, new: &NewLoadBalancer) -> Answer<LoadBalancer> {
        self.call(A::CreateLoadBalancer, one(&new.name), |state| state.create_balancer(new)).await
    }

    async fn delete_balancer(&self, arn: &LoadBalancerArn) -> Answer<()> {
        self.call(A::DeleteLoadBalancer, one(arn), |state| state.delete_balancer(arn)).await
    }

    async fn modify_balancer_attributes(&self, arn: &LoadBalancerArn, set: &Attributes) -> Answer<()> {
        let modify = |state: &mut State| state.modify_balancer_attributes(arn, set);
        self.call(A::ModifyLoadBalancerAttributes, one(arn), modify).await
    }

    async fn set_subnets(&self, arn: &LoadBalancerArn, to: &SubnetChange) -> Answer<()> {
        self.call(A::SetSubnets, one(arn), |state| state.set_subnets(arn, to)).await
    }

    async fn set_security_groups(
        &self,
        arn: &LoadBalancerArn,
        groups: &[SecurityGroupId],
        private_link_rules: Option<bool>,
    ) -> Answer<()> {
        let set = |state: &mut State| state.set_security_groups(arn, groups, private_link_rules);
        self.call(A::SetSecurityGroups, one(arn), set).await
    }

    async fn set_address_type(&self, arn: &LoadBalancerArn, to: AddressType) -> Answer<()> {
        self.call(A::SetIpAddressType, one(arn), |state| state.set_address_type(arn, to)).await
    }

    async fn modify_capacity(&self, arn: &LoadBalancerArn, units: Option<u32>) -> Answer<()> {
        self.call(A::ModifyCapacityReservation, one(arn), |state| state.modify_capacity(arn, units)).await
    }

    async fn create_group(&self, new: &NewTargetGroup) -> Answer<TargetGroup> {
        self.call(A::CreateTargetGroup, one(&new.name), |state| state.create_group(new)).await
    }

    async fn modify_group(&self, arn: &TargetGroupArn, health: &HealthCheck) -> Answer<()> {
        self.call(A::ModifyTargetGroup, one(arn), |state| state.modify_group(arn, health)).await
    }

    async fn modify_group_attributes(&self, arn: &TargetGroupArn, set: &Attributes) -> Answer<()> {
        let modify = |state: &mut State| state.modify_group_attributes(arn, set);
        self.call(A::ModifyTargetGroupAttributes, one(arn), modify).await
    }

    async fn delete_group(&self, arn: &TargetGroupArn) -> Answer<()> {
        self.call(A::DeleteTargetGroup, one(arn), |state| state.delete_group(arn)).await
    }

    async fn register(&self, group: &TargetGroupArn, targets: &[Target]) -> Answer<()> {
        self.call(A::RegisterTargets, one(group), |state| state.register(group, targets)).await
    }

    async fn deregister(&self, group: &TargetGroupArn, targets: &[Target]) -> Answer<()> {
        self.call(A::DeregisterTargets, one(group), |state| state.deregister(group, targets)).await
    }

    async fn create_listener(&self, new: &NewListener) -> Answer<Listener> {
        self.call(A::CreateListener, one(&new.balancer), |state| state.create_listener(new)).await
    }

    async fn modify_listener(&self, arn: &ListenerArn, to: &ListenerSpec) -> Answer<()> {
        self.call(A::ModifyListener, one(arn), |state| state.modify_listener(arn, to)).await
    }

    async fn modify_listener_attributes(&self, arn: &ListenerArn, set: &Attributes) -> Answer<()> {
        let modify = |state: &mut State| state.modify_listener_attributes(arn, set);
        self.call(A::ModifyListenerAttributes, one(arn), modify).await
    }

    async fn delete_listener(&self, arn: &ListenerArn) -> Answer<()> {
        self.call(A::DeleteListener, one(arn), |state| state.delete_listener(arn)).await
    }

    async fn add_certificate(&self, to: &ListenerArn, certificate: &str) -> Answer<()> {
        let add = |state: &mut State| state.add_certificate(to, certificate);
        self.call(A::AddListenerCertificates, one(to), add).await
    }

    async fn remove_certificate(&self, from: &ListenerArn, certificate: &str) -> Answer<()> {
        let remove = |state: &mut State| state.remove_certificate(from, certificate);
        self.call(A::RemoveListenerCertificates, one(from), remove).await
    }

    async fn add_tags(&self, arns: &[String], tags: &Tags) -> Answer<()> {
        self.call(A::AddTags, arns.to_vec(), |state| state.add_tags(arns, tags)).await
    }

    async fn remove_tags(&self, arns: &[String], keys: &[String]) -> Answer<()> {
        self.call(A::RemoveTags, arns.to_vec(), |state| state.remove_tags(arns, keys)).await
    }
}
