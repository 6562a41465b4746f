//! What happened to a table, newest last, in a bounded ring. Watches read it at their own pace from a position
//! of their own, so a write costs the same with one watcher or with a hundred; who falls behind the ring is cut.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;

use super::store::{Key, Objects, Stored};

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

impl ChangeKind {
    /// The event type on the wire.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change of one object.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    /// The new state; for a deletion the last state under the resourceVersion of the deletion.
    pub(crate) object: Arc<Stored>,
    /// The state before, if there was one.
    pub(crate) previous: Option<Arc<Stored>>,
    frame: OnceLock<Bytes>,
}

impl Change {
    pub(crate) fn new(kind: ChangeKind, object: Arc<Stored>, previous: Option<Arc<Stored>>) -> Self {
        Self { kind, object, previous, frame: OnceLock::new() }
    }

    /// The watch event as JSON with a line end, shared by all watchers that see the change as it happened.
    pub(crate) fn frame(&self) -> Bytes {
        self.frame.get_or_init(|| event_frame(self.kind.wire(), &self.object.json())).clone()
    }
}

/// One line of a watch answer.
pub(crate) fn event_frame(kind: &str, object: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(object.len() + 40);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line.extend_from_slice(object);
    line.extend_from_slice(b"}\n");
    Bytes::from(line)
}

/// The asked-for resourceVersion is older than what the ring remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compacted {
    /// The oldest resourceVersion that can still be asked for.
    pub(crate) oldest: u64,
}

/// The ring of one table.
#[derive(Debug)]
pub(crate) struct History {
    ring: VecDeque<Arc<Change>>,
    capacity: usize,
    /// How many changes have left the ring: the position of its first one.
    dropped: u64,
    /// Every change after this resourceVersion is in the ring.
    complete_after: u64,
    /// While set, readers see nothing from this position on.
    held: Option<u64>,
}

