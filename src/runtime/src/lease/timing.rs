//! The three durations of leader election, and the ones derived from them.

use std::time::Duration;

use thiserror::Error;

/// Durations of leader election. Validated by [`Timing::new`]; the default is what Kubernetes' own components
/// use: 15 s, 10 s, 2 s.
///
/// The difference between `lease` and `renew_deadline` is the time that a write which started under the claim has
/// to finish before another process can take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    lease: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

/// Why durations cannot be used for leader election.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TimingError {
    /// `Lease.spec.leaseDurationSeconds` is a positive 32-bit number of seconds.
    #[error("lease duration {0:?} is not accepted: whole seconds from 1s to 2147483647s")]
    LeaseNotWholeSeconds(Duration),
    /// The claim must end before others may take the lease.
    #[error(
        "renew deadline {renew_deadline:?} is not accepted: it must be shorter than the lease duration {lease:?}"
    )]
    DeadlineNotBelowLease {
        /// The lease duration given.
        lease: Duration,
        /// The renew deadline given.
        renew_deadline: Duration,
    },
    /// At least one retry must fit before the deadline, jitter included.
    #[error(
        "retry period {retry:?} is not accepted: more than 0s, and 1.2 times it must be shorter than the renew \
         deadline {renew_deadline:?}"
    )]
    RetryNotBelowDeadline {
        /// The retry period given.
        retry: Duration,
        /// The renew deadline given.
        renew_deadline: Duration,
    },
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

impl Timing {
    /// Accepts `lease > renew_deadline > 1.2 × retry > 0`, with `lease` in whole seconds.
    ///
    /// - `lease`: how long others wait after the last change they saw before they take over;
    /// - `renew_deadline`: how long a holder works on without a successful renewal;
    /// - `retry`: the pause of the holder between two renewals.
    pub fn new(lease: Duration, renew_deadline: Duration, retry: Duration) -> Result<Self, TimingError> {
        let whole = lease.subsec_nanos() == 0 && (1..=i32::MAX as u64).contains(&lease.as_secs());
        if !whole {
            return Err(TimingError::LeaseNotWholeSeconds(lease));
        }
        if renew_deadline >= lease {
            return Err(TimingError::DeadlineNotBelowLease { lease, renew_deadline });
        }
        if retry.is_zero() || retry.saturating_mul(6) / 5 >= renew_deadline {
            return Err(TimingError::RetryNotBelowDeadline { retry, renew_deadline });
        }
        Ok(Self { lease, renew_deadline, retry })
    }

    /// How long others wait after the last change they saw.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// How long a claim is good for, from the start of the last successful renewal.
    pub fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// How long one attempt (a read and a write) may take: half the renew deadline, so that one that hangs
    /// leaves room for another.
    pub fn attempt_timeout(&self) -> Duration {
        self.renew_deadline / 2
    }

    /// `leaseDurationSeconds` of the record.
    pub(super) fn lease_seconds(&self) -> i32 {
        i32::try_from(self.lease.as_secs()).unwrap_or(i32::MAX)
    }

    /// The pause of a holder after a renewal: the retry period, stretched by up to a fifth.
    pub(super) fn renew_pause(&self, jitter: f64) -> Duration {
        self.retry.mul_f64(1.0 + 0.2 * jitter.clamp(0.0, 1.0))
    }

    /// The pause between two looks at a lease that somebody else holds, and between attempts to save a claim:
    /// half the retry period, shortened by up to a fifth.
    ///
    /// With the default a release is seen within 1 s, which keeps a hand-over below 2 s. A watch would be no
    /// faster in practice, needs another RBAC verb and can hang silently; one GET a second is nothing to the API server.
    pub(super) fn poll_pause(&self, jitter: f64) -> Duration {
        self.retry.mul_f64(0.5 - 0.1 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[rstest]
    #[case::default(15_000, 10_000, 2_000)]
    #[case::tight(2_000, 1_201, 1_000)]
    fn sound_durations_are_accepted(#[case] lease: u64, #[case] renew: u64, #[case] retry: u64) {
        assert!(Timing::new(ms(lease), ms(renew), ms(retry)).is_ok());
    }

    #[rstest]
    #[case::zero(0, 0, 0, "lease duration 0ns is not accepted: whole seconds from 1s to 2147483647s")]
    #[case::fraction(
        15_500,
        10_000,
        2_000,
        "lease duration 15.5s is not accepted: whole seconds from 1s to 2147483647s"
    )]
    #[case::equal(
        10_000,
        10_000,
        2_000,
        "renew deadline 10s is not accepted: it must be shorter than the lease duration 10s"
    )]
    #[case::retry_too_long(
        15_000,
        10_000,
        8_334,
        "retry period 8.334s is not accepted: more than 0s, and 1.2 times it must be shorter than the renew deadline 10s"
    )]
    #[case::no_retry(
        15_000,
        10_000,
        0,
        "retry period 0ns is not accepted: more than 0s, and 1.2 times it must be shorter than the renew deadline 10s"
    )]
    fn unsound_durations_are_refused(
        #[case] lease: u64,
        #[case] renew: u64,
        #[case] retry: u64,
        #[case] message: &str,
    ) {
        assert_eq!(Timing::new(ms(lease), ms(renew), ms(retry)).unwrap_err().to_string(), message);
    }

    #[test]
    fn the_default_is_sound() {
        let d = Timing::default();
        assert_eq!(Timing::new(d.lease, d.renew_deadline, d.retry), Ok(d));
    }

    #[rstest]
    #[case(0.0, 2_000, 1_000)]
    #[case(1.0, 2_400, 800)]
    #[case(7.0, 2_400, 800)]
    fn pauses_stay_in_their_band(#[case] jitter: f64, #[case] renew: u64, #[case] poll: u64) {
        let timing = Timing::default();
        assert_eq!(timing.renew_pause(jitter), ms(renew));
        assert_eq!(timing.poll_pause(jitter), ms(poll));
    }
}
