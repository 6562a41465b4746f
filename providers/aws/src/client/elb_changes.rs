//! Changes of ELBv2.

use super::{Client, only, unless};
use crate::api::elb::{
    AddressType, HealthCheck, Listener, ListenerSpec, LoadBalancer, NewListener, NewLoadBalancer,
    NewTargetGroup, SubnetChange, TAGS_AT_ONCE, Target, TargetGroup,
};
use crate::api::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use crate::api::{Action, Attributes, Tags};
use crate::error::AwsError;

impl Client {
    /// `CreateLoadBalancer`. Repeated with equal settings it answers the existing one, which may be somebody else's;
    /// with others it fails: [`AwsError::NameTaken`].
    pub async fn create_balancer(&self, new: &NewLoadBalancer) -> Result<LoadBalancer, AwsError> {
        let request = self.calls.elb.create_balancer(new);
        let answer = self.call(Action::CreateLoadBalancer, new.name.as_str(), request).await;
        answer.map_err(|error| error.or_name_taken("load balancer", &new.name))
    }

    /// `DeleteLoadBalancer`, listeners included. [`AwsError::DeletionProtected`] if it is.
    pub async fn delete_balancer(&self, arn: &LoadBalancerArn) -> Result<(), AwsError> {
        let request = self.calls.elb.delete_balancer(arn);
        let answer = self.call(Action::DeleteLoadBalancer, arn.as_str(), request).await;
        unless(answer, &["LoadBalancerNotFound"]).map_err(|error| error.or_protected(arn.as_str()))
    }

    /// `ModifyLoadBalancerAttributes`: those given; others stay.
    pub async fn modify_balancer_attributes(
        &self,
        arn: &LoadBalancerArn,
        set: &Attributes,
    ) -> Result<(), AwsError> {
        if set.is_empty() {
            return Ok(());
        }
        let request = self.calls.elb.modify_balancer_attributes(arn, set);
        self.call(Action::ModifyLoadBalancerAttributes, arn.as_str(), request).await
    }

    /// `SetSubnets`: these and no others.
    pub async fn set_subnets(&self, arn: &LoadBalancerArn, to: &SubnetChange) -> Result<(), AwsError> {
        let request = self.calls.elb.set_subnets(arn, to);
        self.call(Action::SetSubnets, arn.as_str(), request).await
    }

    /// `SetSecurityGroups`: these and no others; the flag stays if `None`.
    pub async fn set_security_groups(
        &self,
        arn: &LoadBalancerArn,
        groups: &[SecurityGroupId],
        private_link_rules: Option<bool>,
    ) -> Result<(), AwsError> {
        let request = self.calls.elb.set_security_groups(arn, groups, private_link_rules);
        self.call(Action::SetSecurityGroups, arn.as_str(), request).await
    }

    /// `SetIpAddressType`.
    pub async fn set_address_type(&self, arn: &LoadBalancerArn, to: AddressType) -> Result<(), AwsError> {
        let request = self.calls.elb.set_address_type(arn, to);
        self.call(Action::SetIpAddressType, arn.as_str(), request).await
    }

    /// `ModifyCapacityReservation`; `None` gives the reservation up.
    pub async fn modify_capacity(&self, arn: &LoadBalancerArn, units: Option<u32>) -> Result<(), AwsError> {
        let request = self.calls.elb.modify_capacity(arn, units);
        self.call(Action::ModifyCapacityReservation, arn.as_str(), request).await
    }

    /// `CreateTargetGroup`. Repeated with equal settings it answers the existing one, which may be somebody else's;
    /// with others it fails: [`AwsError::NameTaken`].
    pub async fn create_group(&self, new: &NewTargetGroup) -> Result<TargetGroup, AwsError> {
        let request = self.calls.elb.create_group(new);
        let answer = self.call(Action::CreateTargetGroup, new.name.as_str(), request).await;
        answer.map_err(|error| error.or_name_taken("target group", &new.name))
    }

    /// `ModifyTargetGroup`: the health check as a whole.
    pub async fn modify_group(&self, arn: &TargetGroupArn, health: &HealthCheck) -> Result<(), AwsError> {
        let request = self.calls.elb.modify_group(arn, health);
        self.call(Action::ModifyTargetGroup, arn.as_str(), request).await
    }

