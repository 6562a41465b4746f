//! A server for one Lease, whose calls can be delayed, lost on either way, refused or cut off.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::lease::{LeaseStore, StoreError};

/// What happens to one call. The default arrives and is answered within one millisecond each way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    /// From sending to taking effect.
    pub(super) there: Duration,
    /// From taking effect to the answer.
    pub(super) back: Duration,
    /// How far it gets.
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    /// Takes effect, but the answer is lost.
    AnswerLost,
    /// Never arrives.
    RequestLost,
    /// Refused without effect.
    Refused,
}

impl Default for Fate {
    fn default() -> Self {
        Self { there: Duration::from_millis(1), back: Duration::from_millis(1), end: End::Answered }
    }
}

impl Fate {
    pub(super) fn ending(end: End) -> Self {
        Self { end, ..Self::default() }
    }
}

#[derive(Debug, Default)]
struct State {
    lease: Option<Lease>,
    version: u64,
    last_change: Option<Instant>,
}

/// The server: one Lease, a global version, optimistic locking as the API server has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Server(Arc<Mutex<State>>);

#[derive(Clone, Debug)]
enum Call {
    Get,
    Create(Lease),
    Replace(Lease),
}

impl Server {
    /// What is stored now.
    pub(super) fn spec(&self) -> Option<LeaseSpec> {
        self.0.lock().unwrap().lease.as_ref().and_then(|lease| lease.spec.clone())
    }

    pub(super) fn holder(&self) -> String {
        self.spec().and_then(|spec| spec.holder_identity).unwrap_or_default()
    }

    /// When the last change took effect.
    pub(super) fn last_change(&self) -> Instant {
        self.0.lock().unwrap().last_change.unwrap()
    }

    /// Deleted by hand.
    pub(super) fn delete(&self) {
        self.0.lock().unwrap().store(None);
    }

    /// Written by hand: the change that is made to the spec is stored with a new version.
    pub(super) fn edit(&self, change: impl FnOnce(&mut LeaseSpec)) {
        let mut state = self.0.lock().unwrap();
        let mut lease = state.lease.clone().unwrap_or_default();
        change(lease.spec.get_or_insert_default());
        state.store(Some(lease));
    }

    fn serve(&self, call: Call) -> Result<Option<Lease>, StoreError> {
        let mut state = self.0.lock().unwrap();
        match call {
            Call::Get => Ok(state.lease.clone()),
            Call::Create(lease) if state.lease.is_none() => Ok(state.store(Some(lease))),
            Call::Replace(lease) if state.has_version_of(&lease) => {
                if state.lease.as_ref() == Some(&lease) {
                    // As the API server does: a write that changes nothing is not a write.
                    return Ok(Some(lease));
                }
                Ok(state.store(Some(lease)))
            }
            Call::Create(_) | Call::Replace(_) => Err(StoreError::Conflict),
        }
    }
}

impl State {
    fn has_version_of(&self, lease: &Lease) -> bool {
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        self.lease.as_ref().is_some_and(|current| version(current) == version(lease))
    }

    fn store(&mut self, lease: Option<Lease>) -> Option<Lease> {
        self.version += 1;
        let version = self.version.to_string();
        self.lease = lease.map(|mut lease| {
            lease.metadata.resource_version = Some(version);
            lease
        });
        self.last_change = Some(Instant::now());
        self.lease.clone()
    }
}

/// The way of one participant to the server.
#[derive(Clone, Debug)]
pub(super) struct Line {
    server: Server,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    cut: Arc<Mutex<bool>>,
    calls: Arc<Mutex<u32>>,
}

impl Line {
    pub(super) fn to(server: &Server) -> Self {
        Self { server: server.clone(), fates: Arc::default(), cut: Arc::default(), calls: Arc::default() }
    }

    /// Fates of the next calls, in order. Later calls get the default.
    pub(super) fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// Forgets what was scripted.
    pub(super) fn clear(&self) {
        self.fates.lock().unwrap().clear();
    }

    /// Cuts the line (no call arrives, no answer comes), or joins it again.
    pub(super) fn cut(&self, cut: bool) {
        *self.cut.lock().unwrap() = cut;
    }

    pub(super) fn calls(&self) -> u32 {
        *self.calls.lock().unwrap()
    }

    async fn call(&self, call: Call) -> Result<Option<Lease>, StoreError> {
        *self.calls.lock().unwrap() += 1;
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or_default();
        if fate.end == End::RequestLost || *self.cut.lock().unwrap() {
            return pending().await;
        }
        // A task of its own: a call that the caller gives up still takes effect.
        let (answer, answered) = oneshot::channel();
        let (server, cut) = (self.server.clone(), Arc::clone(&self.cut));
        tokio::spawn(async move {
            sleep(fate.there).await;
            let result = if fate.end == End::Refused {
                Err(StoreError::Failed("the server is shutting down".into()))
            } else {
                server.serve(call)
            };
            sleep(fate.back).await;
            if fate.end != End::AnswerLost && !*cut.lock().unwrap() {
                let _ = answer.send(result);
            } else {
                pending::<()>().await;
            }
        });
        match answered.await {
            Ok(result) => result,
            Err(_) => pending().await,
        }
    }

    async fn write(&self, call: Call) -> Result<Lease, StoreError> {
        let written = self.call(call).await?;
        written.ok_or_else(|| StoreError::Failed("a write is answered with the object".into()))
    }
}

impl LeaseStore for Line {
    async fn get(&self) -> Result<Option<Lease>, StoreError> {
        self.call(Call::Get).await
    }

    async fn create(&self, lease: &Lease) -> Result<Lease, StoreError> {
        self.write(Call::Create(lease.clone())).await
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, StoreError> {
        self.write(Call::Replace(lease.clone())).await
    }
}

/// The Unix time in which all scripted worlds begin.
pub(super) fn epoch() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}
