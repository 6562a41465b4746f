//! Elastic Load Balancing, version 2: Network Load Balancers, their listeners, target groups and targets.

use async_trait::async_trait;

use super::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use super::{Answer, Attributes, Page, Tags};

mod types;

pub use types::{
    AddressType, BalancerState, GroupTargets, HealthCheck, HealthState, Listener, ListenerSpec, LoadBalancer,
    NewListener, NewLoadBalancer, NewTargetGroup, NlbProtocol, SubnetChange, SubnetMapping, TAGS_AT_ONCE,
    Target, TargetGroup, TargetState, WhichBalancers, WhichGroups, ZoneMapping,
};

/// The calls. Lists take the marker of the page wanted, `None` for the first, and ask for the largest page (400).
#[async_trait]
pub trait Elb: Send + Sync + 'static {
    /// `DescribeLoadBalancers`. Asking for a name or ARN that does not exist is an error: `LoadBalancerNotFound`.
    async fn load_balancers(
        &self,
        which: &WhichBalancers,
        marker: Option<&str>,
    ) -> Answer<Page<LoadBalancer>>;
    /// `DescribeTargetGroups`. Asking for a name that does not exist is an error: `TargetGroupNotFound`.
    async fn target_groups(&self, which: &WhichGroups, marker: Option<&str>) -> Answer<Page<TargetGroup>>;
    /// `DescribeTags` of at most [`TAGS_AT_ONCE`] resources, as pairs of ARN and tags.
    async fn tags(&self, arns: &[String]) -> Answer<Vec<(String, Tags)>>;
    /// `DescribeListeners` of a load balancer.
    async fn listeners(&self, of: &LoadBalancerArn, marker: Option<&str>) -> Answer<Page<Listener>>;
    /// `DescribeListenerCertificates`: the ARNs of those beyond the default one.
    async fn certificates(&self, of: &ListenerArn, marker: Option<&str>) -> Answer<Page<String>>;
    /// `DescribeListenerAttributes`.
    async fn listener_attributes(&self, of: &ListenerArn) -> Answer<Attributes>;
    /// `DescribeLoadBalancerAttributes`.
    async fn balancer_attributes(&self, of: &LoadBalancerArn) -> Answer<Attributes>;
    /// `DescribeTargetGroupAttributes`.
    async fn group_attributes(&self, of: &TargetGroupArn) -> Answer<Attributes>;
    /// `DescribeTargetHealth`: every registered target.
    async fn target_health(&self, of: &TargetGroupArn) -> Answer<Vec<TargetState>>;
    /// `DescribeAccountLimits`: names and figures.
    async fn limits(&self, marker: Option<&str>) -> Answer<Page<(String, String)>>;
    /// `DescribeCapacityReservation`: the minimum capacity asked for, in load balancer capacity units.
    async fn capacity(&self, of: &LoadBalancerArn) -> Answer<Option<u32>>;

    /// `CreateLoadBalancer`. Repeated with equal settings it answers the existing one.
    async fn create_balancer(&self, new: &NewLoadBalancer) -> Answer<LoadBalancer>;
    /// `DeleteLoadBalancer`, listeners included. Succeeds if there is none.
    async fn delete_balancer(&self, arn: &LoadBalancerArn) -> Answer<()>;
    /// `ModifyLoadBalancerAttributes`: those given; others stay.
    async fn modify_balancer_attributes(&self, arn: &LoadBalancerArn, set: &Attributes) -> Answer<()>;
    /// `SetSubnets`: these and no others.
    async fn set_subnets(&self, arn: &LoadBalancerArn, to: &SubnetChange) -> Answer<()>;
    /// `SetSecurityGroups`: these and no others; the flag stays if `None`.
    async fn set_security_groups(
        &self,
        arn: &LoadBalancerArn,
        groups: &[SecurityGroupId],
        private_link_rules: Option<bool>,
    ) -> Answer<()>;
    /// `SetIpAddressType`.
    async fn set_address_type(&self, arn: &LoadBalancerArn, to: AddressType) -> Answer<()>;
    /// `ModifyCapacityReservation`; `None` gives the reservation up.
    async fn modify_capacity(&self, arn: &LoadBalancerArn, units: Option<u32>) -> Answer<()>;

    /// `CreateTargetGroup`. Repeated with equal settings it answers the existing one.
    async fn create_group(&self, new: &NewTargetGroup) -> Answer<TargetGroup>;
    /// `ModifyTargetGroup`: the health check as a whole.
    async fn modify_group(&self, arn: &TargetGroupArn, health: &HealthCheck) -> Answer<()>;
    /// `ModifyTargetGroupAttributes`: those given; others stay.
    async fn modify_group_attributes(&self, arn: &TargetGroupArn, set: &Attributes) -> Answer<()>;
    /// `DeleteTargetGroup`. `ResourceInUse` while a listener forwards to it.
    async fn delete_group(&self, arn: &TargetGroupArn) -> Answer<()>;
    /// `RegisterTargets`. A target that is registered already stays.
    async fn register(&self, group: &TargetGroupArn, targets: &[Target]) -> Answer<()>;
    /// `DeregisterTargets`. A target that is not registered is none to deregister.
    async fn deregister(&self, group: &TargetGroupArn, targets: &[Target]) -> Answer<()>;

    /// `CreateListener`. Repeated with equal settings it answers the existing one.
    async fn create_listener(&self, new: &NewListener) -> Answer<Listener>;
    /// `ModifyListener`: everything but the port.
    async fn modify_listener(&self, arn: &ListenerArn, to: &ListenerSpec) -> Answer<()>;
    /// `ModifyListenerAttributes`: those given; others stay.
    async fn modify_listener_attributes(&self, arn: &ListenerArn, set: &Attributes) -> Answer<()>;
    /// `DeleteListener`.
    async fn delete_listener(&self, arn: &ListenerArn) -> Answer<()>;
    /// `AddListenerCertificates`, one certificate per request as the API demands.
    async fn add_certificate(&self, to: &ListenerArn, certificate: &str) -> Answer<()>;
    /// `RemoveListenerCertificates`.
    async fn remove_certificate(&self, from: &ListenerArn, certificate: &str) -> Answer<()>;

    /// `AddTags` to at most [`TAGS_AT_ONCE`] resources, replacing values of equal keys.
    async fn add_tags(&self, arns: &[String], tags: &Tags) -> Answer<()>;
    /// `RemoveTags` by key.
    async fn remove_tags(&self, arns: &[String], keys: &[String]) -> Answer<()>;
}
