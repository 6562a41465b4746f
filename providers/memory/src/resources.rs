//! What a load balancer consists of: from the wish to the objects it takes. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use landfall_core::error::Category;
use landfall_core::ids::ClusterId;
use landfall_core::model::{DesiredLb, IpMode, Listener, Member, MemberRef, SessionAffinity, TargetKind};
use landfall_core::net::{IpFamily, PortKey, SourceRanges};
use landfall_core::outcome::Problem;
use landfall_core::provider::Capabilities;

use crate::cloud::{Draft, PoolSpec, Probe, RuleSpec, Tags, Target};
use crate::marks;
use crate::names::Names;
use crate::settings;

/// The objects that a load balancer takes. Listeners are still without their balancer: which one that is depends
/// on what exists.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) balancer: BalancerWish,
    pub(crate) listeners: Vec<ListenerWish>,
    pub(crate) pools: Vec<PoolWish>,
    pub(crate) rules: Vec<Draft<RuleSpec>>,
    /// Members whose objects stay as they are.
    pub(crate) retained: BTreeSet<MemberRef>,
    pub(crate) problems: Vec<Problem>,
}

/// The balancer wanted.
#[derive(Debug, Clone)]
pub(crate) struct BalancerWish {
    pub(crate) tags: Tags,
    pub(crate) mode: IpMode,
    pub(crate) families: Vec<IpFamily>,
    pub(crate) requested: Vec<IpAddr>,
}

/// A listener wanted.
#[derive(Debug, Clone)]
pub(crate) struct ListenerWish {
    pub(crate) member: MemberRef,
    pub(crate) tags: Tags,
    pub(crate) key: PortKey,
    pub(crate) pool: String,
}

/// A pool wanted, with its targets and what people call those.
#[derive(Debug, Clone)]
pub(crate) struct PoolWish {
    pub(crate) draft: Draft<PoolSpec>,
    pub(crate) targets: BTreeMap<Target, String>,
}

/// The objects for a wish that was validated.
pub(crate) fn wanted(cluster: &ClusterId, capabilities: &Capabilities, desired: &DesiredLb) -> Wanted {
    let names = Names { cluster, lb: &desired.id };
    let families = families(capabilities, desired);
    let mut wanted = Wanted {
        balancer: BalancerWish {
            tags: marks::of_lb(cluster, &desired.id),
            mode: desired.members.iter().find_map(|member| member.ip_mode).unwrap_or(IpMode::Vip),
            requested: desired
                .requested()
                .into_iter()
                .filter(|ip| families.contains(&IpFamily::of(ip)))
                .collect(),
            families,
        },
        listeners: Vec::new(),
        pools: Vec::new(),
        rules: Vec::new(),
        retained: desired.retained.iter().cloned().collect(),
        problems: unusable_nodes(desired),
    };
    for member in &desired.members {
        let tags = marks::of_member(cluster, &desired.id, &member.as_ref());
        add_member(&mut wanted, names, &tags, member, desired);
        if capabilities.source_ranges && !member.listeners.is_empty() {
            wanted.rules.push(rule(names, tags, member, &wanted.balancer.families));
        }
    }
    if !capabilities.session_affinity {
        // kube-proxy keeps clients on their pods then.
        wanted.pools.iter_mut().for_each(|pool| pool.draft.spec.affinity_seconds = None);
    }
    wanted
}

/// The families served: all that are asked for, or the first one if there can be only one.
pub(crate) fn families(capabilities: &Capabilities, desired: &DesiredLb) -> Vec<IpFamily> {
    let mut families = desired.families();
    if !capabilities.dual_stack {
        families.truncate(1);
    }
    families
}

fn add_member(wanted: &mut Wanted, names: Names<'_>, tags: &Tags, member: &Member, desired: &DesiredLb) {
    // A value that cannot be read was refused by `validate`; nodes are what the member had without it.
    let kind = settings::targets(member).unwrap_or(TargetKind::Nodes);
    let member_ref = member.as_ref();
    for listener in &member.listeners {
        let pool = names.pool(&member_ref, listener.key(), kind);
        let spec = PoolSpec {
            protocol: listener.protocol,
            targets: kind,
            health: probe(member, kind),
            affinity_seconds: affinity(member.affinity),
        };
        let targets = match kind {
            TargetKind::Endpoints => pods(listener, &wanted.balancer.families),
            TargetKind::Nodes | TargetKind::NodesWithEndpoints | TargetKind::None => nodes(desired, listener),
        };
        let draft = Draft { name: pool.clone(), tags: tags.clone(), spec };
        wanted.pools.push(PoolWish { draft, targets });
        wanted.listeners.push(ListenerWish {
            member: member_ref.clone(),
            tags: tags.clone(),
            key: listener.key(),
            pool,
        });
    }
}

fn rule(names: Names<'_>, tags: Tags, member: &Member, families: &[IpFamily]) -> Draft<RuleSpec> {
    let of =
        |family| if families.contains(&family) { member.sources.of(family).to_vec() } else { Vec::new() };
    let mut ports: Vec<PortKey> = member.ports().collect();
    ports.sort_unstable();
    let sources = SourceRanges { v4: of(IpFamily::V4), v6: of(IpFamily::V6) };
    Draft { name: names.rule(&member.as_ref()), tags, spec: RuleSpec { ports, sources } }
}

/// Nodes answer for themselves (KEP-1669, KEP-3836); a pod is healthy if its port answers.
fn probe(member: &Member, kind: TargetKind) -> Probe {
    match kind {
        TargetKind::Endpoints => Probe::Connect,
        TargetKind::Nodes | TargetKind::NodesWithEndpoints | TargetKind::None => {
            let check = member.traffic.health_check();
            Probe::Http { port: check.port, path: check.path }
        }
    }
}

fn affinity(affinity: SessionAffinity) -> Option<u32> {
    match affinity {
        SessionAffinity::None => None,
        SessionAffinity::ClientIp { timeout_seconds } => Some(timeout_seconds),
    }
}

fn nodes(desired: &DesiredLb, listener: &Listener) -> BTreeMap<Target, String> {
    let Some(port) = listener.node_port else { return BTreeMap::new() };
    let known = desired.nodes.eligible.iter().filter_map(|node| Some((node, node.provider_id.clone()?)));
    known.map(|(node, id)| (Target { id, port }, node.name.clone())).collect()
}

fn pods(listener: &Listener, families: &[IpFamily]) -> BTreeMap<Target, String> {
    let reachable = listener.endpoints.iter().filter(|pod| families.contains(&IpFamily::of(&pod.address)));
    reachable
        .map(|pod| (Target { id: pod.address.to_string(), port: pod.port }, pod.address.to_string()))
        .collect()
}

/// One problem for all nodes that cannot be registered, if any member sends traffic to nodes.
fn unusable_nodes(desired: &DesiredLb) -> Vec<Problem> {
    let to_nodes = |member: &Member| settings::targets(member) == Ok(TargetKind::Nodes);
    let nameless: Vec<&str> = desired
        .nodes
        .eligible
        .iter()
        .filter(|node| node.provider_id.is_none())
        .map(|node| node.name.as_str())
        .collect();
    if nameless.is_empty() || !desired.members.iter().any(to_nodes) {
        return Vec::new();
    }
    vec![Problem {
        member: None,
        port: None,
        category: Category::new("NodeWithoutProviderID"),
        message: format!(
            "nodes without spec.providerID get no traffic: {}; start the cloud controller manager or set it",
            nameless.join(", ")
        ),
    }]
}

#[cfg(test)]
mod tests;
