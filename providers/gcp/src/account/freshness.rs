//! How old what is known may be.

use std::time::Duration;

/// How old what is known of the project may be, and how often what no list tells is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The lists, which tell everything but members of groups and health.
    pub snapshot: Duration,
    /// Members of groups, where nobody else's change shows in their number, and the health of nodes. Each has an age of
    /// its own between three and five quarters of this, so that they do not fall due together.
    pub details: Duration,
    /// How long a request whose end nobody saw may still take effect.
    pub settling: Duration,
    /// First pause between a change and the question how the nodes are; it doubles from then on.
    pub health: Duration,
    /// How long nodes whose checks do not succeed are asked for.
    pub health_patience: Duration,
}

impl Freshness {
    /// Everything is read at every look, but health only after changes. For those who look once (a plan for an operator),
    /// and where others change the project all the time.
    pub const fn always() -> Self {
        Self {
            snapshot: Duration::ZERO,
            details: Duration::ZERO,
            settling: Duration::ZERO,
            health: Duration::from_secs(10),
            health_patience: Duration::from_mins(10),
        }
    }

    /// A part of [`Self::details`] between three and five quarters, the same for the same text.
    pub(crate) fn details_of(&self, whose: &str) -> Duration {
        let hash = landfall_core::names::hash_of(&[whose]);
        let byte = hash.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 512);
        self.details * (3 * 256 + byte) / (4 * 256)
    }
}

impl Default for Freshness {
    /// For a controller that alone writes what it owns.
    fn default() -> Self {
        Self {
            snapshot: Duration::from_mins(10),
            details: Duration::from_hours(6),
            settling: Duration::from_secs(30),
            health: Duration::from_secs(10),
            health_patience: Duration::from_mins(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_an_age_of_its_own() {
        let freshness = Freshness::default();
        let ages: Vec<Duration> = (0..200).map(|n| freshness.details_of(&format!("lb-{n}"))).collect();
        let (least, most) = (freshness.details * 3 / 4, freshness.details * 5 / 4);
        assert!(ages.iter().all(|age| (least..=most).contains(age)));
        let early = ages.iter().filter(|age| **age < freshness.details).count();
        assert!((50..150).contains(&early), "{early} of 200 are early");
    }
}
