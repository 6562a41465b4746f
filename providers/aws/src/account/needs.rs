//! What has to be read before a wish can be compared. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

use jiff::Timestamp;
use tokio::time::Instant;

use super::freshness::Freshness;
use super::known::{Known, KnownGroup, period};
use super::roster::{Pool, Roster};
use crate::api::ids::{LoadBalancerArn, TargetGroupArn};
use crate::handover::{self, Fate};
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
    /// A load balancer that takes traffic waits to take over.
    waits: bool,
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
        self.needs_of_reshape(wanted, &mut needs, now);
        if self.balancers.len() > 1 {
            self.needs_of_replacement(wanted, &mut needs, now, time_of_day);
        }
        needs
    }

    /// What serves behind a load balancer that is to have other address families is kept up to date: AWS may refuse that
    /// for long.
    fn needs_of_reshape(&self, wanted: &Wanted, needs: &mut Needs, now: Instant) {
        let shape = (wanted.balancer.address_type, wanted.balancer.source_nat);
        let reshaped = self.balancers.iter().filter(|it| (it.it.address_type, it.it.source_nat) != shape);
        let reshaped: Vec<_> = reshaped.map(|it| &it.it.arn).collect();
        for group in &self.groups {
            let serves = reshaped.iter().any(|arn| group.it.load_balancers.contains(arn))
                && !wanted.groups.iter().any(|wish| wish.name == group.it.name)
                && !roles::is_retained(&group.tags, wanted);
            if serves && (needs.verifies || group.targets.is_none() || self.is_due(group, now)) {
                needs.targets.push(group.it.arn.clone());
            }
        }
    }

    /// What serves behind predecessors that stay is kept up to date. Who shall take over must be known to be as healthy as
    /// its predecessor is: all of both is read when it begins to take traffic, and then, in growing pauses, what still
    /// lacks a healthy target.
    fn needs_of_replacement(&self, wanted: &Wanted, needs: &mut Needs, now: Instant, time_of_day: Timestamp) {
        let observed = self.observed();
        let roles = Roles::of(wanted, &observed, time_of_day);
        let staying = roles.predecessors.iter().filter(|it| roles.handover.fate(it) != Fate::Goes);
        let staying: Vec<_> = staying.map(|it| &it.it.arn).collect();
        let takes_over = roles.current.filter(|it| roles.handover.holder.is_some() && roles::is_active(it));
        needs.waits = takes_over.is_some();
        let looks = self.watch.as_ref().is_some_and(|watch| watch.is_due(true, now));
        for (group, as_observed) in self.groups.iter().zip(&observed.groups) {
            let behind = |arn: &LoadBalancerArn| group.it.load_balancers.contains(arn);
            let of_predecessor = staying.iter().any(|arn| behind(arn))
                && !wanted.groups.iter().any(|wish| wish.name == group.it.name)
                && !roles::is_retained(&group.tags, wanted);
            let of_successor = takes_over.is_some_and(|it| behind(&it.it.arn));
            let lacks = |it| !self.waits || (looks && !handover::is_served(&observed, it, as_observed));
            let is_due = needs.verifies || group.targets.is_none() || self.is_due(group, now);
            let is_needed = (of_predecessor || of_successor) && (is_due || takes_over.is_some_and(lacks));
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
        self.waits = needs.waits;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::account::heard::Moment;
    use crate::account::known::Written;
    use crate::api::elb::HealthState::{self, Healthy, Initial, Unhealthy};
    use crate::testing::{cluster, group, lb, listener, made, noon, state, wish};

    /// What is needed of a successor that was made just now and of its predecessor, by name of target group.
    struct Replacement {
        known: Known,
        wanted: Wanted,
        observed: Observed,
    }

    impl Replacement {
        fn new() -> Self {
            let mut wanted = wish();
            wanted.groups.push(group("web", 81));
            wanted.listeners.push(listener("web", 81));
            let mut observed = made(&wanted);
            let mut old = wanted.clone();
            old.balancer.name = "old".to_owned();
            for (group, listener) in old.groups.iter_mut().zip(&mut old.listeners) {
                group.name += "-old";
                listener.group.clone_from(&group.name);
            }
            old.balancer.scheme = landfall_core::params::aws::Scheme::InternetFacing;
            let predecessor = made(&old);
            observed.balancers.extend(predecessor.balancers);
            observed.groups.extend(predecessor.groups);
            let made_ago = [1, 60].map(|minutes| noon() - jiff::SignedDuration::from_mins(minutes));
            for (balancer, made) in observed.balancers.iter_mut().zip(made_ago) {
                balancer.it.created = Some(made);
            }
            let freshness = Freshness::default();
            let mut known = Known::new(&lb(), Instant::now(), &freshness);
            let ours = marks::of_lb(&cluster(), &lb());
            let written = Written::new(&ours, &observed, true, &mut Pool::default());
            known.settle(written, Moment { tick: 1, at: Instant::now() });
            Self { known, wanted, observed }
        }

        fn set(&mut self, group: &str, health: HealthState) {
            let mut groups = self.observed.groups.iter_mut();
            let targets = groups.find(|it| it.it.name == group).unwrap().targets.as_mut().unwrap();
            for it in targets.values_mut() {
                *it = state(&it.target, health, None);
            }
        }

        /// Looks once: the names of the target groups whose targets were read.
        fn look(&mut self) -> Vec<String> {
            let (now, freshness) = (Instant::now(), Freshness::default());
            let needs = self.known.needs(&self.wanted, now, noon());
            self.known.learn(&self.wanted, &needs, &self.observed, &freshness, &mut Pool::default());
            let read = !needs.targets.is_empty();
            self.known.watch_health(read, now, &freshness, &mut super::super::watch::Turns::default());
            let names = self.observed.groups.iter().filter(|it| needs.targets.contains(&it.it.arn));
            names.map(|it| it.it.name.clone()).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_replacement_that_waits_only_what_lacks_a_healthy_target_is_read_and_ever_less_often() {
        let mut it = Replacement::new();
        it.set("web-81", Initial);
        assert_eq!(it.look(), ["web-80", "web-81", "web-80-old", "web-81-old"], "both are compared");
        let began = Instant::now();
        let mut read = Vec::new();
        while began.elapsed() < Duration::from_mins(8) {
            tokio::time::advance(Duration::from_secs(5)).await;
            // Checks that failed are waited for as well.
            it.set("web-81", if began.elapsed() < Duration::from_mins(2) { Initial } else { Unhealthy });
            let names = it.look();
            if !names.is_empty() {
                assert_eq!(names, ["web-81", "web-81-old"]);
                read.push(began.elapsed().as_secs());
            }
        }
        assert_eq!(read, [15, 45, 105, 225, 345, 465]);
        it.set("web-81", Healthy);
        tokio::time::advance(Duration::from_mins(2)).await;
        assert_eq!(it.look(), ["web-81", "web-81-old"]);
        // It takes over, and what serves behind both is read in slow turns.
        it.observed.balancers[1].tags.extend(marks::superseded(noon()));
        it.known.balancers[1].tags.extend(marks::superseded(noon()));
        tokio::time::advance(Duration::from_mins(5)).await;
        assert_eq!(it.look(), Vec::<String>::new());
    }
}
