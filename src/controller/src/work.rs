//! One look at one load balancer: gather, decide, converge, report.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use landfall_core::desired::{Snapshot, desired};
use landfall_core::error::{ErrorClass, ProviderError};
use landfall_core::ids::{LbId, ProviderName};
use landfall_core::model::DesiredLb;
use landfall_core::outcome::{Outcome, Phase};
use landfall_core::plan::Action;
use landfall_core::provider::Provider;
use tokio::time::Instant;
use tracing::{debug, info};

use crate::cluster::{Cluster, Group, Key};
use crate::config::Config;
use crate::events::Recorder;
use crate::metrics::{ControllerMetrics, TargetCount};
use crate::placement::recorded;
use crate::policy::{Next, Record};
use crate::queue::Due;
use crate::writer::Writer;

mod error;
mod report;

pub use error::LookError;

/// Providers by name.
pub type Providers = HashMap<ProviderName, Arc<dyn Provider>>;

/// What else follows from a look.
#[derive(Debug, Default)]
pub struct Effects {
    /// Other keys that have to be looked at.
    pub touched: BTreeSet<Key>,
    /// The provider has something free again that others may be waiting for.
    pub freed: bool,
    /// Addresses were taken or given back: the usage of the pools is another now.
    pub usage_changed: bool,
}

/// What is remembered about a key between two looks. All of it can be lost: it only saves work.
#[derive(Debug, Default)]
struct Memory {
    record: Record,
    settled: Option<Settled>,
    /// Whether the provider was ever asked to make something here.
    used: bool,
    /// Whether the deletion has been announced.
    leaving: bool,
    /// How often in a row somebody else had written over our status.
    overwritten: u32,
    /// The targets that the provider told of last, as counted.
    targets: Option<TargetCount>,
}

/// What the provider answered last, and to which wish.
#[derive(Debug, Clone)]
struct Settled {
    fingerprint: u64,
    outcome: Arc<Outcome>,
}

/// Looks at load balancers for one term of leadership.
pub struct Looker {
    cluster: Arc<Cluster>,
    providers: Arc<Providers>,
    writer: Writer,
    recorder: Arc<Recorder>,
    metrics: ControllerMetrics,
    config: Config,
    memory: Mutex<HashMap<Key, Memory>>,
    starving: Mutex<HashSet<Key>>,
}

/// What one look is about.
struct Round<'a> {
    key: &'a Key,
    id: &'a LbId,
    group: Group,
    provider: &'a dyn Provider,
    due: Due,
}

impl Looker {
    /// Knows nothing yet.
    pub fn new(
        cluster: Arc<Cluster>,
        providers: Arc<Providers>,
        writer: Writer,
        recorder: Arc<Recorder>,
        config: Config,
    ) -> Self {
        let metrics = writer.metrics.clone();
        let (memory, starving) = Default::default();
        Self { cluster, providers, writer, recorder, metrics, config, memory, starving }
    }

    /// Looks at one key and decides when to look again. Never called twice at the same time for one key.
    pub async fn look(&self, key: &Key, due: Due) -> (Next, Effects) {
        let mut effects = Effects::default();
        let result = match key {
            Key::Lb(id) => self.load_balancer(key, id, due, &mut effects).await,
            Key::Unplaced(service) => self.unplaced(service, &mut effects).await,
        };
        let next = match &result {
            Ok(Next::Forget) => {
                self.memory().remove(key);
                Next::Forget
            }
            Ok(next) => {
                self.remember(key, |memory| memory.record.succeeded());
                *next
            }
            Err(error) => {
                debug!(?key, class = error.class().as_str(), %error, "look failed");
                self.remember(key, |memory| memory.record.failed(error.class()))
            }
        };
        let hungry = matches!(&result, Err(error) if error.class() == ErrorClass::Quota);
        let mut starving = self.starving.lock().unwrap_or_else(PoisonError::into_inner);
        if hungry {
            starving.insert(key.clone());
        } else {
            starving.remove(key);
        }
        (next, effects)
    }

