//! Keeps Google's rate quotas from this side, so that other programs of the project are not starved and nobody is
//! throttled.
//!
//! Each [`Group`] of methods has a bucket of its own. Those who wait for a bucket are served in the order in which they
//! came. Nobody waits longer than [`PATIENCE`]: who would have to is answered [`Busy`], and asks again later instead of
//! holding a worker.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

mod bucket;
mod limits;

pub use limits::{Group, Limits, Rate};

use bucket::Bucket;

/// Longest wait for a turn.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Shortest sleep: the resolution of the timer.
const TICK: Duration = Duration::from_millis(1);

/// Lets requests through at the rates of [`Limits`].
#[derive(Debug)]
pub struct Pacer {
    lines: BTreeMap<Group, Line>,
}

/// The turn is too far away to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// How many come first.
    pub ahead: u32,
    /// When to ask again.
    pub poll: Duration,
}

impl Pacer {
    /// Starts with full buckets.
    pub fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        let line = |group| Some((group, Line::new(limits.of(group)?, now)));
        Self { lines: Group::ALL.into_iter().filter_map(line).collect() }
    }

    /// Waits until a request of this group may be sent, and tells how long that took. Dropping the future gives the turn
    /// to the next one.
    pub async fn turn(&self, group: Group) -> Result<Duration, Busy> {
        match self.lines.get(&group) {
            Some(line) => line.turn().await,
            None => Ok(Duration::ZERO),
        }
    }

    /// Google answered that there were too many requests: halves the rate of the group. It recovers slowly.
    pub fn throttled(&self, group: Group) {
        if let Some(line) = self.lines.get(&group) {
            line.bucket().slow_down(Instant::now());
        }
    }
}

/// A bucket and those who wait for its tokens, one after the other.
#[derive(Debug)]
struct Line {
    /// Held by the first waiter. The lock is fair.
    first: tokio::sync::Mutex<()>,
    waiting: AtomicU32,
    bucket: Mutex<Bucket>,
}

impl Line {
    fn new(rate: Rate, now: Instant) -> Self {
        Self {
            first: tokio::sync::Mutex::default(),
            waiting: AtomicU32::new(0),
            bucket: Mutex::new(Bucket::new(rate, now)),
        }
    }

    async fn turn(&self) -> Result<Duration, Busy> {
        let begun = Instant::now();
        let place = Place::behind(&self.waiting);
        let expected = self.bucket().wait(place.ahead, begun);
        if expected > PATIENCE {
            return Err(Busy { ahead: place.ahead, poll: expected });
        }
        let deadline = begun + PATIENCE;
        // The rate may be cut while this one waits, so the bound holds here as well.
        let Ok(_first) = timeout_at(deadline, self.first.lock()).await else {
            return Err(self.busy());
        };
        loop {
            let now = Instant::now();
            let wait = self.bucket().take(now);
            if wait.is_zero() {
                return Ok(now - begun);
            }
            if now + wait > deadline {
                return Err(self.busy());
            }
            sleep(wait.max(TICK)).await;
        }
    }

    /// The answer to one that is in the line and leaves it.
    fn busy(&self) -> Busy {
        let ahead = self.waiting.load(Ordering::Relaxed).saturating_sub(1);
        Busy { ahead, poll: self.bucket().wait(ahead, Instant::now()) }
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as waiting until it is dropped.
struct Place<'a> {
    waiting: &'a AtomicU32,
    ahead: u32,
}

impl<'a> Place<'a> {
    fn behind(waiting: &'a AtomicU32) -> Self {
        Self { waiting, ahead: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
