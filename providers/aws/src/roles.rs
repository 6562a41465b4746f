//! Which of the load balancers found is the one wanted, which one serves meanwhile, and which go.

use jiff::Timestamp;

use crate::api::Tags;
use crate::api::elb::{BalancerState, LoadBalancer, SubnetMapping};
use crate::api::ids::LoadBalancerArn;
use crate::defaults::DELETION_PROTECTION;
use crate::handover::Handover;
use crate::marks;
use crate::observe::{Balancer, Group, Observed};
use crate::resources::Wanted;

/// The load balancers found, by the part they play.
#[derive(Debug)]
pub(crate) struct Roles<'a> {
    /// The one that is as wanted, or can be changed in place to be.
    pub(crate) current: Option<&'a Balancer>,
    /// The others.
    pub(crate) predecessors: Vec<&'a Balancer>,
    /// The current one is not as wanted, but a member whose wish is refused is on it: as long as that is so it stays,
    /// and keeps its shape.
    pub(crate) held: bool,
    /// How far the current one is on its way to replace the others.
    pub(crate) handover: Handover<'a>,
}

impl<'a> Roles<'a> {
    /// Casts the load balancers found.
    pub(crate) fn of(wanted: &Wanted, observed: &'a Observed, now: Timestamp) -> Self {
        let (current, predecessors, held) = cast(wanted, observed);
        let handover = Handover::of(wanted, observed, (current, &predecessors), now);
        Self { current, predecessors, held, handover }
    }
}

type Cast<'a> = (Option<&'a Balancer>, Vec<&'a Balancer>, bool);

/// The current one, its predecessors, and whether it is held.
fn cast<'a>(wanted: &Wanted, observed: &'a Observed) -> Cast<'a> {
    let ours = observed.balancers.iter().filter(|balancer| plays(balancer, wanted));
    let (mut fitting, mut others): (Vec<_>, Vec<_>) = ours.partition(|balancer| fits(balancer, wanted));
    fitting.sort_by_key(|balancer| rank(&balancer.it, marks::is_superseded(&balancer.tags)));
    let keeper = others.iter().position(|balancer| is_kept(balancer, wanted, observed));
    let held = keeper.is_some() && !fitting.iter().any(|balancer| is_needed(balancer, wanted, observed));
    if let (true, Some(keeper)) = (held, keeper) {
        let current = others.remove(keeper);
        others.append(&mut fitting);
        return (Some(current), others, held);
    }
    let mut fitting = fitting.into_iter();
    let current = fitting.next();
    others.extend(fitting);
    (current, others, false)
}

/// Which of several that can become what is wanted is to become it: the least. One that serves already comes before one
/// that a killed run left half-made, and one that a successor took over from is the last of its kind.
pub(crate) fn rank(it: &LoadBalancer, is_superseded: bool) -> (bool, bool, Option<Timestamp>, String) {
    (!takes_traffic(it), is_superseded, it.created, it.name.clone())
}

/// Whether it takes traffic.
pub(crate) fn is_active(balancer: &Balancer) -> bool {
    takes_traffic(&balancer.it)
}

fn takes_traffic(it: &LoadBalancer) -> bool {
    matches!(it.state, BalancerState::Active | BalancerState::ActiveImpaired(_))
}

/// Whether it is known to be protected from deletion.
pub(crate) fn is_protected(balancer: &Balancer) -> bool {
    let details = balancer.details.as_ref();
    let value = details.and_then(|details| details.attributes.get(DELETION_PROTECTION));
    !marks::is_adopted(&balancer.tags) && value.is_some_and(|value| value == "true")
}

/// Whether a load balancer must stay because of a member whose wish is refused. What such a member has on one whose
/// successor took over is not needed: it has that on the successor, too, or had left before.
pub(crate) fn is_kept(balancer: &Balancer, wanted: &Wanted, observed: &Observed) -> bool {
    !marks::is_superseded(&balancer.tags) && is_needed(balancer, wanted, observed)
}

/// Whether a member whose wish is refused has a target group behind it.
pub(crate) fn is_needed(balancer: &Balancer, wanted: &Wanted, observed: &Observed) -> bool {
    let retained = observed.groups.iter().filter(|group| is_retained(&group.tags, wanted));
    retained.into_iter().any(|group| group.it.load_balancers.contains(&balancer.it.arn))
}

/// The load balancer in front of a target group of ours that is not ours, or no longer.
pub(crate) fn stranger_before<'a>(group: &'a Group, observed: &Observed) -> Option<&'a LoadBalancerArn> {
    let is_ours = |arn: &LoadBalancerArn| observed.balancers.iter().any(|balancer| balancer.it.arn == *arn);
    group.it.load_balancers.iter().find(|arn| !is_ours(arn))
}

/// Whether these are tags of a member whose wish is refused, so that what it has stays as it is.
pub(crate) fn is_retained(tags: &Tags, wanted: &Wanted) -> bool {
    marks::member(tags).is_some_and(|member| wanted.retained.contains(&member))
}

/// Whether a load balancer has a fixed address that one of these subnets is to have.
pub(crate) fn holds_address(it: &LoadBalancer, of: &[SubnetMapping]) -> bool {
    let shares = |subnet: &SubnetMapping| {
        it.zones.iter().any(|zone| {
            same(zone.allocation.as_ref(), subnet.allocation.as_ref())
                || same(zone.private_ipv4.as_ref(), subnet.private_ipv4.as_ref())
                || same(zone.ipv6.as_ref(), subnet.ipv6.as_ref())
        })
    };
    of.iter().any(shares)
}

fn same<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.is_some() && one == other
}

/// Whether it is ours or to be: one that was given back to its owner is neither any more.
fn plays(balancer: &Balancer, wanted: &Wanted) -> bool {
    let ours = marks::mark(&balancer.tags).is_some_and(|mark| mark.lb == wanted.lb);
    ours || wanted.balancer.adopt.as_ref() == Some(&balancer.it.arn)
}

/// Whether it is as wanted up to what can be changed in place. The name covers most of what cannot, unless the user gave
/// it; addresses come and go under any name.
fn fits(balancer: &Balancer, wanted: &Wanted) -> bool {
    let (it, wish) = (&balancer.it, &wanted.balancer);
    if let Some(arn) = &wish.adopt {
        return it.arn == *arn;
    }
    let named = it.name == wish.name || wish.beside.as_ref() == Some(&it.name);
    named
        && it.scheme == wish.scheme
        && it.security_groups.is_empty() != is_guarded(wanted)
        && keeps_addresses(&balancer.it, &wish.subnets)
        && !marks::is_adopted(&balancer.tags)
}

/// Whether the subnets that it has keep the fixed addresses that they have, and none of these goes to another.
pub(crate) fn keeps_addresses(it: &LoadBalancer, subnets: &[SubnetMapping]) -> bool {
    subnets.iter().all(|subnet| {
        let zone = it.zones.iter().find(|zone| zone.subnet == subnet.subnet);
        let Some(zone) = zone else { return !holds_address(it, std::slice::from_ref(subnet)) };
        zone.allocation == subnet.allocation
            && zone.private_ipv4 == subnet.private_ipv4
            && (subnet.ipv6.is_none() || zone.ipv6 == subnet.ipv6)
    })
}

/// Whether the load balancer wanted has security groups.
pub(crate) fn is_guarded(wanted: &Wanted) -> bool {
    wanted.balancer.is_guarded(wanted.frontend.is_some(), wanted.backend.is_some())
}

#[cfg(test)]
mod tests;
