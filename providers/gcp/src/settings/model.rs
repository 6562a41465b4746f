//! What class and annotations say, read, checked and with every default filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::ids::ServiceKey;
use landfall_core::net::IpFamily;
use landfall_core::params::gcp::{Backends, NetworkTier, Scheme};
use serde::Serialize;

use crate::api::types::{ConnectionTracking, HealthCheck, LogConfig, SessionAffinity};

/// The settings of one load balancer and of its members.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// What concerns the load balancer as a whole: the oldest member that says something decides.
    pub balancer: BalancerSettings,
    /// What concerns each member's own ports.
    pub members: BTreeMap<ServiceKey, MemberSettings>,
}

/// Settings of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalancerSettings {
    /// Who can reach it.
    pub scheme: Scheme,
    /// Address families, primary first.
    pub families: Vec<IpFamily>,
    /// Network tier of external addresses; internal ones are always premium.
    pub tier: NetworkTier,
    /// Name of the subnet of internal IPv4 addresses; `None` for that of the nodes.
    pub subnetwork: Option<String>,
    /// Name of the subnet of IPv6 addresses; `None` for that of the nodes.
    pub ipv6_subnetwork: Option<String>,
    /// Whether clients of other regions reach an internal one.
    pub global_access: bool,
    /// Names of reserved addresses to use, at most one of which counts for each family.
    pub addresses: Vec<String>,
    /// Addresses asked for by themselves, at most one per family. Names go before them.
    pub requested: Vec<IpAddr>,
    /// URL of a bring-your-own IPv6 prefix that an external IPv6 address comes from.
    pub ip_collection: Option<String>,
    /// What groups the nodes.
    pub backends: Backends,
    /// Labels for what can have labels.
    pub labels: BTreeMap<String, String>,
}

/// Settings of one member.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberSettings {
    /// Protocol of its backend service.
    pub protocol: BackendProtocol,
    /// What keeps a client on a node.
    pub affinity: SessionAffinity,
    /// How connections are told apart and kept; `None` leaves Google's default.
    pub tracking: Option<ConnectionTracking>,
    /// Seconds that connections to a removed node live on.
    pub draining_seconds: u32,
    /// Nodes get connections by the number of their pods.
    pub weighted: bool,
    /// The API's word for zonal affinity; `None` for none.
    pub zonal_affinity: Option<String>,
    /// Logging; `None` for none.
    pub logging: Option<LogConfig>,
    /// How nodes are checked.
    pub health: HealthSettings,
    /// Firewall rules.
    pub firewall: FirewallSettings,
    /// Who may connect, by family. A family that is missing lets nobody in.
    pub sources: BTreeMap<IpFamily, BTreeSet<IpNet>>,
}

/// Protocol of a backend service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum BackendProtocol {
    /// Only TCP.
    Tcp,
    /// Only UDP.
    Udp,
    /// Both.
    Unspecified,
}

impl BackendProtocol {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Unspecified => "UNSPECIFIED",
        }
    }
}

/// How nodes are checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum HealthSettings {
    /// As every Service with `externalTrafficPolicy: Cluster` and no settings of its own: they share one check.
    Shared,
    /// In its own way. Name and description are empty.
    Own(Box<HealthCheck>),
}

/// Who makes firewall rules, and for which instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum FirewallSettings {
    /// Somebody else.
    Unmanaged,
    /// We, for instances with tags that are found: one that all nodes have, else all instances of the network.
    Found,
    /// We, for instances with one of these network tags.
    Tags(BTreeSet<String>),
    /// We, for instances of one of these service accounts.
    ServiceAccounts(BTreeSet<String>),
}
