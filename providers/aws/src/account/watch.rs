//! When the health of registered targets is asked for: often while their first checks run, and slowly from then on.

use std::time::Duration;

use tokio::time::Instant;

use super::freshness::Freshness;

/// How much later than its turn a slow look may be. Turns that many missed together are not all taken at once when
/// somebody looks at last.
const LATE: Duration = Duration::from_secs(20);

/// Longest pause while a successor waits for healthy targets. It may be that much late, and its predecessor serves.
const WAITING: Duration = Duration::from_mins(2);

/// When to ask next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Watch {
    /// For those that were just registered: soon, then less and less often.
    Quick { next: Instant, pause: Duration, until: Instant },
    /// For all, when it is this one's turn.
    Slow { next: Instant },
}

/// Turns of all load balancers, so that no more is asked at any time than the rate of reads bears.
#[derive(Debug, Default)]
pub(super) struct Turns {
    free: Option<Instant>,
}

impl Turns {
    /// The next turn for so many target groups that is not before the time when they may be asked for again.
    fn next(&mut self, groups: usize, now: Instant, freshness: &Freshness) -> Instant {
        let earliest = now + freshness.health_slow;
        let at = self.free.map_or(earliest, |free| free.max(earliest));
        self.free = Some(at + freshness.health_apart * u32::try_from(groups).unwrap_or(u32::MAX));
        at
    }
}

impl Watch {
    /// The watch over so many target groups after somebody looked, and read their targets if that is `read`.
    pub(super) fn go_on(
        before: Option<Self>,
        over: Over,
        now: Instant,
        freshness: &Freshness,
        turns: &mut Turns,
    ) -> Self {
        let on = match before {
            None if over.has_initial => Some(Self::quick(now, freshness)),
            None | Some(Self::Slow { .. }) if over.waits => Some(Self::quick(now, freshness)),
            Some(quick @ Self::Quick { .. }) if over.has_initial || over.waits => quick.after(over, now),
            Some(Self::Slow { next }) if !(over.read && now >= next) && now < next + LATE => {
                Some(Self::Slow { next })
            }
            _ => None,
        };
        on.unwrap_or_else(|| Self::Slow { next: turns.next(over.groups, now, freshness) })
    }

    fn quick(now: Instant, freshness: &Freshness) -> Self {
        let pause = freshness.health;
        Self::Quick { next: now + pause, pause, until: now + freshness.health_patience }
    }

    /// A quick watch after a look; `None` if it took too long already.
    fn after(self, over: Over, now: Instant) -> Option<Self> {
        match self {
            Self::Quick { next, pause, until } if over.read && now >= next => {
                let pause = if over.waits { (2 * pause).min(WAITING.max(pause)) } else { 2 * pause };
                let next = now + pause;
                (over.waits || next <= until).then_some(Self::Quick { next, pause, until })
            }
            other => Some(other),
        }
    }

    /// Whether to ask now for the targets of a group, which somebody waits for or not: because first checks of some run,
    /// or because a load balancer takes over when they are healthy.
    pub(super) fn is_due(&self, is_awaited: bool, now: Instant) -> bool {
        match self {
            Self::Quick { next, .. } => is_awaited && now >= *next,
            Self::Slow { next } => now >= *next && now < *next + LATE,
        }
    }

    /// When to ask.
    pub(super) fn next(&self) -> Instant {
        match self {
            Self::Quick { next, .. } | Self::Slow { next } => *next,
        }
    }
}

/// What is watched over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over {
    /// Target groups whose targets are known.
    pub(super) groups: usize,
    /// Whether first checks run.
    pub(super) has_initial: bool,
    /// Whether a successor waits for healthy targets. That ends, so it is watched quickly for as long.
    pub(super) waits: bool,
    /// Whether targets were just read.
    pub(super) read: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(has_initial: bool, read: bool) -> Over {
        Over { groups: 1, has_initial, waits: false, read }
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_is_watched_for_as_long_as_it_waits() {
        let (start, freshness, mut turns) = (Instant::now(), Freshness::default(), Turns::default());
        let waiting = Over { waits: true, ..one(false, true) };
        let slow = Watch::Slow { next: start + freshness.health_slow };
        let mut watch = Watch::go_on(Some(slow), waiting, start, &freshness, &mut turns);
        let mut asked = Vec::new();
        for _ in 0..12 {
            let next = watch.next();
            asked.push((next - start).as_secs());
            watch = Watch::go_on(Some(watch), waiting, next, &freshness, &mut turns);
        }
        assert_eq!(asked, [15, 45, 105, 225, 345, 465, 585, 705, 825, 945, 1065, 1185]);
        let over = Watch::go_on(Some(watch), one(false, true), start, &freshness, &mut turns);
        assert_eq!(over.next(), start + freshness.health_slow);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_never_end() {
        let (start, freshness, mut turns) = (Instant::now(), Freshness::default(), Turns::default());
        let mut watch = Watch::go_on(None, one(true, false), start, &freshness, &mut turns);
        let mut asked = Vec::new();
        for _ in 0..8 {
            let next = watch.next();
            assert!(!watch.is_due(true, next - Duration::from_secs(1)) && watch.is_due(true, next));
            asked.push((next - start).as_secs());
            watch = Watch::go_on(Some(watch), one(true, true), next, &freshness, &mut turns);
        }
        assert_eq!(asked, [15, 45, 105, 225, 465, 1365, 2265, 3165]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_without_reading_changes_nothing() {
        let (start, freshness, mut turns) = (Instant::now(), Freshness::default(), Turns::default());
        for has_initial in [true, false] {
            let watch = Watch::go_on(None, one(has_initial, false), start, &freshness, &mut turns);
            let later = start + Duration::from_secs(5);
            let after =
                Watch::go_on(Some(watch.clone()), one(has_initial, false), later, &freshness, &mut turns);
            assert_eq!(after, watch);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn slow_turns_are_apart_and_those_that_were_missed_are_not_taken_together() {
        let (start, freshness, mut turns) = (Instant::now(), Freshness::default(), Turns::default());
        let watches: Vec<Watch> =
            (0..1000).map(|_| Watch::go_on(None, one(false, true), start, &freshness, &mut turns)).collect();
        let due = |at: Instant| watches.iter().filter(|watch| watch.is_due(false, at)).count();
        for minutes in 0..90 {
            let due = due(start + Duration::from_mins(minutes));
            assert!(due <= 7, "{due} are due after {minutes} minutes");
        }
        let last = watches.last().unwrap().next() - start;
        assert_eq!(last, freshness.health_slow + freshness.health_apart * 999);
        let later = start + Duration::from_mins(90);
        let renewed =
            Watch::go_on(Some(watches[0].clone()), one(false, false), later, &freshness, &mut turns);
        assert_eq!(renewed.next(), later + freshness.health_slow);
    }
}
