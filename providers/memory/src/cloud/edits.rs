//! What others do to the cloud, past its API, and looking inside: for tests. None of it is in the journal.

use tokio::time::Instant;

use super::Cloud;
use super::objects::{BalancerSpec, Draft, Health, Kind, ListenerSpec, Object, PoolSpec, RuleSpec, Target};
use super::state::State;
use super::table::Spec;

impl Cloud {
    /// Every balancer, by name.
    pub fn balancers(&self) -> Vec<Object<BalancerSpec>> {
        self.look::<BalancerSpec>()
    }

    /// Every listener, by name.
    pub fn listeners(&self) -> Vec<Object<ListenerSpec>> {
        self.look::<ListenerSpec>()
    }

    /// Every target pool, by name.
    pub fn pools(&self) -> Vec<Object<PoolSpec>> {
        self.look::<PoolSpec>()
    }

    /// Every firewall rule, by name.
    pub fn rules(&self) -> Vec<Object<RuleSpec>> {
        self.look::<RuleSpec>()
    }

    /// The targets of a pool, in order.
    pub fn targets(&self, pool: &str) -> Vec<Target> {
        let state = self.state();
        state.targets.get(pool).map(|targets| targets.keys().cloned().collect()).unwrap_or_default()
    }

    /// Kind and name of every object.
    pub fn objects(&self) -> Vec<(Kind, String)> {
        fn names<S: Spec>(state: &State) -> impl Iterator<Item = (Kind, String)> + '_ {
            S::table(state).keys().map(|name| (S::KIND, name.clone()))
        }
        let mut state = self.state();
        state.advance(Instant::now());
        names::<BalancerSpec>(&state)
            .chain(names::<ListenerSpec>(&state))
            .chain(names::<PoolSpec>(&state))
            .chain(names::<RuleSpec>(&state))
            .collect()
    }

    /// Somebody makes a balancer. Answers why not.
    pub fn put_balancer(&self, draft: Draft<BalancerSpec>) -> Result<(), String> {
        self.put(draft)
    }

    /// Somebody makes a listener. Answers why not.
    pub fn put_listener(&self, draft: Draft<ListenerSpec>) -> Result<(), String> {
        self.put(draft)
    }

    /// Somebody makes a target pool. Answers why not.
    pub fn put_pool(&self, draft: Draft<PoolSpec>) -> Result<(), String> {
        self.put(draft)
    }

    /// Somebody makes a firewall rule. Answers why not.
    pub fn put_rule(&self, draft: Draft<RuleSpec>) -> Result<(), String> {
        self.put(draft)
    }

    /// Somebody edits a balancer; `false` if there is none of that name.
    pub fn edit_balancer(&self, name: &str, change: impl FnOnce(&mut Draft<BalancerSpec>)) -> bool {
        self.edit(name, change)
    }

    /// Somebody edits a listener; `false` if there is none of that name.
    pub fn edit_listener(&self, name: &str, change: impl FnOnce(&mut Draft<ListenerSpec>)) -> bool {
        self.edit(name, change)
    }

    /// Somebody edits a target pool; `false` if there is none of that name.
    pub fn edit_pool(&self, name: &str, change: impl FnOnce(&mut Draft<PoolSpec>)) -> bool {
        self.edit(name, change)
    }

    /// Somebody edits a firewall rule; `false` if there is none of that name.
    pub fn edit_rule(&self, name: &str, change: impl FnOnce(&mut Draft<RuleSpec>)) -> bool {
        self.edit(name, change)
    }

    /// Somebody takes every target out of a pool.
    pub fn empty_pool(&self, name: &str) {
        self.state().targets.remove(name);
    }

    /// Somebody removes an object, with everything that refers to it; `false` if there is none.
    pub fn remove(&self, kind: Kind, name: &str) -> bool {
        let mut state = self.state();
        match kind {
            Kind::Balancer => {
                state.listeners.retain(|_, record| record.object.spec().balancer != name);
                state.balancers.remove(name).is_some()
            }
            Kind::Listener => state.listeners.remove(name).is_some(),
            Kind::Pool => {
                state.listeners.retain(|_, record| record.object.spec().pool != name);
                state.targets.remove(name);
                state.pools.remove(name).is_some()
            }
            Kind::Rule => state.rules.remove(name).is_some(),
        }
    }

    /// Sets what the health checks say about a node (by provider id) or a pod (by address), in every pool.
    pub fn set_health(&self, target: &str, health: Health) {
        self.state().health.insert(target.to_owned(), health);
    }

    fn look<S: Spec>(&self) -> Vec<Object<S>> {
        let now = Instant::now();
        let mut state = self.state();
        state.advance(now);
        S::table(&state).values().map(|record| record.read(now)).collect()
    }

    fn put<S: Spec>(&self, draft: Draft<S>) -> Result<(), String> {
        self.state().create(draft, Instant::now()).map(|_| ()).map_err(|(_, message)| message)
    }

    fn edit<S: Spec>(&self, name: &str, change: impl FnOnce(&mut Draft<S>)) -> bool {
        match S::table_mut(&mut self.state()).get_mut(name) {
            Some(record) => {
                change(&mut record.object.draft);
                true
            }
            None => false,
        }
    }
}
