//! Keeps the request rates of AWS from this side, so that other programs in the account are not starved and nobody is
//! throttled.
//!
//! Every action draws from the bucket of its category (ELBv2) or from its own (EC2), and every ELBv2 action from a
//! bucket of the account besides. Both tokens are taken at one instant, when both are there, so neither bucket is ever
//! overdrawn. Waiters of an action are served in the order in which they came, but for those who make something new, who
//! have a line of their own. These lines take turns within a category, as do the categories' first waiters at the bucket of
//! the account. So a long queue holds up nobody else: 200 new Services that make their target groups let a changed attribute
//! pass, and a port that is added.
//!
//! Nobody waits in place for long: where the turn is too far away, [`Pacer::turn`] answers [`Busy`] with the time to ask
//! again, and keeps the place in the queue for the one that asked. It can be an hour for 1,000 creations, and minutes for
//! everything else while other programs have AWS throttle us.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

mod bucket;
mod limits;
mod places;

pub use limits::{Limits, Rate};

use crate::api::{Action, Category};
use bucket::Bucket;
pub use places::Asker;
use places::{Places, Ticket};

/// Longest wait in place for a turn: a run takes several, and it should come to its end while somebody still waits for
/// it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The same in a category whose turns can be an hour away.
const PATIENCE_FAR: Duration = Duration::from_secs(2);

/// Shortest time until somebody who was sent away is asked to come back.
const NEAREST: Duration = Duration::from_secs(1);

/// Longest time until a place in the queue must be confirmed: places before it may have been given up.
const FURTHEST: Duration = Duration::from_mins(5);

/// Lets requests through at the rates of [`Limits`].
#[derive(Debug)]
pub struct Pacer {
    account: Option<Gate>,
    lines: BTreeMap<Key, Line>,
}

/// The turn is too far away to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// How many come first.
    pub ahead: usize,
    /// When to ask again. The place in the queue is kept until shortly after that.
    pub poll: Duration,
}

impl Pacer {
    /// Starts with full buckets.
    pub fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        let line = |action: &Action| {
            let (key, rate) = (Key::of(*action), limits.of(action.category())?);
            Some((key, Line::new(rate, turns_can_be_far(action.category()), now)))
        };
        Self {
            account: limits.account().map(|rate| Gate::new(rate, now)),
            lines: Action::ALL.iter().filter_map(line).collect(),
        }
    }

    /// Waits until the request may be sent, and tells how long that took. The place of who asks is kept if the turn is far
    /// away. Dropping the future gives the turn to the next one; only a place in a queue whose turns can be
    /// an hour away is kept for a while, since whoever had it will most likely ask again.
    pub async fn turn(&self, action: Action, asker: impl Into<Asker<'_>>) -> Result<Duration, Busy> {
        let begun = Instant::now();
        let Some(line) = self.lines.get(&Key::of(action)) else { return Ok(Duration::ZERO) };
        let standing = line.enter(asker.into(), action, begun);
        loop {
            standing.wait().await?;
            let account = self.account.as_ref().filter(|_| is_elb(action));
            let open = match account {
                Some(account) => Some(account.wait().await),
                None => None,
            };
            // The wait for the account's token may have been long enough for a throttling answer to empty the line.
            if standing.take() {
                open.into_iter().for_each(Open::pass);
                return Ok(begun.elapsed());
            }
        }
    }

    /// Whether AWS answered lately that there were too many requests, and the rate has not recovered yet.
    pub fn is_slowed(&self, action: Action) -> bool {
        self.lines.get(&Key::of(action)).is_some_and(|line| line.state().bucket.is_slowed(Instant::now()))
    }

    /// AWS answered that there were too many requests: halves the rate of the action's bucket. It recovers slowly.
    pub fn throttled(&self, action: Action) {
        if let Some(line) = self.lines.get(&Key::of(action)) {
            line.state().bucket.slow_down(Instant::now());
        }
    }
}

/// What has a bucket of its own: ELBv2 counts by category, EC2 by action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Category(Category),
    Action(Action),
}

impl Key {
    fn of(action: Action) -> Self {
        if is_elb(action) { Self::Category(action.category()) } else { Self::Action(action) }
    }
}

fn is_elb(action: Action) -> bool {
    matches!(
        action.category(),
        Category::ElbResourceIntensive
            | Category::ElbRegistration
            | Category::ElbMutating
            | Category::ElbNonMutating
    )
}

