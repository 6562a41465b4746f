//! Networks, subnets and regions. Only read.

use serde::{Deserialize, Serialize};

use super::{Rest, resource};

/// A VPC network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Name.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(Network, Network);

/// A subnet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subnetwork {
    /// Name.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// URL of its network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// IPv4 range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_cidr_range: Option<String>,
    /// `IPV4_ONLY`, `IPV4_IPV6` or `IPV6_ONLY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_type: Option<String>,
    /// `INTERNAL` or `EXTERNAL`, if it has IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_access_type: Option<String>,
    /// IPv6 range, if it is internal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_ipv6_prefix: Option<String>,
    /// IPv6 range, if it is external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ipv6_prefix: Option<String>,
    /// What it is for; `PRIVATE` for ordinary subnets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(Subnetwork, Subnetwork);

/// A region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// Name.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// URLs of its zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// What the project may have here, and has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(Region, Region);

/// A quota.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// What is counted, e.g. `STATIC_ADDRESSES`.
    #[serde(default)]
    pub metric: String,
    /// How much of it is allowed.
    #[serde(default)]
    pub limit: f64,
    /// How much of it there is.
    #[serde(default)]
    pub usage: f64,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
