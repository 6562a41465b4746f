//! Parameters of AWS classes. Annotations of a Service override them one by one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `LoadBalancerClass.spec.aws`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsParams {
    /// Who can reach the load balancers. Default: internal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Scheme")]
    pub scheme: Option<Scheme>,
    /// Subnet ids or values of their `Name` tag, at most one per zone. Empty: found by role tags, then by routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// What traffic is sent to. Default: instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TargetType")]
    pub target_type: Option<TargetType>,
    /// Security group ids or names to put on the load balancers instead of one that Landfall manages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Whether Landfall opens the nodes' security groups to the load balancers. Default: true, and false with
    /// `securityGroups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub manage_backend_rules: Option<bool>,
    /// Attributes of the load balancers, e.g. `load_balancing.cross_zone.enabled`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Attributes of all target groups, e.g. `deregistration_delay.timeout_seconds`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub target_group_attributes: BTreeMap<String, String>,
    /// Health checks of all target groups, where the defaults of the traffic policy do not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HealthCheckParams")]
    pub health_check: Option<HealthCheckParams>,
    /// Security policy of TLS listeners. Default: AWS's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub ssl_policy: Option<String>,
    /// Only nodes with all of these labels are targets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub target_node_labels: BTreeMap<String, String>,
    /// Tags for everything made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// When the host name appears in the Service's status. Default: Created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Publish")]
    pub publish: Option<Publish>,
}

/// Who can reach a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Whoever reaches its network.
    Internal,
    /// Everybody.
    InternetFacing,
}

impl Scheme {
    /// The API's word, which is also the annotation's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::InternetFacing => "internet-facing",
        }
    }
}

/// What traffic is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetType {
    /// Nodes, at their node ports.
    Instance,
    /// Pods, at their own addresses.
    Ip,
}

/// When the host name is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Publish {
    /// As soon as AWS tells it; it resolves and serves some minutes later.
    Created,
    /// When the load balancer is active.
    Active,
}

/// A health check; what is left out keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheckParams {
    /// How to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HealthProtocol")]
    pub protocol: Option<HealthProtocol>,
    /// `traffic-port`, a port number or the name of a Service port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub port: Option<String>,
    /// Path, for HTTP and HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub path: Option<String>,
    /// Status codes that mean healthy, for HTTP and HTTPS, e.g. `200-399`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub success_codes: Option<String>,
    /// Seconds between two checks, 5 to 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 5, max = 300))]
    pub interval_seconds: Option<u16>,
    /// Seconds until a check has failed, 2 to 120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 2, max = 120))]
    pub timeout_seconds: Option<u16>,
    /// Successes in a row that make a target healthy, 2 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 2, max = 10))]
    pub healthy_threshold: Option<u16>,
    /// Failures in a row that make a target unhealthy, 2 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 2, max = 10))]
    pub unhealthy_threshold: Option<u16>,
}

/// Protocol of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthProtocol {
    /// A connection is opened.
    Tcp,
    /// A GET request is answered.
    Http,
    /// A GET request over TLS is answered; the certificate is not checked.
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