fn turns_can_be_far(category: Category) -> bool {
    category == Category::ElbResourceIntensive
}

/// The bucket of the account, and the first waiters of the categories: so few that they wait for moments.
#[derive(Debug)]
struct Gate {
    /// Held by the first of them. The lock is fair.
    first: tokio::sync::Mutex<()>,
    bucket: Mutex<Bucket>,
}

/// There is a token.
struct Open<'a> {
    gate: &'a Gate,
    _first: tokio::sync::MutexGuard<'a, ()>,
}

impl Gate {
    fn new(rate: Rate, now: Instant) -> Self {
        Self { first: tokio::sync::Mutex::default(), bucket: Mutex::new(Bucket::new(rate, now)) }
    }

    /// Waits for a token, without taking it.
    async fn wait(&self) -> Open<'_> {
        let first = self.first.lock().await;
        loop {
            let now = Instant::now();
            let at = locked(&self.bucket).ready_at(0, now);
            if at <= now {
                return Open { gate: self, _first: first };
            }
            sleep_until(at).await;
        }
    }
}

impl Open<'_> {
    /// Takes the token.
    fn pass(self) {
        locked(&self.gate.bucket).take(Instant::now());
    }
}

/// A bucket and those who wait for its tokens.
#[derive(Debug)]
struct Line {
    /// Whether turns can be an hour away. Elsewhere only the first in the line goes on to the gate of the account.
    far: bool,
    state: Mutex<State>,
    /// Somebody left the line.
    moved: Notify,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    places: Places,
}

impl State {
    /// When there is a token for this one besides those for all who come first, and how many these are.
    fn next(&mut self, ticket: Ticket, now: Instant) -> (Instant, usize) {
        let ahead = self.places.ahead_of(ticket, now);
        (self.bucket.ready_at(ahead, now), ahead)
    }

    /// Whether this one may go on to the gate when there is a token: where turns are near, one at a time.
    fn may_go(&self, ticket: Ticket, far: bool) -> bool {
        far || self.places.is_front(ticket)
    }
}

impl Line {
    fn new(rate: Rate, far: bool, now: Instant) -> Self {
        let state = State { bucket: Bucket::new(rate, now), places: Places::default() };
        Self { far, state: Mutex::new(state), moved: Notify::new() }
    }

    fn enter(&self, asker: Asker<'_>, action: Action, now: Instant) -> Standing<'_> {
        let patience = if self.far { PATIENCE_FAR } else { PATIENCE };
        let ticket = self.state().places.enter(asker, action, now);
        Standing { line: self, ticket, until: now + patience }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// One who waits in a line.
struct Standing<'a> {
    line: &'a Line,
    ticket: Ticket,
    /// When it loses patience.
    until: Instant,
}

impl Standing<'_> {
    /// Waits for a token, without taking it.
    async fn wait(&self) -> Result<(), Busy> {
        loop {
            let moved = self.line.moved.notified();
            let now = Instant::now();
            let ((at, ahead), may_go) = {
                let mut state = self.line.state();
                (state.next(self.ticket, now), state.may_go(self.ticket, self.line.far))
            };
            if at <= now && may_go {
                return Ok(());
            }
            if at > self.until || now >= self.until {
                let poll = at.saturating_duration_since(now).clamp(NEAREST, FURTHEST);
                self.line.state().places.keep(self.ticket, now + poll);
                self.line.moved.notify_waiters();
                return Err(Busy { ahead, poll });
            }
            // With a token there, the one that is first waits at the gate of the account.
            let until = if at > now { at } else { self.until };
            _ = timeout_at(until, moved).await;
        }
    }

    /// Takes a token if there is one for this one.
    fn take(&self) -> bool {
        let now = Instant::now();
        let mut state = self.line.state();
        if state.next(self.ticket, now).0 > now {
            return false;
        }
        state.bucket.take(now);
        state.places.pass(self.ticket);
        drop(state);
        self.line.moved.notify_waiters();
        true
    }
}

impl Drop for Standing<'_> {
    /// Who took its token or was sent away does not stand here any more.
    fn drop(&mut self) {
        let places = &mut self.line.state().places;
        if self.line.far {
            places.keep(self.ticket, Instant::now());
        } else {
            places.leave(self.ticket);
            self.line.moved.notify_waiters();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
