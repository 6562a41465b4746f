//! Backend services, and the health that they tell of their backends.

use serde::{Deserialize, Serialize};

use super::forwarding_rule::Scheme;
use super::{Rest, resource, words};

/// A regional backend service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendService {
    /// Name.
    pub name: String,
    /// Free text; ours holds our marks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `TCP`, `UDP`, or `UNSPECIFIED` for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// External or internal; must be that of its forwarding rules. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancing_scheme: Option<Scheme>,
    /// What keeps a client on a backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_affinity: Option<SessionAffinity>,
    /// URLs of health checks; one at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<String>,
    /// Groups of nodes, at most 50, all of one kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backends: Vec<Backend>,
    /// How long connections to a removed backend live on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_draining: Option<ConnectionDraining>,
    /// How connections are told apart and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_tracking_policy: Option<ConnectionTracking>,
    /// `MAGLEV` or `WEIGHTED_MAGLEV`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality_lb_policy: Option<String>,
    /// What happens when backends fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_policy: Option<FailoverPolicy>,
    /// Zonal affinity of internal load balancers.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "networkPassThroughLbTrafficPolicy")]
    pub traffic_policy: Option<TrafficDistribution>,
    /// Logging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_config: Option<LogConfig>,
    /// URL of the network; only where backends have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// To be told with a change: it is refused if somebody else was faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(BackendService, BackendService);

words! {
    /// What keeps a client on a backend.
    SessionAffinity {
        /// Addresses, ports and protocol: each connection on its own.
        None = "NONE",
        /// Client and load balancer address.
        ClientIp = "CLIENT_IP",
        /// The same and the protocol.
        ClientIpProto = "CLIENT_IP_PROTO",
        /// The same and the ports.
        ClientIpPortProto = "CLIENT_IP_PORT_PROTO",
        /// The client's address alone.
        ClientIpNoDestination = "CLIENT_IP_NO_DESTINATION",
    }
}

/// A group of nodes behind a backend service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// URL of a network endpoint group or an instance group.
    pub group: String,
    /// `CONNECTION` for passthrough load balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancing_mode: Option<BalancingMode>,
    /// Used only while the others fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<bool>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

words! {
    /// How the load of a backend is measured.
    BalancingMode {
        /// By connections: the only one of passthrough load balancers.
        Connection = "CONNECTION",
    }
}

/// How long connections to a removed backend live on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionDraining {
    /// Seconds, 0 to 3600.
    #[serde(default)]
    pub draining_timeout_sec: u32,
}

/// How connections are told apart and kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionTracking {
    /// `PER_CONNECTION` or `PER_SESSION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_mode: Option<String>,
    /// `DEFAULT_FOR_PROTOCOL`, `ALWAYS_PERSIST` or `NEVER_PERSIST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_persistence_on_unhealthy_backends: Option<String>,
    /// Strong session affinity, of external load balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_strong_affinity: Option<bool>,
    /// Seconds after which an idle connection is forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_sec: Option<u32>,
}

/// What happens when backends fail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailoverPolicy {
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// Traffic policy of internal passthrough load balancers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficDistribution {
    /// Whether clients stay in their zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zonal_affinity: Option<ZonalAffinity>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// Whether clients stay in their zone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZonalAffinity {
    /// `ZONAL_AFFINITY_DISABLED`, `ZONAL_AFFINITY_SPILL_CROSS_ZONE` or `ZONAL_AFFINITY_STAY_WITHIN_ZONE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spillover: Option<String>,
    /// From which share of healthy backends on, 0.0 to 1.0, traffic leaves the zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spillover_ratio: Option<f32>,
}

/// Logging of a backend service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogConfig {
    /// Whether connections are logged.
    #[serde(default)]
    pub enable: bool,
    /// Which share of them, 0.0 to 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<f32>,
    /// `INCLUDE_ALL_OPTIONAL`, `EXCLUDE_ALL_OPTIONAL` or `CUSTOM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional_mode: Option<String>,
    /// Names of optional fields, with `CUSTOM`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional_fields: Vec<String>,
}

/// The answer of `getHealth`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendHealth {
    /// One entry per node and address of the load balancer.
    #[serde(default)]
    pub health_status: Vec<TargetHealth>,
}

/// Health of one node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetHealth {
    /// URL of the instance.
    #[serde(default)]
    pub instance: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Address of the forwarding rule that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding_rule_ip: Option<String>,
    /// How it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_state: Option<HealthState>,
    /// How it is over IPv6, of a node that is checked over both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_health_state: Option<HealthState>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

impl TargetHealth {
    /// How the node is over the family of the address that this is about.
    pub fn state(&self) -> Option<&HealthState> {
        let over_v6 = self.forwarding_rule_ip.as_deref().is_some_and(|address| address.contains(':'));
        let (of_family, other) = if over_v6 {
            (&self.ipv6_health_state, &self.health_state)
        } else {
            (&self.health_state, &self.ipv6_health_state)
        };
        of_family.as_ref().or(other.as_ref())
    }
}

words! {
    /// How a node is.
    HealthState {
        /// It takes traffic.
        Healthy = "HEALTHY",
        /// Its checks fail.
        Unhealthy = "UNHEALTHY",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::one_family(json!({"healthState": "HEALTHY"}), Some("HEALTHY"))]
    #[case::v4(json!({"forwardingRuleIp": "192.0.2.1", "healthState": "HEALTHY", "ipv6HealthState": "UNHEALTHY"}), Some("HEALTHY"))]
    #[case::v6(json!({"forwardingRuleIp": "2001:db8::", "healthState": "HEALTHY", "ipv6HealthState": "UNHEALTHY"}), Some("UNHEALTHY"))]
    #[case::v6_alone(json!({"forwardingRuleIp": "2001:db8::", "ipv6HealthState": "HEALTHY"}), Some("HEALTHY"))]
    #[case::v6_in_the_common_field(json!({"forwardingRuleIp": "2001:db8::", "healthState": "HEALTHY"}), Some("HEALTHY"))]
    #[case::nothing(json!({"forwardingRuleIp": "2001:db8::"}), None)]
    fn a_node_is_as_it_is_over_the_family_of_the_address(
        #[case] answer: serde_json::Value,
        #[case] state: Option<&str>,
    ) {
        let told: TargetHealth = serde_json::from_value(answer).unwrap();
        assert_eq!(told.state().map(HealthState::as_str), state);
    }
}
