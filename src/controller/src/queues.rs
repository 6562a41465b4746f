//! The queues together: one per provider that runs here, and one for everything else.

use std::collections::HashMap;
use std::time::Duration;

use landfall_core::ids::ProviderName;

use crate::cluster::Key;
use crate::queue::{Due, Queue};

/// Label of the queue for keys without a provider that runs here.
const OTHER: &str = "none";

/// One queue per provider, and one more.
#[derive(Debug)]
pub struct Queues {
    by_provider: HashMap<ProviderName, Queue<Key>>,
    other: Queue<Key>,
}

impl Queues {
    /// Empty queues.
    pub fn new(providers: impl IntoIterator<Item = ProviderName>) -> Self {
        let by_provider = providers.into_iter().map(|name| (name, Queue::default())).collect();
        Self { by_provider, other: Queue::default() }
    }

    /// Makes a key due now.
    pub fn add(&self, key: Key, due: Due) {
        self.of(&key).add(key, due);
    }

    /// Makes a key due after a delay.
    pub fn add_after(&self, key: Key, due: Due, delay: Duration) {
        self.of(&key).add_after(key, due, delay);
    }

    /// Every queue with its label and its provider.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, Option<ProviderName>)> {
        let named = self.by_provider.keys().map(|name| (name.as_str(), Some(*name)));
        named.chain([(OTHER, None)])
    }

    /// The queue of a provider; the one for everything else if it does not run here.
    pub fn queue(&self, provider: Option<ProviderName>) -> &Queue<Key> {
        provider.and_then(|name| self.by_provider.get(&name)).unwrap_or(&self.other)
    }

    /// Forgets everything, also what is handed out.
    pub fn reset(&self) {
        self.by_provider.values().for_each(Queue::reset);
        self.other.reset();
    }

    fn of(&self, key: &Key) -> &Queue<Key> {
        match key {
            Key::Lb(id) => self.queue(Some(id.provider)),
            Key::Unplaced(_) => &self.other,
        }
    }
}
