//! Shared groups that nothing leads to, and since when.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::api::Reference;

/// How long nothing must have led to a group before it goes. Whoever makes one leads a backend service to it soon after,
/// or tries again meanwhile.
const PATIENCE: Duration = Duration::from_mins(10);

/// Since when nothing leads to which groups, as far as somebody looked.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    since: HashMap<Reference, Instant>,
}

impl Idle {
    /// Notes which groups nothing leads to, and answers those for which that has been so for long.
    pub(super) fn see(&mut self, unused: HashSet<Reference>, now: Instant) -> Vec<Reference> {
        self.since.retain(|group, _| unused.contains(group));
        for group in unused {
            self.since.entry(group).or_insert(now);
        }
        let long = self.since.iter().filter(|(_, since)| now >= **since + PATIENCE);
        let mut long: Vec<Reference> = long.map(|(group, _)| group.clone()).collect();
        long.sort_unstable();
        long
    }

    /// Notes that somebody is about to use a group, or that it is gone.
    pub(super) fn forget(&mut self, group: &Reference) {
        self.since.remove(group);
    }

    /// Notes that a group could not go: it is tried again after as long a time.
    pub(crate) fn stays(&mut self, group: &Reference) {
        self.since.insert(group.clone(), Instant::now());
    }
}
