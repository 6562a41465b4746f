//! From what exists after a run to what the controller is told. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use landfall_core::error::Category;
use landfall_core::net::PortKey;
use landfall_core::outcome::{Ingress, Outcome, Phase, Problem, TargetHealth, UnhealthyTarget};
use landfall_core::params::aws::Publish;
use landfall_core::refusal::categories;

use crate::api::ec2::Source;
use crate::api::elb::{BalancerState, HealthState, Target, TargetState};
use crate::api::ids::SecurityGroupId;
use crate::apply::Applied;
use crate::diff::{self, WaitingShape};
use crate::marks;
use crate::observe::{Balancer, Observed};
use crate::resources::{ListenerWish, TargetGroupWish, Wanted};
use crate::roles::{self, Roles};

mod replacement;

/// When to look again at a load balancer that is being set up, which takes minutes.
const POLL: Duration = Duration::from_secs(15);
/// When to try again to remove what is still used.
const SOON: Duration = Duration::from_secs(10);

/// When to try again what AWS did not take: until then somebody may have done something about it.
const LATER: Duration = Duration::from_mins(5);

/// The same for a zone that AWS takes minutes to leave before it can be entered again: nobody serves there meanwhile.
const ZONE: Duration = Duration::from_mins(1);

/// The outcome of a run that applied this and left this world.
pub(crate) fn of(
    wanted: &Wanted,
    observed: &Observed,
    applied: Applied,
    look_again: Option<Duration>,
    now: Timestamp,
) -> Outcome {
    let roles = Roles::of(wanted, observed, now);
    let soon = applied.postponed.then_some(SOON);
    let held: Vec<Problem> = held_by_stranger(wanted, observed).collect();
    let pause = if lacks_zone(wanted, &roles) { ZONE } else { LATER };
    let later = (!applied.problems.is_empty() || !held.is_empty()).then_some(pause);
    let mut problems = wanted.problems.clone();
    problems.extend(applied.problems);
    problems.extend(held);
    problems.extend(replacement::told(wanted, &roles));
    problems.extend(diff::waiting_shape(wanted, observed, now).map(|waiting| shape_waits(&waiting)));
    problems.extend(stranded(wanted, &roles));
    problems.extend(unguarded(wanted, &roles));
    problems.extend(unenforced(wanted, observed, &roles));
    problems.extend(wanted.listeners.iter().flat_map(|wish| held_by_retained(wish, wanted, &roles)));
    Outcome {
        steps: applied.steps,
        ingress: ingress(wanted, &roles),
        phase: phase(&roles),
        targets: targets(wanted, observed),
        problems,
        look_again: [look_again, soon, later, replacement::look_again(&roles)].into_iter().flatten().min(),
    }
}

fn phase(roles: &Roles<'_>) -> Phase {
    let degraded = |word, message: String| Phase::Degraded { category: Category::new(word), message };
    let Some(current) = roles.current else { return Phase::Provisioning { poll: POLL } };
    let name = &current.it.name;
    match &current.it.state {
        _ if replacement::is_under_way(roles) => Phase::Provisioning { poll: POLL },
        BalancerState::Active => Phase::Ready,
        BalancerState::Provisioning => Phase::Provisioning { poll: POLL },
        BalancerState::ActiveImpaired(reason) => degraded(
            "LoadBalancerImpaired",
            format!("the load balancer {name:?} serves, but AWS lacks the resources to scale it: {reason}"),
        ),
        BalancerState::Failed(reason) => degraded(
            "LoadBalancerFailed",
            format!(
                "AWS could not set up the load balancer {name:?}; delete it to have it made again: {reason}"
            ),
        ),
    }
}

/// The host name of the load balancer that serves: during a replacement that of the predecessor.
fn ingress(wanted: &Wanted, roles: &Roles<'_>) -> Vec<Ingress> {
    let published = |balancer: &&Balancer| match wanted.balancer.publish {
        Publish::Created => true,
        Publish::Active => roles::is_active(balancer),
    };
    let named = roles.handover.serving.filter(published).filter(|balancer| !balancer.it.dns_name.is_empty());
    named.map(|balancer| Ingress::Hostname(balancer.it.dns_name.clone())).into_iter().collect()
}

