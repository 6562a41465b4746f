//! Keeps the request rates of AWS from this side, so that other programs in the account are not starved and nobody is
//! throttled.
//!
//! Every action draws from the bucket of its category (ELBv2) or from its own (EC2), and every ELBv2 action from a
//! bucket of the account besides. Both tokens are taken at one instant, when both are there, so neither bucket is ever
//! overdrawn. Waiters of an action are served in the order in which they came; so are the actions' first waiters at the
//! bucket of their category, and the categories' first waiters at the bucket of the account. So a long queue for one
//! action holds up no other: 200 new Services that make their target groups let a changed attribute pass.
//!
//! Where a turn can be an hour away (1,000 creations), nobody waits in place: [`Pacer::turn`] answers [`Busy`] with the
//! time to ask again, and keeps the place in the queue for the one that asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

mod bucket;
mod limits;
mod places;

pub use limits::{Limits, Rate};

use crate::api::{Action, Category};
use bucket::Bucket;
use places::Places;

/// Longest wait in place for a turn in a category whose turns can be far away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest time until a place in the queue must be confirmed: places before it may have been given up.
const FURTHEST: Duration = Duration::from_mins(5);

/// Lets requests through at the rates of [`Limits`].
#[derive(Debug)]
pub struct Pacer {
    account: Option<Line>,
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
            account: limits.account().map(|rate| Line::new(rate, false, now)),
            lines: Action::ALL.iter().filter_map(line).collect(),
        }
    }

    /// Waits until the request may be sent, and tells how long that took. `whom` is who asks: its place is kept if the
    /// turn is far away. Dropping the future gives the turn to the next one; only a place in a queue whose turns can be
    /// far away is kept for a while, since whoever had it will most likely ask again.
    pub async fn turn(&self, action: Action, whom: &str) -> Result<Duration, Busy> {
        let begun = Instant::now();
        let Some(line) = self.lines.get(&Key::of(action)) else { return Ok(Duration::ZERO) };
        let _first = line.queue(action).await;
        loop {
            line.wait(whom).await?;
            let account = self.account.as_ref().filter(|_| is_elb(action));
            let _first = match account {
                Some(account) => account.queue(action).await,
                None => None,
            };
            if let Some(account) = account {
                account.wait(whom).await?;
            }
            // The wait for the account's token may have been long enough for a throttling answer to empty the line.
            if line.take(whom) {
                account.map(|account| account.take(whom));
                return Ok(begun.elapsed());
            }
        }
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

/// A bucket and those who wait for its tokens: in person, one after the other, or with places in a queue.
#[derive(Debug)]
struct Line {
    /// `None` where the places decide who is first.
    doors: Option<Doors>,
    state: Mutex<State>,
}

/// Two doors, one behind the other: each action's own, and the one of the whole line. The locks are fair.
#[derive(Debug)]
struct Doors {
    own: BTreeMap<Action, tokio::sync::Mutex<()>>,
    common: tokio::sync::Mutex<()>,
}

/// Both doors held. Fields are dropped in this order, so whoever is next of the action comes after all who wait already.
#[derive(Debug)]
struct First<'a> {
    _common: tokio::sync::MutexGuard<'a, ()>,
    _own: Option<tokio::sync::MutexGuard<'a, ()>>,
}

impl Default for Doors {
    fn default() -> Self {
        let own = Action::ALL.iter().map(|action| (*action, tokio::sync::Mutex::default()));
        Self { own: own.collect(), common: tokio::sync::Mutex::default() }
    }
}

impl Doors {
    async fn pass(&self, action: Action) -> First<'_> {
        let own = match self.own.get(&action) {
            Some(own) => Some(own.lock().await),
            None => None,
        };
        First { _common: self.common.lock().await, _own: own }
    }
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    places: Option<Places>,
}

impl State {
    /// When there is a token for this one, and how many come first.
    fn next(&mut self, whom: &str, now: Instant) -> (Instant, usize) {
        let ahead = self.places.as_mut().map_or(0, |places| places.ahead_of(whom, now));
        (self.bucket.ready_at(ahead, now), ahead)
    }
}

impl Line {
    fn new(rate: Rate, far: bool, now: Instant) -> Self {
        let state = State { bucket: Bucket::new(rate, now), places: far.then(Places::default) };
        Self { doors: (!far).then(Doors::default), state: Mutex::new(state) }
    }

    /// Waits to be the first in the line, for as long as the answer is kept.
    async fn queue(&self, action: Action) -> Option<First<'_>> {
        match &self.doors {
            Some(doors) => Some(doors.pass(action).await),
            None => None,
        }
    }

    /// Waits for a token, without taking it.
    async fn wait(&self, whom: &str) -> Result<(), Busy> {
        loop {
            let now = Instant::now();
            let at = {
                let mut state = self.state();
                let (at, ahead) = state.next(whom, now);
                let wait = at.saturating_duration_since(now);
                if let Some(places) = &mut state.places {
                    let poll = wait.min(FURTHEST);
                    places.promise(whom, now + poll);
                    if wait > PATIENCE {
                        return Err(Busy { ahead, poll });
                    }
                }
                at
            };
            if at <= now {
                return Ok(());
            }
            sleep_until(at).await;
        }
    }

    /// Takes a token if there is one for this one.
    fn take(&self, whom: &str) -> bool {
        let now = Instant::now();
        let mut state = self.state();
        if state.next(whom, now).0 > now {
            return false;
        }
        state.bucket.take(now);
        if let Some(places) = &mut state.places {
            places.leave(whom);
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
