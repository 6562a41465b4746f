//! A stateful fake of ELBv2 and of the part of EC2 that Network Load Balancers need: at least as strict as the real one.
//!
//! - It implements the provider's own traits, [`Elb`](landfall_aws::api::elb::Elb) and
//!   [`Ec2`](landfall_aws::api::ec2::Ec2), so it starts where the wire format ends; moto covers that.
//! - References are kept: what is used cannot be deleted, and some of it stays in use for a while after.
//!   Names, settings, quotas and page sizes are checked, lists have pages, everything takes the time that a test
//!   gives it ([`Timing`]). Creating the same thing again answers the one that exists.
//! - A fault can be planned for any call. Every call is written down.
//!
//! A [`FakeAws`] is a cheap handle on an account. [`FakeAws::console`] gives another one, with its own journal and
//! faults: there somebody else works on the same account. Time is tokio's, so a test can pause it. It spawns no tasks.

mod attributes;
mod balancers;
mod buckets;
mod ec2;
mod elb;
mod faults;
mod groups;
mod interfaces;
mod listeners;
mod look;
mod names;
mod network;
mod page;
mod placement;
mod quotas;
mod refused;
mod reshape;
mod rules;
mod script;
mod security_groups;
mod state;
mod tags;
mod targets;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use landfall_aws::api::error::Failure;
use landfall_aws::api::{Action, Answer, ApiError};
use tokio::time::{Instant, sleep};

use buckets::Buckets;
pub use faults::Fault;
pub use look::{BalancerView, GroupView, ListenerView};
pub use network::{NODES, Network, VPC};
pub use quotas::Quota;
use refused::{Done, Refused};
pub use script::Call;
use script::Script;
use state::State;
pub use state::Timing;
pub use tags::LateTags;

/// A handle on one account in one region; clones share journal and faults.
#[derive(Debug, Clone)]
pub struct FakeAws {
    state: Arc<Mutex<State>>,
    script: Arc<Script>,
}

impl Default for FakeAws {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeAws {
    /// An account with one network [`VPC`], three zones, a public and a private subnet in each, and a hundred
    /// instances `i-0001`, `i-0002`, … in the security group [`NODES`]. Everything happens at once.
    pub fn new() -> Self {
        let mut state = State::new(Network::with_three_zones());
        state.add_node_group();
        Self { state: Arc::new(Mutex::new(state)), script: Arc::default() }
    }

    /// Another handle on the same account, with a journal and faults of its own: somebody else at the console.
    pub fn console(&self) -> Self {
        Self { state: self.state.clone(), script: Arc::default() }
    }

    /// Plans a fault for the `n`-th call from now, counted from 1.
    pub fn fault_at(&self, n: usize, fault: Fault) {
        let mut lines = self.script.lines();
        let number = lines.journal.len() + n;
        lines.faults.at(number, fault);
    }

    /// Plans a fault for the `n`-th call of an action from now, counted from 1.
    pub fn fault_on(&self, action: Action, n: usize, fault: Fault) {
        let mut lines = self.script.lines();
        let number = lines.count(action) + n;
        lines.faults.on(action, number, fault);
    }

    /// Forgets every fault that has not happened yet.
    pub fn clear_faults(&self) {
        self.script.lines().faults = faults::Faults::default();
    }

    /// Resolves when a call has met [`Fault::Freeze`]; each frozen call resolves one wait.
    pub async fn frozen(&self) {
        self.script.frozen.notified().await;
    }

    /// The time of day in this account: tokio's time from a fixed day on.
    pub fn time_of_day(&self) -> Timestamp {
        self.state().timestamp_at(Instant::now())
    }

    /// Every call so far.
    pub fn journal(&self) -> Vec<Call> {
        self.script.lines().journal.clone()
    }

    /// Number of calls so far.
    pub fn calls(&self) -> usize {
        self.script.lines().journal.len()
    }

    /// Number of calls of an action so far.
    pub fn count(&self, action: Action) -> usize {
        self.script.lines().count(action)
    }

    /// Number of calls so far that change something, whatever came of them.
    pub fn writes(&self) -> usize {
        self.script.lines().journal.iter().filter(|call| call.action.is_write()).count()
    }

    /// Sets how long things take that begin from now on.
    pub fn set_timing(&self, timing: Timing) {
        self.state().timing = timing;
    }

    /// Makes load balancers made from now on take that long to become active.
    pub fn slow_down(&self, provisioning: Duration) {
        self.state().timing.provisioning = provisioning;
    }

    /// Sets how many objects a page of a list has, from 1 to 400.
    pub fn set_page_size(&self, size: usize) {
        self.state().page = size.clamp(1, state::PAGE);
    }

    /// Changes a quota.
    pub fn set_quota(&self, quota: Quota, limit: usize) {
        self.state().quotas.set(quota, limit);
    }

    /// Makes reads tell the tags of a resource late, until told otherwise.
    pub fn tell_tags_late(&self, arn: &str, how: Option<LateTags>) {
        let mut state = self.state();
        match how {
            Some(how) => _ = state.late_tags.insert(arn.to_owned(), how),
            None => _ = state.late_tags.remove(arn),
        }
    }

    /// Limits requests as AWS does by default, with full buckets now.
    pub fn limit_requests(&self) {
        self.state().buckets = Some(Buckets::new(Instant::now()));
    }

    /// Whether a create that differs from what exists in its tags alone is refused as a duplicate. AWS does not tell;
    /// by default it is not, which is the more dangerous answer.
    pub fn count_tags_as_settings(&self, count: bool) {
        self.state().tags_are_settings = count;
    }

    /// The way of every call: journal, fault, request limits, effect.
    async fn call<T>(
        &self,
        action: Action,
        about: Vec<String>,
        effect: impl FnOnce(&mut State) -> Done<T> + Send,
    ) -> Answer<T> {
        let fault = self.script.lines().record(Call { action, about, at: Instant::now() });
        match &fault {
            Some(Fault::Code(code)) => {
                return Err(Refused::new(code, "planned by the test").into_answer(action));
            }
            Some(Fault::Hang) => return pending().await,
            _ => {}
        }
        let answer = self.run(action, effect);
        match fault {
            Some(Fault::LoseAnswer) => {
                let reason = "the connection was closed before the answer arrived".to_owned();
                return Err(ApiError { action, kind: Failure::NoAnswer { reason } });
            }
            Some(Fault::Freeze) => {
                self.script.frozen.notify_one();
                return pending().await;
            }
            Some(Fault::Delay(time)) => sleep(time).await,
            _ => {}
        }
        answer.map_err(|refused| refused.into_answer(action))
    }

    fn run<T>(&self, action: Action, effect: impl FnOnce(&mut State) -> Done<T>) -> Done<T> {
        let mut state = self.state();
        let now = state.now;
        if let Some(buckets) = &mut state.buckets {
            buckets.charge(action, now)?;
        }
        effect(&mut state)
    }

    /// The state as of now.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance();
        state
    }
}