    /// Those that wait for something to be freed. They are forgotten here and come back if they still starve.
    pub fn starving(&self, provider: ProviderName) -> Vec<Key> {
        let mut starving = self.starving.lock().unwrap_or_else(PoisonError::into_inner);
        let of_provider = |key: &Key| matches!(key, Key::Lb(id) if id.provider == provider);
        let (taken, rest): (HashSet<Key>, HashSet<Key>) = starving.drain().partition(of_provider);
        *starving = rest;
        taken.into_iter().collect()
    }

    /// Makes the next look at a load balancer that no Service knows delete it.
    pub fn condemn(&self, id: &LbId) {
        self.remember(&Key::Lb(id.clone()), |memory| memory.used = true);
    }

    async fn load_balancer(
        &self,
        key: &Key,
        id: &LbId,
        due: Due,
        effects: &mut Effects,
    ) -> Result<Next, LookError> {
        let group = self.cluster.group(id);
        let Some(provider) = self.providers.get(&id.provider) else {
            return self.not_enabled(id, &group, effects).await;
        };
        for (service, refusal) in &group.kept {
            self.refuse(service, std::slice::from_ref(refusal), effects).await?;
        }
        if group.wanted.iter().any(|facts| facts.namespace_labels.is_none()) {
            // Who may use which class or pool may depend on the labels of the namespace. Its event brings us back.
            return Ok(Next::Wait);
        }
        let round = Round { key, id, group, provider: provider.as_ref(), due };
        if round.group.class.is_some() {
            return self.converge(&round, effects).await;
        }
        if round.group.kept.is_empty() && round.group.wanted.is_empty() {
            self.release(&round, effects).await?;
            return Ok(Next::Forget);
        }
        self.nobody_served(&round, effects).await
    }

    /// Nobody who wants this load balancer can be served. It stays as it is for those who are on it; if nobody is,
    /// nothing keeps it.
    async fn nobody_served(&self, round: &Round<'_>, effects: &mut Effects) -> Result<Next, LookError> {
        let group = &round.group;
        let wanted = group.wanted.iter().map(|facts| &facts.service);
        let mut others = wanted.chain(group.kept.iter().map(|(service, _)| service));
        if !others.any(|service| recorded(service).contains(round.id)) {
            self.release(round, effects).await?;
        } else if round.provider.capabilities().external_state && !group.departing.is_empty() {
            // Its ports stay open, and its node ports may be somebody else's soon: it must not go yet.
            let error = LookError::GroupRefused;
            self.report_stuck(&group.departing, &error, effects).await?;
            return Err(error);
        } else {
            self.see_off(round.id, &group.departing, effects).await?;
        }
        Ok(Next::Wait)
    }

    /// Makes the load balancer what its members want, and tells them.
    async fn converge(&self, round: &Round<'_>, effects: &mut Effects) -> Result<Next, LookError> {
        let (id, group) = (round.id, &round.group);
        let Some(class) = group.class.clone() else { return Ok(Next::Wait) };
        let (nodes, nodes_fingerprint) = self.cluster.node_set();
        let snapshot = Snapshot { id: id.clone(), class, services: group.wanted.clone(), nodes };
        let mut wish = desired(&snapshot, round.provider);
        // One member that cannot be told anything does not hold up the others.
        let mut told = self.report_refusals(round, &wish, effects).await;
        if let Some(lb) = &mut wish.lb {
            lb.retained.extend(group.kept.iter().filter_map(|(service, _)| report::reference(service)));
        }
        let fingerprint = wish.fingerprint(nodes_fingerprint);
        let Some(lb) = wish.lb else {
            let next = self.nobody_served(round, effects).await?;
            return told.map(|()| next);
        };
        let outcome = self.outcome(round, &lb, fingerprint, effects).await?;
        for member in &lb.members {
            told = told.and(self.report(round, member, &lb, &outcome, effects).await);
        }
        told.and(self.see_off(id, &group.departing, effects).await)?;
        Ok(match outcome.phase {
            Phase::Provisioning { poll } => Next::Poll(poll),
            Phase::Ready | Phase::Degraded { .. } => outcome.look_again.map_or(Next::Settled, Next::Again),
        })
    }

