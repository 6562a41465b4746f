//! From a load balancer to its successor: when clients are sent to the new one, and when the old one goes. Pure.
//!
//! ```text
//! successor made ─► active ─► healthy where the predecessor is ─► predecessor dated, host name switches ─► predecessor goes
//!                  minutes          at most PATIENCE in all                                        OVERLAP
//! ```
//!
//! The date is in a tag, [`marks::SUPERSEDED`], which is written before the switch is told. So it survives the process,
//! and a load balancer that serves and has no such tag is one whose host name clients were given last, or one whose
//! turn never came: the older one is the former.
//!
//! Clocks may be wrong. AWS answers no request that is dated more than five minutes off, so a date is not further off
//! than that, and the overlap is twice as long. A date in the future, and one that cannot be read, are replaced by the
//! present: the overlap begins anew, once, and ends.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use landfall_core::model::MemberRef;

use crate::api::elb::HealthState;
use crate::marks;
use crate::observe::{Balancer, Group, Observed};
use crate::resources::Wanted;
use crate::roles::is_active;

/// How long a load balancer stays after its successor took over. AWS's records live 60 seconds (TTL), and clients that
/// cache by themselves mostly less; some resolve anew only when a connection ends.
pub(crate) const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// How long after it was made, or taken over, a successor may wait for healthy targets. Being set up takes two to four minutes,
/// registration three to five, the first checks as long as they are configured to.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_mins(20);

/// What happens to a predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It stays: clients are given its host name.
    Stays,
    /// Its overlap begins now: its successor takes over, or the date that it has is none.
    Dated,
    /// It goes at that time.
    Leaves(Timestamp),
    /// It goes now: its time has come, or it never served.
    Goes,
}

/// How far a load balancer is on its way to replace others.
#[derive(Debug)]
pub(crate) struct Handover<'a> {
    now: Timestamp,
    /// Of those that serve without a date the oldest, which may be the load balancer wanted.
    first: Option<&'a Balancer>,
    /// The load balancer wanted takes traffic and may take over, if it has not done so yet.
    ready: bool,
    /// The predecessor whose host name clients are given until it has a date.
    pub(crate) holder: Option<&'a Balancer>,
    /// Whose host name clients are given.
    pub(crate) serving: Option<&'a Balancer>,
    /// What the load balancer wanted lacks: members and ports with healthy targets on the holder alone.
    pub(crate) lacking: BTreeSet<(MemberRef, u16)>,
}

impl<'a> Handover<'a> {
    /// Decides whether `current` takes over from its predecessors.
    pub(crate) fn of(
        wanted: &Wanted,
        observed: &Observed,
        (current, predecessors): (Option<&'a Balancer>, &[&'a Balancer]),
        now: Timestamp,
    ) -> Self {
        let first = first(current, predecessors);
        let holder = first.filter(|first| !current.is_some_and(|current| same(current, first)));
        let current_active = current.filter(|current| is_active(current));
        let pair = current_active.zip(holder);
        let lacking =
            pair.map(|(current, holder)| lacking(wanted, observed, current, holder)).unwrap_or_default();
        // Until one that is taken over is marked as ours, the operator has not agreed to that.
        let is_ours = |it: &&Balancer| marks::mark(&it.tags).is_some_and(|mark| mark.lb == wanted.lb);
        let ready = current_active.filter(is_ours).is_some_and(|it| lacking.is_empty() || !is_young(it, now));
        let others = || last_superseded(predecessors).or(current);
        let serving = holder.or(current_active).or_else(others);
        Self { now, first, ready, holder, serving, lacking }
    }

    /// Whether the load balancer wanted has taken over, or may do so now.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether clients are given the host name of the load balancer wanted, so that others may go.
    pub(crate) fn is_done(&self) -> bool {
        self.ready && self.holder.is_none()
    }

    /// What happens to a predecessor, as far as time decides.
    pub(crate) fn fate(&self, predecessor: &Balancer) -> Fate {
        let is = |other: Option<&Balancer>| other.is_some_and(|other| same(other, predecessor));
        if !is_active(predecessor) {
            return Fate::Goes;
        }
        // Had it ever served, the one before it would have a date.
        let never_served = || self.first.is_some_and(|first| is_older(first, predecessor));
        match self.ready {
            _ if is(self.serving) && !is(self.holder) => Fate::Stays,
            _ if marks::is_superseded(&predecessor.tags) => self.fate_of_dated(predecessor),
            _ if never_served() => Fate::Goes,
            true => Fate::Dated,
            false => Fate::Stays,
        }
    }

    fn fate_of_dated(&self, predecessor: &Balancer) -> Fate {
        match marks::superseded_since(&predecessor.tags) {
            Some(since) if since <= self.now => {
                let until = since.checked_add(OVERLAP).unwrap_or(Timestamp::MAX);
                if until <= self.now { Fate::Goes } else { Fate::Leaves(until) }
            }
            _ => Fate::Dated,
        }
    }

    /// Until when the load balancer wanted waits at most for what it lacks; `None` if it does not wait.
    pub(crate) fn waits_until(&self, current: &Balancer) -> Option<Timestamp> {
        let made = made(current).filter(|_| !self.ready && is_active(current))?;
        made.checked_add(PATIENCE).ok()
    }

    /// How long until the next predecessor goes.
    pub(crate) fn next(&self, predecessors: &[&Balancer]) -> Option<SignedDuration> {
        let leaving = predecessors.iter().filter_map(|predecessor| match self.fate(predecessor) {
            Fate::Leaves(until) => Some(until.duration_since(self.now)),
            Fate::Stays | Fate::Dated | Fate::Goes => None,
        });
        leaving.min()
    }
}

