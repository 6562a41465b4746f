//! Elastic Load Balancing, version 2: Network Load Balancers, their listeners, target groups and targets.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use jiff::Timestamp;
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};
use serde::Serialize;

use super::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, SubnetId, TargetGroupArn, VpcId};
use super::{Answer, Attributes, Page, Tags};

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

/// Most resources in one request about tags.
pub const TAGS_AT_ONCE: usize = 20;

/// Which load balancers to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichBalancers {
    /// All of the account and region.
    All,
    /// Those of these names.
    Named(Vec<String>),
    /// Those with these ARNs, at most 20.
    Known(Vec<LoadBalancerArn>),
}

/// Which target groups to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichGroups {
    /// All of the account and region.
    All,
    /// Those of these names.
    Named(Vec<String>),
    /// Those that a load balancer's listeners forward to.
    Of(LoadBalancerArn),
}

/// A load balancer as described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadBalancer {
    /// Its identity.
    pub arn: LoadBalancerArn,
    /// Name, unique in account and region.
    pub name: String,
    /// What clients connect to.
    pub dns_name: String,
    /// `network`, `application` or `gateway`.
    pub kind: String,
    /// Who can reach it.
    pub scheme: Scheme,
    /// How far it is.
    pub state: BalancerState,
    /// Its network.
    pub vpc: VpcId,
    /// Address families.
    pub address_type: AddressType,
    /// Security groups; none if it was made without any, and then it can never have one.
    pub security_groups: Vec<SecurityGroupId>,
    /// Where it is.
    pub zones: Vec<ZoneMapping>,
    /// Whether the inbound rules hold for `PrivateLink` traffic; `None` if the answer does not tell.
    pub private_link_rules: Option<bool>,
    /// Whether source NAT for IPv6 is on, which UDP over IPv6 needs.
    pub source_nat: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// State of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum BalancerState {
    /// Being set up; minutes.
    Provisioning,
    /// Serves.
    Active,
    /// Serves, without the resources to scale.
    ActiveImpaired(
        /// AWS's reason.
        String,
    ),
    /// Could not be set up.
    Failed(
        /// AWS's reason.
        String,
    ),
}

/// One zone of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ZoneMapping {
    /// Name of the zone.
    pub zone: String,
    /// Its subnet there.
    pub subnet: SubnetId,
    /// Elastic IP, if it has one.
    pub allocation: Option<String>,
    /// Fixed private address, if it has one.
    pub private_ipv4: Option<Ipv4Addr>,
    /// Fixed IPv6 address, if it has one.
    pub ipv6: Option<Ipv6Addr>,
}

/// Address families of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressType {
    /// IPv4 alone.
    Ipv4,
    /// IPv4 and IPv6.
    Dualstack,
}

impl AddressType {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Dualstack => "dualstack",
        }
    }
}

/// A load balancer to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewLoadBalancer {
    /// Name.
    pub name: String,
    /// Who can reach it.
    pub scheme: Scheme,
    /// Address families.
    pub address_type: AddressType,
    /// Where, in the order of the subnets' zones.
    pub subnets: Vec<SubnetMapping>,
    /// Security groups, or none for ever.
    pub security_groups: Vec<SecurityGroupId>,
    /// Source NAT for IPv6.
    pub source_nat: bool,
    /// Tags.
    pub tags: Tags,
}

/// A subnet of a load balancer, with fixed addresses if any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SubnetMapping {
    /// The subnet.
    pub subnet: SubnetId,
    /// Elastic IP for an internet-facing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation: Option<String>,
    /// Private address for an internal one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ipv4: Option<Ipv4Addr>,
    /// IPv6 address for a dual-stack one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Addr>,
    /// IPv6 prefix of length 80 for source NAT, or `auto_assigned`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_nat_prefix: Option<String>,
}

/// The subnets that a load balancer shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubnetChange {
    /// All of them.
    pub subnets: Vec<SubnetMapping>,
    /// Address families afterwards.
    pub address_type: AddressType,
    /// Source NAT for IPv6 afterwards.
    pub source_nat: bool,
}

/// Protocol of a listener or target group of a Network Load Balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum NlbProtocol {
    /// TCP.
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP.
    #[serde(rename = "UDP")]
    Udp,
    /// Both on one port.
    #[serde(rename = "TCP_UDP")]
    TcpUdp,
    /// TLS over TCP.
    #[serde(rename = "TLS")]
    Tls,
}

