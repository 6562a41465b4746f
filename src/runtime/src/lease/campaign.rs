//! The loop of one participant: read, decide, write, publish.
//!
//! Runs as one task, which owns all state. Only the term is shared, with the claims that were given out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use uuid::Uuid;

use super::claim::Term;
use super::decide::{Decision, Observation, decide};
use super::elector::{Leadership, ReleaseError, Released};
use super::metrics::Attempt;
use super::record::Scribe;
use super::{Claim, Identity, LeaseMetrics, LeaseStore, Record, StoreError, Timing};

/// How often one attempt looks at the record: a second time after a conflict.
const PASSES: usize = 2;

/// The clock on the wall and the dice: both only end up in fields for people and in pauses.
pub(super) struct Ambient {
    pub(super) wall_clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) jitter: Box<dyn Fn() -> f64 + Send + Sync>,
}

impl Default for Ambient {
    fn default() -> Self {
        Self { wall_clock: Box::new(Timestamp::now), jitter: Box::new(random_fraction) }
    }
}

/// The state of one participant.
pub(super) struct Campaign<S> {
    store: S,
    scribe: Scribe,
    timing: Timing,
    metrics: LeaseMetrics,
    publish: watch::Sender<Leadership>,
    guards: TaskTracker,
    pub(super) ambient: Ambient,
    seen: Option<Observation>,
    /// Whether `seen` is our own last write, so that the next renewal needs no read.
    fresh: bool,
    term: Option<Arc<Term>>,
}

impl<S: LeaseStore> Campaign<S> {
    pub(super) fn new(
        store: S,
        me: Identity,
        timing: Timing,
        metrics: LeaseMetrics,
    ) -> (Self, watch::Receiver<Leadership>) {
        let (publish, leadership) = watch::channel(Leadership::Standby { holder: None });
        let campaign = Self {
            store,
            scribe: Scribe { me, lease_seconds: timing.lease_seconds() },
            timing,
            metrics,
            publish,
            guards: TaskTracker::new(),
            ambient: Ambient::default(),
            seen: None,
            fresh: false,
            term: None,
        };
        (campaign, leadership)
    }

    /// Runs until it is asked to release, or until the asking side is gone. A round is never cut off, so that the
    /// fate of its write is known when the release begins.
    pub(super) async fn run(mut self, mut release: oneshot::Receiver<()>) -> Result<Released, ReleaseError> {
        loop {
            let next_round = self.round().await;
            tokio::select! {
                biased;
                asked = &mut release => return match asked {
                    Ok(()) => self.release().await,
                    Err(_) => Ok(Released::NotHeld),
                },
                () = sleep_until(next_round) => self.notice_deadline(),
            }
        }
    }

    /// One attempt in bounded time. Returns when the next one is due.
    async fn round(&mut self) -> Instant {
        let started = Instant::now();
        let limit = started + self.timing.attempt_timeout();
        // No attempt runs past the claim's end: its loss is published when it happens.
        let limit = self.term.as_ref().map_or(limit, |term| limit.min(term.valid_until()));
        let attempt = match timeout_at(limit, self.attempt()).await {
            Ok(Ok(attempt)) => attempt,
            Ok(Err(error)) => {
                warn!(%error, lease_left = ?self.time_left(), "an attempt on the leader lease failed");
                Attempt::Failed
            }
            Err(_) => {
                let took = started.elapsed();
                warn!(?took, lease_left = ?self.time_left(), "no answer to an attempt on the leader lease");
                Attempt::TimedOut
            }
        };
        if matches!(attempt, Attempt::Failed | Attempt::TimedOut) {
            self.doubt_absence();
        }
        self.metrics.attempted(attempt, started.elapsed());
        self.notice_deadline();
        self.next_round(attempt, started)
    }

    /// Reads if need be, decides, acts; once more if somebody wrote in between.
    ///
    /// May be dropped at any await: `fresh` is false whenever the record could be another than `seen`.
    async fn attempt(&mut self) -> Result<Attempt, StoreError> {
        for _ in 0..PASSES {
            let seen = match self.seen.take() {
                Some(seen) if self.fresh => seen,
                before => self.read(before).await?,
            };
            let now = Instant::now();
            let decision = decide(&seen, &self.scribe.me, now);
            self.seen = Some(seen);
            if decision != Decision::Renew {
                self.step_down("the record does not name this process");
            }
            match self.act(decision).await {
                Err(StoreError::Conflict) => self.doubt_absence(),
                done => return done,
            }
        }
        Ok(Attempt::Conflicted)
    }

    fn doubt_absence(&mut self) {
        let (now, own) = (Instant::now(), self.timing.lease());
        self.seen = self.seen.take().map(|seen| seen.after_failure(now, own));
    }

    async fn read(&mut self, before: Option<Observation>) -> Result<Observation, StoreError> {
        // Kept if the read fails or is dropped: forgetting it would forget how long we have waited.
        self.seen.clone_from(&before);
        let record = self.store.get().await?.map(Record::from);
        let now = Instant::now();
        let own = self.timing.lease();
        Ok(match before {
            None => Observation::first(record, now, own),
            Some(before) => before.then(record, now, own, self.is_leading()),
        })
    }