    /// The provider's answer: the last one if the wish is unchanged and nobody insists, a new one otherwise.
    async fn outcome(
        &self,
        round: &Round<'_>,
        lb: &DesiredLb,
        fingerprint: u64,
        effects: &mut Effects,
    ) -> Result<Arc<Outcome>, LookError> {
        let known = self.remember(round.key, |memory| memory.settled.clone());
        if let Some(known) = known.filter(|known| known.fingerprint == fingerprint && !round.due.force) {
            return Ok(known.outcome);
        }
        self.remember(round.key, |memory| memory.settled = None);
        match self.ensure(round, lb, effects).await {
            Ok(outcome) => {
                let outcome = Arc::new(outcome);
                if !matches!(outcome.phase, Phase::Provisioning { .. }) {
                    let settled = Settled { fingerprint, outcome: Arc::clone(&outcome) };
                    self.remember(round.key, |memory| memory.settled = Some(settled));
                }
                Ok(outcome)
            }
            Err(error) => {
                // What went wrong at the provider decides when to look again, not whether it could be told.
                let told = self.report_failure(round, lb, &error, effects).await;
                let told = told.and(self.report_stuck(&round.group.departing, &error, effects).await);
                if let Err(untold) = told {
                    debug!(lb = %round.id, %untold, "the failure could not be told");
                }
                Err(error)
            }
        }
    }

    async fn ensure(
        &self,
        round: &Round<'_>,
        lb: &DesiredLb,
        effects: &mut Effects,
    ) -> Result<Outcome, LookError> {
        let provider = round.provider;
        if provider.capabilities().external_state {
            for member in &lb.members {
                self.take_charge(round.id, member, effects).await?;
            }
        }
        self.remember(round.key, |memory| memory.used = true);
        let mut outcome = self.call(provider.name(), "ensure", provider.ensure(lb)).await?;
        for step in &outcome.steps {
            info!(lb = %lb.id, "{}", step.to_string().trim_start());
        }
        let targets = self.metrics.targets(provider.name(), &outcome.targets);
        self.remember(round.key, |memory| memory.targets = targets);
        effects.usage_changed |= !outcome.steps.is_empty();
        effects.freed |= outcome.steps.iter().any(|step| step.action != Action::Create);
        // They are told; the outcome is remembered, and they need not be.
        outcome.steps = Vec::new();
        Ok(outcome)
    }

    /// Removes a load balancer that nobody wants, then our part in the Services that were on it.
    async fn release(&self, round: &Round<'_>, effects: &mut Effects) -> Result<(), LookError> {
        let departing = &round.group.departing;
        let used = self.remember(round.key, |memory| memory.used);
        if departing.is_empty() && !used {
            return Ok(());
        }
        if !self.remember(round.key, |memory| std::mem::replace(&mut memory.leaving, true)) {
            self.announce_release(round.id, departing).await;
        }
        let provider = round.provider;
        if let Err(error) = self.call(provider.name(), "release", provider.release(round.id)).await {
            if let Err(untold) = self.report_stuck(departing, &error, effects).await {
                debug!(lb = %round.id, %untold, "the failure could not be told");
            }
            return Err(LookError::Stuck(Box::new(error)));
        }
        self.remember(round.key, |memory| {
            (memory.used, memory.leaving) = (false, false);
            memory.targets = None;
        });
        effects.freed = true;
        effects.usage_changed = true;
        self.see_off(round.id, departing, effects).await
    }

    /// Calls the provider: under the claim, bounded, measured.
    async fn call<T>(
        &self,
        provider: ProviderName,
        operation: &'static str,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, LookError> {
        let started = Instant::now();
        let caught = AssertUnwindSafe(call).catch_unwind();
        let bounded = tokio::time::timeout(self.config.look_timeout, caught);
        let result = match self.writer.claim.guard(bounded).await? {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(LookError::Provider(error)),
            Ok(Err(_)) => Err(LookError::Panicked),
            Err(_) => Err(LookError::Timeout(self.config.look_timeout)),
        };
        let word = match &result {
            Ok(_) => "ok",
            Err(error) => {
                self.metrics.failed(provider, error.category(), error.class());
                error.class().as_str()
            }
        };
        self.metrics.called(provider, operation, word, started.elapsed());
        result
    }

    fn remember<T>(&self, key: &Key, change: impl FnOnce(&mut Memory) -> T) -> T {
        change(self.memory().entry(key.clone()).or_default())
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<Key, Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
