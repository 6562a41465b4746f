//! What has to be read before a wish can be compared. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

use tokio::time::Instant;

use super::freshness::Freshness;
use super::known::{Known, KnownGroup, period};
use super::roster::{Pool, Roster};
use crate::api::ids::{LoadBalancerArn, TargetGroupArn};
use crate::marks;
use crate::observe::{Balancer, Observed};
use crate::resources::{TargetGroupWish, Wanted};

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
    /// What has to be read before the wish can be compared.
    pub(crate) fn needs(&self, wanted: &Wanted, now: Instant) -> Needs {
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
        needs
    }

    fn needs_targets(&self, wish: &TargetGroupWish, group: &KnownGroup, trusts: bool, now: Instant) -> bool {
        if now >= self.targets_due {
            return true;
        }
        match &group.targets {
            Some(_) => self.watch.as_ref().is_some_and(|watch| watch.is_due(group.has_initial(), now)),
            None => !trusts || self.assumed.get(&wish.name).is_some_and(|assumed| *assumed != hash_of(wish)),
        }
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
        // What a verification finds need not be kept: either it is as the mark says, or it is about to be changed.
        let keep = !needs.trusts || self.doubt.is_some();
        for balancer in self.balancers.iter_mut().filter(|it| keep && needs.balancers.contains(&it.it.arn)) {
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
            self.details_due = next;
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
