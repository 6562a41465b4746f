//! From an outcome to what the operator sees: the Service's status, conditions and events, as values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{LoadBalancerIngress, PortStatus, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::model::{FamilyPolicy, Member};
use crate::net::{IpFamily, PortKey};
use crate::outcome::{Ingress, Outcome, Phase, TargetHealth};
use crate::refusal::clip;

/// Condition: the wish is understood and allowed.
pub const ACCEPTED: &str = "landfall.dev/Accepted";
/// Condition: the wish is in place at the provider.
pub const PROGRAMMED: &str = "landfall.dev/Programmed";

/// Longest condition message the API accepts is 32 KiB; nobody reads more than this.
const MESSAGE_LIMIT: usize = 1_024;

/// One condition as wanted, without the bookkeeping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Condition type.
    pub kind: &'static str,
    /// Status.
    pub good: bool,
    /// Reason: a category, or one of the few words of this module.
    pub reason: String,
    /// A sentence that says what to do, where something is to be done.
    pub message: String,
}

impl Verdict {
    /// A condition.
    pub fn new(kind: &'static str, good: bool, reason: impl Into<String>, message: &str) -> Self {
        Self { kind, good, reason: reason.into(), message: clip(message, MESSAGE_LIMIT) }
    }
}

/// The condition that tells how far a member of a load balancer is.
pub fn programmed(member: &Member, outcome: &Outcome) -> Verdict {
    let mut notes: Vec<String> = member
        .refused_ports
        .iter()
        .map(|port| format!("port {} is held by {}", port.key, port.holder))
        .collect();
    let own =
        |problem: &&crate::outcome::Problem| problem.member.as_ref().is_none_or(|key| *key == member.service);
    notes.extend(outcome.problems.iter().filter(own).map(|problem| problem.message.clone()));
    let own_health = || outcome.targets.iter().filter(|health| health.member == member.service);
    notes.extend(own_health().filter_map(health_note));
    match &outcome.phase {
        Phase::Provisioning { .. } => Verdict::new(
            PROGRAMMED,
            false,
            "Provisioning",
            &join("the provider is still working on it", &notes),
        ),
        Phase::Degraded { category, message } => {
            Verdict::new(PROGRAMMED, true, category.as_str(), &join(message, &notes))
        }
        Phase::Ready if !member.refused_ports.is_empty() => {
            Verdict::new(PROGRAMMED, true, "PortConflict", &notes.join("; "))
        }
        Phase::Ready if own_health().any(TargetHealth::is_down) => {
            Verdict::new(PROGRAMMED, true, "NoHealthyTargets", &join("the load balancer is in place", &notes))
        }
        Phase::Ready => {
            Verdict::new(PROGRAMMED, true, "Programmed", &join("the load balancer is in place", &notes))
        }
    }
}

/// How many unhealthy targets a condition names; the metrics count them all.
const NAMED_TARGETS: usize = 3;

/// What there is to say about the targets of a port; `None` while all is well.
fn health_note(health: &TargetHealth) -> Option<String> {
    if health.healthy == health.total() {
        return None;
    }
    let mut text = format!("{}: {} of {} targets healthy", health.listener, health.healthy, health.total());
    let mut named: Vec<String> = health
        .unhealthy
        .iter()
        .take(NAMED_TARGETS)
        .map(|unhealthy| match &unhealthy.reason {
            Some(reason) => format!("{} {reason}", unhealthy.target),
            None => unhealthy.target.clone(),
        })
        .collect();
    if health.unhealthy.len() > NAMED_TARGETS {
        named.push(format!("{} more", health.unhealthy.len() - NAMED_TARGETS));
    }
    if !named.is_empty() {
        text = format!("{text} ({})", named.join(", "));
    }
    Some(text)
}

fn join(head: &str, notes: &[String]) -> String {
    let mut text = head.to_owned();
    for note in notes {
        text.push_str("; ");
        text.push_str(note);
    }
    text
}

