//! What the server was asked: every request with its body and answer, and exact counters.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::options::JournalMode;
use super::request::Verb;

/// One answered request.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counts requests from 1, also those that are no longer kept.
    pub number: u64,
    /// Server time at arrival.
    pub at: Timestamp,
    /// What was asked.
    pub call: Call,
    /// `Content-Type` of the request, empty without a body.
    pub content_type: String,
    /// The query string as sent.
    pub query: String,
    /// The body as sent.
    pub body: axum::body::Bytes,
    /// HTTP status of the answer; 0 when the connection was dropped instead.
    pub status: u16,
}

/// The addressed object or collection and the verb, as RBAC sees them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// The verb.
    pub verb: Verb,
    /// API group, empty for core.
    pub group: String,
    /// Kind, e.g. `Service`.
    pub kind: String,
    /// Plural resource name.
    pub plural: String,
    /// Empty for cluster scope and for all namespaces.
    pub namespace: String,
    /// Empty for collections.
    pub name: String,
    /// Empty for the main resource.
    pub subresource: String,
}

/// A permission a client used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// API group, empty for core.
    pub group: String,
    /// `services` or `services/status`.
    pub resource: String,
    /// RBAC verb, e.g. `deletecollection`.
    pub verb: &'static str,
}

/// The record of one server; clones share it.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    mode: JournalMode,
    entries: VecDeque<Entry>,
    numbered: u64,
    counts: HashMap<(Verb, String), u64>,
    permissions: BTreeSet<Permission>,
}

impl Entry {
    /// The body as JSON or YAML; `Null` when there is none or it is neither.
    pub fn json(&self) -> Value {
        super::body::parse(&self.body).unwrap_or(Value::Null)
    }

    /// Whether the server accepted it.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Journal {
    pub(crate) fn new(mode: JournalMode) -> Self {
        Self(Arc::new(Mutex::new(State {
            mode,
            entries: VecDeque::new(),
            numbered: 0,
            counts: HashMap::new(),
            permissions: BTreeSet::new(),
        })))
    }

    /// The kept entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.state().entries.iter().cloned().collect()
    }

    /// The kept entries that ask for a change, refused ones included.
    pub fn writes(&self) -> Vec<Entry> {
        self.state().entries.iter().filter(|e| e.call.verb.is_write()).cloned().collect()
    }

    /// The kept entries that ask for a change of `kind`.
    pub fn writes_of(&self, kind: &str) -> Vec<Entry> {
        let state = self.state();
        state.entries.iter().filter(|e| e.call.verb.is_write() && e.call.kind == kind).cloned().collect()
    }

    /// How many requests with this verb and kind were answered since the last [`clear`](Self::clear).
    pub fn count(&self, verb: Verb, kind: &str) -> u64 {
        self.state().counts.get(&(verb, kind.to_owned())).copied().unwrap_or_default()
    }

    /// How many changes of any kind were asked for since the last [`clear`](Self::clear).
    pub fn count_writes(&self) -> u64 {
        self.state().counts.iter().filter(|((verb, _), _)| verb.is_write()).map(|(_, n)| n).sum()
    }

    /// Every permission used since the server started, to be held against a role.
    pub fn permissions(&self) -> BTreeSet<Permission> {
        self.state().permissions.clone()
    }

    /// Forgets entries and counters. Numbering and permissions go on.
    pub fn clear(&self) {
        let mut state = self.state();
        state.entries.clear();
        state.counts.clear();
    }

    pub(crate) fn record(&self, mut entry: Entry) {
        let mut state = self.state();
        state.numbered += 1;
        entry.number = state.numbered;
        let call = &entry.call;
        *state.counts.entry((call.verb, call.kind.clone())).or_default() += 1;
        state.permissions.insert(Permission::of(call));
        let JournalMode::Newest(limit) = state.mode else { return };
        state.entries.push_back(entry);
        while state.entries.len() > limit {
            state.entries.pop_front();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permission {
    fn of(call: &Call) -> Self {
        let resource = if call.subresource.is_empty() {
            call.plural.clone()
        } else {
            format!("{}/{}", call.plural, call.subresource)
        };
        Self { group: call.group.clone(), resource, verb: call.verb.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(verb: Verb, subresource: &str) -> Entry {
        Entry {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            call: Call {
                verb,
                group: String::new(),
                kind: "Service".into(),
                plural: "services".into(),
                namespace: "ns".into(),
                name: "web".into(),
                subresource: subresource.into(),
            },
            content_type: String::new(),
            query: String::new(),
            body: axum::body::Bytes::new(),
            status: 200,
        }
    }

    #[test]
    fn keeps_the_newest_and_counts_all() {
        let journal = Journal::new(JournalMode::Newest(2));
        for verb in [Verb::Get, Verb::Update, Verb::Update] {
            journal.record(entry(verb, ""));
        }
        assert_eq!(journal.entries().iter().map(|e| e.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((journal.count(Verb::Get, "Service"), journal.count(Verb::Update, "Service")), (1, 2));
        assert_eq!(journal.count_writes(), 2);
        journal.clear();
        assert_eq!(journal.count_writes(), 0);
    }

    #[test]
    fn counters_only_still_know_permissions() {
        let journal = Journal::new(JournalMode::Counters);
        journal.record(entry(Verb::Patch, "status"));
        assert!(journal.entries().is_empty());
        assert_eq!(journal.count(Verb::Patch, "Service"), 1);
        let used: Vec<_> = journal.permissions().into_iter().map(|p| (p.resource, p.verb)).collect();
        assert_eq!(used, [("services/status".to_owned(), "patch")]);
    }
}
