//! From what exists after a run to what the controller is told. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use landfall_core::model::{DesiredLb, IpMode, Member};
use landfall_core::outcome::{Ingress, Outcome, Phase, TargetHealth, UnhealthyTarget};

use crate::api::types::{self, HealthState};
use crate::apply::{Applied, command, members};
use crate::diff::{chosen, ip_of};
use crate::health::Health;
use crate::network;
use crate::observe::Observed;
use crate::resources::Wanted;

/// When to look again at forwarding rules that are being made.
const POLL: Duration = Duration::from_secs(5);
/// When to try again to remove what is still used, or to change nodes that are being changed.
const SOON: Duration = Duration::from_secs(10);
/// When to try again what Google did not take: until then somebody may have done something about it.
const LATER: Duration = Duration::from_mins(5);

/// The outcome of a run that applied this and left this world.
pub(crate) fn of(
    desired: &DesiredLb,
    wanted: &Wanted,
    observed: &Observed,
    applied: Applied,
    health: &Health,
    look_again: Option<Duration>,
) -> Outcome {
    let soon = (!applied.postponed.is_empty() || applied.leaves_nodes).then_some(SOON);
    let mut not_taken = applied.problems;
    not_taken.extend(members::left_out(wanted, observed));
    let later = (!not_taken.is_empty()).then_some(LATER);
    let mut problems = wanted.problems.clone();
    problems.extend(not_taken);
    problems.extend(command::for_hidden(wanted, observed));
    Outcome {
        steps: applied.steps,
        ingress: ingress(desired, wanted, observed),
        phase: phase(wanted, observed),
        targets: targets(desired, health),
        problems,
        look_again: [look_again, soon, later, network::look_again(&wanted.problems)]
            .into_iter()
            .flatten()
            .min(),
    }
}

/// The addresses on which forwarding rules are, primary first. Packets arrive with them, unless somebody knows better.
fn ingress(desired: &DesiredLb, wanted: &Wanted, observed: &Observed) -> Vec<Ingress> {
    let serves = |address: &IpAddr| observed.rules().any(|(_, _, rule)| ip_of(rule) == Some(*address));
    let addresses = wanted.addresses.iter().filter_map(|wish| chosen(wanted, observed, wish.family));
    let mode = desired.members.iter().find_map(|member| member.ip_mode).unwrap_or(IpMode::Vip);
    addresses.filter(serves).map(|ip| Ingress::Ip { ip, mode }).collect()
}

fn phase(wanted: &Wanted, observed: &Observed) -> Phase {
    let is_there = wanted.forwarding_rules.iter().all(|wish| observed.rule(&wish.reference).is_some());
    if is_there { Phase::Ready } else { Phase::Provisioning { poll: POLL } }
}

/// Nodes are checked for a member as a whole: each of its listeners has the same figures. What was not told is not told.
fn targets(desired: &DesiredLb, health: &Health) -> Vec<TargetHealth> {
    let of_member = |member: &Member| {
        let nodes = health.get(&member.as_ref()).map(|told| nodes(told))?;
        let listener = |key| {
            let mut figures = TargetHealth::none(member.service.clone(), key);
            for (node, healthy) in &nodes {
                figures.add(*healthy, UnhealthyTarget { target: node.clone(), reason: None });
            }
            figures
        };
        Some(member.ports().map(listener).collect::<Vec<_>>())
    };
    desired.members.iter().filter_map(of_member).flatten().collect()
}

/// Nodes by name. One that takes traffic of one address of the load balancer works.
fn nodes(told: &[types::TargetHealth]) -> BTreeMap<String, Option<bool>> {
    let mut nodes: BTreeMap<String, Option<bool>> = BTreeMap::new();
    for entry in told {
        let name = entry.instance.rsplit('/').next().unwrap_or(&entry.instance).to_owned();
        let healthy = match entry.state() {
            Some(HealthState::Healthy) => Some(true),
            Some(HealthState::Unhealthy) => Some(false),
            Some(HealthState::Other(_)) | None => None,
        };
        let node = nodes.entry(name).or_default();
        *node = (*node).max(healthy);
    }
    nodes
}
