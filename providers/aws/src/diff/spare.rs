//! What nobody needs any more, in the order in which it can go.

use std::collections::BTreeSet;

use landfall_core::ids::LbId;

use super::{Diff, give_back, guards, listeners, tags};
use crate::api::Tags;
use crate::change::{BalancerChange, Change, GroupChange, GuardRef, Retag, TagRef};
use crate::handover::Fate;
use crate::marks;
use crate::observe::{Balancer, Group, Observed};
use crate::roles;

/// Predecessors that go before there can be a successor: for a fixed address that they have, or for their name.
pub(super) fn blocking(diff: &Diff<'_>) -> Vec<Change> {
    let going = diff.roles.predecessors.iter().filter(|balancer| blocks(diff, balancer));
    going.flat_map(|balancer| remove_balancer(diff, balancer)).collect()
}

/// The host name switches: predecessors get the date from which on their overlap counts. One that is taken back loses
/// its own after that, so that at no time both have none.
pub(super) fn handed_over(diff: &Diff<'_>) -> Vec<Change> {
    let predecessors =
        diff.roles.predecessors.iter().filter(|balancer| {
            diff.roles.current.is_some() && diff.roles.handover.fate(balancer) == Fate::Dated
        });
    let of: Vec<_> = predecessors.map(|balancer| TagRef::Balancer(balancer.it.name.clone())).collect();
    let dated = Retag { of, set: marks::superseded(diff.now), removed: BTreeSet::new() };
    let mut changes: Vec<Change> =
        Some(dated).filter(|retag| !retag.of.is_empty()).map(Change::Tags).into_iter().collect();
    let back = diff.roles.current.filter(|_| diff.roles.handover.is_ready());
    if let Some(back) = back.filter(|current| marks::is_superseded(&current.tags)) {
        let of = vec![TagRef::Balancer(back.it.name.clone())];
        let removed = BTreeSet::from([marks::SUPERSEDED.to_owned()]);
        changes.push(Change::Tags(Retag { of, set: Tags::new(), removed }));
    }
    changes
}

/// Whatever is left over once everything wanted is in place.
pub(super) fn spare(diff: &Diff<'_>) -> Vec<Change> {
    let going = diff.roles.predecessors.iter().filter(|balancer| is_superfluous(diff, balancer));
    let mut changes: Vec<Change> = going.flat_map(|balancer| remove_balancer(diff, balancer)).collect();
    let groups = diff.observed.groups.iter().filter(|group| is_spare(diff, group));
    changes.extend(groups.map(|group| Change::Group(group.it.name.clone(), GroupChange::Delete)));
    changes.extend(guards::stale_rules(diff));
    changes.extend(guards::stale_groups(diff));
    changes
}

/// Whether a load balancer is gone when all changes are made.
pub(super) fn goes(diff: &Diff<'_>, balancer: &Balancer) -> bool {
    let is_predecessor = diff.roles.predecessors.iter().any(|other| other.it.arn == balancer.it.arn);
    is_predecessor && (blocks(diff, balancer) || is_superfluous(diff, balancer))
}

fn blocks(diff: &Diff<'_>, balancer: &Balancer) -> bool {
    let wish = &diff.wanted.balancer;
    diff.roles.current.is_none()
        && wish.adopt.is_none()
        && (balancer.it.name == diff.new_name() || roles::holds_address(&balancer.it, &wish.subnets))
        && !roles::is_kept(balancer, diff.wanted, diff.observed)
}

/// Those that never served, and those whose time has come. One that is protected from deletion stays until somebody lifts
/// that.
fn is_superfluous(diff: &Diff<'_>, balancer: &Balancer) -> bool {
    diff.roles.current.is_some()
        && diff.roles.handover.fate(balancer) == Fate::Goes
        && !roles::is_protected(balancer)
        && !roles::is_kept(balancer, diff.wanted, diff.observed)
}

/// One that was taken over is not deleted.
fn remove_balancer(diff: &Diff<'_>, balancer: &Balancer) -> Vec<Change> {
    if marks::is_adopted(&balancer.tags) {
        return let_go(&diff.wanted.lb, diff.observed, balancer);
    }
    vec![Change::Balancer(balancer.it.name.clone(), BalancerChange::Delete)]
}

/// Takes everything of ours off a load balancer that was taken over. Its marks go last, so that it is found again if
/// this is interrupted. What is on it must be known before.
pub(crate) fn let_go(lb: &LbId, observed: &Observed, balancer: &Balancer) -> Vec<Change> {
    let Some(details) = &balancer.details else { return Vec::new() };
    let name = &balancer.it.name;
    let ours: Vec<_> = observed.frontend.iter().chain(&observed.backend).map(|group| &group.id).collect();
    let mut changes = give_back(lb, name, &details.listeners);
    let from: Vec<_> = balancer.it.security_groups.iter().cloned().map(GuardRef::Known).collect();
    let kept = balancer.it.security_groups.iter().filter(|id| !ours.contains(id));
    let to: Vec<_> = kept.cloned().map(GuardRef::Known).collect();
    if from != to && !to.is_empty() {
        let change = BalancerChange::Guards { from, to, private_link_rules: None, only_if_let_in: false };
        changes.push(Change::Balancer(name.clone(), change));
    }
    changes.push(tags::unmark(TagRef::Balancer(name.clone()), &balancer.tags));
    changes
}

/// A target group that is neither wanted nor of a member whose wish is refused, nor behind a load balancer that stays,
/// nor behind one that is not ours, nor behind a listener that stays as it is.
fn is_spare(diff: &Diff<'_>, group: &Group) -> bool {
    let wanted = diff.wanted.groups.iter().any(|wish| wish.name == group.it.name);
    let mut staying = diff.roles.predecessors.iter().filter(|balancer| !goes(diff, balancer));
    !wanted
        && !listeners::is_left(diff, group)
        && !roles::is_retained(&group.tags, diff.wanted)
        && roles::stranger_before(group, diff.observed).is_none()
        && !staying.any(|balancer| group.it.load_balancers.contains(&balancer.it.arn))
}