    /// `ModifyTargetGroupAttributes`: those given; others stay.
    pub async fn modify_group_attributes(
        &self,
        arn: &TargetGroupArn,
        set: &Attributes,
    ) -> Result<(), AwsError> {
        if set.is_empty() {
            return Ok(());
        }
        let request = self.calls.elb.modify_group_attributes(arn, set);
        self.call(Action::ModifyTargetGroupAttributes, arn.as_str(), request).await
    }

    /// `DeleteTargetGroup`. `ResourceInUse` while a listener forwards to it.
    pub async fn delete_group(&self, arn: &TargetGroupArn) -> Result<(), AwsError> {
        let request = self.calls.elb.delete_group(arn);
        unless(self.call(Action::DeleteTargetGroup, arn.as_str(), request).await, &["TargetGroupNotFound"])
    }

    /// `RegisterTargets`, all or none of them. A target that is registered already stays.
    pub async fn register(&self, group: &TargetGroupArn, targets: &[Target]) -> Result<(), AwsError> {
        if targets.is_empty() {
            return Ok(());
        }
        let request = self.calls.elb.register(group, targets);
        self.call(Action::RegisterTargets, group.as_str(), request).await
    }

    /// `DeregisterTargets`. Succeeds if the group is gone.
    pub async fn deregister(&self, group: &TargetGroupArn, targets: &[Target]) -> Result<(), AwsError> {
        if targets.is_empty() {
            return Ok(());
        }
        let request = self.calls.elb.deregister(group, targets);
        unless(self.call(Action::DeregisterTargets, group.as_str(), request).await, &["TargetGroupNotFound"])
    }

    /// `CreateListener`. Repeated with equal settings it answers the existing one; with others it fails:
    /// [`AwsError::NameTaken`] with the port.
    pub async fn create_listener(&self, new: &NewListener) -> Result<Listener, AwsError> {
        let request = self.calls.elb.create_listener(new);
        let answer = self.call(Action::CreateListener, new.balancer.as_str(), request).await;
        answer.map_err(|error| error.or_name_taken("listener", &new.port.to_string()))
    }

    /// `ModifyListener`: everything but the port.
    pub async fn modify_listener(&self, arn: &ListenerArn, to: &ListenerSpec) -> Result<(), AwsError> {
        let request = self.calls.elb.modify_listener(arn, to);
        self.call(Action::ModifyListener, arn.as_str(), request).await
    }

    /// `ModifyListenerAttributes`: those given; others stay.
    pub async fn modify_listener_attributes(
        &self,
        arn: &ListenerArn,
        set: &Attributes,
    ) -> Result<(), AwsError> {
        if set.is_empty() {
            return Ok(());
        }
        let request = self.calls.elb.modify_listener_attributes(arn, set);
        self.call(Action::ModifyListenerAttributes, arn.as_str(), request).await
    }

    /// `DeleteListener`.
    pub async fn delete_listener(&self, arn: &ListenerArn) -> Result<(), AwsError> {
        let request = self.calls.elb.delete_listener(arn);
        unless(self.call(Action::DeleteListener, arn.as_str(), request).await, &["ListenerNotFound"])
    }

    /// `AddListenerCertificates`.
    pub async fn add_certificate(&self, to: &ListenerArn, certificate: &str) -> Result<(), AwsError> {
        let request = self.calls.elb.add_certificate(to, certificate);
        self.call(Action::AddListenerCertificates, to.as_str(), request).await
    }

    /// `RemoveListenerCertificates`.
    pub async fn remove_certificate(&self, from: &ListenerArn, certificate: &str) -> Result<(), AwsError> {
        let request = self.calls.elb.remove_certificate(from, certificate);
        self.call(Action::RemoveListenerCertificates, from.as_str(), request).await
    }

    /// `AddTags` to any number of resources, replacing values of equal keys.
    pub async fn add_tags(&self, arns: &[String], tags: &Tags) -> Result<(), AwsError> {
        if tags.is_empty() {
            return Ok(());
        }
        for part in arns.chunks(TAGS_AT_ONCE) {
            let request = self.calls.elb.add_tags(part, tags);
            self.call(Action::AddTags, only(part), request).await?;
        }
        Ok(())
    }

    /// `RemoveTags` by key from any number of resources.
    pub async fn remove_tags(&self, arns: &[String], keys: &[String]) -> Result<(), AwsError> {
        if keys.is_empty() {
            return Ok(());
        }
        for part in arns.chunks(TAGS_AT_ONCE) {
            let request = self.calls.elb.remove_tags(part, keys);
            self.call(Action::RemoveTags, only(part), request).await?;
        }
        Ok(())
    }
}
