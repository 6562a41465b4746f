//! Objects and their history: one table per resource, one resourceVersion counter over all of them
//! (comparable, KEP-5504). Readers share a table's lock; writers are serialised, so a read-modify-write is one
//! step and never has to be retried.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::history::{Change, ChangeKind, History};

mod object;

pub(crate) use object::Stored;

/// Namespace (empty for cluster scope) and name; ordered as lists are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key an object's metadata gives it.
    pub(crate) fn of(object: &Value) -> Self {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        Self::new(text("namespace"), text("name"))
    }
}

pub(crate) type Objects = BTreeMap<Arc<Key>, Arc<Stored>>;

/// Every table.
#[derive(Debug)]
pub(crate) struct Store {
    writer: Mutex<()>,
    revision: AtomicU64,
    tables: RwLock<HashMap<String, Arc<Table>>>,
    history_capacity: usize,
}

/// The objects of one resource with the changes that led there.
#[derive(Debug)]
pub(crate) struct Table {
    state: RwLock<State>,
    /// Raised after each change and on release; carries nothing but the fact.
    tip: watch::Sender<()>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) objects: Objects,
    pub(crate) history: History,
}

impl Store {
    /// An empty store whose tables remember `history_capacity` changes each.
    pub(crate) fn new(history_capacity: usize) -> Self {
        Self {
            writer: Mutex::new(()),
            // A fresh cluster does not start at 1 either: no client may read meaning into small numbers.
            revision: AtomicU64::new(100),
            tables: RwLock::default(),
            history_capacity,
        }
    }

    /// The latest resourceVersion. Read it under a table's lock to get one that is in step with the table.
    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(crate) fn table(&self, name: &str) -> Arc<Table> {
        if let Some(table) = self.tables.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(table);
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Table::new(self.history_capacity));
        Arc::clone(tables.entry(name.to_owned()).or_insert_with(fresh))
    }

    /// Starts a write; others wait until the result is dropped.
    pub(crate) fn write(&self) -> Writer<'_> {
        Writer { store: self, _turn: self.writer.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Forgets all history: a watch or page that resumes at an older resourceVersion gets 410.
    pub(crate) fn compact(&self) {
        let _turn = self.write();
        for table in self.tables.read().unwrap_or_else(PoisonError::into_inner).values() {
            let mut state = table.state.write().unwrap_or_else(PoisonError::into_inner);
            state.history.compact(self.revision());
        }
    }

    /// Shows watches what was held back from them.
    pub(crate) fn release(&self) {
        for table in self.tables.read().unwrap_or_else(PoisonError::into_inner).values() {
            table.state.write().unwrap_or_else(PoisonError::into_inner).history.release();
            table.tip.send_replace(());
        }
    }
}

impl Table {
    fn new(capacity: usize) -> Self {
        Self {
            state: RwLock::new(State { objects: Objects::new(), history: History::new(capacity) }),
            tip: watch::Sender::new(()),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Stored>> {
        self.read().objects.get(key).cloned()
    }

    /// Hides from watches what happens from now on.
    pub(crate) fn hold(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).history.hold();
    }

    /// Wakes up after each change and on release.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.tip.subscribe()
    }

    fn commit(&self, change: impl FnOnce(&mut State) -> Change) -> Arc<Stored> {
        let object = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let change = change(&mut state);
            let object = Arc::clone(&change.object);
            state.history.push(Arc::new(change));
            object
        };
        self.tip.send_replace(());
        object
    }
}

/// The right to write, held for one request.
pub(crate) struct Writer<'a> {
    store: &'a Store,
    _turn: MutexGuard<'a, ()>,
}

impl Writer<'_> {
    /// Stores `value` under the next resourceVersion and tells the watchers.
    pub(crate) fn put(&self, table: &Table, value: Value) -> Arc<Stored> {
        let key = Arc::new(Key::of(&value));
        table.commit(|state| {
            let object = self.stamp(value);
            let previous = state.objects.insert(key, Arc::clone(&object));
            let kind = if previous.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
            Change::new(kind, object, previous)
        })
    }

    /// Removes an object. The event carries its last state under the resourceVersion of the deletion.
    pub(crate) fn remove(&self, table: &Table, last: &Stored) -> Arc<Stored> {
        let key = Key::of(&last.value);
        table.commit(|state| {
            let previous = state.objects.remove(&key);
            Change::new(ChangeKind::Deleted, self.stamp(last.value.clone()), previous)
        })
    }

    fn stamp(&self, mut value: Value) -> Arc<Stored> {
        let revision = self.store.revision.fetch_add(1, Ordering::AcqRel) + 1;
        value["metadata"]["resourceVersion"] = json!(revision.to_string());
        Arc::new(Stored::new(value, revision))
    }
}

#[cfg(test)]
mod tests;
