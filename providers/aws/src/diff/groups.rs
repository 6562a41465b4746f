//! Target groups: made, checked, filled.

use super::{Diff, stays, tags};
use crate::api::Attributes;
use crate::api::elb::NewTargetGroup;
use crate::change::{AttributeChange, Change, GroupChange, TargetChange};
use crate::defaults;
use crate::marks;
use crate::observe::Group;
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

/// While a load balancer is being replaced, nodes go on to come and go behind the one that serves: its target groups
/// get what those that will take their place get. They are known by member, port and kind.
fn of_predecessors<'a>(diff: &'a Diff<'_>) -> impl Iterator<Item = Change> + 'a {
    let wanted = &diff.wanted.groups;
    diff.observed.groups.iter().filter_map(move |old| {
        let mut staying = diff.roles.predecessors.iter().filter(|balancer| stays(diff, balancer));
        let serves = staying.any(|balancer| old.it.load_balancers.contains(&balancer.it.arn));
        let is_old = serves && !wanted.iter().any(|wish| wish.name == old.it.name);
        let member = marks::member(&old.tags).filter(|_| is_old)?;
        let heir = wanted.iter().find(|wish| {
            (&wish.member, wish.port) == (&member, old.it.port)
                && (Some(wish.targets), wish.family) == (old.it.targets, old.it.family)
        })?;
        let change = targets::plan(&heir.registered, old.targets.as_ref()?);
        let change = Some(change).filter(|change| !change.is_empty())?;
        Some(Change::Group(old.it.name.clone(), GroupChange::Targets(change)))
    })
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
