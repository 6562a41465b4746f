//! A token bucket whose rate gives way to throttling answers.

use std::time::Duration;

use tokio::time::Instant;

use super::Rate;

/// Percent of the rate that is left at least.
const FLOOR: u32 = 10;
/// Percent of the rate that come back …
const STEP: u32 = 5;
/// … whenever this time has passed.
const RECOVERY: Duration = Duration::from_secs(10);
/// Requests that were under way together are throttled together: that counts once.
const TOGETHER: Duration = Duration::from_secs(2);

/// A token bucket, kept as the time at which it will be full (the generic cell rate algorithm: exact, no timer).
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    full_at: Instant,
    /// Percent of the rate in force.
    share: u32,
    /// When the share changed last.
    changed: Instant,
    /// When it was cut last.
    cut: Option<Instant>,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, full_at: now, share: 100, changed: now, cut: None }
    }

    /// When there will be a token for one who lets `ahead` others take theirs first; `now` or earlier if there is one.
    pub(super) fn ready_at(&mut self, ahead: usize, now: Instant) -> Instant {
        self.settle(now);
        let needed = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
        match needed.checked_sub(self.rate.burst) {
            Some(missing) => self.full_at + self.interval() * missing,
            None => self.full_at.checked_sub(self.interval() * (self.rate.burst - needed)).unwrap_or(now),
        }
    }

    /// Takes a token. Only called when there is one.
    pub(super) fn take(&mut self, now: Instant) {
        self.settle(now);
        self.full_at += self.interval();
    }

    /// Halves the rate and takes what tokens there are: AWS's bucket is empty, whatever this one says.
    pub(super) fn slow_down(&mut self, now: Instant) {
        self.settle(now);
        if self.cut.is_some_and(|cut| now < cut + TOGETHER) {
            return;
        }
        self.share = (self.share / 2).max(FLOOR);
        self.full_at = now + self.interval() * self.rate.burst;
        (self.changed, self.cut) = (now, Some(now));
    }

    fn settle(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now);
        while self.share < 100 && self.changed + RECOVERY <= now {
            let before = self.interval();
            self.share = (self.share + STEP).min(100);
            self.changed += RECOVERY;
            let missing = (self.full_at - now).as_secs_f64() / before.as_secs_f64();
            self.full_at = now + self.interval().mul_f64(missing);
        }
    }

    fn interval(&self) -> Duration {
        self.rate.interval * 100 / self.share
    }
}
