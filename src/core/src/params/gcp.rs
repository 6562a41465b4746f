//! Parameters of GCP classes. Annotations of a Service override them one by one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `LoadBalancerClass.spec.gcp`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GcpParams {
    /// Who can reach the load balancers. Default: External.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Scheme")]
    pub scheme: Option<Scheme>,
    /// Name of the subnet that internal and IPv6 addresses come from. Default: that of the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub subnetwork: Option<String>,
    /// Network tier of external addresses; IPv6 needs Premium. Default: Premium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NetworkTier")]
    pub network_tier: Option<NetworkTier>,
    /// Whether clients of other regions reach internal load balancers. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub global_access: Option<bool>,
    /// What groups the nodes. Default: `NetworkEndpointGroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Backends")]
    pub backends: Option<Backends>,
    /// What keeps a client on a node, where the Service asks for `ClientIP`. `ClientIpNoDestination` needs the scheme
    /// Internal. Default: `ClientIp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Affinity")]
    pub session_affinity: Option<Affinity>,
    /// Seconds that connections to a removed node live on, 0 to 3600. Default: 30 for TCP, 0 for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 0, max = 3600))]
    pub connection_draining_seconds: Option<u16>,
    /// Whether connections stay on a node that became unhealthy. Default: `DefaultForProtocol`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Persistence")]
    pub connection_persistence: Option<Persistence>,
    /// Whether clients are kept in their zone, by internal load balancers. Default: Disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ZonalAffinity")]
    pub zonal_affinity: Option<ZonalAffinity>,
    /// Nodes get connections by the number of their pods; for Services with `externalTrafficPolicy: Local`. Default:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub weighted: Option<bool>,
    /// Health checks, where the defaults of the traffic policy do not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HealthCheckParams")]
    pub health_check: Option<HealthCheckParams>,
    /// Logging of connections. Default: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LoggingParams")]
    pub logging: Option<LoggingParams>,
    /// Whether Landfall makes firewall rules. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub manage_firewall: Option<bool>,
    /// Network tags of the nodes, for firewall rules. Default: a tag that all nodes have, else all instances of the
    /// network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_tags: Vec<String>,
    /// Service accounts of the nodes, for firewall rules instead of tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_service_accounts: Vec<String>,
    /// Labels of forwarding rules and addresses, 56 at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Who can reach a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Scheme {
    /// Everybody.
    External,
    /// Whoever reaches its network.
    Internal,
}

impl Scheme {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::External => "EXTERNAL",
            Self::Internal => "INTERNAL",
        }
    }
}

/// Network tier of an external address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum NetworkTier {
    /// Traffic uses Google's network as far as possible.
    Premium,
    /// Traffic uses the internet as far as possible. IPv4 only.
    Standard,
}

impl NetworkTier {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Premium => "PREMIUM",
            Self::Standard => "STANDARD",
        }
    }
}

/// What groups the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Backends {
    /// Zonal network endpoint groups with endpoints of type `GCE_VM_IP`.
    NetworkEndpointGroup,
    /// Unmanaged instance groups. An instance can be in one such group of any load balancer only.
    InstanceGroup,
}

/// What keeps a client on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Affinity {
    /// The addresses of client and load balancer.
    ClientIp,
    /// The same and the protocol.
    ClientIpProto,
    /// The same and the ports: each connection on its own.
    ClientIpPortProto,
    /// The client's address alone. Internal load balancers only.
    ClientIpNoDestination,
}

impl Affinity {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientIp => "CLIENT_IP",
            Self::ClientIpProto => "CLIENT_IP_PROTO",
            Self::ClientIpPortProto => "CLIENT_IP_PORT_PROTO",
            Self::ClientIpNoDestination => "CLIENT_IP_NO_DESTINATION",
        }
    }
}

/// Whether connections stay on a node that became unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Persistence {
    /// TCP connections do, if each connection is tracked on its own.
    DefaultForProtocol,
    /// All do.
    AlwaysPersist,
    /// None does.
    NeverPersist,
}

impl Persistence {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DefaultForProtocol => "DEFAULT_FOR_PROTOCOL",
            Self::AlwaysPersist => "ALWAYS_PERSIST",
            Self::NeverPersist => "NEVER_PERSIST",
        }
    }
}

/// Whether clients are kept in their zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ZonalAffinity {
    /// They are not.
    Disabled,
    /// They are, while enough nodes of the zone are healthy.
    SpillCrossZone,
    /// They always are, also where no node of the zone is healthy.
    StayWithinZone,
}

impl ZonalAffinity {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "ZONAL_AFFINITY_DISABLED",
            Self::SpillCrossZone => "ZONAL_AFFINITY_SPILL_CROSS_ZONE",
            Self::StayWithinZone => "ZONAL_AFFINITY_STAY_WITHIN_ZONE",
        }
    }
}

/// A health check; what is left out keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheckParams {
    /// How to ask. Default: HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HealthProtocol")]
    pub protocol: Option<HealthProtocol>,
    /// Port on the node, 1 to 65535; HTTPS and a path of one's own need it. Default: kube-proxy's health port of the
    /// traffic policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Path, for HTTP and HTTPS. Default: `/healthz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub path: Option<String>,
    /// Seconds between two checks, 1 to 300. Default: 8, and 3 with `externalTrafficPolicy: Local`; at least the timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 1, max = 300))]
    pub interval_seconds: Option<u16>,
    /// Seconds until a check has failed, 1 to 300 and at most the interval. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 1, max = 300))]
    pub timeout_seconds: Option<u16>,
    /// Successes in a row that make a node healthy, 1 to 10. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 1, max = 10))]
    pub healthy_threshold: Option<u16>,
    /// Failures in a row that make a node unhealthy, 1 to 10. Default: 3, and 2 with `externalTrafficPolicy: Local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 1, max = 10))]
    pub unhealthy_threshold: Option<u16>,
}

/// Protocol of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthProtocol {
    /// A connection is opened.
    Tcp,
    /// A GET request is answered with 200.
    Http,
    /// The same over TLS; the certificate is not checked.
    Https,
}

impl HealthProtocol {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        }
    }
}

/// Logging of connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoggingParams {
    /// Whether connections are logged.
    pub enabled: bool,
    /// Which share of them, in percent, 0 to 100. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 0, max = 100))]
    pub sample_percent: Option<u8>,
}
