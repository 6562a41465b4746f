//! Target groups: made, checked, filled.

use super::{Diff, balancer, stays, tags};
use crate::api::Attributes;
use crate::api::elb::{GroupTargets, NewTargetGroup};
use crate::change::{AttributeChange, Change, GroupChange, TargetChange};
use crate::defaults;
use crate::marks;
use crate::observe::{Balancer, Group};
use crate::resources::TargetGroupWish;
use crate::targets;

/// Target groups as they should be. Targets are registered before a listener forwards to them, and whatever may fail
/// about listeners does not keep nodes from coming and going.
pub(super) fn groups(diff: &Diff<'_>) -> Vec<Change> {
    let of = |wish: &TargetGroupWish| match diff.group(&wish.name) {
        None => made(diff, wish),
        Some(there) => adjusted(there, wish),
    };
    diff.wanted.groups.iter().flat_map(of).chain(of_predecessors(diff)).collect()
}

/// Whether a change is about the targets of a target group that is there.
pub(super) fn refills(diff: &Diff<'_>, change: &Change) -> bool {
    matches!(change, Change::Group(name, GroupChange::Targets(_)) if diff.group(name).is_some())
}

/// While a load balancer is being replaced, nodes go on to come and go behind the one that serves, and while it is to have
/// other address families, behind the listeners that it has: those target groups get what those that will take their
/// place get. They are known by member, port and kind; instances are the same whatever the family.
fn of_predecessors<'a>(diff: &'a Diff<'_>) -> impl Iterator<Item = Change> + 'a {
    superseded(diff).filter_map(move |(old, heir)| {
        let registered = old.targets.as_ref()?;
        // Of another family no address is known. That there are none at all goes for both.
        let knows = is_filled_alike(heir, old) || heir.registered.is_empty();
        let change = knows.then(|| targets::plan(&heir.registered, registered));
        let change = change.filter(|change| !change.is_empty())?;
        Some(Change::Group(old.it.name.clone(), GroupChange::Targets(change)))
    })
}

/// Target groups whose targets cannot follow those of the one that will take their place, by name.
pub(super) fn unfilled<'a>(diff: &Diff<'a>) -> Vec<&'a str> {
    let unfilled = superseded(diff).filter(|(old, heir)| !is_filled_alike(heir, old));
    unfilled.map(|(old, _)| old.it.name.as_str()).collect()
}

/// Target groups that serve although they are wanted no longer, each with the one that will take its place.
fn superseded<'a, 'b>(diff: &'b Diff<'a>) -> impl Iterator<Item = (&'a Group, &'a TargetGroupWish)> + 'b {
    let wanted: &'a [TargetGroupWish] = &diff.wanted.groups;
    diff.observed.groups.iter().filter_map(move |old| {
        let behind = |balancer: &Balancer| old.it.load_balancers.contains(&balancer.it.arn);
        let mut staying = diff.roles.predecessors.iter().filter(|balancer| stays(diff, balancer));
        let reshaped = diff.roles.current.filter(|current| balancer::changes_families(diff, current));
        let serves = staying.any(|balancer| behind(balancer)) || reshaped.is_some_and(behind);
        let is_old = serves && !wanted.iter().any(|wish| wish.name == old.it.name);
        let member = marks::member(&old.tags).filter(|_| is_old)?;
        let fits = |wish: &&TargetGroupWish| {
            (&wish.member, wish.port, Some(wish.targets)) == (&member, old.it.port, old.it.targets)
        };
        let heirs = || wanted.iter().filter(fits);
        let heir = heirs().find(|heir| is_filled_alike(heir, old)).or_else(|| heirs().next())?;
        Some((old, heir))
    })
}

/// Whether the targets of one are targets of the other.
fn is_filled_alike(wish: &TargetGroupWish, old: &Group) -> bool {
    wish.targets == GroupTargets::Instance || wish.family == old.it.family
}

fn made(diff: &Diff<'_>, wish: &TargetGroupWish) -> Vec<Change> {
    let new = NewTargetGroup {
        name: wish.name.clone(),
        protocol: wish.protocol,
        port: wish.port,
        vpc: diff.wanted.vpc.clone(),
        targets: wish.targets,
        family: wish.family,
        health: wish.health.clone(),
        tags: tags::with_memory(&wish.tags),
    };
    let targets = TargetChange { new: wish.registered.clone(), ..TargetChange::default() };
    let changes = [
        Some(GroupChange::Create(new)),
        attributes(wish, &Attributes::new()),
        (!targets.is_empty()).then_some(GroupChange::Targets(targets)),
    ];
    named(wish, changes)
}

fn adjusted(there: &Group, wish: &TargetGroupWish) -> Vec<Change> {
    let health = (there.it.health != wish.health)
        .then(|| GroupChange::Health { from: there.it.health.clone(), to: wish.health.clone() });
    let found = there.attributes.as_ref();
    let targets = there.targets.as_ref().map(|registered| targets::plan(&wish.registered, registered));
    let changes = [
        health,
        found.and_then(|found| attributes(wish, found)),
        targets.filter(|change| !change.is_empty()).map(GroupChange::Targets),
    ];
    named(wish, changes)
}

fn attributes(wish: &TargetGroupWish, found: &Attributes) -> Option<GroupChange> {
    let default = |key: &str| defaults::group(wish.protocol, wish.targets, key);
    attribute_change(&wish.attributes, found, default).map(GroupChange::Attributes)
}

/// What has to be set so that attributes become what is asked for, or their default; `None` if nothing has.
pub(super) fn attribute_change(
    asked: &Attributes,
    found: &Attributes,
    default: impl Fn(&str) -> Option<&'static str>,
) -> Option<AttributeChange> {
    let set = defaults::changes(asked, found, default);
    let change = set.into_iter().map(|(key, to)| (key.clone(), (found.get(&key).cloned(), to))).collect();
    Some(AttributeChange(change)).filter(|change| !change.0.is_empty())
}

fn named<const N: usize>(wish: &TargetGroupWish, changes: [Option<GroupChange>; N]) -> Vec<Change> {
    changes.into_iter().flatten().map(|change| Change::Group(wish.name.clone(), change)).collect()
}
