//! From what exists to what is wanted: ordered changes. Pure.
//!
//! The order is the safety: what is referred to before what refers, sources before ports are opened, everything
//! new before anything old goes. A balancer that has to be replaced keeps serving until its successor is active;
//! only then does a later run find it superfluous. The one exception is a successor that is to have an address of
//! its predecessor: the cloud gives no address to two, so the predecessor goes first.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::change::{Change, Edit};
use crate::cloud::{BalancerSpec, Draft, Lifecycle, ListenerSpec, Object, Spec, Tags, Target};
use crate::error::MemoryError;
use crate::marks;
use crate::names::Names;
use crate::observe::Observed;
use crate::resources::{BalancerWish, ListenerWish, PoolWish, Wanted};
use crate::roles::{self, Roles};

/// The changes in the order in which they are to be made. Empty if nothing is to be done now.
pub(crate) fn diff(
    names: Names<'_>,
    wanted: &Wanted,
    observed: &Observed,
) -> Result<Vec<Change>, MemoryError> {
    refuse_strangers(names, observed)?;
    let wish = roles::shape(wanted, observed);
    let roles = Roles::of(&wish, observed);
    let mut diff = Diff { names, wanted, observed, roles, blocking: Vec::new() };
    diff.blocking = diff.holders_of_requested(&wish);
    let mut changes = diff.pools_and_targets();
    changes.extend(wanted.rules.iter().filter_map(|draft| upsert(&observed.rules, draft)).map(Change::Rule));
    for balancer in &diff.blocking {
        changes.extend(diff.remove_balancer(balancer));
    }
    changes.extend(diff.balancer(&wish));
    changes.extend(diff.listeners(&diff.target_name(&wish)));
    changes.extend(diff.stale_listeners());
    changes.extend(diff.stale_targets());
    for balancer in diff.superfluous() {
        changes.extend(diff.remove_balancer(balancer));
    }
    changes.extend(diff.stale_pools_and_rules());
    Ok(changes)
}

struct Diff<'a> {
    names: Names<'a>,
    wanted: &'a Wanted,
    observed: &'a Observed,
    roles: Roles<'a>,
    /// Predecessors that go first, for an address that they have.
    blocking: Vec<&'a Object<BalancerSpec>>,
}

impl<'a> Diff<'a> {
    fn pools_and_targets(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for pool in &self.wanted.pools {
            changes.extend(upsert(&self.observed.pools, &pool.draft).map(Change::Pool));
            let missing: Vec<Target> =
                pool.targets.keys().filter(|target| !self.has(pool, target)).cloned().collect();
            if !missing.is_empty() {
                changes.push(Change::Register { pool: pool.draft.name.clone(), targets: missing });
            }
        }
        changes
    }

    fn has(&self, pool: &PoolWish, target: &Target) -> bool {
        self.observed.targets.get(&pool.draft.name).is_some_and(|targets| targets.contains_key(target))
    }

