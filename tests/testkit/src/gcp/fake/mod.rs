//! A stateful fake of the part of Compute Engine that passthrough load balancers need: at least as strict as the real
//! one.
//!
//! - Every request is routed and validated by Google's own discovery document: an unknown field, a wrong type, an
//!   unknown word, a field of the server's own in a body, a path of another scope are refused.
//! - Changes are operations, which end after a while ([`FakeCompute::set_operation_time`]); some fail at once, some at
//!   the end. References, fingerprints, addresses, ports, quotas and group memberships are kept and checked.
//! - A fault can be planned for any call. Every call is written down.
//!
//! It has two fronts: [`FakeCompute`] implements the provider's [`Compute`](landfall_gcp::api::Compute) in process,
//! and [`FakeCompute::serve`] speaks HTTP to the official client and to whole programs. Both go the same way.
//!
//! A [`FakeCompute`] is a cheap handle on projects. [`FakeCompute::console`] gives another one, with its own journal
//! and faults: there somebody else works on the same projects. Time is tokio's, so a test can pause it; in process no
//! task is spawned.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! use landfall_gcp::api::{Compute, Kind, Method, Place, RequestId, Verb};
//! use landfall_testkit::gcp::fake::{Fault, FakeCompute, PROJECT, REGION};
//!
//! let gcp = FakeCompute::new();
//! let check = Place::region(PROJECT, REGION).at(Kind::HealthCheck, "nodes");
//! let body = serde_json::json!({ "name": "nodes", "type": "TCP", "tcpHealthCheck": { "port": 10256 } });
//! gcp.fault_on(Method::new(Kind::HealthCheck, Verb::Insert), 1, Fault::refuse(503, "backendError"));
//! assert!(gcp.insert(&check, body.clone(), RequestId::new(1)).await.is_err());
//!
//! let operation = gcp.insert(&check, body, RequestId::new(2)).await.unwrap();
//! assert!(gcp.read(&check).is_some());
//! assert_eq!((gcp.writes(), gcp.leaks()), (2, vec![check]));
//! # drop(operation);
//! # }
//! ```

mod answer;
mod buckets;
mod clock;
mod compute;
mod discovery;
mod faults;
mod health;
mod json;
mod kinds;
mod labels;
mod list;
mod look;
mod members;
mod operations;
mod patterns;
mod pools;
mod quotas;
mod refused;
mod request;
mod script;
mod seed;
mod serve;
mod state;
mod store;
mod validate;
mod view;
mod write;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use landfall_gcp::api::{Method, Verb};
use tokio::time::{Instant, sleep};

use buckets::Buckets;
pub use faults::Fault;
use operations::OperationFailure;
pub use quotas::{Quota, QuotaShape};
use refused::{Done, Refused, not_found};
use request::{About, Reply, Request};
pub use script::Call;
use script::Script;
pub use seed::{
    HOST_PROJECT, INTERNAL_SUBNET, IP_COLLECTION, NETWORK, NewInstance, OTHER_REGION, PLAIN_SUBNET, PROJECT,
    REGION, SHARED_NETWORK, SUBNET, TAG, ZONES,
};
pub use serve::Served;
use state::State;
use validate::Body;
use write::Fate;

/// Instances that are there from the beginning.
const NODES: usize = 9;

/// A handle on the projects; clones share journal and faults.
#[derive(Debug, Clone)]
pub struct FakeCompute {
    state: Arc<Mutex<State>>,
    script: Arc<Script>,
}

/// The connection broke instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed before the answer arrived")]
struct NoAnswer;

impl Default for FakeCompute {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeCompute {
    /// [`PROJECT`] with [`NETWORK`], three subnets in [`REGION`], and the instances `node-0` to `node-8` in [`SUBNET`],
    /// in turn in each of [`ZONES`]; [`HOST_PROJECT`] with [`SHARED_NETWORK`]. Operations take 400 ms.
    pub fn new() -> Self {
        let state = State::with_networks();
        let new = Self { state: Arc::new(Mutex::new(state)), script: Arc::default() };
        new.add_nodes(NODES);
        new
    }

