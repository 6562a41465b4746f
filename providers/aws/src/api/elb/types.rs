//! What is asked for and answered.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};
use serde::Serialize;

use crate::api::Tags;
use crate::api::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, SubnetId, TargetGroupArn, VpcId};

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
    /// IPv6 prefixes that source NAT takes its addresses from, as far as the answer tells.
    pub source_nat_prefixes: Vec<String>,
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

impl SubnetMapping {
    /// The word of the API for a prefix that AWS chooses.
    pub const AUTO_ASSIGNED: &str = "auto_assigned";

    /// The prefix for source NAT, if AWS does not choose it.
    pub fn fixed_source_nat(&self) -> Option<&str> {
        self.source_nat_prefix.as_deref().filter(|prefix| *prefix != Self::AUTO_ASSIGNED)
    }
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
