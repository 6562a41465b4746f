//! Stops all calls while Google does not accept the credentials: every Service would fail in the same way.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Time from one attempt to the next.
pub(crate) const PAUSE: Duration = Duration::from_secs(30);

/// Closed while calls may be made. Opened by an answer that rejects the credentials; then one call is let through
/// every [`PAUSE`], and closed when one of those is accepted.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// When the next attempt is due; `None` while closed.
    open: Mutex<Option<Instant>>,
}

/// What the answer to a call tells about the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They were accepted.
    Accepted,
    /// They were rejected, or there are none.
    Rejected,
    /// There was no answer.
    Unknown,
}

/// What a verdict changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// No calls from now on.
    Opened,
    /// Calls again.
    Closed,
}

/// Leave to make one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    attempt: bool,
}

impl Circuit {
    /// Time until the next attempt, if no call would be let through now.
    pub(crate) fn paused_for(&self) -> Option<Duration> {
        let due = (*self.state())?;
        Some(due.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }

    /// Leave for a call, or the time until the next attempt. An attempt that is never settled, because its future was
    /// dropped, is followed by the next one like any other.
    pub(crate) fn admit(&self) -> Result<Pass, Duration> {
        let now = Instant::now();
        let mut open = self.state();
        match *open {
            None => Ok(Pass { attempt: false }),
            Some(due) if now < due => Err(due - now),
            Some(_) => {
                *open = Some(now + PAUSE);
                Ok(Pass { attempt: true })
            }
        }
    }

    /// Hands in what the answer told; tells whether that changed anything. Calls that were under way when it opened
    /// tell nothing new.
    pub(crate) fn settle(&self, pass: Pass, verdict: Verdict) -> Option<Turn> {
        let mut open = self.state();
        match (*open, verdict) {
            (None, Verdict::Rejected) => {
                *open = Some(Instant::now() + PAUSE);
                Some(Turn::Opened)
            }
            (Some(_), Verdict::Accepted) if pass.attempt => {
                *open = None;
                Some(Turn::Closed)
            }
            _ => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<Instant>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::time::advance;

    use super::*;

    fn opened() -> Circuit {
        let circuit = Circuit::default();
        let pass = circuit.admit().unwrap();
        assert_eq!(circuit.settle(pass, Verdict::Rejected), Some(Turn::Opened));
        circuit
    }

    #[tokio::test(start_paused = true)]
    async fn only_rejected_credentials_open_it() {
        let circuit = Circuit::default();
        for verdict in [Verdict::Accepted, Verdict::Unknown] {
            let pass = circuit.admit().unwrap();
            assert_eq!(circuit.settle(pass, verdict), None);
        }
        assert_eq!(circuit.paused_for(), None);
        assert_eq!(opened().paused_for(), Some(PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn one_attempt_in_each_pause() {
        let circuit = opened();
        advance(PAUSE).await;
        let attempt = circuit.admit().unwrap();
        assert_eq!(circuit.admit(), Err(PAUSE));
        assert_eq!(circuit.settle(attempt, Verdict::Accepted), Some(Turn::Closed));
        assert_eq!(circuit.admit(), Ok(Pass { attempt: false }));
    }

    #[rstest]
    #[case(Verdict::Rejected)]
    #[case(Verdict::Unknown)]
    #[tokio::test(start_paused = true)]
    async fn an_attempt_without_a_good_answer_is_followed_by_the_next(#[case] verdict: Verdict) {
        let circuit = opened();
        advance(PAUSE).await;
        let attempt = circuit.admit().unwrap();
        assert_eq!(circuit.settle(attempt, verdict), None, "it was open before");
        assert_eq!(circuit.admit(), Err(PAUSE));
        advance(PAUSE).await;
        let attempt = circuit.admit().unwrap();
        assert_eq!(circuit.settle(attempt, Verdict::Accepted), Some(Turn::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_from_before_it_opened_change_nothing() {
        let circuit = Circuit::default();
        let (early, late) = (circuit.admit().unwrap(), circuit.admit().unwrap());
        let cause = circuit.admit().unwrap();
        circuit.settle(cause, Verdict::Rejected);
        advance(PAUSE / 3).await;
        assert_eq!(circuit.settle(early, Verdict::Accepted), None);
        assert_eq!(circuit.settle(late, Verdict::Rejected), None);
        assert_eq!(circuit.paused_for(), Some(PAUSE / 3 * 2));
    }
}