    /// Predecessors that must go before there can be a successor, or before it can get one more family.
    fn holders_of_requested(&self, wish: &BalancerWish) -> Vec<&'a Object<BalancerSpec>> {
        let holds = |address: &IpAddr| wish.requested.contains(address);
        let predecessors = self.roles.predecessors.iter().copied();
        predecessors
            .filter(|balancer| balancer.status.addresses.iter().any(holds))
            .filter(|balancer| !self.is_needed(balancer))
            .collect()
    }

    fn balancer(&self, wish: &BalancerWish) -> Option<Change> {
        let Some(current) = self.roles.current else {
            let (name, tags) = (self.target_name(wish), wish.tags.clone());
            let spec = BalancerSpec {
                mode: wish.mode,
                families: sorted(wish.families.clone()),
                requested: wish.requested.clone(),
            };
            return Some(Change::Balancer(Edit::Create(Draft { name, tags, spec })));
        };
        let families = sorted(wish.families.clone());
        if sorted(current.spec().families.clone()) == families {
            return None;
        }
        let mut to = current.draft.clone();
        to.spec = BalancerSpec { mode: wish.mode, families, requested: wish.requested.clone() };
        Some(Change::Balancer(Edit::Update { from: current.draft.clone(), to }))
    }

    /// The name of the balancer that the listeners belong on, be it there already or not.
    fn target_name(&self, wish: &BalancerWish) -> String {
        if let Some(current) = self.roles.current {
            return current.name().to_owned();
        }
        let taken: BTreeSet<&str> = self.observed.balancers.iter().map(Object::name).collect();
        let mut turn = 0;
        loop {
            let name = self.names.balancer(wish, turn);
            if !taken.contains(name.as_str()) {
                return name;
            }
            turn += 1;
        }
    }

    /// Listeners of the balancer wanted, and those of predecessors that stay, as far as they have them.
    fn listeners(&self, target: &str) -> Vec<Change> {
        let mut changes = Vec::new();
        for wish in &self.wanted.listeners {
            match self.listener_on(target, wish) {
                None => changes.push(Edit::Create(self.listener_draft(target, wish))),
                Some(there) if self.is_retained(&there.draft.tags) => {}
                Some(there) => changes.extend(adjust(there, wish)),
            }
        }
        let going = self.going();
        for predecessor in self.roles.predecessors.iter().filter(|balancer| !going.contains(balancer.name()))
        {
            let there = |wish| self.listener_on(predecessor.name(), wish).map(|there| (there, wish));
            let kept = self.wanted.listeners.iter().filter_map(there);
            changes.extend(
                kept.filter(|(there, _)| !self.is_retained(&there.draft.tags))
                    .filter_map(|(there, wish)| adjust(there, wish)),
            );
        }
        changes.into_iter().map(Change::Listener).collect()
    }

    fn listener_on(&self, balancer: &str, wish: &ListenerWish) -> Option<&'a Object<ListenerSpec>> {
        let same = |spec: &ListenerSpec| spec.balancer == balancer && spec.key == wish.key;
        self.observed.listeners.iter().find(|listener| same(listener.spec()))
    }

    fn listener_draft(&self, balancer: &str, wish: &ListenerWish) -> Draft<ListenerSpec> {
        let spec = ListenerSpec { balancer: balancer.to_owned(), key: wish.key, pool: wish.pool.clone() };
        Draft { name: self.names.listener(balancer, wish.key), tags: wish.tags.clone(), spec }
    }

    /// Listeners that nobody wants, except those of balancers that are removed whole.
    fn stale_listeners(&self) -> Vec<Change> {
        let going = self.going();
        let wanted = |spec: &ListenerSpec| self.wanted.listeners.iter().any(|wish| wish.key == spec.key);
        let stale = self.observed.listeners.iter().filter(|listener| {
            !wanted(listener.spec())
                && !self.is_retained(&listener.draft.tags)
                && !going.contains(listener.spec().balancer.as_str())
        });
        stale.map(|listener| Change::Listener(Edit::Delete(listener.name().to_owned()))).collect()
    }

    fn stale_targets(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for pool in &self.wanted.pools {
            let there = self.observed.targets.get(&pool.draft.name);
            let stale: Vec<Target> = there
                .into_iter()
                .flat_map(|targets| targets.keys())
                .filter(|target| !pool.targets.contains_key(target))
                .cloned()
                .collect();
            if !stale.is_empty() {
                changes.push(Change::Deregister { pool: pool.draft.name.clone(), targets: stale });
            }
        }
        changes
    }

    /// Names of the balancers that are removed, first or last.
    fn going(&self) -> BTreeSet<&'a str> {
        self.blocking.iter().copied().chain(self.superfluous()).map(Object::name).collect()
    }

    /// Balancers that nobody needs any more: all predecessors once the current one serves, and before that those
    /// that never served. Those that go first are not among them.
    fn superfluous(&self) -> Vec<&'a Object<BalancerSpec>> {
        if self.roles.current.is_none() {
            return Vec::new();
        }
        let predecessors = self.roles.predecessors.iter().copied();
        predecessors
            .filter(|balancer| self.roles.settled() || balancer.status.lifecycle == Lifecycle::Provisioning)
            .filter(|balancer| !self.is_needed(balancer))
            .filter(|balancer| !self.blocking.iter().any(|other| other.name() == balancer.name()))
            .collect()
    }

    /// Whether a balancer alone has a listener of a retained member: then it stays.
    fn is_needed(&self, balancer: &Object<BalancerSpec>) -> bool {
        let on_current = |spec: &ListenerSpec| {
            let same = |other: &ListenerSpec| {
                self.roles.current.is_some_and(|current| other.balancer == current.name())
                    && other.key == spec.key
            };
            self.observed.listeners.iter().any(|other| same(other.spec()))
        };
        self.listeners_of(balancer)
            .any(|listener| self.is_retained(&listener.draft.tags) && !on_current(listener.spec()))
    }

    fn remove_balancer(&self, balancer: &Object<BalancerSpec>) -> Vec<Change> {
        let listeners = self.listeners_of(balancer);
        let mut changes: Vec<Change> =
            listeners.map(|listener| Change::Listener(Edit::Delete(listener.name().to_owned()))).collect();
        changes.push(Change::Balancer(Edit::Delete(balancer.name().to_owned())));
        changes
    }

    fn listeners_of(
        &self,
        balancer: &Object<BalancerSpec>,
    ) -> impl Iterator<Item = &'a Object<ListenerSpec>> {
        let name = balancer.name().to_owned();
        self.observed.listeners.iter().filter(move |listener| listener.spec().balancer == name)
    }

    fn stale_pools_and_rules(&self) -> Vec<Change> {
        let wanted: BTreeSet<&str> = self.wanted.pools.iter().map(|pool| pool.draft.name.as_str()).collect();
        let rules: BTreeSet<&str> = self.wanted.rules.iter().map(|draft| draft.name.as_str()).collect();
        let pools = self.stale(&self.observed.pools, &wanted).map(|name| Change::Pool(Edit::Delete(name)));
        let rules = self.stale(&self.observed.rules, &rules).map(|name| Change::Rule(Edit::Delete(name)));
        pools.chain(rules).collect()
    }

    fn stale<S>(&self, observed: &'a [Object<S>], wanted: &BTreeSet<&str>) -> impl Iterator<Item = String> {
        observed
            .iter()
            .filter(|object| !wanted.contains(object.name()) && !self.is_retained(&object.draft.tags))
            .map(|object| object.name().to_owned())
    }

    fn is_retained(&self, tags: &Tags) -> bool {
        marks::member(tags).is_some_and(|member| self.wanted.retained.contains(&member))
    }
}