impl History {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { ring: VecDeque::new(), capacity: capacity.max(1), dropped: 0, complete_after: 0, held: None }
    }

    pub(crate) fn push(&mut self, change: Arc<Change>) {
        if self.ring.len() == self.capacity
            && let Some(oldest) = self.ring.pop_front()
        {
            self.complete_after = oldest.object.revision;
            self.dropped += 1;
        }
        self.ring.push_back(change);
    }

    /// Forgets everything up to `revision`.
    pub(crate) fn compact(&mut self, revision: u64) {
        let keep = self.ring.partition_point(|c| c.object.revision <= revision);
        self.ring.drain(..keep);
        self.dropped += keep as u64;
        self.complete_after = self.complete_after.max(revision);
    }

    /// Hides what comes from now on from readers. One that is held already stays as it is.
    pub(crate) fn hold(&mut self) {
        let end = self.end();
        self.held.get_or_insert(end);
    }

    /// Shows again what was hidden.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The position behind all changes so far.
    pub(crate) fn end(&self) -> u64 {
        self.dropped + self.ring.len() as u64
    }

    /// The position of the first change after `revision`.
    pub(crate) fn position(&self, revision: u64) -> Result<u64, Compacted> {
        self.check(revision)?;
        Ok(self.dropped + self.ring.partition_point(|c| c.object.revision <= revision) as u64)
    }

    /// At most `limit` changes from a position on, oldest first. A reader at the end misses nothing by a
    /// compaction; one that has fallen behind the ring does, and one that is held learns it on release.
    pub(crate) fn from(&self, position: u64, limit: usize) -> Result<Vec<Arc<Change>>, Compacted> {
        let shown = self.held.map_or(u64::MAX, |held| held.saturating_sub(position));
        if shown == 0 {
            return Ok(Vec::new());
        }
        let limit = limit.min(usize::try_from(shown).unwrap_or(usize::MAX));
        let skip = position.checked_sub(self.dropped).ok_or(Compacted { oldest: self.complete_after })?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok(self.ring.iter().skip(skip).take(limit).cloned().collect())
    }

    /// `objects` as they were at `revision`, by undoing what came later; `None` when nothing did.
    pub(crate) fn rewind(&self, objects: &Objects, revision: u64) -> Result<Option<Objects>, Compacted> {
        self.check(revision)?;
        if self.ring.back().is_none_or(|c| c.object.revision <= revision) {
            return Ok(None);
        }
        let mut past = objects.clone();
        for change in self.ring.iter().rev().take_while(|c| c.object.revision > revision) {
            let key = Key::of(&change.object.value);
            match &change.previous {
                Some(previous) => past.insert(Arc::new(key), Arc::clone(previous)),
                None => past.remove(&key),
            };
        }
        Ok(Some(past))
    }

    fn check(&self, revision: u64) -> Result<(), Compacted> {
        if revision < self.complete_after { Err(Compacted { oldest: self.complete_after }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(kind: ChangeKind, name: &str, revision: u64, previous: Option<&Arc<Stored>>) -> Arc<Change> {
        let value = json!({"metadata": {"name": name, "resourceVersion": revision.to_string()}});
        Arc::new(Change::new(kind, Arc::new(Stored::new(value, revision)), previous.cloned()))
    }

    fn revisions(changes: &[Arc<Change>]) -> Vec<u64> {
        changes.iter().map(|c| c.object.revision).collect()
    }

    #[test]
    fn a_full_ring_forgets_the_oldest_and_says_so() {
        let mut history = History::new(2);
        for revision in [5, 7, 9] {
            history.push(change(ChangeKind::Added, "a", revision, None));
        }
        assert_eq!(history.position(4).unwrap_err(), Compacted { oldest: 5 });
        assert_eq!(history.from(0, 9).unwrap_err(), Compacted { oldest: 5 });
        let after =
            |revision, limit| revisions(&history.from(history.position(revision).unwrap(), limit).unwrap());
        assert_eq!(after(5, 9), [7, 9]);
        assert_eq!(after(5, 1), [7]);
        assert_eq!(after(8, 9), [9]);
        assert_eq!(after(99, 9), Vec::<u64>::new());
    }

    #[test]
    fn compaction_cuts_up_to_the_revision() {
        let mut history = History::new(9);
        history.push(change(ChangeKind::Added, "a", 3, None));
        history.push(change(ChangeKind::Added, "b", 6, None));
        history.compact(4);
        assert!(history.position(3).is_err());
        assert_eq!(revisions(&history.from(history.position(4).unwrap(), 9).unwrap()), [6]);
    }

    #[test]
    fn a_reader_at_the_end_survives_compaction() {
        let mut history = History::new(9);
        history.push(change(ChangeKind::Added, "a", 3, None));
        let end = history.end();
        history.compact(8);
        history.push(change(ChangeKind::Added, "b", 9, None));
        assert_eq!(revisions(&history.from(end, 9).unwrap()), [9]);
    }

    #[test]
    fn a_hold_hides_what_comes_after_it() {
        let mut history = History::new(9);
        history.push(change(ChangeKind::Added, "a", 3, None));
        history.hold();
        history.push(change(ChangeKind::Added, "b", 6, None));
        assert_eq!(revisions(&history.from(0, 9).unwrap()), [3]);
        history.compact(6);
        assert!(history.from(0, 9).is_err(), "what it missed was not hidden");
        for position in [1, 2, 3] {
            assert!(history.from(position, 9).unwrap().is_empty(), "{position}");
        }
        history.push(change(ChangeKind::Added, "c", 7, None));
        history.release();
        assert!(history.from(1, 9).is_err(), "forgotten while it was hidden");
        assert_eq!(revisions(&history.from(2, 9).unwrap()), [7]);
    }

    #[test]
    fn rewinding_undoes_in_reverse_order() {
        let mut history = History::new(9);
        let added = change(ChangeKind::Added, "a", 1, None);
        let modified = change(ChangeKind::Modified, "a", 2, Some(&added.object));
        let deleted = change(ChangeKind::Deleted, "a", 4, Some(&modified.object));
        for c in [&added, &modified, &change(ChangeKind::Added, "b", 3, None), &deleted] {
            history.push(Arc::clone(c));
        }
        let mut now = Objects::new();
        let b = json!({"metadata": {"name": "b"}});
        now.insert(Arc::new(Key::of(&b)), Arc::new(Stored::new(b, 3)));

        let at = |revision| history.rewind(&now, revision).unwrap();
        assert!(at(4).is_none(), "nothing to undo");
        let names = |objects: Objects| -> Vec<(String, u64)> {
            objects.iter().map(|(k, o)| (k.name.clone(), o.revision)).collect()
        };
        assert_eq!(names(at(3).unwrap()), [("a".to_owned(), 2), ("b".to_owned(), 3)]);
        assert_eq!(names(at(2).unwrap()), [("a".to_owned(), 2)]);
        assert_eq!(names(at(1).unwrap()), [("a".to_owned(), 1)]);
        assert_eq!(names(at(0).unwrap()), []);
    }
}
