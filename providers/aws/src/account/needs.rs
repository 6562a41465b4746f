//! What has to be read before a wish can be compared. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

use jiff::Timestamp;
use tokio::time::Instant;

use super::freshness::Freshness;
use super::known::{Known, KnownGroup, period};
use super::roster::{Pool, Roster};
use crate::api::ids::{LoadBalancerArn, TargetGroupArn};
use crate::handover::Fate;
use crate::marks;
use crate::observe::{Balancer, Observed};
use crate::resources::{TargetGroupWish, Wanted};
use crate::roles::{self, Roles};

/// What has to be read before a wish can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Load balancers whose details are needed.
    pub(crate) balancers: Vec<LoadBalancerArn>,
    /// Target groups whose attributes are needed.
    pub(crate) attributes: Vec<TargetGroupArn>,
    /// Target groups whose targets are needed.
    pub(crate) targets: Vec<TargetGroupArn>,
    /// Everything is compared again: because it is due, or because of a doubt.
    verifies: bool,
    /// The mark on the load balancer says that all is as wished, and the lists do not contradict it.
    trusts: bool,
}

impl Known {
    /// What has to be read before the wish can be compared, now by either clock.
    pub(crate) fn needs(&self, wanted: &Wanted, now: Instant, time_of_day: Timestamp) -> Needs {
        let fingerprint = wanted.fingerprint();
        let applied = |it: &Balancer| it.tags.get(marks::APPLIED) == Some(&fingerprint);
        let complete = wanted.groups.iter().all(|wish| self.group(wish).is_some());
        let mut needs = Needs {
            verifies: self.doubt.is_some() || now >= self.details_due,
            trusts: complete && self.balancers.iter().any(applied),
            ..Needs::default()
        };
        for balancer in &self.balancers {
            let good = balancer.details.is_some() || (needs.trusts && applied(balancer));
            if needs.verifies || !good {
                needs.balancers.push(balancer.it.arn.clone());
            }
        }
        for wish in &wanted.groups {
            let Some(group) = self.group(wish) else { continue };
            if needs.verifies || (group.attributes.is_none() && !needs.trusts) {
                needs.attributes.push(group.it.arn.clone());
            }
            if needs.verifies || self.needs_targets(wish, group, needs.trusts, now) {
                needs.targets.push(group.it.arn.clone());
            }
        }
        if self.balancers.len() > 1 {
            self.needs_of_replacement(wanted, &mut needs, now, time_of_day);
        }
        needs
    }

    /// Who shall take over must be known to be as healthy as its predecessor is, and what serves behind predecessors
    /// that stay is kept up to date.
    fn needs_of_replacement(&self, wanted: &Wanted, needs: &mut Needs, now: Instant, time_of_day: Timestamp) {
        let observed = self.observed();
        let roles = Roles::of(wanted, &observed, time_of_day);
        let staying = roles.predecessors.iter().filter(|it| roles.handover.fate(it) != Fate::Goes);
        let staying: Vec<_> = staying.map(|it| &it.it.arn).collect();
        let takes_over = roles.current.filter(|it| roles.handover.holder.is_some() && roles::is_active(it));
        for group in &self.groups {
            let behind = |arn: &LoadBalancerArn| group.it.load_balancers.contains(arn);
            let of_predecessor = staying.iter().any(|arn| behind(arn))
                && !wanted.groups.iter().any(|wish| wish.name == group.it.name)
                && !roles::is_retained(&group.tags, wanted);
            let of_successor = takes_over.is_some_and(|it| behind(&it.it.arn));
            let is_needed = if takes_over.is_some() {
                of_predecessor || of_successor
            } else {
                of_predecessor && (needs.verifies || group.targets.is_none() || self.is_due(group, now))
            };
            if is_needed && !needs.targets.contains(&group.it.arn) {
                needs.targets.push(group.it.arn.clone());
            }
        }
    }

    fn needs_targets(&self, wish: &TargetGroupWish, group: &KnownGroup, trusts: bool, now: Instant) -> bool {
        let is_assumed = || self.assumed.get(&wish.name).is_none_or(|assumed| *assumed == hash_of(wish));
        self.is_due(group, now) || (group.targets.is_none() && !(trusts && is_assumed()))
    }

    /// Whether the targets of a group are to be read whatever is wished.
    fn is_due(&self, group: &KnownGroup, now: Instant) -> bool {
        let is_watched = || self.watch.as_ref().is_some_and(|watch| watch.is_due(group.has_initial(), now));
        now >= self.targets_due || (group.targets.is_some() && is_watched())
    }

    fn group(&self, wish: &TargetGroupWish) -> Option<&KnownGroup> {
        self.groups.iter().find(|group| group.it.name == wish.name)
    }

    /// Takes over what was read because of `needs`; `observed` holds it.
    pub(super) fn learn(
        &mut self,
        wanted: &Wanted,
        needs: &Needs,
        observed: &Observed,
        freshness: &Freshness,
        pool: &mut Pool,
    ) {
        let now = Instant::now();
        // What a verification finds need not be kept: either it is as the mark says, or it is about to be changed. Of a
        // predecessor no mark says anything.
        let keep = !needs.trusts || self.doubt.is_some();
        let fingerprint = wanted.fingerprint();
        let applied = |it: &Balancer| it.tags.get(marks::APPLIED) == Some(&fingerprint);
        let read = |it: &&mut Balancer| needs.balancers.contains(&it.it.arn) && (keep || !applied(it));
        for balancer in self.balancers.iter_mut().filter(read) {
            let read = observed.balancers.iter().find(|read| read.it.arn == balancer.it.arn);
            balancer.details = read.and_then(|read| read.details.clone());
        }
        for group in &mut self.groups {
            let Some(read) = observed.groups.iter().find(|read| read.it.arn == group.it.arn) else {
                continue;
            };
            if keep && needs.attributes.contains(&group.it.arn) {
                group.attributes.clone_from(&read.attributes);
            }
            if needs.targets.contains(&group.it.arn) {
                group.targets = read.targets.as_ref().map(|targets| Roster::new(targets, pool));
                group.read = Some(now);
            }
        }
        self.assume(wanted);
        let next = now + period(&wanted.lb, freshness);
        if needs.verifies {
            self.verified(next);
        }
        if needs.verifies || now >= self.targets_due {
            self.targets_due = next;
        }
        // While somebody changes it, only who does that can end the doubt.
        self.doubt = self.doubt.filter(|_| self.open);
    }

    /// Targets that are not known are taken to be those of the first wish.
    fn assume(&mut self, wanted: &Wanted) {
        let mut before = mem::take(&mut self.assumed);
        let unknown =
            wanted.groups.iter().filter(|wish| self.group(wish).is_some_and(|it| it.targets.is_none()));
        self.assumed = unknown
            .map(|wish| before.remove_entry(&wish.name).unwrap_or_else(|| (wish.name.clone(), hash_of(wish))))
            .collect();
    }
}

fn hash_of(wish: &TargetGroupWish) -> u64 {
    let mut hasher = DefaultHasher::new();
    wish.registered.keys().for_each(|target| target.hash(&mut hasher));
    hasher.finish()
}