/// `status.loadBalancer.ingress` of one member.
///
/// Addresses of families that the member does not have are left out. `ports` is filled only when a port is in
/// error: the API wants an entry for every port then, and none otherwise.
pub fn ingress(member: &Member, outcome: &Outcome) -> Vec<LoadBalancerIngress> {
    let ports = port_statuses(member, outcome);
    let shown = |entry: &&Ingress| match entry {
        Ingress::Ip { ip, .. } => member.families.contains(&IpFamily::of(ip)),
        Ingress::Hostname(_) => true,
    };
    outcome
        .ingress
        .iter()
        .filter(shown)
        .map(|entry| match entry {
            Ingress::Ip { ip, mode } => LoadBalancerIngress {
                ip: Some(ip.to_string()),
                ip_mode: Some(mode.as_str().to_owned()),
                ports: ports.clone(),
                hostname: None,
            },
            Ingress::Hostname(name) => LoadBalancerIngress {
                hostname: Some(name.clone()),
                ports: ports.clone(),
                ..LoadBalancerIngress::default()
            },
        })
        .collect()
}

fn port_statuses(member: &Member, outcome: &Outcome) -> Option<Vec<PortStatus>> {
    let mut errors: BTreeMap<PortKey, &str> = outcome
        .problems
        .iter()
        .filter(|problem| problem.member.as_ref().is_none_or(|key| *key == member.service))
        .filter_map(|problem| Some((problem.port?, problem.category.as_str())))
        .collect();
    errors.extend(member.refused_ports.iter().map(|port| (port.key, "PortConflict")));
    if errors.is_empty() {
        return None;
    }
    let keys = member.ports().chain(member.refused_ports.iter().map(|port| port.key));
    Some(
        keys.map(|key| PortStatus {
            port: i32::from(key.port),
            protocol: key.protocol.as_str().to_owned(),
            error: errors.get(&key).map(|word| format!("landfall.dev/{word}")),
        })
        .collect(),
    )
}

/// Whether a member got every family that it insists on.
pub fn families_served(member: &Member, outcome: &Outcome) -> bool {
    let has = |family: IpFamily| {
        outcome.ingress.iter().any(|entry| match entry {
            Ingress::Ip { ip, .. } => IpFamily::of(ip) == family,
            Ingress::Hostname(_) => true,
        })
    };
    match member.family_policy {
        FamilyPolicy::RequireDualStack => member.families.iter().all(|family| has(*family)),
        FamilyPolicy::SingleStack | FamilyPolicy::PreferDualStack => {
            member.families.iter().any(|family| has(*family))
        }
    }
}

/// The ingress list with the server's default filled in, so that comparing it with a stored one is fair: the API
/// server turns a missing ipMode beside an address into `VIP`.
pub fn normalised(mut ingress: Vec<LoadBalancerIngress>) -> Vec<LoadBalancerIngress> {
    for entry in &mut ingress {
        if entry.ip.is_some() && entry.ip_mode.is_none() {
            entry.ip_mode = Some("VIP".to_owned());
        }
        if entry.ports.as_ref().is_some_and(Vec::is_empty) {
            entry.ports = None;
        }
    }
    ingress
}

/// The ingress list that a Service's status shows now, normalised.
pub fn shown(service: &Service) -> Vec<LoadBalancerIngress> {
    let ingress = service.status.as_ref().and_then(|status| status.load_balancer.as_ref()?.ingress.clone());
    normalised(ingress.unwrap_or_default())
}

/// The conditions that a Service's status shows now.
pub fn conditions(service: &Service) -> Vec<Condition> {
    service.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default()
}

/// Puts verdicts into a list of conditions. Conditions of others stay as they are; the transition time moves only
/// when the status does. An order that stays the same makes an unchanged list compare equal.
pub fn with_verdicts(mut list: Vec<Condition>, verdicts: &[Verdict], now: Timestamp) -> Vec<Condition> {
    for verdict in verdicts {
        let status = if verdict.good { "True" } else { "False" };
        let fresh = || Condition {
            type_: verdict.kind.to_owned(),
            status: status.to_owned(),
            reason: verdict.reason.clone(),
            message: verdict.message.clone(),
            last_transition_time: Time(now),
            observed_generation: None,
        };
        match list.iter_mut().find(|condition| condition.type_ == verdict.kind) {
            Some(condition) if condition.status == status => {
                condition.reason.clone_from(&verdict.reason);
                condition.message.clone_from(&verdict.message);
            }
            Some(condition) => *condition = fresh(),
            None => list.push(fresh()),
        }
    }
    list
}

/// The list without our conditions.
pub fn without_verdicts(mut list: Vec<Condition>) -> Vec<Condition> {
    list.retain(|condition| condition.type_ != ACCEPTED && condition.type_ != PROGRAMMED);
    list
}

#[cfg(test)]
mod tests;
