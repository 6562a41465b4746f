//! What is known of the account. Plain data behind one lock that is never held over a call.

use std::collections::HashMap;
use std::mem;
use std::time::Duration;

use landfall_core::ids::{ClusterId, LbId};
use tokio::time::Instant;

use super::doors::Doors;
use super::freshness::Freshness;
use super::heard::{Extent, Heard, Listing, Moment};
use super::known::{Found, Known, KnownGroup, Written, rank};
use super::needs::Needs;
use super::roster::Pool;
use super::watch::Turns;
use crate::api::Tags;
use crate::api::ec2::SecurityGroup;
use crate::api::elb::LoadBalancer;
use crate::api::ids::LoadBalancerArn;
use crate::change::kinds;
use crate::observe::{Balancer, Observed};
use crate::resources::Wanted;
use crate::{marks, names};

mod strangers;

use strangers::is_clear;

/// Who has a name.
#[derive(Debug)]
struct Holder {
    /// The load balancer of this cluster that it is of; `None` for a stranger's.
    owner: Option<LbId>,
    arn: String,
}

/// What is known of the account.
#[derive(Debug)]
pub(crate) struct State {
    cluster: ClusterId,
    freshness: Freshness,
    tick: u64,
    /// The tick at which everything was forgotten last.
    term: u64,
    heard: Heard,
    known: HashMap<LbId, Known>,
    /// Load balancers of which nothing is left, and since when: lists that were begun before bring them back.
    gone: HashMap<LbId, Moment>,
    /// Whose everything is that was seen, by ARN; `None` for what is not this cluster's. Not in here is what has a name
    /// as we give it and no marks of anybody: AWS may tell its tags later.
    owners: HashMap<String, Option<LbId>>,
    /// Who has a name, by kind and name.
    names: HashMap<(&'static str, String), Holder>,
    pub(crate) backend: Option<SecurityGroup>,
    backend_changed: Option<Moment>,
    pub(crate) doors: Doors,
    pool: Pool,
    turns: Turns,
}

impl State {
    pub(super) fn new(cluster: ClusterId, freshness: Freshness) -> Self {
        Self {
            cluster,
            freshness,
            tick: 0,
            term: 0,
            heard: Heard::default(),
            known: HashMap::new(),
            gone: HashMap::new(),
            owners: HashMap::new(),
            names: HashMap::new(),
            backend: None,
            backend_changed: None,
            doors: Doors::default(),
            pool: Pool::default(),
            turns: Turns::default(),
        }
    }

    /// Forgets everything but the time.
    pub(super) fn forget(&mut self) {
        *self = Self { tick: self.tick, term: self.tick, ..Self::new(self.cluster.clone(), self.freshness) };
    }

    /// Now, later than every moment before.
    pub(super) fn moment(&mut self) -> Moment {
        self.tick += 1;
        Moment { tick: self.tick, at: Instant::now() }
    }

    /// Whether a moment was after everything was forgotten.
    pub(super) fn is_of_this_term(&self, moment: Moment) -> bool {
        moment.tick > self.term
    }

    /// When the last lists that succeeded were begun.
    pub(super) fn heard(&self) -> Heard {
        self.heard
    }

    /// What has to be listed for a look at a load balancer that began then, besides what was heard; `None` if nothing.
    pub(super) fn lacks(&self, lb: &LbId, look: Moment, heard: Heard) -> Option<Extent> {
        let good = |full: Moment| full.tick > look.tick || look.at < full.at + self.freshness.snapshot;
        if !heard.all.is_some_and(good) {
            return Some(Extent::Full);
        }
        let doubt = self.known.get(lb).and_then(|known| known.doubt)?;
        (!heard.lists_since(doubt)).then_some(Extent::Light)
    }

