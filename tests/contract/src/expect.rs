//! What a load balancer must look like for a wish, computed from the wish alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use landfall_core::ids::ServiceKey;
use landfall_core::model::{DesiredLb, Listener, Member, SessionAffinity, TargetKind};
use landfall_core::net::{IpFamily, PortKey, SourceRanges};
use landfall_core::outcome::{Ingress, Outcome};
use landfall_core::provider::Provider;

/// A load balancer as a look into the world shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Addresses that take traffic now.
    pub addresses: BTreeSet<IpAddr>,
    /// Names that lead to such addresses, with the families of these, where the provider tells names instead.
    pub hostnames: BTreeMap<String, BTreeSet<IpFamily>>,
    /// Listeners on those addresses.
    pub listeners: BTreeMap<PortKey, Listening>,
}

impl View {
    /// Whether what a status shows takes traffic now.
    pub(crate) fn serves(&self, place: &str) -> bool {
        let address = place.parse().is_ok_and(|address| self.addresses.contains(&address));
        address || self.hostnames.contains_key(place)
    }
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The Service that it serves.
    pub member: ServiceKey,
    /// Where it sends traffic: provider id of a node or address of a pod, and port.
    pub targets: BTreeSet<(String, u16)>,
    /// Who may connect, with nothing for families that the load balancer has no address of; `None` if the
    /// provider leaves that to kube-proxy.
    pub sources: Option<SourceRanges>,
    /// Port of the health check on nodes; `None` for pods.
    pub health_port: Option<u16>,
    /// Seconds for which a client stays on its target; `None` for no affinity, or if that is left to kube-proxy.
    pub affinity_seconds: Option<u32>,
}

/// The listeners that the wish asks for.
pub(crate) fn listeners(provider: &dyn Provider, desired: &DesiredLb) -> BTreeMap<PortKey, Listening> {
    let families = families(provider, desired);
    let each = desired.listeners();
    each.map(|(member, listener)| (listener.key(), listening(provider, desired, member, listener, &families)))
        .collect()
}

/// The families that the wish gets.
pub(crate) fn families(provider: &dyn Provider, desired: &DesiredLb) -> Vec<IpFamily> {
    let mut families = desired.families();
    if !provider.capabilities().dual_stack {
        families.truncate(1);
    }
    families
}

fn listening(
    provider: &dyn Provider,
    desired: &DesiredLb,
    member: &Member,
    listener: &Listener,
    families: &[IpFamily],
) -> Listening {
    let of =
        |family| if families.contains(&family) { member.sources.of(family).to_vec() } else { Vec::new() };
    let capabilities = provider.capabilities();
    let kind = provider.target_kind(&desired.params, member);
    Listening {
        member: member.service.clone(),
        targets: match kind {
            TargetKind::None => BTreeSet::new(),
            TargetKind::Nodes | TargetKind::NodesWithEndpoints => nodes(provider, desired, listener),
            TargetKind::Endpoints => pods(listener, families),
        },
        sources: capabilities
            .source_ranges
            .then(|| SourceRanges { v4: of(IpFamily::V4), v6: of(IpFamily::V6) }),
        health_port: kind.needs_nodes().then(|| member.traffic.health_check().port),
        affinity_seconds: match member.affinity {
            SessionAffinity::ClientIp { timeout_seconds } if capabilities.session_affinity => {
                Some(timeout_seconds)
            }
            _ => None,
        },
    }
}

/// Packets that arrive as they were sent keep their port.
fn nodes(provider: &dyn Provider, desired: &DesiredLb, listener: &Listener) -> BTreeSet<(String, u16)> {
    let ids = desired.nodes.eligible.iter().filter_map(|node| node.provider_id.clone());
    let needs_node_ports = provider.capabilities().needs_node_ports;
    let port = if needs_node_ports { listener.node_port } else { Some(listener.port) };
    ids.filter_map(|id| Some((id, port?))).collect()
}

fn pods(listener: &Listener, families: &[IpFamily]) -> BTreeSet<(String, u16)> {
    let reachable = listener.endpoints.iter().filter(|pod| families.contains(&IpFamily::of(&pod.address)));
    reachable.map(|pod| (pod.address.to_string(), pod.port)).collect()
}

/// The IP addresses of an outcome.
pub(crate) fn addresses(outcome: &Outcome) -> Vec<IpAddr> {
    let ip = |ingress: &Ingress| match ingress {
        Ingress::Ip { ip, .. } => Some(*ip),
        Ingress::Hostname(_) => None,
    };
    outcome.ingress.iter().filter_map(ip).collect()
}

/// The host names of an outcome.
pub(crate) fn hostnames(outcome: &Outcome) -> Vec<String> {
    let name = |ingress: &Ingress| match ingress {
        Ingress::Ip { .. } => None,
        Ingress::Hostname(name) => Some(name.clone()),
    };
    outcome.ingress.iter().filter_map(name).collect()
}

/// Addresses and host names of an outcome, as people read them.
pub(crate) fn places(outcome: &Outcome) -> Vec<String> {
    addresses(outcome).iter().map(ToString::to_string).chain(hostnames(outcome)).collect()
}
