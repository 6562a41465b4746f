//! Members of groups: what no list tells, known from our own changes or read, and verified slowly.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use super::moment::Moment;
use crate::api::Reference;
use crate::api::types::Endpoint;

/// Members that Google does not take, each with its answer.
pub(crate) type Refused = Arc<BTreeMap<Endpoint, String>>;

/// Who is in which group, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Rosters {
    known: HashMap<Reference, Roster>,
    /// Who is not taken into a group, until it is tried again.
    refused: HashMap<Reference, (Refused, Instant)>,
    /// When the wish was begun that changed a group last.
    wishes: HashMap<Reference, Moment>,
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

    /// Notes that a group is gone.
    pub(crate) fn remove(&mut self, group: &Reference) {
        self.known.remove(group);
        self.refused.remove(group);
        self.wishes.remove(group);
    }

    /// Notes whom Google does not take into a group, and when to try again.
    pub(crate) fn refuse(&mut self, group: &Reference, members: BTreeMap<Endpoint, String>, until: Instant) {
        let mut all = self.refused(group, Instant::now()).map(|before| (*before).clone()).unwrap_or_default();
        all.extend(members);
        let now = Instant::now();
        self.refused.retain(|_, (_, until)| now < *until);
        self.refused.insert(group.clone(), (Arc::new(all), until));
    }

    /// Whom Google does not take into a group, unless it is to be tried again.
    pub(crate) fn refused(&self, group: &Reference, now: Instant) -> Option<Refused> {
        let (refused, _) = self.refused.get(group).filter(|(_, until)| now < *until)?;
        Some(Arc::clone(refused))
    }

    /// Notes that a wish that was begun then is about to change the members of a group.
    pub(crate) fn change(&mut self, group: &Reference, wish: Moment) {
        self.wishes.insert(group.clone(), wish);
    }

    /// Whether a wish that was begun later than this one has changed the members of a group: it knew the nodes better.
    pub(crate) fn is_superseded(&self, group: &Reference, wish: Moment) -> bool {
        self.wishes.get(group).is_some_and(|last| last.tick > wish.tick)
    }
}
