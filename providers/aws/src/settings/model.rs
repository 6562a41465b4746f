//! What class and annotations say, read, checked and with every default filled in.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_core::ids::ServiceKey;
use landfall_core::net::{IpFamily, PortKey};
use landfall_core::params::aws::{Publish, Scheme};
use serde::Serialize;

use crate::api::elb::{AddressType, GroupTargets, HealthCheck, NlbProtocol};
use crate::api::ids::LoadBalancerArn;
use crate::api::{Attributes, Tags};

/// The settings of one load balancer and of its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// What concerns the load balancer as a whole: the oldest member that says something decides.
    pub balancer: BalancerSettings,
    /// What concerns each member's own ports.
    pub members: BTreeMap<ServiceKey, MemberSettings>,
}

/// Settings of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalancerSettings {
    /// Name asked for; `None` for a generated one.
    pub name: Option<String>,
    /// Who can reach it.
    pub scheme: Scheme,
    /// Address families, from the annotation or the members' families.
    pub address_type: AddressType,
    /// Subnet ids or `Name` tags in the order given; empty to find them.
    pub subnets: Vec<String>,
    /// Elastic IP allocations, one per subnet, in the order of the subnets.
    pub allocations: Vec<String>,
    /// Fixed private IPv4 addresses, each in the range of another subnet.
    pub private_ipv4: Vec<Ipv4Addr>,
    /// Fixed IPv6 addresses, each in the range of another subnet.
    pub ipv6: Vec<Ipv6Addr>,
    /// Source NAT for IPv6.
    pub source_nat: bool,
    /// Prefixes for it, one per subnet in their order: `auto_assigned` or a /80. Empty: all of them `auto_assigned`.
    pub source_nat_prefixes: Vec<String>,
    /// Security groups.
    pub security: Security,
    /// Whether inbound rules hold for `PrivateLink` traffic; `None` leaves AWS's default (they do).
    pub private_link_rules: Option<bool>,
    /// Attributes asked for.
    pub attributes: Attributes,
    /// Minimum capacity in load balancer capacity units; `None` for none.
    pub capacity: Option<u32>,
    /// Tags for everything made.
    pub tags: Tags,
    /// An existing load balancer to take over.
    pub adopt: Option<LoadBalancerArn>,
    /// The fingerprint of the plan that the operator confirmed, for taking over.
    pub adopt_confirm: Option<String>,
    /// When the host name is published.
    pub publish: Publish,
}

/// Which security groups a load balancer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Security {
    /// None, for ever.
    None,
    /// Those of the user, ids or names.
    Given {
        /// Ids or names.
        groups: Vec<String>,
        /// Also the shared backend group, which the nodes let in.
        backend: bool,
    },
    /// One that we manage, with the members' source ranges.
    Managed {
        /// Also the shared backend group, which the nodes let in.
        backend: bool,
    },
}

/// Settings of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberSettings {
    /// What its traffic is sent to.
    pub targets: GroupTargets,
    /// Only nodes with all of these labels; a bare key stands for any value and is kept as `None`.
    pub node_labels: BTreeMap<String, Option<String>>,
    /// Managed prefix lists that may connect, besides the source ranges. With some, the default "everybody" does not
    /// hold: only source ranges that are given count.
    pub prefix_lists: Vec<String>,
    /// Let ICMP through that path MTU discovery needs.
    pub path_mtu: bool,
    /// Its listeners, in the order of `spec.ports`; TCP and UDP on one number are one listener.
    pub listeners: Vec<ListenerSettings>,
}

/// Settings of one listener and its target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListenerSettings {
    /// Port that clients connect to.
    pub port: u16,
    /// Protocol of the listener.
    pub protocol: NlbProtocol,
    /// The Service's ports that it serves: one, or TCP and UDP of one number.
    pub serves: Vec<PortKey>,
    /// TLS, for a TLS listener.
    pub tls: Option<Tls>,
    /// Protocol of the target group.
    pub group_protocol: NlbProtocol,
    /// Family of the targets.
    pub family: IpFamily,
    /// Health check of the target group.
    pub health: HealthCheck,
    /// Attributes of the target group asked for, those that follow from the Service included.
    pub group_attributes: Attributes,
    /// Attributes of the listener asked for.
    pub attributes: Attributes,
}

/// TLS of a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// ARNs of certificates; the first is the default one. Never empty.
    pub certificates: Vec<String>,
    /// Security policy; `None` for AWS's default.
    pub policy: Option<String>,
    /// ALPN policy; `None` for none.
    pub alpn: Option<String>,
}
