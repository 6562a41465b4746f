//! Asking for the health of targets that were just registered.

use std::time::Duration;

use tokio::time::Instant;

use super::freshness::Freshness;

/// When to ask next: soon, then less and less often, and some day no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watch {
    next: Instant,
    pause: Duration,
    until: Instant,
}

impl Watch {
    pub(super) fn new(now: Instant, freshness: &Freshness) -> Self {
        let pause = freshness.health;
        Self { next: now + pause, pause, until: now + freshness.health_patience }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next().is_some_and(|next| now >= next)
    }

    /// When to ask; `None` if it took too long already.
    pub(super) fn next(&self) -> Option<Instant> {
        (self.next <= self.until).then_some(self.next)
    }

    /// Somebody asked.
    pub(super) fn looked(&mut self, now: Instant) {
        self.pause *= 2;
        self.next = now + self.pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end() {
        let start = Instant::now();
        let mut watch = Watch::new(start, &Freshness::default());
        let mut asked = Vec::new();
        while let Some(next) = watch.next() {
            assert!(!watch.is_due(next - Duration::from_secs(1)) && watch.is_due(next));
            asked.push((next - start).as_secs());
            watch.looked(next);
        }
        assert_eq!(asked, [15, 45, 105, 225, 465]);
    }
}
