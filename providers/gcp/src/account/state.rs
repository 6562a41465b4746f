//! What is known of the project. Plain data behind one lock that is never held over a call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use landfall_core::ids::{ClusterId, LbId};
use tokio::time::Instant;

use super::freshness::Freshness;
use super::health::Watches;
use super::moment::Moment;
use super::parts::{cell, collection_of, count_down, groups_of, is_in, network_project, owner};
use super::refusals::Refusals;
use super::rosters::Rosters;
use super::{Collection, Existing};
use crate::api::{Kind, Place, Reference};
use crate::marks;
use crate::observe::{Foreign, Found, Observed, Owner, Thing};

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
    listed: HashMap<Collection, Moment>,
    things: HashMap<Reference, Known>,
    of_lb: HashMap<LbId, BTreeSet<Reference>>,
    shared: BTreeSet<Reference>,
    /// How many backend services of this cluster lead to each group.
    used: HashMap<Reference, usize>,
    /// How many backend services of this cluster tell that the nodes are spread over so many shards.
    spread: HashMap<usize, usize>,
    /// When we changed, made or removed something after the last list of its collection.
    written: HashMap<Reference, Moment>,
    doubts: HashMap<Reference, Doubt>,
    hidden_firewalls: Option<String>,
    pub(crate) refusals: Refusals,
    pub(crate) rosters: Rosters,
    pub(crate) health: Watches,
}

#[derive(Debug)]
struct Known {
    /// `None` for what is not this cluster's.
    owner: Option<Owner>,
    it: Arc<Thing>,
}

/// Something may have been changed in a way that is not known.
#[derive(Debug)]
struct Doubt {
    /// By whom.
    lb: LbId,
    since: Moment,
    /// The change is under way: whoever makes it will tell.
    open: bool,
    /// An earlier change of which nobody knows how it ended.
    before: Option<Moment>,
}

impl State {
    pub(super) fn new(cluster: ClusterId, region: Place, freshness: Freshness) -> Self {
        Self {
            cluster,
            freshness,
            region,
            firewalls: None,
            tick: 0,
            zones: None,
            listed: HashMap::new(),
            things: HashMap::new(),
            of_lb: HashMap::new(),
            shared: BTreeSet::new(),
            used: HashMap::new(),
            spread: HashMap::new(),
            written: HashMap::new(),
            doubts: HashMap::new(),
            hidden_firewalls: None,
            refusals: Refusals::default(),
            rosters: Rosters::default(),
            health: Watches::default(),
        }
    }

    /// Forgets everything but the time.
    pub(super) fn forget(&mut self) {
        let fresh = Self::new(self.cluster.clone(), self.region.clone(), self.freshness);
        *self = Self { tick: self.tick, firewalls: self.firewalls.take(), ..fresh };
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
        let doubted = self.doubts.iter().filter(|(reference, doubt)| {
            let concerned = doubt.lb == *lb || self.shared.contains(*reference);
            concerned && !doubt.open && self.listed_tick(reference) <= doubt.since.tick
        });
        lacking.extend(doubted.map(|(reference, _)| collection_of(reference)));
        lacking.into_iter().collect()
    }

