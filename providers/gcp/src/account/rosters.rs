//! Members of groups: what no list tells, known from our own changes or read, and verified slowly.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use crate::api::Reference;
use crate::api::types::Endpoint;

/// Who is in which group, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Rosters {
    known: HashMap<Reference, Roster>,
}

#[derive(Debug)]
struct Roster {
    members: Arc<BTreeSet<Endpoint>>,
    /// When it is to be read again.
    due: Instant,
}

impl Rosters {
    /// The members of a group, if they are known.
    pub(crate) fn get(&self, group: &Reference) -> Option<Arc<BTreeSet<Endpoint>>> {
        self.known.get(group).map(|roster| Arc::clone(&roster.members))
    }

    /// Whether the members of a group have to be read.
    pub(crate) fn is_due(&self, group: &Reference, now: Instant) -> bool {
        self.known.get(group).is_none_or(|roster| now >= roster.due)
    }

    /// Notes the members that a group was read to have, or was given, and when to read them again.
    pub(crate) fn learn(&mut self, group: Reference, members: Arc<BTreeSet<Endpoint>>, due: Instant) {
        self.known.insert(group, Roster { members, due });
    }

    /// Notes how many members a list says that a group has. If it is another number than is known, somebody else changed
    /// them.
    pub(crate) fn compare(&mut self, group: &Reference, size: Option<usize>) {
        let differs = |roster: &Roster| size.is_some_and(|size| size != roster.members.len());
        if self.known.get(group).is_some_and(differs) {
            self.known.remove(group);
        }
    }

    /// Notes that it is not known any more who is in a group.
    pub(crate) fn forget(&mut self, group: &Reference) {
        self.known.remove(group);
    }
}
