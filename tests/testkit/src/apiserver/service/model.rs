//! The typed view of a Service that all rules work on, and the questions they share.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::ServiceSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fields::internal;
use crate::apiserver::error::ApiError;

pub(super) const CLUSTER_IP: &str = "ClusterIP";
pub(super) const NODE_PORT: &str = "NodePort";
pub(super) const LOAD_BALANCER: &str = "LoadBalancer";
pub(super) const EXTERNAL_NAME: &str = "ExternalName";
pub(super) const HEADLESS: &str = "None";
pub(super) const IPV4: &str = "IPv4";
pub(super) const IPV6: &str = "IPv6";
pub(super) const SINGLE_STACK: &str = "SingleStack";
pub(super) const PREFER_DUAL_STACK: &str = "PreferDualStack";
pub(super) const REQUIRE_DUAL_STACK: &str = "RequireDualStack";

/// A Service on its way into the store.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) spec: ServiceSpec,
}

impl Draft {
    /// Decodes what the rules need. 400 when a field has the wrong JSON type.
    pub(super) fn read(object: &Value) -> Result<Self, ApiError> {
        let metadata = object.get("metadata");
        let mut spec: ServiceSpec = decode(object.get("spec"))?;
        drop_empty(&mut spec);
        Ok(Self {
            name: decode(metadata.and_then(|m| m.get("name")))?,
            annotations: decode(metadata.and_then(|m| m.get("annotations")))?,
            spec,
        })
    }

    /// Puts the spec back; fields the API does not know are gone, as on the real server.
    pub(super) fn write(&self, object: &mut Value) -> Result<(), ApiError> {
        let spec = serde_json::to_value(&self.spec).map_err(|error| internal(&error.to_string()))?;
        let object = object.as_object_mut().ok_or_else(|| undecodable("not an object"))?;
        object.insert("spec".to_owned(), spec);
        Ok(())
    }
}

/// What a Service keeps others from using.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Holdings {
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) node_ports: BTreeSet<u16>,
}

impl Holdings {
    pub(super) fn of(spec: &ServiceSpec) -> Self {
        let mut held = Self::default();
        if spec.needs_cluster_ip() {
            held.addresses = spec.cluster_ips().iter().filter_map(|ip| ip.parse().ok()).collect();
        }
        if spec.uses_node_ports() {
            let ports = spec.ports.iter().flatten().filter_map(|port| port.node_port);
            held.node_ports = ports
                .chain(spec.health_check_node_port)
                .filter_map(|port| u16::try_from(port).ok())
                .collect();
        }
        held
    }

    /// What `self` has and `other` has not.
    pub(super) fn without(&self, other: &Self) -> Self {
        Self {
            addresses: self.addresses.difference(&other.addresses).copied().collect(),
            node_ports: self.node_ports.difference(&other.node_ports).copied().collect(),
        }
    }
}

/// Questions about a spec that several rules ask.
pub(super) trait Facets {
    fn kind(&self) -> &str;
    fn cluster_ips(&self) -> &[String];
    fn families(&self) -> &[String];
    /// Exactly `["None"]`.
    fn is_headless(&self) -> bool;
    fn needs_cluster_ip(&self) -> bool;
    /// The type has node ports at all.
    fn uses_node_ports(&self) -> bool;
    /// Ports without a node port get one.
    fn allocates_node_ports(&self) -> bool;
    fn needs_health_check(&self) -> bool;
    fn externally_accessible(&self) -> bool;
}

impl Facets for ServiceSpec {
    fn kind(&self) -> &str {
        self.type_.as_deref().unwrap_or_default()
    }

    fn cluster_ips(&self) -> &[String] {
        self.cluster_ips.as_deref().unwrap_or_default()
    }

    fn families(&self) -> &[String] {
        self.ip_families.as_deref().unwrap_or_default()
    }

    fn is_headless(&self) -> bool {
        matches!(self.cluster_ips(), [only] if only == HEADLESS)
    }

    fn needs_cluster_ip(&self) -> bool {
        matches!(self.kind(), CLUSTER_IP | NODE_PORT | LOAD_BALANCER)
    }

    fn uses_node_ports(&self) -> bool {
        matches!(self.kind(), NODE_PORT | LOAD_BALANCER)
    }

    fn allocates_node_ports(&self) -> bool {
        match self.kind() {
            NODE_PORT => true,
            LOAD_BALANCER => self.allocate_load_balancer_node_ports.unwrap_or(true),
            _ => false,
        }
    }

    fn needs_health_check(&self) -> bool {
        self.kind() == LOAD_BALANCER && self.external_traffic_policy.as_deref() == Some("Local")
    }

    fn externally_accessible(&self) -> bool {
        self.uses_node_ports() || self.kind() == CLUSTER_IP && self.external_ips.is_some()
    }
}

pub(super) fn family_of(address: IpAddr) -> &'static str {
    if address.is_ipv4() { IPV4 } else { IPV6 }
}

pub(super) fn other_family(family: &str) -> &'static str {
    if family == IPV4 { IPV6 } else { IPV4 }
}

/// Decodes a part of a Service; absent and null read as the default.
pub(super) fn decode<T: DeserializeOwned + Default>(value: Option<&Value>) -> Result<T, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => T::deserialize(value).map_err(|error| undecodable(&error.to_string())),
    }
}

fn undecodable(error: &str) -> ApiError {
    let text = format!("Service in version \"v1\" cannot be handled as a Service: {error}");
    ApiError::new(400, "BadRequest", text)
}

/// Empty values that the API leaves out of JSON are the same as absent ones.
fn drop_empty(spec: &mut ServiceSpec) {
    for text in [
        &mut spec.cluster_ip,
        &mut spec.external_name,
        &mut spec.external_traffic_policy,
        &mut spec.load_balancer_ip,
        &mut spec.session_affinity,
        &mut spec.type_,
    ] {
        text.take_if(|text| text.is_empty());
    }
    for list in [
        &mut spec.cluster_ips,
        &mut spec.external_ips,
        &mut spec.ip_families,
        &mut spec.load_balancer_source_ranges,
    ] {
        list.take_if(|list| list.is_empty());
    }
    spec.selector.take_if(|selector| selector.is_empty());
    spec.health_check_node_port.take_if(|port| *port == 0);
    spec.publish_not_ready_addresses.take_if(|publish| !*publish);
    spec.ports.take_if(|ports| ports.is_empty());
    for port in spec.ports.iter_mut().flatten() {
        port.name.take_if(|name| name.is_empty());
        port.protocol.take_if(|protocol| protocol.is_empty());
        port.node_port.take_if(|number| *number == 0);
        port.target_port.take_if(|target| match target {
            IntOrString::Int(number) => *number == 0,
            IntOrString::String(name) => name.is_empty(),
        });
    }
}