fn refuse_strangers(names: Names<'_>, observed: &Observed) -> Result<(), MemoryError> {
    match observed.foreign.first() {
        Some((kind, name)) => {
            Err(MemoryError::Foreign { lb: names.lb.to_string(), kind: *kind, name: name.clone() })
        }
        None => Ok(()),
    }
}

/// Creates what is missing and updates what differs. Tags that others added stay.
fn upsert<S: Spec>(observed: &[Object<S>], draft: &Draft<S>) -> Option<Edit<S>> {
    let Some(there) = observed.iter().find(|object| object.name() == draft.name) else {
        return Some(Edit::Create(draft.clone()));
    };
    update(&there.draft, draft)
}

fn update<S: Spec>(from: &Draft<S>, draft: &Draft<S>) -> Option<Edit<S>> {
    if from.spec == draft.spec && marks::carries(&from.tags, &draft.tags) {
        return None;
    }
    let mut to = draft.clone();
    to.tags = from.tags.clone();
    to.tags.extend(draft.tags.clone());
    Some(Edit::Update { from: from.clone(), to })
}

/// Sends a port to the pool of whoever has it now.
fn adjust(there: &Object<ListenerSpec>, wish: &ListenerWish) -> Option<Edit<ListenerSpec>> {
    let mut draft = there.draft.clone();
    draft.tags.extend(wish.tags.clone());
    draft.spec.pool.clone_from(&wish.pool);
    update(&there.draft, &draft)
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list
}

#[cfg(test)]
mod tests;
