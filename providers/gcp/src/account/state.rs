//! What is known of the project. Plain data behind one lock that is never held over a call.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use landfall_core::ids::{ClusterId, LbId};
use tokio::time::Instant;

use super::doubts::{Doubts, Unsettled};
use super::freshness::Freshness;
use super::health::Watches;
use super::held::Held;
use super::idle::Idle;
use super::moment::Moment;
use super::parts::{collection_of, is_in};
use super::refusals::Refusals;
use super::rosters::Rosters;
use super::things::Things;
use super::{Collection, Existing, Lists};
use crate::api::{Kind, OperationRef, Place, Reference};
use crate::observe::{Observed, Owner, Thing};

/// What is known of the project.
#[derive(Debug)]
pub(crate) struct State {
    cluster: ClusterId,
    freshness: Freshness,
    region: Place,
    /// Where firewall rules are, once the network is known.
    pub(super) firewalls: Option<Place>,
    tick: u64,
    /// Zones of the region, and others that a wish named; `None` until the region was read.
    zones: Option<BTreeSet<String>>,
    /// When the last list of each collection that succeeded was begun.
    listed: Lists,
    things: Things,
    /// When we changed, made or removed something after the last list of its collection.
    written: HashMap<Reference, Moment>,
    pub(crate) doubts: Doubts,
    hidden_firewalls: Option<String>,
    pub(crate) held: Held,
    pub(crate) idle: Idle,
    pub(crate) refusals: Refusals,
    pub(crate) rosters: Rosters,
    pub(crate) health: Watches,
}

impl State {
    pub(super) fn new(cluster: ClusterId, region: Place, freshness: Freshness) -> Self {
        let things = Things::new(cluster.clone());
        Self {
            cluster,
            freshness,
            region,
            firewalls: None,
            tick: 0,
            zones: None,
            listed: HashMap::new(),
            things,
            written: HashMap::new(),
            doubts: Doubts::default(),
            hidden_firewalls: None,
            held: Held::default(),
            idle: Idle::default(),
            refusals: Refusals::default(),
            rosters: Rosters::default(),
            health: Watches::default(),
        }
    }

    /// Forgets everything but the time, and what may yet take effect.
    pub(super) fn forget(&mut self) {
        let fresh = Self::new(self.cluster.clone(), self.region.clone(), self.freshness);
        let doubts = std::mem::take(&mut self.doubts);
        *self = Self { tick: self.tick, firewalls: self.firewalls.take(), doubts, ..fresh };
    }

    /// Now, later than every moment before.
    pub(super) fn moment(&mut self) -> Moment {
        self.tick += 1;
        Moment { tick: self.tick, at: Instant::now() }
    }

    pub(super) fn zones(&self) -> Option<&BTreeSet<String>> {
        self.zones.as_ref()
    }

    pub(super) fn add_zones(&mut self, zones: impl IntoIterator<Item = String>) {
        self.zones.get_or_insert_default().extend(zones);
    }

    /// What has to be listed for a look that began then: what was listed too long before it, and what may have been
    /// changed in a way that concerns this load balancer.
    pub(super) fn lacks(&self, lb: &LbId, look: Moment) -> Vec<Collection> {
        let fresh =
            |listed: &Moment| listed.tick > look.tick || look.at < listed.at + self.freshness.snapshot;
        let mut lacking: BTreeSet<Collection> = self.collections();
        lacking.retain(|collection| !self.listed.get(collection).is_some_and(fresh));
        lacking.extend(self.doubts.lacks(lb, &self.listed, |it| self.things.is_shared(it)));
        lacking.into_iter().collect()
    }

    /// What has to be listed again because what a load balancer may have made in doubt can be told only now.
    pub(super) fn ripe(&self, lb: &LbId) -> Vec<Collection> {
        self.doubts.ripe(lb, &self.listed)
    }

    /// Whether lists may yet lack what a load balancer made without seeing how it ended, and why.
    pub(super) fn unsettled(&self, lb: &LbId) -> Option<Unsettled> {
        self.doubts.unsettled(lb)
    }

    /// Operations that may have ended since somebody looked, of changes that concern a load balancer which needs these
    /// resources.
    pub(super) fn running(
        &mut self,
        lb: &LbId,
        needed: &BTreeSet<&Reference>,
    ) -> Vec<(Reference, OperationRef)> {
        self.doubts.take_due(lb, |it| needed.contains(it) || self.things.is_shared(it))
    }

    /// Notes that an operation has ended.
    pub(super) fn ended(&mut self, reference: &Reference, operation: &OperationRef) {
        let now = self.moment();
        self.doubts.ended(reference, operation, now, Duration::ZERO);
    }

    /// Notes that nobody can tell whether an operation has ended.
    pub(super) fn lose_sight(&mut self, reference: &Reference, operation: &OperationRef) {
        let now = self.moment();
        self.doubts.ended(reference, operation, now, self.freshness.settling);
    }

    /// Collections of which strangers in the way are known from so long ago that they may have gone.
    pub(super) fn conflicts(&self, lb: &LbId, needed: &BTreeSet<&Reference>) -> Vec<Collection> {
        let now = Instant::now();
        let old = |collection: &Collection| {
            self.listed.get(collection).is_none_or(|listed| now >= listed.at + self.freshness.settling)
        };
        let foreign = self.things.foreign(lb, needed);
        let collections: BTreeSet<_> = foreign.iter().map(|it| collection_of(&it.reference)).collect();
        collections.into_iter().filter(old).collect()
    }

    /// What was not listed since.
    pub(super) fn unlisted_since(&self, moment: Moment) -> Vec<Collection> {
        let all = self.collections().into_iter();
        all.filter(|one| self.listed.get(one).is_none_or(|listed| listed.tick <= moment.tick)).collect()
    }

