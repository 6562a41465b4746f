//! VPC firewall rules.

use serde::{Deserialize, Serialize};

use super::{Rest, resource};

/// A firewall rule of a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firewall {
    /// Name.
    pub name: String,
    /// Free text; ours holds our marks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// URL of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// `INGRESS` or `EGRESS`; ingress unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// 0 (first) to 65535; 1000 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// What is let in. A rule either allows or denies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allowed>,
    /// What is shut out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<Allowed>,
    /// From where, of one family.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ranges: Vec<String>,
    /// To where, of one family.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destination_ranges: Vec<String>,
    /// Network tags of the instances; with neither these nor service accounts, all of the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_tags: Vec<String>,
    /// Service accounts of the instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_service_accounts: Vec<String>,
    /// Whether it is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(Firewall, Firewall);

/// A protocol with ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Allowed {
    /// `tcp`, `udp`, `icmp`, a number, or `all`.
    #[serde(rename = "IPProtocol")]
    pub protocol: String,
    /// Ports and ranges of ports, e.g. `80` and `8000-8080`; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
}
