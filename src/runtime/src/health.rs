//! What `/livez` and `/readyz` answer.
//!
//! *Live* asks whether a restart would help: every heartbeat was given recently enough. *Ready* asks whether the process
//! does its job: every condition holds (caches filled, election joined). A standby is ready: it does its job by standing by.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// Health of one process. Clones share it.
#[derive(Clone)]
pub struct Health {
    checks: Arc<Mutex<Checks>>,
    now: Arc<dyn Fn() -> Instant + Send + Sync>,
}

#[derive(Default)]
struct Checks {
    heartbeats: BTreeMap<String, Beat>,
    conditions: BTreeMap<String, Result<String, String>>,
}

struct Beat {
    last: Instant,
    max_age: Duration,
}

/// Two checks of the same kind cannot have one name: one would hide the other.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is already a health check named {0:?}")]
pub struct DuplicateCheck(String);

/// The answer to one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Every check, by name.
    pub checks: Vec<Check>,
}

/// One line of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// In words, for people.
    pub detail: String,
}

impl Default for Health {
    fn default() -> Self {
        Self::with_clock(Instant::now)
    }
}

impl Health {
    /// Health without any check yet, on the process' monotonic clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same on another clock.
    pub fn with_clock(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { checks: Arc::default(), now: Arc::new(now) }
    }

    /// A liveness check that fails when `max_age` has passed since the last beat; this call is the first.
    ///
    /// It must outlast the longest honest pause of the loop that beats, or a slow API server restarts the process.
    pub fn heartbeat(&self, name: impl Into<String>, max_age: Duration) -> Result<Heartbeat, DuplicateCheck> {
        let name = name.into();
        let last = (self.now)();
        let mut checks = self.lock();
        if checks.heartbeats.contains_key(&name) {
            return Err(DuplicateCheck(name));
        }
        checks.heartbeats.insert(name.clone(), Beat { last, max_age });
        drop(checks);
        Ok(Heartbeat { health: self.clone(), name })
    }

    /// A readiness check that does not hold until it is said to.
    pub fn condition(&self, name: impl Into<String>) -> Result<Condition, DuplicateCheck> {
        let name = name.into();
        let mut checks = self.lock();
        if checks.conditions.contains_key(&name) {
            return Err(DuplicateCheck(name));
        }
        checks.conditions.insert(name.clone(), Err("not yet".to_owned()));
        drop(checks);
        Ok(Condition { health: self.clone(), name })
    }

    /// Whether the process works at all.
    pub fn liveness(&self) -> Report {
        let now = (self.now)();
        let checks = self.lock();
        let checks = checks.heartbeats.iter().map(|(name, beat)| {
            let age = now.saturating_duration_since(beat.last);
            let detail = format!("last beat {}s ago, {}s allowed", age.as_secs(), beat.max_age.as_secs());
            Check { name: name.clone(), ok: age <= beat.max_age, detail }
        });
        Report { checks: checks.collect() }
    }

    /// Whether the process does its job.
    pub fn readiness(&self) -> Report {
        let checks = self.lock();
        let checks = checks.conditions.iter().map(|(name, state)| {
            let (ok, detail) = match state {
                Ok(detail) => (true, detail),
                Err(detail) => (false, detail),
            };
            Check { name: name.clone(), ok, detail: detail.clone() }
        });
        Report { checks: checks.collect() }
    }

    fn lock(&self) -> MutexGuard<'_, Checks> {
        // Each critical section inserts or removes one entry: a panic leaves nothing half done.
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("liveness", &self.liveness())
            .field("readiness", &self.readiness())
            .finish()
    }
}

impl Report {
    /// Whether every check passed.
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

impl fmt::Display for Report {
    /// One line per check, as Kubernetes' own `/readyz?verbose` has them, and a last line with the sum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { name, ok, detail } in &self.checks {
            let (mark, word) = if *ok { ('+', "ok") } else { ('-', "failed") };
            writeln!(f, "[{mark}] {name} {word}: {detail}")?;
        }
        let passed = self.checks.iter().filter(|check| check.ok).count();
        let word = if self.ok() { "ok" } else { "failed" };
        writeln!(f, "{word}: {passed} of {} checks passed", self.checks.len())
    }
}