    /// What has to be listed again because what a load balancer may have made in doubt can be told only now.
    pub(super) fn ripe(&self, lb: &LbId) -> Vec<Collection> {
        let now = Instant::now();
        let ripe = |(reference, doubt): &(&Reference, &Doubt)| {
            let settled = doubt.since.at + self.freshness.settling;
            let listed = self.listed.get(&collection_of(reference));
            doubt.lb == *lb && now >= settled && listed.is_none_or(|listed| listed.at < settled)
        };
        let ripe = self.doubts.iter().filter(ripe).map(|(reference, _)| collection_of(reference));
        ripe.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How long lists may yet lack what a load balancer made without seeing how it ended.
    pub(super) fn unsettled(&self, lb: &LbId) -> Option<Duration> {
        let now = Instant::now();
        let of_lb = self.doubts.values().filter(|doubt| doubt.lb == *lb);
        let rest =
            of_lb.map(|doubt| (doubt.since.at + self.freshness.settling).saturating_duration_since(now));
        rest.filter(|rest| !rest.is_zero()).max()
    }

    /// Collections of which strangers in the way are known from so long ago that they may have gone.
    pub(super) fn conflicts(&self, lb: &LbId, needed: &BTreeSet<&Reference>) -> Vec<Collection> {
        let now = Instant::now();
        let old = |collection: &Collection| {
            self.listed.get(collection).is_none_or(|listed| now >= listed.at + self.freshness.settling)
        };
        let foreign = self.foreign(lb, needed);
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
        let mut before: BTreeSet<Reference> =
            self.things.keys().filter(|reference| is_in(reference, collection)).cloned().collect();
        for it in items {
            let reference = collection.0.at(collection.1, it.name());
            before.remove(&reference);
            if !self.is_newer(&reference, began) {
                self.rosters.compare(&reference, it.size());
                self.set(reference, Arc::new(it));
            }
        }
        for reference in before {
            if !self.is_newer(&reference, began) {
                self.remove(&reference);
            }
        }
        self.written.retain(|reference, at| !is_in(reference, collection) || at.tick > began.tick);
        self.forget_doubts(collection, began);
        if collection.1 == Kind::Firewall {
            self.hidden_firewalls = None;
        }
        self.listed.insert(collection.clone(), began);
    }

    /// Notes that the firewall rules may not be listed, and why. Those that were known may well be there.
    pub(super) fn hide_firewalls(&mut self, collection: &Collection, began: Moment, why: String) {
        self.forget_doubts(collection, began);
        self.hidden_firewalls = Some(why);
        self.listed.insert(collection.clone(), began);
    }

    /// Notes that something is about to be changed.
    pub(super) fn open(&mut self, lb: &LbId, reference: &Reference) {
        let since = self.moment();
        let before = self.doubts.remove(reference).map(|doubt| doubt.since);
        self.doubts.insert(reference.clone(), Doubt { lb: lb.clone(), since, open: true, before });
    }

    /// Notes that nobody knows how a change ended.
    pub(super) fn doubt(&mut self, reference: &Reference) {
        let since = self.moment();
        if let Some(doubt) = self.doubts.get_mut(reference) {
            (doubt.since, doubt.open) = (since, false);
        }
        self.rosters.forget(reference);
    }

    /// Notes that a change surely had no effect. An earlier one may yet have some.
    pub(super) fn unchanged(&mut self, reference: &Reference) {
        let Some(doubt) = self.doubts.remove(reference) else { return };
        if let Some(since) = doubt.before {
            let doubt = Doubt { since, open: false, before: None, ..doubt };
            self.doubts.insert(reference.clone(), doubt);
        }
    }

    /// Notes what a change made of something; `None` if it is gone.
    pub(super) fn write(&mut self, reference: &Reference, it: Option<Arc<Thing>>) {
        let at = self.moment();
        self.written.insert(reference.clone(), at);
        if let Some(it) = it {
            self.doubts.remove(reference);
            self.set(reference.clone(), it);
        } else {
            self.unchanged(reference);
            self.remove(reference);
        }
    }

    /// What is known of a load balancer and of what all share, with strangers in the way of what it needs.
    pub(crate) fn observed(&self, lb: &LbId, needed: &BTreeSet<&Reference>) -> Observed {
        let own = self.of_lb.get(lb).into_iter().flatten();
        let things: BTreeMap<Reference, Found> =
            own.chain(&self.shared).filter_map(|reference| self.found(reference)).collect();
        let members = things.keys().filter_map(|group| Some((group.clone(), self.rosters.get(group)?)));
        let now = Instant::now();
        let refused = things.keys().filter_map(|it| Some((it.clone(), self.rosters.refused(it, now)?)));
        Observed {
            members: members.collect(),
            refused: refused.collect(),
            things,
            foreign: self.foreign(lb, needed),
            hidden_firewalls: self.hidden_firewalls.clone(),
        }
    }

    /// What is known of a load balancer that a wish builds upon: its forwarding rules, and the groups that serve any.
    pub(super) fn existing(&self, lb: &LbId) -> Existing {
        let own = self.of_lb.get(lb).into_iter().flatten();
        let rules = own.filter_map(|reference| match &*self.things.get(reference)?.it {
            Thing::ForwardingRule(rule) => Some(rule.clone()),
            _ => None,
        });
        let groups = self.shared.iter().filter(|reference| self.used.contains_key(*reference));
        let groups: Vec<_> = groups.filter_map(|group| Some((group, &*self.things.get(group)?.it))).collect();
        let last = groups.iter().filter_map(|(_, it)| marks::shard(it.description())).max();
        // The load balancers that there are may all be served by the first shards of more.
        let told = self.spread.keys().max().copied();
        let shards = last.map_or(1, |last| (last + 1).next_power_of_two()).max(told.unwrap_or(1));
        let cells = groups.iter().filter_map(|(group, it)| cell(group, it)).collect();
        Existing { rules: rules.collect(), shards, cells }
    }

    /// The project of the network, as far as anything of this cluster tells it.
    pub(super) fn network_project(&self) -> Option<String> {
        self.all().find_map(|(_, _, it)| network_project(it))
    }

    /// Whether this is there and ours.
    pub(crate) fn has(&self, reference: &Reference) -> bool {
        self.things.get(reference).is_some_and(|known| known.owner.is_some())
    }

    /// Everything of every load balancer, and what they share.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Reference, &Owner, &Arc<Thing>)> {
        self.things
            .iter()
            .filter_map(|(reference, known)| Some((reference, known.owner.as_ref()?, &known.it)))
    }

