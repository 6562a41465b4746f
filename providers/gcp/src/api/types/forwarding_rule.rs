//! Forwarding rules: an address, a protocol and ports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Rest, resource, words};

/// A regional forwarding rule. Only labels, `allowGlobalAccess` and the tier can be changed; all else is a new one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardingRule {
    /// Name.
    pub name: String,
    /// Free text; ours holds our marks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The address, or the URL of a reserved one; answers tell the address. IPv6 addresses have the suffix `/96`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "IPAddress")]
    pub ip_address: Option<String>,
    /// `TCP`, `UDP` or `L3_DEFAULT`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "IPProtocol")]
    pub ip_protocol: Option<String>,
    /// At most five ports, each as a text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// A range of ports, e.g. `80-90`; external ones only. Answers tell one port as `80-80`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_range: Option<String>,
    /// All ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_ports: Option<bool>,
    /// URL of the backend service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_service: Option<String>,
    /// URL of what it leads to instead of a backend service, such as a target pool. Never ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// External or internal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancing_scheme: Option<Scheme>,
    /// URL of the network, of internal ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// URL of the subnet, of internal ones and of external IPv6 ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnetwork: Option<String>,
    /// `PREMIUM` or `STANDARD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_tier: Option<String>,
    /// `IPV4` or `IPV6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<String>,
    /// Whether clients of other regions reach an internal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_global_access: Option<bool>,
    /// Prefix of a bring-your-own range that an external IPv6 address comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_collection: Option<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// To be told with a change of the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_fingerprint: Option<String>,
    /// To be told with a patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(ForwardingRule, ForwardingRule);

words! {
    /// Who can reach a forwarding rule.
    Scheme {
        /// Everybody.
        External = "EXTERNAL",
        /// The network.
        Internal = "INTERNAL",
    }
}
