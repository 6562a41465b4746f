//! Reserved addresses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Rest, resource, words};

/// A regional address that is reserved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Name.
    pub name: String,
    /// Free text; ours holds our marks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The address itself, without a prefix length. Asked for on insert, or chosen by Google.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// External unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_type: Option<AddressType>,
    /// `PREMIUM` or `STANDARD`, of external addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_tier: Option<String>,
    /// `IPV4` or `IPV6`; IPv4 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<String>,
    /// `NETLB` for external IPv6 addresses of passthrough load balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_endpoint_type: Option<String>,
    /// URL of the subnet, of internal addresses and of external IPv6 ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnetwork: Option<String>,
    /// What an internal address is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// 96 for external IPv6 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_length: Option<u8>,
    /// Whether something uses it. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<AddressStatus>,
    /// URLs of what uses it. Only read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// To be told with a change of the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_fingerprint: Option<String>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(Address, Address);

words! {
    /// Who can reach an address.
    AddressType {
        /// Everybody.
        External = "EXTERNAL",
        /// The network.
        Internal = "INTERNAL",
    }
}

words! {
    /// What an internal address is for.
    Purpose {
        /// One forwarding rule or virtual machine.
        GceEndpoint = "GCE_ENDPOINT",
        /// Several internal forwarding rules.
        SharedVip = "SHARED_LOADBALANCER_VIP",
    }
}

words! {
    /// Whether something uses an address.
    AddressStatus {
        /// Being reserved.
        Reserving = "RESERVING",
        /// Nothing does.
        Reserved = "RESERVED",
        /// Something does.
        InUse = "IN_USE",
    }
}
