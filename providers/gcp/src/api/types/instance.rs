//! Virtual machines, of which only little is read.

use serde::{Deserialize, Serialize};

use super::{Rest, resource};

/// A virtual machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Name.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// URL of its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// `RUNNING`, `STOPPING`, `TERMINATED`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Network tags.
    #[serde(default)]
    pub tags: TagSet,
    /// Network interfaces; load balancers use the first one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<NetworkInterface>,
    /// Service accounts; one at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_accounts: Vec<ServiceAccount>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(Instance, Instance);

/// Network tags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSet {
    /// The tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterface {
    /// URL of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// URL of the subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnetwork: Option<String>,
    /// Primary internal IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "networkIP")]
    pub network_ip: Option<String>,
    /// Internal IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<String>,
    /// External IPv6 addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6_access_configs: Vec<Ipv6Config>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// An external IPv6 address of an interface.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ipv6Config {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ipv6: Option<String>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A service account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Its name.
    #[serde(default)]
    pub email: String,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
