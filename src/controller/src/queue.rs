//! What has to be looked at, when, and in which order.
//!
//! One queue per provider, so that a slow one delays no other. A key is never handed out twice at the same time, and
//! changes that arrive while it is being looked at make it due once more. Three lanes are served in turn, so a
//! burst of new Services does not hold up a small change of an old one, and neither waits for a sweep.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Why a key is due. Earlier lanes win when a key is due for two reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Something that is served already has changed, or goes.
    Change,
    /// Something new wants an address.
    New,
    /// A look without a cause of its own: resync, node changes, start-up.
    Sweep,
}

const LANES: [Lane; 3] = [Lane::Change, Lane::New, Lane::Sweep];

/// A request to look at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Why.
    pub lane: Lane,
    /// Ask the provider although the wish is unchanged.
    pub force: bool,
}

impl Due {
    /// Look, but leave the provider alone if the wish is unchanged.
    pub const fn new(lane: Lane) -> Self {
        Self { lane, force: false }
    }

    /// Look, and ask the provider in any case.
    pub const fn forced(lane: Lane) -> Self {
        Self { lane, force: true }
    }

    fn and(self, other: Self) -> Self {
        Self { lane: self.lane.min(other.lane), force: self.force || other.force }
    }
}

/// A key that was handed out.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken<K> {
    /// The key.
    pub key: K,
    /// Why it was due.
    pub due: Due,
    /// How long it had been due.
    pub waited: Duration,
    /// How many more are due.
    pub depth: usize,
}

/// The queue. Shared by reference; every method is quick but [`Queue::take`].
#[derive(Debug)]
pub struct Queue<K> {
    state: Mutex<State<K>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<K> {
    lanes: [VecDeque<K>; 3],
    /// Keys that are due. The lanes may hold more: slots that are passed over.
    due: usize,
    next_lane: usize,
    entries: HashMap<K, Entry>,
    timers: BTreeMap<(Instant, u64), K>,
    ticket: u64,
}

/// What is known about a key. An entry without any of it is dropped.
#[derive(Debug, Default)]
struct Entry {
    /// Due now, since then.
    due: Option<(Due, Instant)>,
    /// Handed out.
    running: bool,
    /// Due later.
    timer: Option<((Instant, u64), Due)>,
}

impl<K: Clone + Eq + Hash> Default for Queue<K> {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: Notify::new() }
    }
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self {
            lanes: Default::default(),
            due: 0,
            next_lane: 0,
            entries: HashMap::new(),
            timers: BTreeMap::new(),
            ticket: 0,
        }
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// Makes a key due now.
    pub fn add(&self, key: K, due: Due) {
        self.lock().add(key, due, Instant::now());
        self.changed.notify_one();
    }

    /// Makes a key due after a delay. An earlier appointment stays; being due now for another reason keeps it.
    pub fn add_after(&self, key: K, due: Due, delay: Duration) {
        if delay.is_zero() {
            return self.add(key, due);
        }
        self.lock().schedule(key, due, Instant::now() + delay);
        self.changed.notify_one();
    }

    /// Waits for a key that is due. Cancel safe: a key is handed out only when this returns.
    pub async fn take(&self) -> Taken<K> {
        loop {
            let notified = self.changed.notified();
            let next_timer = {
                let mut state = self.lock();
                state.ring(Instant::now());
                if let Some(taken) = state.pop(Instant::now()) {
                    if taken.depth > 0 {
                        // Several additions may have woken one worker only.
                        self.changed.notify_one();
                    }
                    return taken;
                }
                state.timers.keys().next().map(|(at, _)| *at)
            };
            match next_timer {
                None => notified.await,
                Some(at) => {
                    tokio::select! {
                        () = notified => {}
                        () = sleep_until(at) => {}
                    }
                }
            }
        }
    }

    /// Gives a key back. It is due again at once if something was added meanwhile.
    pub fn done(&self, key: &K) {
        self.lock().done(key);
        self.changed.notify_one();
    }

    /// Forgets everything, also what is handed out: only for when nobody works on it any more.
    pub fn reset(&self) {
        *self.lock() = State::default();
    }

    /// How many keys are due and wait.
    pub fn depth(&self) -> usize {
        self.lock().due
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    fn add(&mut self, key: K, due: Due, now: Instant) {
        let entry = self.entries.entry(key.clone()).or_default();
        let before = entry.due;
        let due = before.map_or(due, |(known, _)| known.and(due));
        self.due += usize::from(before.is_none());
        entry.due = Some((due, before.map_or(now, |(_, since)| since)));
        if entry.running || before.is_some_and(|(known, _)| known.lane == due.lane) {
            return;
        }
        // An older slot in another lane stays behind and is passed over: taking it out would cost a walk.
        self.lanes[lane_index(due.lane)].push_back(key);
    }

    fn schedule(&mut self, key: K, due: Due, at: Instant) {
        self.ticket += 1;
        let ticket = self.ticket;
        let entry = self.entries.entry(key.clone()).or_default();
        let due = match entry.timer {
            Some(((known_at, _), known)) if known_at <= at => {
                // The earlier appointment stays, and does what both wanted.
                entry.timer = entry.timer.map(|(slot, _)| (slot, known.and(due)));
                return;
            }
            Some((slot, known)) => {
                self.timers.remove(&slot);
                known.and(due)
            }
            None => due,
        };
        entry.timer = Some(((at, ticket), due));
        self.timers.insert((at, ticket), key);
    }

    /// Moves what has become due from the timers to the lanes.
    fn ring(&mut self, now: Instant) {
        while let Some(slot) = self.timers.first_entry() {
            if slot.key().0 > now {
                return;
            }
            let ((at, _), key) = slot.remove_entry();
            let timer = self.entries.get_mut(&key).and_then(|entry| entry.timer.take());
            if let Some((_, due)) = timer {
                self.add(key, due, at);
            }
        }
    }

    /// The next key: the lanes in turn, each first in, first out.
    fn pop(&mut self, now: Instant) -> Option<Taken<K>> {
        let first = self.next_lane;
        let order = (0..LANES.len()).map(|step| (first + step) % LANES.len());
        let (lane, key) = order.into_iter().find_map(|lane| Some((lane, self.pop_from(lane)?)))?;
        self.next_lane = (lane + 1) % LANES.len();
        let entry = self.entries.entry(key.clone()).or_default();
        entry.running = true;
        let (due, since) = entry.due.take().unwrap_or((Due::new(LANES[lane]), now));
        self.due = self.due.saturating_sub(1);
        let depth = self.due;
        Some(Taken { key, due, waited: now.saturating_duration_since(since), depth })
    }

    /// The first key of a lane that is still due by it.
    fn pop_from(&mut self, lane: usize) -> Option<K> {
        while let Some(key) = self.lanes[lane].pop_front() {
            let entry = self.entries.get(&key);
            let due = entry.filter(|entry| !entry.running).and_then(|entry| entry.due);
            if due.is_some_and(|(due, _)| lane_index(due.lane) == lane) {
                return Some(key);
            }
        }
        None
    }

    fn done(&mut self, key: &K) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.running = false;
        if let Some((due, _)) = entry.due {
            self.lanes[lane_index(due.lane)].push_back(key.clone());
        } else if entry.timer.is_none() {
            self.entries.remove(key);
        }
    }
}

fn lane_index(lane: Lane) -> usize {
    match lane {
        Lane::Change => 0,
        Lane::New => 1,
        Lane::Sweep => 2,
    }
}

#[cfg(test)]
mod tests;
