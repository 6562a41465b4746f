//! Stops all calls while AWS does not accept the credentials: every Service would fail in the same way.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Time until it is tried again with one call.
pub(crate) const PAUSE: Duration = Duration::from_secs(30);

/// Closed while calls may be made. Opened by an answer that rejects the credentials; then one call is let through
/// every [`PAUSE`], and closed when that one is answered otherwise.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open {
        /// When the next attempt is due.
        until: Instant,
        /// Whether an attempt is under way.
        trying: bool,
    },
}

/// What the answer to a call tells about the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// AWS accepted them.
    Accepted,
    /// AWS rejected them, or there are none.
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

/// Leave to make one call. Dropped without a verdict, an attempt counts as not made.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    circuit: &'a Circuit,
    attempt: bool,
}

impl Circuit {
    /// Time until the next attempt, if no call would be let through now.
    pub(crate) fn paused_for(&self) -> Option<Duration> {
        self.state().paused_for(Instant::now())
    }

    /// Leave for a call, or the time until the next attempt.
    pub(crate) fn admit(&self) -> Result<Pass<'_>, Duration> {
        let mut state = self.state();
        if let Some(wait) = state.paused_for(Instant::now()) {
            return Err(wait);
        }
        let attempt = match &mut *state {
            State::Closed => false,
            State::Open { trying, .. } => {
                *trying = true;
                true
            }
        };
        Ok(Pass { circuit: self, attempt })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn paused_for(&self, now: Instant) -> Option<Duration> {
        match *self {
            Self::Open { until, .. } if now < until => Some(until - now),
            Self::Open { trying: true, .. } => Some(PAUSE),
            Self::Open { .. } | Self::Closed => None,
        }
    }
}

impl Pass<'_> {
    /// Hands in what the answer told; tells whether that changed anything.
    pub(crate) fn settle(mut self, verdict: Verdict) -> Option<Turn> {
        let attempt = std::mem::take(&mut self.attempt);
        let mut state = self.circuit.state();
        let open = State::Open { until: Instant::now() + PAUSE, trying: false };
        let (next, turn) = match (&*state, verdict) {
            (State::Closed, Verdict::Rejected) => (open, Some(Turn::Opened)),
            (State::Open { .. }, Verdict::Accepted) if attempt => (State::Closed, Some(Turn::Closed)),
            (State::Open { .. }, _) if attempt => (open, None),
            // Calls that were under way when it opened tell nothing new.
            _ => return None,
        };
        *state = next;
        turn
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.attempt
            && let State::Open { trying, .. } = &mut *self.circuit.state()
        {
            *trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn opened() -> Circuit {
        let circuit = Circuit::default();
        assert_eq!(circuit.admit().unwrap().settle(Verdict::Rejected), Some(Turn::Opened));
        circuit
    }

    #[tokio::test(start_paused = true)]
    async fn only_rejected_credentials_open_it() {
        let circuit = Circuit::default();
        assert_eq!(circuit.admit().unwrap().settle(Verdict::Accepted), None);
        assert_eq!(circuit.admit().unwrap().settle(Verdict::Unknown), None);
        assert_eq!(circuit.paused_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_attempt_at_a_time() {
        let circuit = opened();
        assert_eq!(circuit.admit().unwrap_err(), PAUSE);
        advance(PAUSE).await;
        let attempt = circuit.admit().unwrap();
        assert_eq!(circuit.admit().unwrap_err(), PAUSE);
        assert_eq!(attempt.settle(Verdict::Accepted), Some(Turn::Closed));
        assert_eq!(circuit.paused_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_without_a_good_answer_is_followed_by_a_pause() {
        for verdict in [Verdict::Rejected, Verdict::Unknown] {
            let circuit = opened();
            advance(PAUSE).await;
            assert_eq!(circuit.admit().unwrap().settle(verdict), None, "it was open before");
            assert_eq!(circuit.admit().unwrap_err(), PAUSE, "{verdict:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_from_before_it_opened_change_nothing() {
        let circuit = Circuit::default();
        let (early, late) = (circuit.admit().unwrap(), circuit.admit().unwrap());
        circuit.admit().unwrap().settle(Verdict::Rejected);
        advance(PAUSE / 3).await;
        assert_eq!(early.settle(Verdict::Accepted), None);
        assert_eq!(late.settle(Verdict::Rejected), None);
        assert_eq!(circuit.paused_for(), Some(PAUSE / 3 * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_attempt_counts_as_not_made() {
        let circuit = opened();
        advance(PAUSE).await;
        drop(circuit.admit().unwrap());
        assert_eq!(circuit.admit().unwrap().settle(Verdict::Accepted), Some(Turn::Closed));
    }
}
