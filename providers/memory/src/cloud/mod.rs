//! A small cloud in memory, with the habits of the large ones.
//!
//! - Balancer, listener, target pool and firewall rule are separate objects that refer to each other by name.
//!   What is referred to cannot be deleted. Names are unique per kind. Tags are free texts.
//! - A balancer gets its addresses from the cloud, takes a while until it is active and a while until it is gone.
//!   An address is never given out twice. Some settings are fixed at creation.
//! - Making the same object again is answered by the object that exists.
//! - Lists come in pages. Kinds can have quotas.
//!
//! A [`Cloud`] is a cheap handle: it outlives the provider instances on it, as the real ones do. Time is tokio's,
//! so a test can pause it. It spawns no tasks.

mod api;
mod edits;
mod error;
mod faults;
mod journal;
mod objects;
mod rules;
mod state;
mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub(crate) use api::Filter;
pub use error::{CloudError, Code};
pub use faults::Fault;
use faults::Faults;
pub use journal::{Call, Operation};
pub use objects::{
    BalancerSpec, Draft, Health, Kind, Lifecycle, ListenerSpec, Object, PoolSpec, Probe, RuleSpec, Status,
    Tags, Target,
};
use state::State;
pub(crate) use table::Spec;

/// Objects in one page of a list, unless a test says otherwise.
const PAGE: usize = 100;

/// A handle to one cloud; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cloud {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    script: Mutex<Script>,
    frozen: Notify,
}

impl Default for Inner {
    fn default() -> Self {
        Self { state: Mutex::default(), script: Mutex::default(), frozen: Notify::new() }
    }
}

/// How calls behave, and which were made.
#[derive(Debug)]
struct Script {
    faults: Faults,
    latency: Duration,
    page: usize,
    journal: Vec<Call>,
}

impl Default for Script {
    fn default() -> Self {
        Self { faults: Faults::default(), latency: Duration::ZERO, page: PAGE, journal: Vec::new() }
    }
}

impl Cloud {
    /// An empty cloud without faults, latency or quotas, in which everything happens at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans a fault for the `n`-th call from now, counted from 1.
    pub fn fault_at(&self, n: usize, fault: Fault) {
        let mut script = self.script();
        let number = script.journal.len() + n;
        script.faults.at(number, fault);
    }

    /// Plans a fault for the next call of an operation. Several queue up.
    pub fn fault_on(&self, operation: Operation, fault: Fault) {
        self.script().faults.on(operation, fault);
    }

    /// Forgets every fault that has not happened yet.
    pub fn clear_faults(&self) {
        self.script().faults.clear();
    }

    /// Resolves when a call has met [`Fault::Freeze`]; each frozen call resolves one wait.
    pub async fn frozen(&self) {
        self.inner.frozen.notified().await;
    }

    /// Makes every call take that long.
    pub fn set_latency(&self, latency: Duration) {
        self.script().latency = latency;
    }

    /// Sets how many objects a page of a list has, at least 1.
    pub fn set_page_size(&self, size: usize) {
        self.script().page = size.max(1);
    }

    /// Sets how long balancers made from now on take to become active.
    pub fn set_provisioning_time(&self, time: Duration) {
        self.state().provisioning = time;
    }

    /// Sets how long balancers deleted from now on stay around.
    pub fn set_deletion_time(&self, time: Duration) {
        self.state().deletion = time;
    }

    /// Allows at most that many objects of a kind, whoever they belong to.
    pub fn set_quota(&self, kind: Kind, limit: usize) {
        self.state().quotas.insert(kind, limit);
    }

    /// Every call so far.
    pub fn journal(&self) -> Vec<Call> {
        self.script().journal.clone()
    }

    /// Number of calls so far.
    pub fn calls(&self) -> usize {
        self.script().journal.len()
    }

    /// Number of calls so far that change something, whatever came of them.
    pub fn writes(&self) -> usize {
        self.script().journal.iter().filter(|call| call.operation.is_write()).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.inner.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
