//! What was read, until it is too old. Whoever needs something while it is being read waits for that and does not read
//! it a second time; things of different keys are read at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::GcpError;

/// Values by key.
#[derive(Debug)]
pub(super) struct Slots<K, V> {
    by_key: Mutex<HashMap<K, Arc<Slot<V>>>>,
}

type Slot<V> = tokio::sync::Mutex<Entry<V>>;

#[derive(Debug)]
struct Entry<V> {
    value: Option<(V, Instant)>,
    failed: Option<(GcpError, Instant)>,
}

impl<K: Eq + Hash + Clone, V: Clone> Slots<K, V> {
    /// Empty.
    pub(super) fn new() -> Self {
        Self { by_key: Mutex::default() }
    }

    /// The value of a key: the one that was read last, if `is_good` says so of it and its age, else a new one. A failed
    /// read leaves the old value to those who find it good.
    pub(super) async fn get<F>(
        &self,
        key: &K,
        is_good: impl Fn(&V, Duration) -> bool,
        read: impl FnOnce() -> F,
    ) -> Result<V, GcpError>
    where
        F: Future<Output = Result<V, GcpError>>,
    {
        let asked = Instant::now();
        let slot = self.slot(key);
        let mut entry = slot.lock().await;
        // What was read while the caller waited for it is as good as it gets.
        let last = entry.value.as_ref();
        if let Some((value, _)) = last.filter(|(value, at)| *at > asked || is_good(value, at.elapsed())) {
            return Ok(value.clone());
        }
        if let Some((error, _)) = entry.failed.as_ref().filter(|(_, at)| *at > asked) {
            return Err(error.clone());
        }
        match read().await {
            Ok(value) => {
                *entry = Entry { value: Some((value.clone(), Instant::now())), failed: None };
                Ok(value)
            }
            Err(error) => {
                entry.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    /// Forgets the value of a key.
    pub(super) fn forget(&self, key: &K) {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = || Arc::new(Slot::new(Entry { value: None, failed: None }));
        Arc::clone(slots.entry(key.clone()).or_insert_with(empty))
    }
}