    /// Another handle on the same projects, with a journal and faults of its own: somebody else at the console.
    pub fn console(&self) -> Self {
        Self { state: self.state.clone(), script: Arc::default() }
    }

    /// Plans a fault for the `n`-th call from now, counted from 1.
    pub fn fault_at(&self, n: usize, fault: Fault) {
        let mut lines = self.script.lines();
        let number = lines.journal.len() + n;
        lines.faults.at(number, fault);
    }

    /// Plans a fault for the `n`-th call of a method from now, counted from 1.
    pub fn fault_on(&self, method: Method, n: usize, fault: Fault) {
        let mut lines = self.script.lines();
        let number = lines.count(method) + n;
        lines.faults.on(method, number, fault);
    }

    /// Forgets every fault that has not happened yet.
    pub fn clear_faults(&self) {
        self.script.lines().faults = faults::Faults::default();
    }

    /// Resolves when a call has met [`Fault::Freeze`]; each frozen call resolves one wait.
    pub async fn frozen(&self) {
        self.script.frozen.notified().await;
    }

    /// Every call so far.
    pub fn journal(&self) -> Vec<Call> {
        self.script.lines().journal.clone()
    }

    /// Number of calls so far.
    pub fn calls(&self) -> usize {
        self.script.lines().journal.len()
    }

    /// Number of calls of a method so far.
    pub fn count(&self, method: Method) -> usize {
        self.script.lines().count(method)
    }

    /// Number of calls so far that change something, whatever came of them.
    pub fn writes(&self) -> usize {
        self.script.lines().journal.iter().filter(|call| call.is_write()).count()
    }

    /// Number of deletes so far of what was not there: each floods an audit log.
    pub fn absent_deletes(&self) -> usize {
        let blind = |call: &&Call| {
            call.status == Some(404) && call.method.is_some_and(|method| method.verb == Verb::Delete)
        };
        self.script.lines().journal.iter().filter(blind).count()
    }

    /// Sets how long operations take that begin from now on: a quarter of it they wait. With zero they are done when
    /// they are answered.
    pub fn set_operation_time(&self, time: Duration) {
        self.state().operation_time = time;
    }

    /// Sets whether what an operation is at work on refuses other changes, and what is being made or deleted refuses to
    /// be referred to, with `resourceNotReady`. Compute Engine does so for some resources; here it is so by default.
    pub fn set_strict(&self, strict: bool) {
        self.state().strict = strict;
    }

    /// Sets whether the delete of what is used is refused at once, with `resourceInUseByAnotherResource`, and not by
    /// the operation, with `RESOURCE_IN_USE_BY_ANOTHER_RESOURCE`. Both have been seen of Compute Engine.
    pub fn refuse_used_at_once(&self, at_once: bool) {
        self.state().in_use_at_once = at_once;
    }

    /// Sets whether a new forwarding rule or address has the labels that its request says. The documentation of both
    /// says that `setLabels` alone gives labels, so by default it has none.
    pub fn take_labels_on_insert(&self, take: bool) {
        self.state().labels_on_insert = take;
    }

    /// Sets how many items a page of a list has at most, from 1 to 500.
    pub fn set_page_size(&self, size: usize) {
        self.state().page = size.clamp(1, state::PAGE);
    }

    /// Changes a quota.
    pub fn set_quota(&self, quota: Quota, limit: usize) {
        self.state().quotas.set(quota, limit);
    }

    /// Sets how a request over a quota is told.
    pub fn set_quota_shape(&self, shape: QuotaShape) {
        self.state().quotas.shape = shape;
    }

    /// Limits requests, with full buckets now; `None` for Google's figure of 1,500 a minute and group of methods.
    pub fn limit_requests(&self, per_minute: Option<u32>) {
        self.state().buckets = Some(Buckets::new(per_minute));
    }

    /// Takes the permission for a method in a project, or gives it back.
    pub fn forbid(&self, project: &str, method: Method, forbidden: bool) {
        let key = (project.to_owned(), method);
        let mut state = self.state();
        if forbidden {
            state.forbidden.insert(key);
        } else {
            state.forbidden.remove(&key);
        }
    }

