//! From what exists after a run to what the controller is told. Pure.

use std::time::Duration;

use landfall_core::net::IpFamily;
use landfall_core::outcome::{Ingress, Outcome, Phase, Problem, TargetHealth, UnhealthyTarget};
use landfall_core::plan::Step;
use landfall_core::refusal::categories;

use crate::cloud::{BalancerSpec, Object};
use crate::diff;
use crate::error::MemoryError;
use crate::marks;
use crate::names::Names;
use crate::observe::Observed;
use crate::resources::{ListenerWish, PoolWish, Wanted};
use crate::roles::{self, Roles};

/// When to look again at a balancer that is on its way.
const POLL: Duration = Duration::from_secs(5);
/// When to look again if only our own next step is missing.
const SOON: Duration = Duration::from_secs(1);

/// The outcome of a run that took these steps and left this world.
pub(crate) fn of(
    names: Names<'_>,
    wanted: &Wanted,
    observed: &Observed,
    steps: Vec<Step>,
) -> Result<Outcome, MemoryError> {
    let wish = roles::shape(wanted, observed);
    let roles = Roles::of(&wish, observed);
    let phase = if !roles.settled() {
        Phase::Provisioning { poll: POLL }
    } else if diff::diff(names, wanted, observed)?.is_empty() {
        Phase::Ready
    } else {
        Phase::Provisioning { poll: SOON }
    };
    let ingress = roles.serving().map(|balancer| ingress(balancer, &wish.families)).unwrap_or_default();
    let mut problems = wanted.problems.clone();
    problems.extend(wanted.listeners.iter().filter_map(|wish| held_by_retained(wish, wanted, observed)));
    Ok(Outcome { steps, ingress, phase, targets: targets(wanted, observed), problems, look_again: None })
}

/// The balancer's addresses, families in the order of the wish.
fn ingress(balancer: &Object<BalancerSpec>, order: &[IpFamily]) -> Vec<Ingress> {
    let mut addresses = balancer.status.addresses.clone();
    addresses.sort_by_key(|address| order.iter().position(|family| *family == IpFamily::of(address)));
    addresses.into_iter().map(|ip| Ingress::Ip { ip, mode: balancer.spec().mode }).collect()
}

fn targets(wanted: &Wanted, observed: &Observed) -> Vec<TargetHealth> {
    let of_pool = |wish: &PoolWish, listener: &ListenerWish| {
        let mut health = TargetHealth::none(listener.member.service.clone(), listener.key);
        for (target, checks) in observed.targets.get(&wish.draft.name).into_iter().flatten() {
            let name = wish.targets.get(target).unwrap_or(&target.id).clone();
            health.add(checks.healthy, UnhealthyTarget { target: name, reason: checks.reason.clone() });
        }
        health
    };
    wanted.pools.iter().zip(&wanted.listeners).map(|(pool, listener)| of_pool(pool, listener)).collect()
}

/// A port that a retained member still has.
fn held_by_retained(wish: &ListenerWish, wanted: &Wanted, observed: &Observed) -> Option<Problem> {
    let listener = observed.listeners.iter().find(|listener| listener.spec().key == wish.key)?;
    let holder = marks::member(&listener.draft.tags).filter(|holder| wanted.retained.contains(holder))?;
    Some(Problem {
        member: Some(wish.member.service.clone()),
        port: Some(wish.key),
        category: categories::PORT_CONFLICT,
        message: format!(
            "port {} is held by Service {}, whose wish is refused for now",
            wish.key, holder.service
        ),
    })
}
