//! How the calls over one handle behave, and which were made.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use landfall_gcp::api::{Method, Reference};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::faults::{Fault, Faults};

/// One call that arrived, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was called; `None` if the API has no such method, or no such operation was ever begun.
    pub method: Option<Method>,
    /// The resource that it is about, that which it makes included; `None` of a list or an operation.
    pub what: Option<Reference>,
    /// HTTP method and path below the version, e.g. `GET projects/p/regions/r/addresses/a`.
    pub about: String,
    /// When it arrived.
    pub at: Instant,
    /// The HTTP status of the answer; `None` while there is none.
    pub status: Option<u16>,
}

impl Call {
    /// Whether it changes something, if it is accepted.
    pub fn is_write(&self) -> bool {
        self.method.is_some_and(|method| method.verb.is_write())
    }
}

/// The calls of one handle.
#[derive(Debug, Default)]
pub(super) struct Script {
    lines: Mutex<Lines>,
    /// Tells that a call is frozen.
    pub(super) frozen: Notify,
}

/// What was called, and what shall go wrong.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) faults: Faults,
    pub(super) journal: Vec<Call>,
    counts: BTreeMap<Method, usize>,
}

impl Script {
    pub(super) fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Writes the call down and takes its fault. Answers its place in the journal.
    pub(super) fn record(&mut self, call: Call) -> (usize, Option<Fault>) {
        let method = call.method;
        self.journal.push(call);
        let of_method = method.map_or(0, |method| {
            let count = self.counts.entry(method).or_default();
            *count += 1;
            *count
        });
        let number = self.journal.len();
        (number - 1, self.faults.take(number, method, of_method))
    }

    /// Writes down how a call was answered.
    pub(super) fn answered(&mut self, place: usize, status: u16) {
        if let Some(call) = self.journal.get_mut(place) {
            call.status = Some(status);
        }
    }

    /// How often a method was called.
    pub(super) fn count(&self, method: Method) -> usize {
        self.counts.get(&method).copied().unwrap_or_default()
    }
}