    /// The way of every request, of either front: journal, fault, request limits, effect.
    async fn handle(&self, request: &Request) -> Result<Reply, NoAnswer> {
        let routed = discovery::table().route(&request.http_method, &request.path);
        let routed = routed.and_then(|routed| About::new(&routed).map(|about| (routed, about)));
        let method = routed.as_ref().and_then(|(_, about)| self.method(about));
        let about = format!("{} {}", request.http_method, request.path);
        let what = routed.as_ref().and_then(|(_, about)| about.what(request));
        let call = Call { method, what, about, at: Instant::now(), status: None };
        let (place, fault) = self.script.lines().record(call);
        let reply = if let Some(reply) = early(fault.as_ref()).await? {
            reply
        } else {
            reply(match &routed {
                Some((routed, about)) => self.run(routed, about, request, method, fault.as_ref()),
                None => not_found(&request.path),
            })
        };
        self.late(fault).await?;
        self.script.lines().answered(place, reply.status());
        Ok(reply)
    }

    /// The method of a request; of an operation, that of the kind that it changes.
    fn method(&self, about: &About) -> Option<Method> {
        match about {
            About::Collection { method, .. } | About::Resource { method, .. } => Some(*method),
            About::Operation { name, .. } => {
                let kind = self.state().operations.get(name)?.method.kind;
                Some(Method::new(kind, Verb::GetOperation))
            }
        }
    }

    fn run(
        &self,
        routed: &discovery::Routed,
        about: &About,
        request: &Request,
        method: Option<Method>,
        fault: Option<&Fault>,
    ) -> Done<serde_json::Value> {
        let mut state = self.state();
        let now = state.now;
        if let (Some(buckets), Some(method)) = (&mut state.buckets, method) {
            buckets.charge(about.place(), method.verb, now)?;
        }
        let answer = state.answer(routed, about, request, fate(fault))?;
        // What the fake says is as strict as what it hears.
        let schema = &routed.spec.response;
        validate::body(schema, &answer, Body::Anything).map_err(|wrong| {
            Refused::new(500, "internalError", format!("the fake itself: {}", wrong.message))
        })?;
        Ok(answer)
    }

    /// What goes wrong after the effect.
    async fn late(&self, fault: Option<Fault>) -> Result<(), NoAnswer> {
        match fault {
            Some(Fault::LoseAnswer) => Err(NoAnswer),
            Some(Fault::Freeze) => {
                self.script.frozen.notify_one();
                pending().await
            }
            Some(Fault::Delay(time)) => {
                sleep(time).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The state as of now.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance();
        state
    }
}

/// What goes wrong before the effect: an answer in its place, or none at all.
async fn early(fault: Option<&Fault>) -> Result<Option<Reply>, NoAnswer> {
    match fault {
        Some(Fault::Refuse { status, reason }) => {
            let refused = Refused::new(*status, reason, "planned by the test");
            Ok(Some(Reply::Json(*status, refused.body())))
        }
        Some(Fault::Html { status }) => Ok(Some(Reply::Html(*status))),
        Some(Fault::LoseRequest) => Err(NoAnswer),
        Some(Fault::Hang) => pending().await,
        _ => Ok(None),
    }
}

/// What goes wrong with the operation.
fn fate(fault: Option<&Fault>) -> Fate {
    match fault {
        Some(Fault::SlowOperation(time)) => Fate { time: Some(*time), ..Fate::default() },
        Some(Fault::LateInsert(time)) => Fate { time: Some(*time), late: true, failure: None },
        Some(Fault::FailOperation { status, code }) => {
            let message = "planned by the test".to_owned();
            let failure = OperationFailure { status: *status, code: code.clone(), message };
            Fate { failure: Some(failure), ..Fate::default() }
        }
        _ => Fate::default(),
    }
}

fn reply(answer: Done<serde_json::Value>) -> Reply {
    match answer {
        Ok(body) => Reply::Json(200, body),
        Err(refused) => Reply::Json(refused.status, refused.body()),
    }
}
