//! What follows from how a look ended: when to look again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use landfall_core::error::ErrorClass;

/// First pause after a failure.
const FIRST: Duration = Duration::from_secs(5);
/// Longest pause after failures.
const LONGEST: Duration = Duration::from_mins(5);
/// Pause after a conflict: the next version is on its way to us.
const CONFLICT: Duration = Duration::from_secs(1);
/// First pause where only somebody else's action can help: freed capacity, a granted permission.
const SLOW: Duration = Duration::from_mins(1);

/// When to look again at a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// All is well: at the next resync.
    Settled,
    /// The provider is at work: after that time.
    Poll(Duration),
    /// All is well, and the provider has something to compare before the next resync: after that time.
    Again(Duration),
    /// Something failed: after that time.
    Retry(Duration),
    /// When something changes.
    Wait,
    /// Never: nothing is left of it.
    Forget,
}

/// How one load balancer has been doing.
#[derive(Debug, Default)]
pub struct Record {
    failures: u32,
    pauses: Option<ExponentialBackoff>,
}

impl Record {
    /// How many looks failed in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// A look succeeded.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A look failed: decides when to look again.
    pub fn failed(&mut self, class: ErrorClass) -> Next {
        match class {
            ErrorClass::Waiting { poll } => return Next::Poll(poll),
            ErrorClass::Rejected => return Next::Wait,
            _ => {}
        }
        self.failures = self.failures.saturating_add(1);
        let pauses = self.pauses.get_or_insert_with(|| pauses(FIRST));
        let pause = pauses.next().unwrap_or(LONGEST);
        Next::Retry(match class {
            ErrorClass::Conflict => CONFLICT.max(if self.failures > 5 { pause } else { CONFLICT }),
            ErrorClass::Throttled { after } => after.unwrap_or_default().max(pause),
            ErrorClass::Quota => pause.max(SLOW),
            ErrorClass::Denied | ErrorClass::Bug => LONGEST,
            ErrorClass::Transient | ErrorClass::Waiting { .. } | ErrorClass::Rejected => pause,
        })
    }
}

/// Jitter adds up to the pause itself again, so half of the longest pause is the limit here.
fn pauses(first: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(LONGEST / 2)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

/// The resync interval of one load balancer: spread by ±10 % by its hash, so that not all are due at once.
pub fn spread(interval: Duration, hash: u64) -> Duration {
    let per_mille = 900 + u32::try_from(hash % 201).unwrap_or(100);
    interval / 1_000 * per_mille
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(next: Next) -> u64 {
        match next {
            Next::Retry(pause) => pause.as_secs(),
            other => panic!("{other:?} is no retry"),
        }
    }

    #[test]
    fn failures_back_off_to_a_limit_and_success_forgets() {
        let mut record = Record::default();
        let pauses: Vec<u64> = (0..12).map(|_| seconds(record.failed(ErrorClass::Transient))).collect();
        assert!((5..=10).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses.windows(2).take(5).all(|pair| pair[1] + 5 >= pair[0]), "{pauses:?}");
        assert!((150..=300).contains(&pauses[11]), "{pauses:?}");
        record.succeeded();
        assert!(seconds(record.failed(ErrorClass::Transient)) <= 10);
    }

    #[test]
    fn each_class_has_its_pace() {
        let first = |class| Record::default().failed(class);
        assert_eq!(first(ErrorClass::Rejected), Next::Wait);
        let poll = Duration::from_secs(3);
        assert_eq!(first(ErrorClass::Waiting { poll }), Next::Poll(poll));
        assert_eq!(first(ErrorClass::Conflict), Next::Retry(CONFLICT));
        let patient = ErrorClass::Throttled { after: Some(Duration::from_secs(77)) };
        assert_eq!(first(patient), Next::Retry(Duration::from_secs(77)));
        assert_eq!(seconds(first(ErrorClass::Quota)), 60);
        assert_eq!(seconds(first(ErrorClass::Denied)), 300);
        assert_eq!(seconds(first(ErrorClass::Bug)), 300);
    }

    #[test]
    fn conflicts_that_do_not_end_slow_down() {
        let mut record = Record::default();
        let pauses: Vec<u64> = (0..10).map(|_| seconds(record.failed(ErrorClass::Conflict))).collect();
        assert_eq!(pauses[..5], [1; 5]);
        assert!(pauses[9] > 60, "{pauses:?}");
    }

    #[test]
    fn resyncs_are_spread() {
        let minute = Duration::from_mins(10);
        let all: Vec<u64> = (0..1_000u64).map(|hash| spread(minute, hash * 7_919).as_secs()).collect();
        assert!(all.iter().all(|pause| (540..=660).contains(pause)));
        assert!(all.iter().collect::<std::collections::HashSet<_>>().len() > 50);
    }
}
