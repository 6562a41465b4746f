//! What a target group's targets are.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use landfall_core::error::Category;
use landfall_core::model::{EndpointTarget, Exclusion, Listener, NodeTarget};
use landfall_core::net::IpFamily;
use landfall_core::outcome::Problem;

use super::model::{Facts, TargetGroupWish};
use super::{Inputs, Served};
use crate::api::elb::{GroupTargets, Target};

/// Targets, each with what people call it.
type Targets = BTreeMap<Target, String>;

/// The targets of a listener's group. If it serves two ports of the Service, a target must serve both at one port;
/// the problem tells that some do not.
pub(super) fn of(inputs: &Inputs<'_>, served: &Served<'_>, family: IpFamily) -> (Targets, Option<Problem>) {
    let mut sets = listeners(served).map(|listener| match served.settings.targets {
        GroupTargets::Instance => instances(inputs, served, listener),
        GroupTargets::Ip => pods(inputs.facts, listener, family),
    });
    let mut targets = sets.next().unwrap_or_default();
    let mut lost = false;
    for other in sets {
        let before = targets.len();
        targets.retain(|target, _| other.contains_key(target));
        lost |= targets.len() < before || targets.len() < other.len();
    }
    (targets, lost.then(|| different_ports(served)))
}

/// One problem per member whose traffic goes to nodes and that has none.
pub(super) fn explain_none(
    inputs: &Inputs<'_>,
    served: &[Served<'_>],
    groups: &[TargetGroupWish],
    problems: &mut Vec<Problem>,
) {
    let mut seen = BTreeSet::new();
    for (each, group) in served.iter().zip(groups) {
        let to_nodes = group.targets == GroupTargets::Instance;
        if to_nodes && group.registered.is_empty() && seen.insert(&each.member.service) {
            problems.push(Problem {
                member: Some(each.member.service.clone()),
                port: None,
                category: Category::new("NoTargets"),
                message: format!("no node takes its traffic: {}", why_none(inputs, each)),
            });
        }
    }
}

fn listeners<'a>(served: &Served<'a>) -> impl Iterator<Item = &'a Listener> {
    let member = served.member;
    served
        .listener
        .serves
        .iter()
        .filter_map(|key| member.listeners.iter().find(|listener| listener.key() == *key))
}

fn instances(inputs: &Inputs<'_>, served: &Served<'_>, listener: &Listener) -> Targets {
    let Some(port) = listener.node_port else { return Targets::new() };
    let nodes = inputs.desired.nodes.eligible.iter().filter(|node| is_selected(served, node));
    let known = nodes.filter_map(|node| Some((node, inputs.facts.instances.get(&node.name)?)));
    known
        .map(|(node, instance)| (Target { id: instance.id.to_string(), port, zone: None }, node.name.clone()))
        .collect()
}

/// Whether a node has all labels that the member's nodes must have.
fn is_selected(served: &Served<'_>, node: &NodeTarget) -> bool {
    served.settings.node_labels.iter().all(|(key, wanted)| {
        node.labels.get(key).is_some_and(|found| wanted.as_ref().is_none_or(|wanted| wanted == found))
    })
}

fn pods(facts: &Facts, listener: &Listener, family: IpFamily) -> Targets {
    let reachable = listener.endpoints.iter().filter(|pod| IpFamily::of(&pod.address) == family);
    reachable.map(|pod| (pod_target(&facts.ranges, pod), pod.address.to_string())).collect()
}

/// AWS finds the zone of an address in the network's ranges, and demands `all` for others (`API_TargetDescription`).
fn pod_target(ranges: &[IpNet], pod: &EndpointTarget) -> Target {
    let inside = ranges.iter().any(|range| range.contains(&pod.address));
    Target { id: pod.address.to_string(), port: pod.port, zone: (!inside).then(|| "all".to_owned()) }
}

fn different_ports(served: &Served<'_>) -> Problem {
    let ports: Vec<String> = served.listener.serves.iter().map(ToString::to_string).collect();
    Problem {
        member: Some(served.member.service.clone()),
        port: served.listener.serves.first().copied(),
        category: Category::new("DifferentTargetPorts"),
        message: format!(
            "{} are one listener and must reach a target at one port; targets where they do not get no traffic",
            ports.join(" and ")
        ),
    }
}

fn why_none(inputs: &Inputs<'_>, served: &Served<'_>) -> String {
    let nodes = &inputs.desired.nodes;
    if nodes.eligible.is_empty() && nodes.excluded.is_empty() {
        return "the cluster has no nodes".to_owned();
    }
    if nodes.eligible.is_empty() {
        let why = nodes.excluded.iter().map(|node| format!("{} {}", node.name, reason(node.reason)));
        return format!("all nodes are excluded: {}", why.collect::<Vec<_>>().join(", "));
    }
    if nodes.eligible.iter().any(|node| is_selected(served, node)) {
        return "none of the selected ones is a running instance that is known to AWS".to_owned();
    }
    let labels = served.settings.node_labels.iter();
    let text = labels.map(|(key, value)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    });
    format!("none has the labels {}", text.collect::<Vec<_>>().join(","))
}

fn reason(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::Label => "is labelled to be left out",
        Exclusion::Draining => "is about to be removed by an autoscaler",
        Exclusion::Deleting => "is being deleted",
    }
}
