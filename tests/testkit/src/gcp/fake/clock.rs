//! Tokio's time as timestamps.

use jiff::Timestamp;
use tokio::time::Instant;

/// When the project was made, in seconds since 1970: an afternoon in June 2026.
const OPENED: i64 = 1_781_100_000;

/// Tells the time of the fake.
#[derive(Debug)]
pub(super) struct Clock {
    opened: Instant,
}

impl Clock {
    pub(super) fn new(now: Instant) -> Self {
        Self { opened: now }
    }

    /// An instant as RFC 3339, to the millisecond.
    pub(super) fn stamp(&self, at: Instant) -> String {
        let elapsed = i64::try_from((at - self.opened).as_millis()).unwrap_or_default();
        let at = Timestamp::from_millisecond(OPENED * 1000 + elapsed).unwrap_or(Timestamp::MAX);
        format!("{at:.3}")
    }
}
