//! The address book: who holds what.
//!
//! Owns all state of the provider. Changes come in through [`Book::set_pools`], [`Book::put`] and
//! [`Book::release`]; everything else reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use landfall_core::ids::{LbId, Uid};
use landfall_core::net::IpFamily;
use landfall_core::pools::PoolSpec;

use crate::family::AddressPair;
use crate::party::{MemberFacts, Party};
use crate::pool_set::PoolSet;
use crate::sharing::{SharingKey, Terms};
use crate::shelf::Shelf;

/// Who holds what out of which pools.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Load balancers that asked in vain, or lost an address to somebody: worth another look when pools change.
    pub(crate) restless: BTreeSet<LbId>,
    /// The pools as fed, by name; `None` before the first feed.
    specs: Option<Vec<PoolSpec>>,
    pools: PoolSet,
    claims: BTreeMap<LbId, Claim>,
    /// Holders of every address that is held: usually one, several only if they may share.
    holders: HashMap<IpAddr, Vec<LbId>>,
    /// Holders of a member, for Services that change from one load balancer to another.
    by_member: HashMap<Uid, Vec<LbId>>,
    /// Addresses held under a sharing key.
    by_key: HashMap<SharingKey, Shelf>,
}

/// What one load balancer holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    /// Who.
    pub(crate) party: Party,
    /// What. An address stays here until its holder has another, even if no pool contains it any more.
    pub(crate) addresses: AddressPair,
}

impl Book {
    /// Whether pools have been fed.
    pub(crate) fn is_loaded(&self) -> bool {
        self.specs.is_some()
    }

    /// The pools.
    pub(crate) fn pools(&self) -> &PoolSet {
        &self.pools
    }

    /// Replaces the pools and counts anew what is in use. `false` if they are what they were.
    pub(crate) fn set_pools(&mut self, mut specs: Vec<PoolSpec>) -> bool {
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        if self.specs.as_ref() == Some(&specs) {
            return false;
        }
        self.pools = PoolSet::compile(&specs);
        self.specs = Some(specs);
        for address in self.holders.keys() {
            self.pools.occupy(*address);
        }
        true
    }

    /// Forgets every claim.
    pub(crate) fn clear(&mut self) {
        for address in self.holders.keys() {
            self.pools.vacate(*address);
        }
        self.restless.clear();
        self.claims.clear();
        self.holders.clear();
        self.by_member.clear();
        self.by_key.clear();
    }

    /// What a load balancer holds.
    pub(crate) fn claim(&self, id: &LbId) -> Option<&Claim> {
        self.claims.get(id)
    }

    /// Every claim, by load balancer.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claims.values()
    }

    /// Who holds an address.
    pub(crate) fn holders(&self, address: IpAddr) -> impl Iterator<Item = &Claim> {
        self.holders.get(&address).into_iter().flatten().filter_map(|id| self.claims.get(id))
    }

    /// Load balancers that hold something for a Service.
    pub(crate) fn holding_member(&self, uid: &Uid) -> impl Iterator<Item = &Claim> {
        self.by_member.get(uid).into_iter().flatten().filter_map(|id| self.claims.get(id))
    }

    /// What is remembered of a Service.
    pub(crate) fn facts(&self, uid: &Uid) -> Option<&MemberFacts> {
        self.holding_member(uid).flat_map(|claim| &claim.party.members).find(|member| member.who.uid == *uid)
    }

    /// Addresses of one family that are held under the key of these terms and have their ports free, ascending.
    pub(crate) fn shared(&self, terms: &Terms, family: IpFamily) -> impl Iterator<Item = IpAddr> {
        let held = terms.key.as_ref().and_then(|key| self.by_key.get(key));
        held.into_iter().flat_map(move |held| held.with_free(family, &terms.ports))
    }

    /// Replaces what a load balancer holds. What it held and holds no longer is free afterwards.
    pub(crate) fn put(&mut self, claim: Claim) {
        let id = claim.party.id.clone();
        let before = self.unlink(&id).map(|claim| claim.addresses).unwrap_or_default();
        for address in claim.addresses.addresses() {
            self.holders.entry(address).or_insert_with(|| Vec::with_capacity(1)).push(id.clone());
            let terms = &claim.party.terms;
            if let Some(key) = &terms.key {
                self.by_key.entry(key.clone()).or_default().add(address, &terms.ports);
            }
        }
        for member in &claim.party.members {
            let held = self.by_member.entry(member.who.uid.clone()).or_insert_with(|| Vec::with_capacity(1));
            // Nearly always one: a sorted vector is a tenth of a tree's first node.
            if let Err(place) = held.binary_search(&id) {
                held.insert(place, id.clone());
            }
        }
        let after = claim.addresses;
        self.claims.insert(id, claim);
        self.recount(before, after);
    }

    /// Frees what a load balancer holds. Harmless if it holds nothing.
    pub(crate) fn release(&mut self, id: &LbId) {
        self.restless.remove(id);
        if let Some(claim) = self.unlink(id) {
            self.recount(claim.addresses, AddressPair::default());
        }
    }

    /// Takes one address away from a load balancer; it has to look for another.
    pub(crate) fn evict(&mut self, id: &LbId, family: IpFamily) {
        if let Some(mut claim) = self.claims.get(id).cloned() {
            *claim.addresses.get_mut(family) = None;
            self.put(claim);
            self.restless.insert(id.clone());
        }
    }

    /// Takes a claim out of every index but the count of use.
    fn unlink(&mut self, id: &LbId) -> Option<Claim> {
        let claim = self.claims.remove(id)?;
        for address in claim.addresses.addresses() {
            prune(
                &mut self.holders,
                &address,
                |holders| holders.retain(|holder| holder != id),
                Vec::is_empty,
            );
            let terms = &claim.party.terms;
            if let Some(key) = &terms.key {
                prune(&mut self.by_key, key, |shelf| shelf.remove(address, &terms.ports), Shelf::is_empty);
            }
        }
        for member in &claim.party.members {
            prune(&mut self.by_member, &member.who.uid, |ids| ids.retain(|known| known != id), Vec::is_empty);
        }
        Some(claim)
    }

    /// Brings the pools in line after the holder of `before` became the holder of `after`.
    fn recount(&mut self, before: AddressPair, after: AddressPair) {
        let kept = |address: &IpAddr, other: &AddressPair| other.addresses().any(|one| one == *address);
        for address in before.addresses().filter(|address| !kept(address, &after)) {
            if !self.holders.contains_key(&address) {
                self.pools.vacate(address);
            }
        }
        for address in after.addresses().filter(|address| !kept(address, &before)) {
            if self.holders.get(&address).is_some_and(|holders| holders.len() == 1) {
                self.pools.occupy(address);
            }
        }
    }
}

/// Changes the value of a key and drops the key if nothing is left of it.
fn prune<K: std::hash::Hash + Eq, V>(
    map: &mut HashMap<K, V>,
    key: &K,
    change: impl FnOnce(&mut V),
    is_empty: impl FnOnce(&V) -> bool,
) {
    if let Some(value) = map.get_mut(key) {
        change(value);
        if is_empty(value) {
            map.remove(key);
        }
    }
}
