//! From what exists to what is wanted: ordered changes. Pure.
//!
//! The order is the safety: targets of what serves already first, what is referred to before what refers, sources let in
//! before ports are opened, everything new before anything old goes. A load balancer that has to be replaced keeps
//! serving until its successor [takes over](crate::handover), and for an overlap after that; only then does a later run
//! find it superfluous. The one exception is a successor that is to have a fixed address of its predecessor: AWS gives no
//! address to two, so the predecessor goes first.
//!
//! What was not read is not compared: it is known to be the result of the same wish.

use jiff::Timestamp;

use crate::change::{BalancerChange, Change, GroupChange, Retag, TagRef};
use crate::error::AwsError;
use crate::marks;
use crate::observe::{Balancer, Foreign, Group, Observed, RefusedShape};
use crate::resources::Wanted;
use crate::roles::{self, Roles};

mod balancer;
mod groups;
mod guards;
mod listeners;
mod spare;
mod tags;

use listeners::give_back;
pub(crate) use spare::let_go;

/// The changes in the order in which they are to be made. Empty if nothing is to be done now.
pub(crate) fn diff(wanted: &Wanted, observed: &Observed, now: Timestamp) -> Result<Vec<Change>, AwsError> {
    refuse_strangers(wanted, observed)?;
    let diff = Diff::of(wanted, observed, now);
    let mut changes: Vec<Change> = tags::claim(&diff).into_iter().collect();
    // Nodes come and go, whatever may fail about anything else.
    let (of_targets, groups): (Vec<_>, Vec<_>) =
        groups::groups(&diff).into_iter().partition(|change| groups::refills(&diff, change));
    changes.extend(of_targets);
    changes.extend(guards::backend(&diff));
    changes.extend(guards::frontend(&diff));
    changes.extend(groups);
    changes.extend(spare::blocking(&diff));
    changes.extend(balancer::balancer(&diff));
    let (before, after) = listeners::listeners(&diff)?;
    changes.extend(before);
    changes.extend(balancer::reshape(&diff));
    changes.extend(after);
    changes.extend(balancer::settings(&diff));
    changes.extend(balancer::predecessors(&diff));
    changes.extend(tags::tags(&diff));
    changes.extend(spare::handed_over(&diff));
    changes.extend(spare::spare(&diff));
    Ok(diff.sealed(changes))
}

/// The shape that was refused lately, if it is too soon to try it again.
pub(crate) fn waiting_shape<'a>(
    wanted: &'a Wanted,
    observed: &'a Observed,
    now: Timestamp,
) -> Option<WaitingShape<'a>> {
    let diff = Diff::of(wanted, observed, now);
    let (refused, current) = diff.waits.zip(diff.roles.current)?;
    Some(WaitingShape { refused, balancer: &current.it.name, unfilled: groups::unfilled(&diff) })
}

/// What waits for another shape of the load balancer.
pub(crate) struct WaitingShape<'a> {
    pub(crate) refused: &'a RefusedShape,
    /// Name of the load balancer.
    pub(crate) balancer: &'a str,
    /// Names of target groups whose targets cannot follow the wish: it knows none of their family.
    pub(crate) unfilled: Vec<&'a str>,
}

/// What the parts of the comparison share.
struct Diff<'a> {
    wanted: &'a Wanted,
    observed: &'a Observed,
    roles: Roles<'a>,
    now: Timestamp,
    /// AWS refused the shape lately: it is left alone, with the listeners that would have to go for it.
    waits: Option<&'a RefusedShape>,
}

impl<'a> Diff<'a> {
    fn of(wanted: &'a Wanted, observed: &'a Observed, now: Timestamp) -> Self {
        let mut diff = Self { wanted, observed, roles: Roles::of(wanted, observed, now), now, waits: None };
        diff.waits = observed.refused_shape.as_ref().filter(|_| listeners::are_cut(&diff));
        diff
    }

    /// The name of the load balancer that the listeners belong on, be it there already or not.
    fn balancer_name(&self) -> &'a str {
        match self.roles.current {
            Some(current) => &current.it.name,
            None => self.new_name(),
        }
    }

    /// The name of a load balancer to be made: that asked for, unless a predecessor has it, which keeps it to its end.
    fn new_name(&self) -> &'a str {
        let wish = &self.wanted.balancer;
        let is_taken = self.observed.balancers.iter().any(|balancer| balancer.it.name == wish.name);
        wish.beside.as_deref().filter(|_| is_taken).unwrap_or(&wish.name)
    }

    /// A target group of ours, by name.
    fn group(&self, name: &str) -> Option<&'a Group> {
        self.observed.groups.iter().find(|group| group.it.name == name)
    }

    /// Whether the current load balancer was there before us: only what we add to it is ours.
    fn is_adopted(&self) -> bool {
        self.wanted.balancer.adopt.is_some()
    }

    /// Whether a member whose wish is refused is on the current load balancer. What the wish says about the whole of it
    /// may then lack what that member asks for, so nothing that nobody else asks for is undone.
    fn is_partial(&self) -> bool {
        self.roles.current.is_some_and(|current| roles::is_needed(current, self.wanted, self.observed))
    }

    /// Adds the tag that tells what was applied. It goes before anything that only calls about this load balancer tell
    /// is changed, and comes back when all is done: a run that is killed between, and whose wish is then taken back,
    /// would otherwise leave a tag that claims what is not so.
    fn sealed(&self, mut changes: Vec<Change>) -> Vec<Change> {
        let fingerprint = self.wanted.fingerprint();
        let name = self.balancer_name().to_owned();
        let tag = |set, removed: &[&str]| {
            let removed = removed.iter().map(|key| (*key).to_owned()).collect();
            Change::Tags(Retag { of: vec![TagRef::Balancer(name.clone())], set, removed })
        };
        let unread = self.roles.current.is_some_and(|current| current.details.is_none());
        let has = self.roles.current.and_then(|current| current.tags.get(marks::APPLIED));
        let touches = changes.iter().any(is_unlisted);
        if has.is_some() && touches {
            changes.insert(0, tag(crate::api::Tags::new(), &[marks::APPLIED]));
        }
        let done = !unread && self.waits.is_none();
        if done && (touches || has != Some(&fingerprint)) {
            changes.push(tag(marks::applied(&fingerprint), &[]));
        }
        changes
    }
}

/// Whether a change is about something that no list tells, or about a target group that had to be made again, which
/// means that its listener is gone as well.
fn is_unlisted(change: &Change) -> bool {
    match change {
        Change::Listener(..)
        | Change::Group(_, GroupChange::Create(_) | GroupChange::Attributes(_))
        | Change::Balancer(_, BalancerChange::Attributes(_) | BalancerChange::Capacity { .. }) => true,
        Change::Tags(retag) => retag.of.iter().any(|of| matches!(of, TagRef::Listener(_))),
        Change::Guard(..) | Change::Group(..) | Change::Balancer(..) => false,
    }
}

fn refuse_strangers(wanted: &Wanted, observed: &Observed) -> Result<(), AwsError> {
    match observed.foreign.first() {
        Some(Foreign { kind, name, owner }) => {
            let owner = owner.as_ref().map(ToString::to_string);
            Err(AwsError::Foreign { whom: wanted.lb.to_string(), kind, name: name.clone(), owner })
        }
        None => Ok(()),
    }
}

/// Whether a load balancer is left when all changes are made.
fn stays(diff: &Diff<'_>, balancer: &Balancer) -> bool {
    !spare::goes(diff, balancer)
}

#[cfg(test)]
mod tests;