    async fn act(&mut self, decision: Decision) -> Result<Attempt, StoreError> {
        let wall = (self.ambient.wall_clock)();
        let record = self.seen.as_ref().and_then(|seen| seen.record.as_ref());
        let lease = match (decision, record) {
            (Decision::Wait { .. }, _) => {
                self.publish_holder();
                return Ok(Attempt::Waited);
            }
            (_, None) => self.scribe.created(wall),
            (Decision::Renew, Some(record)) => self.scribe.renewed(record, wall),
            (_, Some(record)) => self.scribe.taken(record, wall),
        };
        self.fresh = false;
        // Measured before the request leaves: others count from when they see its effect, which is later.
        let sent = Instant::now();
        let written = if record.is_none() {
            self.store.create(&lease).await?
        } else {
            self.store.replace(&lease).await?
        };
        self.seen = Some(Observation::first(Some(written.into()), Instant::now(), self.timing.lease()));
        self.fresh = true;
        Ok(self.hold_until(sent + self.timing.renew_deadline()))
    }

    /// Extends the running term, or begins a new one.
    fn hold_until(&mut self, until: Instant) -> Attempt {
        if self.term.as_ref().is_some_and(|term| term.extend(until)) {
            return Attempt::Renewed;
        }
        self.step_down("the lease was renewed too late");
        let term = Term::new(until, self.guards.clone());
        self.term = Some(Arc::clone(&term));
        self.publish.send_replace(Leadership::Leading(Claim::held(term)));
        self.metrics.changed(true);
        info!(identity = %self.scribe.me, "leading");
        Attempt::Acquired
    }

    fn notice_deadline(&mut self) {
        if self.term.as_ref().is_some_and(|term| term.is_over()) {
            self.step_down("the lease was not renewed in time");
        }
    }

    /// Ends the term, if there is one. The claim ends before anybody is told.
    fn step_down(&mut self, reason: &str) {
        let Some(term) = self.term.take() else { return };
        term.end();
        self.metrics.changed(false);
        self.publish.send_replace(Leadership::Standby { holder: self.holder() });
        info!(identity = %self.scribe.me, reason, "no longer leading");
    }

    fn publish_holder(&self) {
        let current = self.holder();
        self.publish.send_if_modified(|leadership| match leadership {
            Leadership::Standby { holder } if *holder != current => {
                info!(holder = current.as_deref().unwrap_or("nobody"), "standing by");
                *holder = current;
                true
            }
            _ => false,
        });
    }

    /// After the usual pause; earlier if a foreign lease or our own claim runs out before.
    fn next_round(&self, attempt: Attempt, started: Instant) -> Instant {
        let now = Instant::now();
        let jitter = (self.ambient.jitter)();
        let pause = match attempt {
            Attempt::Renewed | Attempt::Acquired => self.timing.renew_pause(jitter),
            Attempt::TimedOut | Attempt::Failed if self.term.is_none() => self.timing.renew_pause(jitter),
            _ => self.timing.poll_pause(jitter),
        };
        if let Some(term) = &self.term {
            // Counted from the start, so that slow answers do not eat into the claim.
            return (started + pause).max(now).min(term.valid_until());
        }
        match self.seen.as_ref().map(|seen| decide(seen, &self.scribe.me, now)) {
            Some(Decision::Wait { until }) => until.min(now + pause),
            _ => now + pause,
        }
    }

    async fn release(mut self) -> Result<Released, ReleaseError> {
        self.step_down("shutting down");
        let limit = self.timing.attempt_timeout();
        self.guards.close();
        timeout(limit, self.guards.wait()).await.map_err(|_| ReleaseError::StillAtWork(limit))?;
        let released = timeout(limit, self.free()).await.map_err(|_| ReleaseError::TimedOut(limit))??;
        info!(?released, "left the election");
        Ok(released)
    }

    async fn free(&mut self) -> Result<Released, StoreError> {
        for _ in 0..PASSES {
            let seen = match self.seen.take() {
                Some(seen) if self.fresh => seen,
                before => self.read(before).await?,
            };
            let Some(record) = seen.record.filter(|record| record.is_held_by(&self.scribe.me)) else {
                return Ok(Released::NotHeld);
            };
            self.fresh = false;
            match self.store.replace(&self.scribe.released(&record, (self.ambient.wall_clock)())).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|_| Released::Freed),
            }
        }
        Err(StoreError::Conflict)
    }
}

impl<S> Campaign<S> {
    fn is_leading(&self) -> bool {
        self.term.as_ref().is_some_and(|term| !term.is_over())
    }

    fn time_left(&self) -> Option<Duration> {
        self.term.as_ref().map(|term| term.valid_until().saturating_duration_since(Instant::now()))
    }

    fn holder(&self) -> Option<String> {
        self.seen.as_ref()?.record.as_ref()?.holder().map(str::to_owned)
    }
}

impl<S> Drop for Campaign<S> {
    /// However the task ends, nobody goes on writing.
    fn drop(&mut self) {
        if let Some(term) = &self.term {
            term.end();
        }
    }
}

impl<S> fmt::Debug for Campaign<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Campaign")
            .field("me", &self.scribe.me)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

/// Uniform in 0 to 1, from the random bits of a version 4 UUID: enough to spread pauses.
fn random_fraction() -> f64 {
    let [a, b, c, d, ..] = Uuid::new_v4().into_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
}
