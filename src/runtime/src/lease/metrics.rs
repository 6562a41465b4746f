//! What an election exports: who leads, how often that changed, how long attempts take.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

use crate::metrics::{Durations, Metrics, Outcome, call_durations};

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Our record was renewed.
    Renewed,
    /// The lease became ours.
    Acquired,
    /// Somebody else holds it.
    Waited,
    /// Others wrote in between, twice in a row.
    Conflicted,
    /// No answer in time.
    TimedOut,
    /// The API server refused, or could not be reached.
    Failed,
}

impl From<Attempt> for Outcome {
    fn from(attempt: Attempt) -> Self {
        Self::from(match attempt {
            Attempt::Renewed => "Renewed",
            Attempt::Acquired => "Acquired",
            Attempt::Waited => "Waited",
            Attempt::Conflicted => "Conflicted",
            Attempt::TimedOut => "TimedOut",
            Attempt::Failed => "Failed",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Change {
    to: &'static str,
}

/// The metrics of one election. Register once per process; clones share the values.
#[derive(Clone, Debug)]
pub struct LeaseMetrics {
    leading: Gauge,
    changes: Family<Change, Counter>,
    attempts: Durations<Outcome>,
}

impl LeaseMetrics {
    /// Registers `landfall_lease_leading`, `landfall_lease_changes_total{to}` and
    /// `landfall_lease_attempt_seconds{outcome}`.
    pub fn register(metrics: &Metrics) -> Self {
        let own = Self { leading: Gauge::default(), changes: Family::default(), attempts: call_durations() };
        metrics.register(|registry| {
            let help = "1 while this process holds the leader lease, else 0";
            registry.register("lease_leading", help, own.leading.clone());
            let help = "How often this process became leader or standby";
            registry.register("lease_changes", help, own.changes.clone());
            let help = "Duration of attempts to read, take or renew the leader lease";
            registry.register_with_unit("lease_attempt", help, Unit::Seconds, own.attempts.clone());
        });
        own
    }

    pub(super) fn changed(&self, leading: bool) {
        self.leading.set(i64::from(leading));
        let to = if leading { "Leader" } else { "Standby" };
        self.changes.get_or_create(&Change { to }).inc();
    }

    pub(super) fn attempted(&self, attempt: Attempt, took: Duration) {
        self.attempts.get_or_create(&attempt.into()).observe(took.as_secs_f64());
    }
}
