//! The server's wall clock. It runs with tokio's clock, so a test with paused time moves both at once, and it
//! can be frozen and advanced on its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A settable clock; clones share it.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Server time at `since`.
    base: Timestamp,
    since: Instant,
    frozen: bool,
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { base: Timestamp::now(), since: Instant::now(), frozen: false })))
    }
}

impl Clock {
    /// The time now, as the server stamps it.
    pub fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now()
    }

    /// Stops the clock at the present time.
    pub fn freeze(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state.frozen = true;
    }

    /// Stops the clock at `at`.
    pub fn freeze_at(&self, at: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state.base = at;
        state.frozen = true;
    }

    /// Moves the clock forward by `by`, frozen or not.
    pub fn advance(&self, by: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state.base = later(state.base, by);
    }

    /// Lets a frozen clock run again.
    pub fn run(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state.frozen = false;
    }

    /// The time now in the form of `metav1.Time`: RFC 3339 in UTC, whole seconds.
    pub fn stamp(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl State {
    fn now(&self) -> Timestamp {
        if self.frozen { self.base } else { later(self.base, self.since.elapsed()) }
    }

    fn settle(&mut self) {
        self.base = self.now();
        self.since = Instant::now();
    }
}

/// `at + by`, held at the end of the calendar instead of overflowing.
fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_tokio_until_frozen() {
        let clock = Clock::default();
        let start = clock.now();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), start + Duration::from_secs(5));
        clock.freeze();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), start + Duration::from_secs(5));
        clock.advance(Duration::from_mins(1));
        assert_eq!(clock.now(), start + Duration::from_secs(65));
        clock.run();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now(), start + Duration::from_secs(67));
    }

    #[test]
    fn stamps_whole_seconds() {
        let clock = Clock::default();
        clock.freeze_at("2026-01-02T03:04:05.9Z".parse().unwrap());
        assert_eq!(clock.stamp(), "2026-01-02T03:04:05Z");
    }
}
