//! Groups of nodes: network endpoint groups and unmanaged instance groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Rest, resource};

/// A zonal network endpoint group. Cannot be changed but for its endpoints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointGroup {
    /// Name.
    pub name: String,
    /// Free text; ours holds our marks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `GCE_VM_IP` for passthrough load balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_endpoint_type: Option<String>,
    /// URL of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// URL of the subnet that all endpoints are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnetwork: Option<String>,
    /// URL of its zone. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How many endpoints it has. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Texts by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(EndpointGroup, EndpointGroup);

/// An endpoint: the first network interface of an instance. No port: traffic keeps its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Name or URL of the instance; answers of ours are cut to the name.
    pub instance: String,
    /// Its IPv4 address in the group's subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
}

/// An endpoint as `listNetworkEndpoints` tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointEntry {
    /// The endpoint.
    pub network_endpoint: Endpoint,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A zonal, unmanaged instance group. Cannot be changed but for its instances and named ports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceGroup {
    /// Name.
    pub name: String,
    /// Free text; ours holds our marks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// URL of the network of its instances. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// URL of its zone. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How many instances it has. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(InstanceGroup, InstanceGroup);

/// The body of `addInstances` and `removeInstances`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRefs {
    /// The instances.
    #[serde(default)]
    pub instances: Vec<InstanceRef>,
}

/// An instance by URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstanceRef {
    /// URL of the instance.
    pub instance: String,
}
