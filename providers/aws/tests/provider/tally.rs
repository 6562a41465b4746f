//! Counts what became of calls.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use landfall_aws::api::{Action, Category};
use landfall_aws::observer::Observer;

/// Calls by category and outcome.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<(Category, &'static str), usize>>);

impl Tally {
    /// How many calls there were of a category.
    pub(crate) fn calls(&self, category: Category) -> usize {
        self.sum(|key| key.0 == category)
    }

    /// How many of them were throttled.
    pub(crate) fn throttled_of(&self, category: Category) -> usize {
        self.sum(|key| *key == (category, "throttled"))
    }

    /// How many were throttled.
    pub(crate) fn throttled(&self) -> usize {
        self.sum(|key| key.1 == "throttled")
    }

    fn sum(&self, counts: impl Fn(&(Category, &'static str)) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|(key, _)| counts(key)).map(|(_, count)| count).sum()
    }
}

impl Observer for Tally {
    fn called(&self, action: Action, outcome: &'static str, _: Duration) {
        *self.0.lock().unwrap().entry((action.category(), outcome)).or_default() += 1;
    }
    fn paced(&self, _: Category, _: Duration) {}
    fn circuit(&self, _: bool) {}
}
