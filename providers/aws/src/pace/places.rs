//! Places in a queue whose turns can be far away, kept for those who come back at the time they were told.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long a place is kept beyond the time at which its owner was told to come back. Meanwhile the tokens of the
/// owner and of those after it pile up in the bucket, so being late costs nobody a token until the bucket is full.
const GRACE: Duration = Duration::from_secs(30);

/// The queue, first come first.
#[derive(Debug, Default)]
pub(super) struct Places(VecDeque<Place>);

#[derive(Debug)]
struct Place {
    whom: String,
    /// When its owner was told to come back.
    at: Instant,
}

impl Places {
    /// How many come before this one, who is given the last place if it has none yet. Places whose owners are overdue
    /// are given up.
    pub(super) fn ahead_of(&mut self, whom: &str, now: Instant) -> usize {
        self.0.retain(|place| place.whom == whom || now < place.at + GRACE);
        if let Some(ahead) = self.0.iter().position(|place| place.whom == whom) {
            return ahead;
        }
        self.0.push_back(Place { whom: whom.to_owned(), at: now });
        self.0.len() - 1
    }

    /// Notes when the owner of a place was told to come back.
    pub(super) fn promise(&mut self, whom: &str, at: Instant) {
        if let Some(place) = self.0.iter_mut().find(|place| place.whom == whom) {
            place.at = at;
        }
    }

    /// Gives a place up.
    pub(super) fn leave(&mut self, whom: &str) {
        self.0.retain(|place| place.whom != whom);
    }
}