/// Per port of the Service: a target of a listener for TCP and UDP serves two. What is not known is not told.
fn targets(wanted: &Wanted, observed: &Observed) -> Vec<TargetHealth> {
    let of_listener = |listener: &ListenerWish| {
        let wish = wanted.groups.iter().find(|wish| wish.name == listener.group)?;
        let there = observed.groups.iter().find(|group| group.it.name == listener.group)?;
        if observed.stale.contains(&there.it.arn) {
            return None;
        }
        let states = there.targets.as_ref()?;
        Some(listener.serves.iter().map(|port| health(listener, *port, wish, states)).collect::<Vec<_>>())
    };
    wanted.listeners.iter().filter_map(of_listener).flatten().collect()
}

fn health(
    listener: &ListenerWish,
    port: PortKey,
    wish: &TargetGroupWish,
    states: &BTreeMap<Target, TargetState>,
) -> TargetHealth {
    let names: BTreeMap<_, _> =
        wish.registered.iter().map(|(target, name)| ((target.id.as_str(), target.port), name)).collect();
    let mut health = TargetHealth::none(listener.member.service.clone(), port);
    for state in states.values().filter(|state| state.state != HealthState::Draining) {
        let target = &state.target;
        let name = names.get(&(target.id.as_str(), target.port)).copied().unwrap_or(&target.id);
        let healthy = match state.state {
            HealthState::Healthy => Some(true),
            HealthState::Initial | HealthState::Unavailable => None,
            HealthState::Unhealthy | HealthState::Unused | HealthState::Draining => Some(false),
        };
        health.add(healthy, UnhealthyTarget { target: name.clone(), reason: reason(state) });
    }
    health
}

/// AWS's code, which can be looked up, and its text.
fn reason(state: &TargetState) -> Option<String> {
    let code = state.reason.as_ref()?;
    Some(state.description.as_ref().map_or_else(|| code.clone(), |text| format!("{code}: {text}")))
}

/// Whether the load balancer is not in a zone that it is to have.
fn lacks_zone(wanted: &Wanted, roles: &Roles<'_>) -> bool {
    let Some(current) = roles.current.filter(|_| !roles.held) else { return false };
    let is_in = |zone: &String| current.it.zones.iter().any(|has| has.zone == *zone);
    let subnets = wanted.balancer.subnets.iter();
    subnets.filter_map(|mapping| wanted.balancer.zones.get(&mapping.subnet)).any(|zone| !is_in(zone))
}

/// AWS refused a shape that ports would have to go for.
fn shape_waits(waiting: &WaitingShape<'_>) -> Problem {
    let WaitingShape { refused, balancer, unfilled } = waiting;
    let minutes = refused.left.as_secs().div_ceil(60);
    let mut message = format!(
        "the load balancer {balancer:?} keeps its address families for now, and UDP ports, which would be away for each \
         attempt, go on as they are: AWS refuses the change, which is tried again in {minutes} min ({})",
        refused.why
    );
    if !unfilled.is_empty() {
        message +=
            "; meanwhile no pod comes or goes in the target groups that have addresses of the other family, ";
        message += &unfilled.join(", ");
    }
    Problem { member: None, port: None, category: Category::new("ShapeRefused"), message }
}

/// One that may not be replaced would have to leave all of its zones at once to change their subnets.
fn stranded(wanted: &Wanted, roles: &Roles<'_>) -> Option<Problem> {
    let current =
        roles.current.filter(|current| !roles.held && wanted.balancer.placed().strands(&current.it))?;
    let moved: Vec<&str> = wanted.balancer.placed().moved(&current.it).into_iter().collect();
    let why = match &wanted.balancer.adopt {
        Some(_) => {
            "and one that was taken over is not replaced: keep one zone for the time, or change them in AWS"
        }
        None => {
            "and its name keeps a successor from being made: keep one zone for the time, or ask for another name"
        }
    };
    Some(Problem {
        member: None,
        port: None,
        category: Category::new("SubnetsNotChanged"),
        message: format!(
            "the load balancer {:?} keeps its subnets; those of {} cannot change without another zone that serves meanwhile, \
             {why}",
            current.it.name,
            moved.join(", ")
        ),
    })
}