    /// Takes over a list.
    pub(super) fn merge(&mut self, collection: &Collection, began: Moment, items: Vec<Thing>) {
        let mut before = self.things.all_in(collection);
        for it in items {
            let reference = collection.0.at(collection.1, it.name());
            before.remove(&reference);
            if !self.is_newer(&reference, began) {
                self.rosters.compare(&reference, it.size());
                self.things.set(reference, Arc::new(it));
            }
        }
        for reference in before {
            if !self.is_newer(&reference, began) {
                self.remove(&reference);
            }
        }
        self.written.retain(|reference, at| !is_in(reference, collection) || at.tick > began.tick);
        self.doubts.settle(collection, began);
        if collection.1 == Kind::Firewall {
            self.hidden_firewalls = None;
        }
        self.listed.insert(collection.clone(), began);
    }

    /// Notes that the firewall rules may not be listed, and why. Those that were known may well be there.
    pub(super) fn hide_firewalls(&mut self, collection: &Collection, began: Moment, why: String) {
        self.doubts.settle(collection, began);
        self.hidden_firewalls = Some(why);
        self.listed.insert(collection.clone(), began);
    }

    /// Notes that something is about to be changed.
    pub(super) fn open(&mut self, lb: &LbId, reference: &Reference) {
        let now = self.moment();
        self.doubts.open(lb, reference, now);
    }

    /// Notes that nobody knows how a change ended, and the operation that it waited for.
    pub(super) fn doubt(&mut self, reference: &Reference, running: Option<OperationRef>) {
        let now = self.moment();
        self.doubts.leave(reference, running, now, self.freshness.settling);
        self.rosters.forget(reference);
    }

    /// Notes that a change surely had no effect. An earlier one may yet have some.
    pub(super) fn unchanged(&mut self, reference: &Reference) {
        self.doubts.unchanged(reference);
    }

    /// Notes what a change made of something; `None` if it is gone.
    pub(super) fn write(&mut self, reference: &Reference, it: Option<Arc<Thing>>) {
        let at = self.moment();
        self.written.insert(reference.clone(), at);
        if let Some(it) = it {
            self.doubts.remove(reference);
            self.things.set(reference.clone(), it);
        } else {
            self.unchanged(reference);
            self.remove(reference);
        }
    }

    /// What is known of a load balancer and of what all share, with strangers in the way of what it needs.
    pub(crate) fn observed(&self, lb: &LbId, needed: &BTreeSet<&Reference>) -> Observed {
        let things = self.things.of(lb);
        let members = things.keys().filter_map(|group| Some((group.clone(), self.rosters.get(group)?)));
        let now = Instant::now();
        let refused = things.keys().filter_map(|it| Some((it.clone(), self.rosters.refused(it, now)?)));
        Observed {
            members: members.collect(),
            refused: refused.collect(),
            things,
            foreign: self.things.foreign(lb, needed),
            held_by_others: self.held.by_others(now),
            hidden_firewalls: self.hidden_firewalls.clone(),
        }
    }

    /// What is known of a load balancer that a wish builds upon: its forwarding rules, and the groups that serve any.
    pub(super) fn existing(&self, lb: &LbId) -> Existing {
        self.things.existing(lb)
    }

    /// Shared groups that nothing of this cluster has led to for long.
    pub(crate) fn idle_groups(&mut self) -> Vec<Reference> {
        self.idle.see(self.things.unused_groups().cloned().collect(), Instant::now())
    }

    /// Notes that somebody is about to use these groups. Tells whether one of them is there that nothing leads to yet.
    pub(crate) fn come_to_use<'a>(&mut self, groups: impl Iterator<Item = &'a Reference>) -> bool {
        let mut is_unused = false;
        for group in groups {
            self.idle.forget(group);
            is_unused |= self.things.is_unused_group(group);
        }
        is_unused
    }

    /// The project of the network, as far as anything of this cluster tells it.
    pub(super) fn network_project(&self) -> Option<String> {
        self.things.network_project()
    }

    /// Whether this is there and ours.
    pub(crate) fn has(&self, reference: &Reference) -> bool {
        self.things.has(reference)
    }

    /// Everything of every load balancer, and what they share.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Reference, &Owner, &Arc<Thing>)> {
        self.things.all()
    }

    /// Whether nothing of any load balancer but this one exists or may come to exist.
    pub(crate) fn is_last(&self, lb: &LbId) -> bool {
        self.things.lbs().chain(self.doubts.lbs()).all(|other| other == lb)
    }

    /// Whether we changed something after this list was begun, or are changing it.
    fn is_newer(&self, reference: &Reference, began: Moment) -> bool {
        let written = self.written.get(reference).is_some_and(|at| at.tick > began.tick);
        written || self.doubts.is_open(reference)
    }

    fn remove(&mut self, reference: &Reference) {
        self.things.remove(reference);
        self.idle.forget(reference);
        self.rosters.remove(reference);
        self.health.forget(reference);
    }

    /// Every collection that holds what we make.
    fn collections(&self) -> BTreeSet<Collection> {
        let region = &self.region;
        let regional = [Kind::Address, Kind::BackendService, Kind::ForwardingRule, Kind::HealthCheck];
        let mut all: BTreeSet<Collection> = regional.map(|kind| (region.clone(), kind)).into();
        all.extend(self.firewalls.iter().map(|place| (place.clone(), Kind::Firewall)));
        for zone in self.zones.iter().flatten() {
            let zone = Place::zone(&region.project, zone);
            all.extend([Kind::EndpointGroup, Kind::InstanceGroup].map(|kind| (zone.clone(), kind)));
        }
        all
    }
}