/// One watched loop. Dropping it leaves the check in place, so a loop that panicked is found out.
#[derive(Debug)]
pub struct Heartbeat {
    health: Health,
    name: String,
}

impl Heartbeat {
    /// Says that the loop is alive.
    pub fn beat(&self) {
        let now = (self.health.now)();
        if let Some(beat) = self.health.lock().heartbeats.get_mut(&self.name) {
            beat.last = now;
        }
    }

    /// Ends the watch: the loop has ended on purpose.
    pub fn retire(self) {
        self.health.lock().heartbeats.remove(&self.name);
    }
}

/// One readiness condition. Dropping it leaves its last state in place.
#[derive(Debug)]
pub struct Condition {
    health: Health,
    name: String,
}

impl Condition {
    /// It holds; `detail` says more.
    pub fn ready(&self, detail: impl Into<String>) {
        self.set(Ok(detail.into()));
    }

    /// It does not hold, because of `reason`.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Err(reason.into()));
    }

    fn set(&self, state: Result<String, String>) {
        self.health.lock().conditions.insert(self.name.clone(), state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that stands until it is moved.
    #[derive(Clone)]
    struct ManualClock(Arc<Mutex<Instant>>);

    impl ManualClock {
        fn new() -> (Self, Health) {
            let clock = Self(Arc::new(Mutex::new(Instant::now())));
            let hands = clock.clone();
            (clock, Health::with_clock(move || *hands.0.lock().unwrap()))
        }

        fn advance(&self, seconds: u64) {
            *self.0.lock().unwrap() += Duration::from_secs(seconds);
        }
    }

    #[test]
    fn a_heartbeat_fails_only_after_its_maximal_age() {
        let (clock, health) = ManualClock::new();
        let beat = health.heartbeat("queue", Duration::from_secs(30)).unwrap();
        clock.advance(30);
        assert!(health.liveness().ok());
        clock.advance(1);
        assert!(!health.liveness().ok());
        assert_eq!(
            health.liveness().to_string(),
            "[-] queue failed: last beat 31s ago, 30s allowed\nfailed: 0 of 1 checks passed\n"
        );
        beat.beat();
        assert!(health.liveness().ok());
    }

    #[test]
    fn a_dropped_heartbeat_fails_and_a_retired_one_is_gone() {
        let (clock, health) = ManualClock::new();
        drop(health.heartbeat("crashed", Duration::from_secs(5)).unwrap());
        health.heartbeat("ended", Duration::from_secs(5)).unwrap().retire();
        clock.advance(6);
        let report = health.liveness();
        assert!(!report.ok());
        assert_eq!(report.checks.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["crashed"]);
    }

    #[test]
    fn readiness_needs_every_condition() {
        let health = Health::new();
        let caches = health.condition("caches").unwrap();
        let lease = health.condition("lease").unwrap();
        lease.ready("standby, held by other");
        assert!(!health.readiness().ok());
        caches.ready("synced");
        assert!(health.readiness().ok());
        caches.not_ready("watch of nodes is failing");
        assert_eq!(
            health.readiness().to_string(),
            "[-] caches failed: watch of nodes is failing\n[+] lease ok: standby, held by other\n\
             failed: 1 of 2 checks passed\n"
        );
    }

    #[test]
    fn liveness_and_readiness_are_apart() {
        let health = Health::new();
        let _condition = health.condition("caches").unwrap();
        assert!(health.liveness().ok());
        assert!(!health.readiness().ok());
    }

    #[test]
    fn a_name_can_be_taken_once() {
        let health = Health::new();
        let _first = health.condition("caches").unwrap();
        let error = health.condition("caches").unwrap_err();
        assert_eq!(error.to_string(), "there is already a health check named \"caches\"");
        let _beat = health.heartbeat("caches", Duration::from_secs(1)).unwrap();
        assert!(health.heartbeat("caches", Duration::from_secs(1)).is_err());
    }
}
