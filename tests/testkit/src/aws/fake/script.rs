//! How the calls over one handle behave, and which were made.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use landfall_aws::api::Action;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::faults::{Fault, Faults};

/// One call that arrived, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was called.
    pub action: Action,
    /// Ids and names that it was about; empty for lists of everything.
    pub about: Vec<String>,
    /// When it arrived.
    pub at: Instant,
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
    counts: BTreeMap<Action, usize>,
}

impl Script {
    pub(super) fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Writes the call down and takes its fault.
    pub(super) fn record(&mut self, call: Call) -> Option<Fault> {
        let action = call.action;
        self.journal.push(call);
        let of_action = self.counts.entry(action).or_default();
        *of_action += 1;
        self.faults.take(self.journal.len(), action, *of_action)
    }

    /// How often an action was called.
    pub(super) fn count(&self, action: Action) -> usize {
        self.counts.get(&action).copied().unwrap_or_default()
    }
}
