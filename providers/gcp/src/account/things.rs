//! The resources that are known, and who has and uses them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use landfall_core::ids::{ClusterId, LbId};

use super::parts::{cell, count_down, groups_of, is_in, network_project, owner};
use super::{Collection, Existing};
use crate::api::{Kind, Reference};
use crate::marks;
use crate::observe::{Foreign, Found, Owner, Thing};

/// Resources, with indexes by what is asked of them.
#[derive(Debug)]
pub(super) struct Things {
    cluster: ClusterId,
    known: HashMap<Reference, Known>,
    of_lb: HashMap<LbId, BTreeSet<Reference>>,
    shared: BTreeSet<Reference>,
    /// How many backend services of this cluster lead to each group.
    used: HashMap<Reference, usize>,
    /// How many backend services of this cluster tell that the nodes are spread over so many shards.
    spread: HashMap<usize, usize>,
}

#[derive(Debug)]
struct Known {
    /// `None` for what is not this cluster's.
    owner: Option<Owner>,
    it: Arc<Thing>,
}

impl Things {
    /// None, as seen by this cluster.
    pub(super) fn new(cluster: ClusterId) -> Self {
        Self {
            cluster,
            known: HashMap::new(),
            of_lb: HashMap::new(),
            shared: BTreeSet::new(),
            used: HashMap::new(),
            spread: HashMap::new(),
        }
    }

    /// This is there now.
    pub(super) fn set(&mut self, reference: Reference, it: Arc<Thing>) {
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
        self.known.insert(reference, Known { owner, it });
    }

    /// It is gone.
    pub(super) fn remove(&mut self, reference: &Reference) {
        self.remove_index(reference);
        self.known.remove(reference);
    }

    fn remove_index(&mut self, reference: &Reference) {
        self.shared.remove(reference);
        let Some(Known { owner: Some(owner), it }) = self.known.get(reference) else { return };
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

    /// All of a collection, whosever they are.
    pub(super) fn all_in(&self, collection: &Collection) -> BTreeSet<Reference> {
        self.known.keys().filter(|reference| is_in(reference, collection)).cloned().collect()
    }

    /// Those of a load balancer, and those that all share.
    pub(super) fn of(&self, lb: &LbId) -> BTreeMap<Reference, Found> {
        let own = self.of_lb.get(lb).into_iter().flatten();
        own.chain(&self.shared).filter_map(|reference| self.found(reference)).collect()
    }

    fn found(&self, reference: &Reference) -> Option<(Reference, Found)> {
        let known = self.known.get(reference)?;
        Some((reference.clone(), Found { owner: known.owner.clone()?, it: Arc::clone(&known.it) }))
    }

    /// Those that are needed for a load balancer and are neither its own nor shared.
    pub(super) fn foreign(&self, lb: &LbId, needed: &BTreeSet<&Reference>) -> Vec<Foreign> {
        let foreign = needed.iter().filter_map(|&reference| {
            let owner = match &self.known.get(reference)?.owner {
                Some(Owner::Shared) => return None,
                Some(Owner::Lb { lb: other, .. }) if other == lb => return None,
                Some(Owner::Lb { lb: other, .. }) => Some(other.clone()),
                None => None,
            };
            Some(Foreign { reference: reference.clone(), owner })
        });
        foreign.collect()
    }

    /// What a wish builds upon: the forwarding rules of the load balancer, and the groups that serve any.
    pub(super) fn existing(&self, lb: &LbId) -> Existing {
        let own = self.of_lb.get(lb).into_iter().flatten();
        let rules = own.filter_map(|reference| match &*self.known.get(reference)?.it {
            Thing::ForwardingRule(rule) => Some(rule.clone()),
            _ => None,
        });
        let groups = self.shared.iter().filter(|reference| self.used.contains_key(*reference));
        let groups: Vec<_> = groups.filter_map(|group| Some((group, &*self.known.get(group)?.it))).collect();
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

    /// Whether this is there and this cluster's.
    pub(super) fn has(&self, reference: &Reference) -> bool {
        self.known.get(reference).is_some_and(|known| known.owner.is_some())
    }

    /// Whether all load balancers of this cluster share it.
    pub(super) fn is_shared(&self, reference: &Reference) -> bool {
        self.shared.contains(reference)
    }

    /// Shared groups that no backend service of this cluster leads to.
    pub(super) fn unused_groups(&self) -> impl Iterator<Item = &Reference> {
        self.shared.iter().filter(|it| self.is_unused_group(it))
    }

    /// Whether this is a shared group that no backend service of this cluster leads to.
    pub(super) fn is_unused_group(&self, it: &Reference) -> bool {
        let is_group = matches!(it.kind, Kind::EndpointGroup | Kind::InstanceGroup);
        is_group && self.shared.contains(it) && !self.used.contains_key(it)
    }

    /// Every load balancer of which there is something.
    pub(super) fn lbs(&self) -> impl Iterator<Item = &LbId> {
        self.of_lb.keys()
    }

    /// Everything of this cluster.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Reference, &Owner, &Arc<Thing>)> {
        self.known.iter().filter_map(|(reference, known)| Some((reference, known.owner.as_ref()?, &known.it)))
    }
}