    /// Whether lists and tags were read so soon after a change in doubt that they may lack what it made, and would tell
    /// it by now.
    pub(super) fn is_ripe(&self, lb: &LbId, heard: Heard) -> bool {
        let Some(doubt) = self.known.get(lb).and_then(|known| known.doubt) else { return false };
        let ripe = doubt.at + self.freshness.settling;
        Instant::now() >= ripe && heard.all.is_none_or(|all| all.at < ripe)
    }

    /// Whether a resource was seen before.
    pub(super) fn has_seen(&self, arn: &str) -> bool {
        self.owners.contains_key(arn)
    }

    /// Takes over what the lists told.
    pub(super) fn merge(&mut self, listing: Listing) {
        let Listing { extent, began, balancers, groups, security } = listing;
        let mut found: HashMap<LbId, Found> = HashMap::new();
        let mut strangers = Vec::new();
        for (it, tags) in balancers {
            let was_clear = tags.is_none() && self.has_seen(it.arn.as_str());
            let tags = tags.or_else(|| self.tags_of(it.arn.as_str())).unwrap_or_default();
            match self.owner(&tags) {
                Some(lb) => found.entry(lb).or_default().balancers.push((it, tags)),
                None => strangers.push((
                    kinds::BALANCER,
                    it.name,
                    it.arn.to_string(),
                    was_clear || is_clear(&tags),
                )),
            }
        }
        for (it, tags) in groups {
            let was_clear = tags.is_none() && self.has_seen(it.arn.as_str());
            let tags = tags.or_else(|| self.tags_of(it.arn.as_str())).unwrap_or_default();
            match self.owner(&tags) {
                Some(lb) => found.entry(lb).or_default().groups.push((it, tags)),
                None => {
                    strangers.push((kinds::GROUP, it.name, it.arn.to_string(), was_clear || is_clear(&tags)));
                }
            }
        }
        let backend = marks::of_backend(&self.cluster);
        let (backends, security): (Vec<_>, Vec<_>) =
            security.into_iter().partition(|group| marks::carries(&group.tags, &backend));
        for group in security {
            if let Some(lb) = self.owner(&group.tags) {
                found.entry(lb).or_default().frontend.push(group);
            }
        }
        self.take_backend(backends, began);
        self.take(found, began);
        self.reindex(strangers);
        self.heard = self.heard.and(extent, began);
    }

    fn take_backend(&mut self, backends: Vec<SecurityGroup>, began: Moment) {
        let overrules = |changed: Moment| changed.overrules(began, self.freshness.settling);
        if !self.backend_changed.is_some_and(overrules) {
            self.backend = backends.into_iter().min_by(|a, b| a.id.cmp(&b.id));
        }
    }

    fn take(&mut self, mut found: HashMap<LbId, Found>, began: Moment) {
        self.gone.retain(|_, since| since.overrules(began, self.freshness.settling));
        found.retain(|lb, _| !self.gone.contains_key(lb));
        for (lb, known) in &mut self.known {
            let found = found.remove(lb).unwrap_or_default();
            if !known.overrules(began, self.freshness.settling) {
                known.take(found, began);
            }
        }
        self.known.retain(|_, known| !known.is_over());
        self.welcome(found, began);
    }

    /// Load balancers that nobody of this process has looked at. Each gets a turn to be verified. Where they are few,
    /// targets have theirs at the first look: a process that died while nodes came or went left some undone.
    fn welcome(&mut self, found: HashMap<LbId, Found>, began: Moment) {
        let now = Instant::now();
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_cached_key(|(lb, _)| (rank(lb), lb.to_string()));
        let are_few = found.len() <= self.freshness.few;
        let (mut details, mut targets) = (now, now);
        for (lb, found) in found {
            let mut known = Known::new(&lb, now, &self.freshness);
            details += self.freshness.details_apart;
            targets += self.freshness.targets_apart * u32::try_from(found.groups.len()).unwrap_or(u32::MAX);
            // When there are more than can be verified in a period, none waits longer than that.
            known.details_due = known.details_due.min(details);
            known.targets_due = if are_few { now } else { known.targets_due.min(targets) };
            known.take(found, began);
            self.known.insert(lb, known);
        }
    }