    /// Whether nothing of any load balancer but this one exists or may come to exist.
    pub(crate) fn is_last(&self, lb: &LbId) -> bool {
        self.of_lb.keys().chain(self.doubts.values().map(|doubt| &doubt.lb)).all(|other| other == lb)
    }

    fn found(&self, reference: &Reference) -> Option<(Reference, Found)> {
        let known = self.things.get(reference)?;
        Some((reference.clone(), Found { owner: known.owner.clone()?, it: Arc::clone(&known.it) }))
    }

    fn foreign(&self, lb: &LbId, needed: &BTreeSet<&Reference>) -> Vec<Foreign> {
        let foreign = needed.iter().filter_map(|&reference| {
            let owner = match &self.things.get(reference)?.owner {
                Some(Owner::Shared) => return None,
                Some(Owner::Lb { lb: other, .. }) if other == lb => return None,
                Some(Owner::Lb { lb: other, .. }) => Some(other.clone()),
                None => None,
            };
            Some(Foreign { reference: reference.clone(), owner })
        });
        foreign.collect()
    }

    /// Forgets what a list tells for sure that was begun then.
    fn forget_doubts(&mut self, collection: &Collection, began: Moment) {
        let settling = self.freshness.settling;
        self.doubts.retain(|reference, doubt| {
            let told = began.tick > doubt.since.tick && began.at >= doubt.since.at + settling;
            doubt.open || !told || !is_in(reference, collection)
        });
    }

    /// Whether we changed something after this list was begun, or are changing it.
    fn is_newer(&self, reference: &Reference, began: Moment) -> bool {
        let written = self.written.get(reference).is_some_and(|at| at.tick > began.tick);
        written || self.doubts.get(reference).is_some_and(|doubt| doubt.open)
    }

    fn set(&mut self, reference: Reference, it: Arc<Thing>) {
        self.remove_index(&reference);
        let owner = owner(&self.cluster, it.description());
        match &owner {
            Some(Owner::Lb { lb, .. }) => {
                self.of_lb.entry(lb.clone()).or_default().insert(reference.clone());
            }
            Some(Owner::Shared) => {
                self.shared.insert(reference.clone());
            }
            None => {}
        }
        if owner.is_some() {
            for group in groups_of(&it) {
                *self.used.entry(group).or_default() += 1;
            }
            if let Some(shards) = marks::shards(it.description()) {
                *self.spread.entry(shards).or_default() += 1;
            }
        }
        self.things.insert(reference, Known { owner, it });
    }

    fn remove(&mut self, reference: &Reference) {
        self.remove_index(reference);
        self.things.remove(reference);
        self.rosters.forget(reference);
        self.health.forget(reference);
    }

    fn remove_index(&mut self, reference: &Reference) {
        self.shared.remove(reference);
        let Some(Known { owner: Some(owner), it }) = self.things.get(reference) else { return };
        for group in groups_of(it) {
            count_down(&mut self.used, &group);
        }
        let Owner::Lb { lb, .. } = owner else { return };
        if let Some(shards) = marks::shards(it.description()) {
            count_down(&mut self.spread, &shards);
        }
        if let Some(all) = self.of_lb.get_mut(lb) {
            all.remove(reference);
            if all.is_empty() {
                self.of_lb.remove(lb);
            }
        }
    }

    fn listed_tick(&self, reference: &Reference) -> u64 {
        self.listed.get(&collection_of(reference)).map_or(0, |listed| listed.tick)
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
