//! The server's request limits: token buckets per project and group of methods, refilled over a minute.
//!
//! Figures: "Rate quotas" in the documentation of Compute Engine: about 1,500 requests a minute in each group.

use std::collections::BTreeMap;

use landfall_gcp::api::{Place, Scope, Verb};
use tokio::time::Instant;

use super::refused::{Done, refuse};

/// Requests a minute.
const PER_MINUTE: f64 = 1_500.0;

/// A group of methods that share a bucket: reads and writes, of global or other resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    project: String,
    global: bool,
    word: &'static str,
}

/// All buckets.
#[derive(Debug)]
pub(super) struct Buckets {
    per_minute: f64,
    levels: BTreeMap<Group, (f64, Instant)>,
}

impl Buckets {
    /// Full ones; `None` for Google's figure.
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute: per_minute.map_or(PER_MINUTE, f64::from), levels: BTreeMap::new() }
    }

    /// Takes what a call costs. One that is refused costs nothing.
    pub(super) fn charge(&mut self, place: &Place, verb: Verb, now: Instant) -> Done<()> {
        let word = match verb {
            Verb::GetOperation => "operation reads",
            Verb::List => "lists",
            verb if verb.is_write() => "mutations",
            _ => "reads",
        };
        let group = Group { project: place.project.clone(), global: place.scope == Scope::Global, word };
        let (level, at) = self.levels.entry(group).or_insert((self.per_minute, now));
        let gained = (now - *at).as_secs_f64() * self.per_minute / 60.0;
        *level = (*level + gained).min(self.per_minute);
        *at = now;
        if *level < 1.0 {
            let message = format!("Rate Limit Exceeded: {word} of {}", place.project);
            return refuse(403, "rateLimitExceeded", message);
        }
        *level -= 1.0;
        Ok(())
    }
}