impl NlbProtocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::TcpUdp, Self::Tls];

    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::TcpUdp => "TCP_UDP",
            Self::Tls => "TLS",
        }
    }

    /// Whether datagrams are among what it carries.
    pub const fn has_udp(self) -> bool {
        matches!(self, Self::Udp | Self::TcpUdp)
    }

    /// Whether a listener of it has an idle timeout that can be set, which is its only attribute
    /// (`API_ListenerAttribute`). That of TLS is fixed to 350 seconds.
    pub const fn has_idle_timeout(self) -> bool {
        matches!(self, Self::Tcp | Self::TcpUdp)
    }
}

impl fmt::Display for NlbProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What targets of a group are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupTargets {
    /// Instance ids.
    Instance,
    /// IP addresses.
    Ip,
}

impl GroupTargets {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
        }
    }
}

/// A target group as described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetGroup {
    /// Its identity.
    pub arn: TargetGroupArn,
    /// Name, unique in account and region.
    pub name: String,
    /// Protocol; `None` for one that no Network Load Balancer has.
    pub protocol: Option<NlbProtocol>,
    /// Port of targets registered without one.
    pub port: u16,
    /// Its network.
    pub vpc: Option<VpcId>,
    /// What its targets are; `None` for a kind that we never make.
    pub targets: Option<GroupTargets>,
    /// Family of its targets' addresses.
    pub family: IpFamily,
    /// Health check.
    pub health: HealthCheck,
    /// Load balancers whose listeners forward to it.
    pub load_balancers: Vec<LoadBalancerArn>,
}

/// A health check of a target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// How to ask.
    pub protocol: HealthProtocol,
    /// Where; `None` for the target's own port (`traffic-port`).
    pub port: Option<u16>,
    /// Path, for HTTP and HTTPS.
    pub path: Option<String>,
    /// Status codes that mean healthy, for HTTP and HTTPS, e.g. `200-399`.
    pub codes: Option<String>,
    /// Seconds between two checks, 5 to 300.
    pub interval: u16,
    /// Seconds until a check has failed, 2 to 120.
    pub timeout: u16,
    /// Successes in a row that make a target healthy, 2 to 10.
    pub healthy: u16,
    /// Failures in a row that make it unhealthy, 2 to 10.
    pub unhealthy: u16,
}

/// A target group to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewTargetGroup {
    /// Name.
    pub name: String,
    /// Protocol.
    pub protocol: NlbProtocol,
    /// Port of targets registered without one.
    pub port: u16,
    /// Network.
    pub vpc: VpcId,
    /// What its targets are.
    pub targets: GroupTargets,
    /// Family of their addresses.
    pub family: IpFamily,
    /// Health check.
    pub health: HealthCheck,
    /// Tags.
    pub tags: Tags,
}

/// A target: instance id or address, and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Target {
    /// `i-…`, or an IP address.
    pub id: String,
    /// Port on it.
    pub port: u16,
    /// `all` for an address outside of the network's ranges; otherwise AWS finds the zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A registered target with what the health checks say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetState {
    /// The target. Its zone is what was given at registration, if the answer tells.
    pub target: Target,
    /// What the checks say.
    pub state: HealthState,
    /// AWS's reason code, e.g. `Target.FailedHealthChecks`.
    pub reason: Option<String>,
    /// AWS's text.
    pub description: Option<String>,
}

/// Health of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum HealthState {
    /// Being registered, or the first checks run.
    Initial,
    /// Takes traffic.
    Healthy,
    /// Checks fail.
    Unhealthy,
    /// Not in use: no listener forwards to it, or its zone is not enabled.
    Unused,
    /// Being deregistered.
    Draining,
    /// Checks are off or AWS cannot tell.
    Unavailable,
}

/// A listener as described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// Its identity.
    pub arn: ListenerArn,
    /// Port.
    pub port: u16,
    /// Everything else.
    pub spec: ListenerSpec,
}

/// What a listener does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListenerSpec {
    /// Protocol; `None` for one that no Network Load Balancer has, or that we never use (QUIC).
    pub protocol: Option<NlbProtocol>,
    /// The one target group that it forwards to; `None` if it does something else.
    pub forward: Option<TargetGroupArn>,
    /// ARN of the default certificate, for TLS.
    pub certificate: Option<String>,
    /// Security policy, for TLS.
    pub ssl_policy: Option<String>,
    /// ALPN policy, for TLS; `None` is the API's `None`.
    pub alpn: Option<String>,
}

/// A listener to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewListener {
    /// Of which load balancer.
    pub balancer: LoadBalancerArn,
    /// Port.
    pub port: u16,
    /// What it does.
    pub spec: ListenerSpec,
    /// Tags.
    pub tags: Tags,
}
