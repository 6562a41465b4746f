//! A token bucket whose rate gives way to throttling answers.

use std::time::Duration;

use tokio::time::Instant;

use super::Rate;

/// Share of the rate that is left at least.
const FLOOR: f64 = 0.1;
/// Share of the rate that comes back …
const STEP: f64 = 0.05;
/// … whenever this time has passed.
const RECOVERY: Duration = Duration::from_secs(10);
/// Requests that were under way together are throttled together: that counts once.
const TOGETHER: Duration = Duration::from_secs(2);

/// Tokens, and how fast they come.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    tokens: f64,
    /// When the tokens were counted.
    counted: Instant,
    /// The share of the rate in force, from [`FLOOR`] to 1.
    share: f64,
    /// When the share was cut or raised last.
    changed: Instant,
    /// When it was cut last.
    cut: Option<Instant>,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: rate.burst.into(), counted: now, share: 1.0, changed: now, cut: None }
    }

    /// How long until there is a token for one who lets `ahead` others take theirs first.
    pub(super) fn wait(&mut self, ahead: u32, now: Instant) -> Duration {
        self.count(now);
        let missing = f64::from(ahead) + 1.0 - self.tokens;
        if missing <= 0.0 { Duration::ZERO } else { self.interval().mul_f64(missing) }
    }

    /// Takes a token and answers zero, or tells how long until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        let wait = self.wait(0, now);
        if wait.is_zero() {
            self.tokens -= 1.0;
        }
        wait
    }

    /// Halves the rate and gives up what tokens there are: Google's bucket is empty, whatever this one says.
    pub(super) fn slow_down(&mut self, now: Instant) {
        self.count(now);
        if self.cut.is_some_and(|cut| now < cut + TOGETHER) {
            return;
        }
        self.share = (self.share / 2.0).max(FLOOR);
        self.tokens = 0.0;
        (self.changed, self.cut) = (now, Some(now));
    }

    /// Adds the tokens that have come since they were counted, at the share that was in force meanwhile.
    fn count(&mut self, now: Instant) {
        while self.share < 1.0 && self.changed + RECOVERY <= now {
            self.changed += RECOVERY;
            self.fill(self.changed);
            self.share = (self.share + STEP).min(1.0);
        }
        self.fill(now);
    }

    fn fill(&mut self, until: Instant) {
        let come = until.saturating_duration_since(self.counted).div_duration_f64(self.interval());
        self.tokens = (self.tokens + come).min(self.rate.burst.into());
        self.counted = until;
    }

    fn interval(&self) -> Duration {
        self.rate.interval.div_f64(self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(of: u64) -> Duration {
        Duration::from_secs(of)
    }

    fn bucket(burst: u32, interval: u64, now: Instant) -> Bucket {
        Bucket::new(Rate { burst, interval: seconds(interval) }, now)
    }

    #[test]
    fn who_lets_others_go_first_is_told_when_they_are_through() {
        let now = Instant::now();
        let mut bucket = bucket(2, 5, now);
        let waits = |bucket: &mut Bucket| [0, 1, 2, 3].map(|ahead| bucket.wait(ahead, now).as_secs());
        assert_eq!(waits(&mut bucket), [0, 0, 5, 10]);
        assert_eq!(bucket.take(now), Duration::ZERO);
        assert_eq!(waits(&mut bucket), [0, 5, 10, 15]);
        assert_eq!(bucket.take(now), Duration::ZERO);
        assert_eq!(bucket.take(now), seconds(5));
        assert_eq!(bucket.take(now + seconds(5)), Duration::ZERO);
    }

    #[test]
    fn a_throttling_answer_empties_it_and_halves_its_rate_once_in_two_seconds() {
        let now = Instant::now();
        let mut bucket = bucket(10, 2, now);
        bucket.slow_down(now);
        bucket.slow_down(now + seconds(1));
        assert_eq!(bucket.wait(0, now + seconds(1)), seconds(3), "one token in 4 s");
        bucket.slow_down(now + seconds(2));
        assert_eq!(bucket.wait(0, now + seconds(2)), seconds(8));
        for again in 1..20 {
            bucket.slow_down(now + seconds(2 + 2 * again));
        }
        assert_eq!(bucket.wait(0, now + seconds(40)), seconds(20), "a tenth is left");
    }

    #[test]
    fn a_twentieth_of_the_rate_comes_back_every_ten_seconds() {
        let now = Instant::now();
        let mut bucket = bucket(1_000, 1, now);
        bucket.slow_down(now);
        let mut come = |from: u64| {
            bucket.count(now + seconds(from));
            let before = bucket.tokens;
            bucket.count(now + seconds(from + 10));
            bucket.tokens - before
        };
        for (from, tokens) in [(0, 5.0), (10, 5.5), (40, 7.0), (90, 9.5), (100, 10.0), (200, 10.0)] {
            assert!((come(from) - tokens).abs() < 1e-6, "from {from} s on");
        }
    }
}