    /// Strangers come with kind, name and ARN, and whether their tags tell whose they are.
    fn reindex(&mut self, strangers: Vec<(&'static str, String, String, bool)>) {
        self.owners.clear();
        self.names.clear();
        for (kind, name, arn, is_clear) in strangers {
            if is_clear || !names::may_be_ours(&name) {
                self.owners.insert(arn.clone(), None);
            }
            self.names.insert((kind, name), Holder { owner: None, arn });
        }
        for lb in self.known.keys().cloned().collect::<Vec<_>>() {
            self.index(&lb);
        }
    }

    fn index(&mut self, lb: &LbId) {
        let Some(known) = self.known.get(lb) else { return };
        for (kind, name, arn) in named(&known.balancers, &known.groups) {
            self.owners.insert(arn.clone(), Some(lb.clone()));
            self.names.insert((kind, name), Holder { owner: Some(lb.clone()), arn });
        }
    }

    fn unindex(&mut self, lb: &LbId) {
        let Some(known) = self.known.get(lb) else { return };
        for (kind, name, arn) in named(&known.balancers, &known.groups) {
            self.owners.remove(&arn);
            self.names.remove(&(kind, name));
        }
    }

    /// The load balancer of this cluster that tags name.
    fn owner(&self, tags: &Tags) -> Option<LbId> {
        let ours = marks::carries(tags, &marks::of_cluster(&self.cluster));
        marks::mark(tags).filter(|_| ours).map(|mark| mark.lb)
    }

    fn tags_of(&self, arn: &str) -> Option<Tags> {
        let known = self.known.get(self.owners.get(arn)?.as_ref()?)?;
        let balancer = known.balancers.iter().find(|it| it.it.arn.as_str() == arn).map(|it| &it.tags);
        let group = || known.groups.iter().find(|it| it.it.arn.as_str() == arn).map(|it| &it.tags);
        balancer.or_else(group).cloned()
    }

    /// What is known of a load balancer.
    pub(crate) fn known(&self, lb: &LbId) -> Option<&Known> {
        self.known.get(lb)
    }

    /// What is known of a load balancer, to be added to.
    pub(crate) fn known_mut(&mut self, lb: &LbId) -> &mut Known {
        let freshness = self.freshness;
        self.known.entry(lb.clone()).or_insert_with(|| Known::new(lb, Instant::now(), &freshness))
    }

    /// Every load balancer of which something exists.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&LbId, &Known)> {
        self.known.iter()
    }

    /// Takes over what was read of a load balancer because of `needs`, and tells how long until somebody should look
    /// again.
    pub(crate) fn learn(&mut self, wanted: &Wanted, needs: &Needs, observed: &Observed) -> Duration {
        let freshness = self.freshness;
        let (mut pool, mut turns) = (mem::take(&mut self.pool), mem::take(&mut self.turns));
        let (known, now) = (self.known_mut(&wanted.lb), Instant::now());
        known.learn(wanted, needs, observed, &freshness, &mut pool);
        known.watch_health(!needs.targets.is_empty(), now, &freshness, &mut turns);
        let look_again = known.look_again(now, &freshness);
        (self.pool, self.turns) = (pool, turns);
        look_again
    }

    /// Notes that a load balancer may have been changed in a way that is not known. Tells since when that was so before.
    pub(super) fn doubt(&mut self, lb: &LbId, open: bool) -> Option<Moment> {
        let moment = self.moment();
        self.gone.remove(lb);
        let known = self.known_mut(lb);
        known.open = open;
        known.doubt.replace(moment)
    }

    /// Goes back to a doubt of before.
    pub(super) fn doubt_since(&mut self, lb: &LbId, before: Option<Moment>) {
        let known = self.known_mut(lb);
        (known.doubt, known.open) = (before, false);
    }

