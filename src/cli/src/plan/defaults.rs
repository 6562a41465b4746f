//! What an API server would fill in when a manifest is applied.
//!
//! An existing Service keeps what the server once gave it. A new one gets the documented defaults; values that only
//! the server can choose get a stand-in and are listed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde_json::Value;

/// Begins the stand-in for `metadata.uid` of an object that does not exist yet. A number follows: two Services with one
/// uid would be taken for one that changes its name.
pub(crate) const UNKNOWN_UID: &str = "unknown-";

/// Where `kubectl apply` remembers what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Highest port number: stand-ins for node ports count down from here, outside of what clusters use (30000-32767).
const STAND_IN: i32 = 65_535;

/// What the server would decide by its own set-up.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Creation time of what is new.
    pub(crate) now: Timestamp,
    /// The primary address family of the cluster: `IPv4` or `IPv6`.
    pub(crate) family: String,
    /// Objects that were new so far.
    pub(crate) created: usize,
}

/// The Service as the API server would hold it, and the fields whose values are stand-ins.
pub(crate) fn applied(
    mut new: Service,
    live: Option<&Service>,
    server: &mut Server,
) -> (Service, Vec<String>) {
    let mut unknown = Vec::new();
    metadata(&mut new.metadata, live.map(|live| &live.metadata), server, &mut unknown);
    if let Some(live) = live {
        new.status.clone_from(&live.status);
    }
    let spec = new.spec.get_or_insert_default();
    let live = live.and_then(|live| live.spec.as_ref());
    spec.type_.get_or_insert_with(|| "ClusterIP".to_owned());
    spec.session_affinity.get_or_insert_with(|| "None".to_owned());
    families(spec, live, server, &mut unknown);
    for port in spec.ports.iter_mut().flatten() {
        port.protocol.get_or_insert_with(|| "TCP".to_owned());
    }
    if spec.type_.as_deref() == Some("LoadBalancer") {
        spec.external_traffic_policy.get_or_insert_with(|| "Cluster".to_owned());
        node_ports(spec, live, &mut unknown);
    }
    (new, unknown)
}

fn metadata(new: &mut ObjectMeta, live: Option<&ObjectMeta>, server: &mut Server, unknown: &mut Vec<String>) {
    if let Some(live) = live {
        new.uid.clone_from(&live.uid);
        new.creation_timestamp.clone_from(&live.creation_timestamp);
        new.deletion_timestamp.clone_from(&live.deletion_timestamp);
        new.finalizers.clone_from(&live.finalizers);
        let before = last_applied(live);
        new.annotations =
            Some(merged(new.annotations.take(), live.annotations.as_ref(), &before, "annotations"));
        new.labels = Some(merged(new.labels.take(), live.labels.as_ref(), &before, "labels"));
    }
    let uid = new.uid.take().filter(|uid| !uid.is_empty()).unwrap_or_else(|| {
        server.created += 1;
        format!("{UNKNOWN_UID}{}", server.created)
    });
    if uid.starts_with(UNKNOWN_UID) {
        unknown.push(format!("metadata.uid (planned as {uid})"));
    }
    new.uid = Some(uid);
    new.creation_timestamp.get_or_insert(Time(server.now));
}

fn last_applied(live: &ObjectMeta) -> Value {
    let text = live.annotations.as_ref().and_then(|all| all.get(LAST_APPLIED));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The three-way merge of `kubectl apply`: what was applied before and is gone now goes; what others set stays.
fn merged(
    new: Option<BTreeMap<String, String>>,
    live: Option<&BTreeMap<String, String>>,
    before: &Value,
    field: &str,
) -> BTreeMap<String, String> {
    let mut all = live.cloned().unwrap_or_default();
    all.retain(|key, _| before["metadata"][field].get(key).is_none());
    all.extend(new.unwrap_or_default());
    all
}

/// A cluster with both families gives both to a Service that prefers them; whether it has both is not known here.
fn families(spec: &mut ServiceSpec, live: Option<&ServiceSpec>, server: &Server, unknown: &mut Vec<String>) {
    let kept = live.filter(|_| spec.ip_family_policy.is_none() && spec.ip_families.is_none());
    if let Some(live) = kept {
        spec.ip_family_policy.clone_from(&live.ip_family_policy);
        spec.ip_families.clone_from(&live.ip_families);
    }
    let given = spec.ip_families.get_or_insert_default();
    let policy = spec.ip_family_policy.get_or_insert_with(|| {
        let policy = if given.len() > 1 { "RequireDualStack" } else { "SingleStack" };
        policy.to_owned()
    });
    if given.is_empty() {
        given.extend(live.and_then(|live| live.ip_families.as_ref()?.first().cloned()));
    }
    if given.is_empty() {
        given.push(server.family.clone());
    }
    if policy != "SingleStack" && given.len() == 1 {
        let second = if given[0] == "IPv4" { "IPv6" } else { "IPv4" };
        given.push(second.to_owned());
        let settled = live.and_then(|live| live.ip_families.as_ref()).is_some_and(|known| known == given);
        if !settled {
            unknown.push(format!("spec.ipFamilies (planned as {})", given.join(", ")));
        }
    }
}

fn node_ports(spec: &mut ServiceSpec, live: Option<&ServiceSpec>, unknown: &mut Vec<String>) {
    let wanted = spec.allocate_load_balancer_node_ports != Some(false);
    let given = spec.ports.iter().flatten().filter_map(|port| port.node_port);
    let mut taken: BTreeSet<i32> = given.chain(spec.health_check_node_port).collect();
    let mut stand_in = |field: String| {
        let port = (1..=STAND_IN).rev().find(|port| !taken.contains(port))?;
        taken.insert(port);
        unknown.push(format!("{field} (planned as {port})"));
        Some(port)
    };
    for (index, port) in spec.ports.iter_mut().flatten().enumerate() {
        if port.node_port.is_none_or(|number| number == 0) {
            port.node_port = live.and_then(|live| node_port_of(live, port));
            if port.node_port.is_none() && wanted {
                port.node_port = stand_in(format!("spec.ports[{index}].nodePort"));
            }
        }
    }
    if spec.external_traffic_policy.as_deref() == Some("Local") && spec.health_check_node_port.is_none() {
        let kept = live.and_then(|live| live.health_check_node_port).filter(|port| *port != 0);
        spec.health_check_node_port = kept.or_else(|| stand_in("spec.healthCheckNodePort".to_owned()));
    }
}

/// The API server keeps the node port of a port that has the same number and protocol.
fn node_port_of(live: &ServiceSpec, port: &ServicePort) -> Option<i32> {
    let protocol = |port: &ServicePort| port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
    let same = |other: &&ServicePort| other.port == port.port && protocol(other) == protocol(port);
    live.ports.iter().flatten().find(same)?.node_port.filter(|number| *number != 0)
}

#[cfg(test)]
mod tests;
