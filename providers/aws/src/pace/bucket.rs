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
    /// The recovery of the rate is in it: whoever sleeps or stays away until then is not late.
    pub(super) fn ready_at(&mut self, ahead: usize, now: Instant) -> Instant {
        self.settle(now);
        let needed = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
        let at = match needed.checked_sub(self.rate.burst) {
            Some(missing) => self.full_at + self.interval() * missing,
            None => self.full_at.checked_sub(self.interval() * (self.rate.burst - needed)).unwrap_or(now),
        };
        self.recovered(at)
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

    /// Whether the rate is less than allowed.
    pub(super) fn is_slowed(&mut self, now: Instant) -> bool {
        self.settle(now);
        self.share < 100
    }

    fn settle(&mut self, now: Instant) {
        while self.share < 100 && self.changed + RECOVERY <= now {
            self.changed += RECOVERY;
            let share = (self.share + STEP).min(100);
            self.full_at = sooner(self.full_at, self.changed, self.share, share);
            self.share = share;
        }
        self.full_at = self.full_at.max(now);
    }

    /// What comes at a time, by the share in force, comes at this one as the share recovers.
    fn recovered(&self, mut at: Instant) -> Instant {
        let (mut share, mut changed) = (self.share, self.changed + RECOVERY);
        while share < 100 && changed < at {
            let next = (share + STEP).min(100);
            // Rounded up: whoever comes at the time that it was told shall find its token.
            at = sooner(at, changed, share, next) + Duration::from_nanos(100);
            (share, changed) = (next, changed + RECOVERY);
        }
        at
    }

    fn interval(&self) -> Duration {
        self.rate.interval * 100 / self.share
    }
}

/// As many tokens are missing as before when the share changes; they come faster from then on.
fn sooner(at: Instant, changed: Instant, before: u32, share: u32) -> Instant {
    at.checked_duration_since(changed).map_or(at, |left| changed + left * before / share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_changes_and_the_tokens_stay() {
        let now = Instant::now();
        let mut bucket = Bucket::new(Rate { burst: 10, interval: Duration::from_secs(2) }, now);
        bucket.slow_down(now);
        let mut ready =
            |ahead, at: u64| (bucket.ready_at(ahead, now + Duration::from_millis(at)) - now).as_millis();
        // One token in 4 s, and from 10 s on one in 3.636 s: what is told is what will be.
        assert_eq!([ready(1, 0), ready(2, 0), ready(3, 0)], [8_000, 11_818, 15_454]);
        // At 10 s there are two and a half. At 55 % the other half takes 1.818 s, and a whole one 3.636 s.
        assert_eq!([ready(2, 10_000), ready(3, 10_000)], [11_818, 15_454]);
        // At 20 s there are 5.25, and 60 %.
        assert_eq!([ready(4, 20_000), ready(5, 20_000)], [19_166, 22_500]);
    }

    #[test]
    fn who_lets_others_go_first_is_told_when_they_are_through() {
        let now = Instant::now();
        let mut bucket = Bucket::new(Rate { burst: 2, interval: Duration::from_secs(5) }, now);
        let waits = |bucket: &mut Bucket| {
            [0, 1, 2, 3].map(|ahead| bucket.ready_at(ahead, now).saturating_duration_since(now).as_secs())
        };
        assert_eq!(waits(&mut bucket), [0, 0, 5, 10]);
        bucket.take(now);
        assert_eq!(waits(&mut bucket), [0, 5, 10, 15]);
        bucket.take(now);
        assert_eq!(waits(&mut bucket), [5, 10, 15, 20]);
    }
}
