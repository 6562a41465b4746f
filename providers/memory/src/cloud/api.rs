//! The calls: what a provider can do to the cloud over its API.

use std::collections::BTreeMap;
use std::future::pending;

use tokio::time::{Instant, sleep};

use super::Cloud;
use super::error::{CloudError, Code};
use super::faults::Fault;
use super::journal::{Call, Operation};
use super::objects::{Draft, Health, Object, Tags, Target};
use super::state::State;
use super::table::{Refused, Spec};

/// Which objects a list contains: those with all these tags, and those with one of these names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) tags: Tags,
    pub(crate) names: Vec<String>,
}

impl Filter {
    fn takes<S>(&self, object: &Object<S>) -> bool {
        let tags = &object.draft.tags;
        self.names.contains(&object.draft.name)
            || self.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }
}

/// One page of a list that is in the order of its keys.
#[derive(Debug, Clone)]
pub(crate) struct Page<T, K> {
    pub(crate) items: Vec<T>,
    /// Key after which the next page starts; `None` on the last one. A key and no count, so that what others
    /// delete between two pages hides nothing.
    pub(crate) next: Option<K>,
}

impl<T, K: Ord> Page<T, K> {
    fn cut(all: impl Iterator<Item = T>, key: impl Fn(&T) -> K, after: Option<&K>, size: usize) -> Self {
        let mut rest = all.skip_while(|item| after.is_some_and(|after| key(item) <= *after)).peekable();
        let items: Vec<T> = rest.by_ref().take(size).collect();
        let next = rest.peek().and(items.last()).map(&key);
        Self { items, next }
    }
}

/// A target with its pool and health.
pub(crate) type Registered = (String, Target, Health);

impl Cloud {
    /// A page of the objects of a kind, by name.
    pub(crate) async fn list<S: Spec>(
        &self,
        filter: &Filter,
        after: Option<&String>,
    ) -> Result<Page<Object<S>, String>, CloudError> {
        let size = self.script().page;
        self.call(Operation::List(S::KIND), "", |state, now| {
            // Filtered before it is copied: with a thousand load balancers a look at one copies a few objects.
            let taken = S::table(state).values().filter(|record| filter.takes(&record.object));
            let name = |object: &Object<S>| object.draft.name.clone();
            Ok(Page::cut(taken.map(|record| record.read(now)), name, after, size))
        })
        .await
    }

    /// A page of the targets of some pools, by pool and target.
    pub(crate) async fn list_targets(
        &self,
        pools: &[String],
        after: Option<&(String, Target)>,
    ) -> Result<Page<Registered, (String, Target)>, CloudError> {
        let size = self.script().page;
        let key = |(pool, target, _): &Registered| (pool.clone(), target.clone());
        let page =
            |state: &mut State, _| Ok(Page::cut(state.targets_of(pools).into_iter(), key, after, size));
        self.call(Operation::ListTargets, "", page).await
    }

    /// Makes an object; the same call again is answered by the object that exists.
    pub(crate) async fn create<S: Spec>(&self, draft: Draft<S>) -> Result<Object<S>, CloudError> {
        let name = draft.name.clone();
        self.call(Operation::Create(S::KIND), &name, |state, now| state.create(draft, now)).await
    }

    /// Changes tags and settings of an object.
    pub(crate) async fn update<S: Spec>(&self, draft: Draft<S>) -> Result<Object<S>, CloudError> {
        let name = draft.name.clone();
        self.call(Operation::Update(S::KIND), &name, |state, now| state.update(draft, now)).await
    }

    /// Removes an object that nothing refers to.
    pub(crate) async fn delete<S: Spec>(&self, name: &str) -> Result<(), CloudError> {
        self.call(Operation::Delete(S::KIND), name, |state, now| state.delete::<S>(name, now)).await
    }

    /// Puts targets into a pool, and tells their health.
    pub(crate) async fn register(
        &self,
        pool: &str,
        targets: &[Target],
    ) -> Result<BTreeMap<Target, Health>, CloudError> {
        let register = |state: &mut State, _| state.register(pool, targets);
        Ok(self.call(Operation::Register, pool, register).await?.into_iter().collect())
    }

    /// Takes targets out of a pool.
    pub(crate) async fn deregister(&self, pool: &str, targets: &[Target]) -> Result<(), CloudError> {
        self.call(Operation::Deregister, pool, |state, _| state.deregister(pool, targets)).await
    }

    /// The way of every call: latency, journal, fault, effect.
    async fn call<T>(
        &self,
        operation: Operation,
        object: &str,
        effect: impl FnOnce(&mut State, Instant) -> Result<T, Refused>,
    ) -> Result<T, CloudError> {
        let latency = self.script().latency;
        if !latency.is_zero() {
            sleep(latency).await;
        }
        let fault = self.record(operation, object);
        let error =
            |(code, message): Refused| CloudError { code, operation, object: object.to_owned(), message };
        match fault {
            Some(Fault::Fail(class)) => {
                return Err(error((Code::from(class), "scripted failure".to_owned())));
            }
            Some(Fault::Hang) => return pending().await,
            Some(Fault::Delay(time)) => sleep(time).await,
            Some(Fault::LoseAnswer | Fault::Freeze) | None => {}
        }
        let answer = self.run(effect);
        match fault {
            Some(Fault::LoseAnswer) => Err(error((Code::Unavailable, "the connection broke".to_owned()))),
            Some(Fault::Freeze) => {
                self.inner.frozen.notify_one();
                pending().await
            }
            _ => answer.map_err(error),
        }
    }

    /// Writes the call down and takes its fault.
    fn record(&self, operation: Operation, object: &str) -> Option<Fault> {
        let mut script = self.script();
        script.journal.push(Call { operation, object: object.to_owned() });
        let number = script.journal.len();
        script.faults.take(number, operation)
    }

    fn run<T>(&self, effect: impl FnOnce(&mut State, Instant) -> Result<T, Refused>) -> Result<T, Refused> {
        let now = Instant::now();
        let mut state = self.state();
        state.advance(now);
        effect(&mut state, now)
    }
}