/// One that was taken over may have been made without security groups, and then it can never have any.
fn unguarded(wanted: &Wanted, roles: &Roles<'_>) -> Option<Problem> {
    let current = roles.current.filter(|_| wanted.balancer.adopt.is_some() && roles::is_guarded(wanted))?;
    current.it.security_groups.is_empty().then(|| Problem {
        member: None,
        port: None,
        category: Category::new("SecurityGroupsImpossible"),
        message: format!(
            "the load balancer {:?} was made without security groups and AWS lets it have none: nobody filters its \
             clients, and the nodes' security groups must let them in",
            current.it.name
        ),
    })
}

/// Security groups that were on a load balancer before it was taken over stay, and let in whom they let in.
fn unenforced(wanted: &Wanted, observed: &Observed, roles: &Roles<'_>) -> Option<Problem> {
    let current = roles.current.filter(|_| wanted.balancer.adopt.is_some())?;
    let is_everybody = |source: &Source| match source {
        Source::V4(range) => range.prefix_len() == 0,
        Source::V6(range) => range.prefix_len() == 0,
        Source::Group(_) | Source::PrefixList(_) => false,
    };
    let mut asked = wanted.frontend.iter().flat_map(|wish| &wish.rules);
    asked.find(|rule| !is_everybody(&rule.source))?;
    let ours: Vec<_> = observed.frontend.iter().chain(&observed.backend).map(|group| &group.id).collect();
    let theirs = current.it.security_groups.iter().filter(|id| !ours.contains(id));
    let theirs: Vec<&str> = theirs.map(SecurityGroupId::as_str).collect();
    (!theirs.is_empty()).then(|| Problem {
        member: None,
        port: None,
        category: Category::new("SourceRangesNotEnforced"),
        message: format!(
            "the load balancer {:?} has security groups from before it was taken over, {}: whoever they let in \
             may connect as well, whatever the source ranges; take them off in AWS if that is not meant",
            current.it.name,
            theirs.join(", ")
        ),
    })
}

/// Target groups that nobody needs, and that cannot go while a load balancer that is not ours forwards to them.
fn held_by_stranger(wanted: &Wanted, observed: &Observed) -> impl Iterator<Item = Problem> {
    observed.groups.iter().filter_map(|group| {
        let stranger = roles::stranger_before(group, observed)?;
        let is_needed = wanted.groups.iter().any(|wish| wish.name == group.it.name)
            || roles::is_retained(&group.tags, wanted);
        (!is_needed).then(|| Problem {
            member: None,
            port: None,
            category: Category::new("ForeignResource"),
            message: format!(
                "the target group {:?} is no longer needed, but the load balancer {stranger}, which does not carry our \
                 marks any more, forwards to it: delete that yourself if nobody uses it, or its listeners",
                group.it.name
            ),
        })
    })
}

/// A port that a retained member still has.
fn held_by_retained(wish: &ListenerWish, wanted: &Wanted, roles: &Roles<'_>) -> Vec<Problem> {
    let details = roles.current.and_then(|current| current.details.as_ref());
    let mut listeners = details.into_iter().flat_map(|details| &details.listeners);
    let found = listeners.find(|listener| listener.it.port == wish.port);
    let member = found.and_then(|listener| marks::member(&listener.tags));
    let Some(holder) = member.filter(|holder| wanted.retained.contains(holder)) else { return Vec::new() };
    let problem = |port: &PortKey| Problem {
        member: Some(wish.member.service.clone()),
        port: Some(*port),
        category: categories::PORT_CONFLICT,
        message: format!("port {port} is held by Service {}, whose wish is refused for now", holder.service),
    };
    wish.serves.iter().map(problem).collect()
}

#[cfg(test)]
mod tests;