/// One that was taken over may be older than all others without ever having served in their place.
fn first<'a>(current: Option<&'a Balancer>, predecessors: &[&'a Balancer]) -> Option<&'a Balancer> {
    let is_undated = |balancer: &&Balancer| is_active(balancer) && !marks::is_superseded(&balancer.tags);
    let eldest = predecessors.iter().copied().filter(is_undated).min_by_key(|balancer| balancer.it.created);
    let current = current.filter(is_undated);
    match (eldest, current) {
        (Some(eldest), Some(current)) if is_older(current, eldest) && !marks::is_adopted(&current.tags) => {
            Some(current)
        }
        (eldest, current) => eldest.or(current),
    }
}

fn last_superseded<'a>(predecessors: &[&'a Balancer]) -> Option<&'a Balancer> {
    let active = predecessors.iter().copied().filter(|balancer| is_active(balancer));
    active.max_by_key(|balancer| marks::superseded_since(&balancer.tags))
}

/// Whether one was certainly made before another.
fn is_older(one: &Balancer, other: &Balancer) -> bool {
    one.it.created.zip(other.it.created).is_some_and(|(one, other)| one < other)
}

/// Whether it was made ours lately, by either clock.
fn is_young(balancer: &Balancer, now: Timestamp) -> bool {
    made(balancer).is_some_and(|made| now.duration_since(made).abs() < PATIENCE)
}

/// When it was made, or taken over if it was there before us: its target groups are as new as that.
fn made(balancer: &Balancer) -> Option<Timestamp> {
    if marks::is_adopted(&balancer.tags) { marks::adopted_since(&balancer.tags) } else { balancer.it.created }
}

fn same(one: &Balancer, other: &Balancer) -> bool {
    one.it.arn == other.it.arn
}

/// Whether the member and port of a target group have a healthy target behind the successor, as far as is known.
pub(crate) fn is_served(observed: &Observed, successor: &Balancer, group: &Group) -> bool {
    role(group).is_none_or(|role| serves(observed, successor, &role))
}

/// Members and ports that have a healthy target behind the holder and none behind the successor, of those that shall have
/// targets at all. What is not known is not held against anybody.
fn lacking(
    wanted: &Wanted,
    observed: &Observed,
    successor: &Balancer,
    holder: &Balancer,
) -> BTreeSet<(MemberRef, u16)> {
    let healthy = behind(observed, holder).filter(|group| has(group, &[HealthState::Healthy]) == Some(true));
    let is_wanted = |(member, port): &(MemberRef, u16)| {
        let mut wishes = wanted.groups.iter();
        wishes.any(|wish| (&wish.member, wish.port) == (member, *port) && !wish.registered.is_empty())
    };
    healthy.filter_map(role).filter(is_wanted).filter(|of| !serves(observed, successor, of)).collect()
}

fn serves(observed: &Observed, successor: &Balancer, of: &(MemberRef, u16)) -> bool {
    let mut groups = behind(observed, successor).filter(|group| role(group).as_ref() == Some(of));
    let serving = [HealthState::Healthy, HealthState::Unavailable];
    groups.any(|group| has(group, &serving) != Some(false))
}

fn behind<'a>(observed: &'a Observed, balancer: &'a Balancer) -> impl Iterator<Item = &'a Group> {
    observed.groups.iter().filter(|group| group.it.load_balancers.contains(&balancer.it.arn))
}

/// What two target groups have in common of which one takes the place of the other.
fn role(group: &Group) -> Option<(MemberRef, u16)> {
    Some((marks::member(&group.tags)?, group.it.port))
}

/// Whether any target is in one of these states; `None` if that is not known.
fn has(group: &Group, states: &[HealthState]) -> Option<bool> {
    let targets = group.targets.as_ref()?;
    Some(targets.values().any(|target| states.contains(&target.state)))
}

#[cfg(test)]
mod tests;