    /// Takes over what was changed of a load balancer.
    pub(super) fn settle(&mut self, lb: &LbId, observed: &Observed, complete: bool) {
        let at = self.moment();
        let ours = marks::of_lb(&self.cluster, lb);
        let freshness = self.freshness;
        self.unindex(lb);
        let written = Written::new(&ours, observed, complete, &mut self.pool);
        let mut turns = mem::take(&mut self.turns);
        let known = self.known_mut(lb);
        known.settle(written, at);
        known.watch_health(false, at.at, &freshness, &mut turns);
        let lent = known.lent.take();
        self.turns = turns;
        // One that was given back to its owner is a stranger from now on.
        for balancer in observed.balancers.iter().filter(|it| !marks::carries(&it.tags, &ours)) {
            let arn = balancer.it.arn.to_string();
            self.owners.insert(arn.clone(), None);
            self.names.insert((kinds::BALANCER, balancer.it.name.clone()), Holder { owner: None, arn });
        }
        self.index(lb);
        if self.known(lb).is_some_and(Known::is_over) {
            self.known.remove(lb);
            self.gone.insert(lb.clone(), at);
        }
        let current = self.backend.as_ref().map(|group| &group.id);
        match &observed.backend {
            Some(backend) => {
                self.doors.learn(&backend.id, &observed.node_groups, at.at + freshness.details);
                if current != Some(&backend.id) {
                    (self.backend, self.backend_changed) = (Some(backend.clone()), Some(at));
                }
            }
            None if lent.is_some() && lent.as_ref() == current => {
                (self.backend, self.backend_changed) = (None, Some(at));
            }
            None => {}
        }
    }

    /// Takes over new descriptions of load balancers that are being set up.
    pub(super) fn describe(&mut self, balancers: Vec<LoadBalancer>, began: Moment) {
        for it in balancers {
            let Some(Some(lb)) = self.owners.get(it.arn.as_str()) else { continue };
            let Some(known) = self.known.get_mut(lb).filter(|known| !known.open) else { continue };
            if let Some(balancer) = known.balancers.iter_mut().find(|balancer| balancer.it.arn == it.arn) {
                balancer.it = it;
                known.described = began.at;
            }
        }
    }

    /// Whether the state of a load balancer that is being set up is too old.
    pub(super) fn is_poll_due(&self, lb: &LbId) -> bool {
        let due = |known: &Known| {
            known.is_provisioning() && Instant::now() >= known.described + self.freshness.provisioning
        };
        self.known.get(lb).is_some_and(due)
    }

    /// Every load balancer that is being set up.
    pub(super) fn provisioning(&self) -> Vec<LoadBalancerArn> {
        let provisioning = self.known.values().filter(|known| known.is_provisioning());
        provisioning.flat_map(|known| known.balancers.iter().map(|it| it.it.arn.clone())).collect()
    }

    /// The backend group, if nothing of any load balancer exists or may come to exist.
    pub(crate) fn unneeded_backend(&self) -> Option<&SecurityGroup> {
        self.backend.as_ref().filter(|_| self.known.values().all(Known::is_over))
    }

    /// Whether this load balancer is the last of the cluster of which anything exists or may come to exist.
    pub(crate) fn is_last(&self, lb: &LbId) -> bool {
        self.known.iter().all(|(other, known)| other == lb || known.is_over())
    }
}

/// Kind, name and ARN of everything that has a name of its own in the account.
fn named<'a>(
    balancers: &'a [Balancer],
    groups: &'a [KnownGroup],
) -> impl Iterator<Item = (&'static str, String, String)> + 'a {
    let balancers = balancers.iter().map(|it| (kinds::BALANCER, it.it.name.clone(), it.it.arn.to_string()));
    balancers.chain(groups.iter().map(|it| (kinds::GROUP, it.it.name.clone(), it.it.arn.to_string())))
}
