//! Places in a queue, kept for those who went away and come back at the time they were told.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::Action;

/// How long a place is kept beyond the time at which its owner was told to come back. Meanwhile the tokens of the
/// owner and of those after it pile up in the bucket, so being late costs nobody a token until the bucket is full.
const GRACE: Duration = Duration::from_secs(30);

/// The queue: for one action, those who make something new and the others each first come first. These lines take turns
/// (start-time fair queueing, Goyal and others, 1996): each place has a round, one later than the place before it in the same
/// line, and earlier rounds go first.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By round; within a round as they came.
    queue: VecDeque<Place>,
    last: Ticket,
    /// The round of the one that passed last: who comes is not put before it.
    round: u64,
}

/// Stands for one who waits in person; a new one each time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// One who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// By what its place is known.
    pub whom: &'a str,
    /// Whether it makes something new, which takes minutes anyway. Changes of what is there do not wait behind such.
    pub is_new: bool,
}

/// One who changes something.
impl<'a, T: AsRef<str> + ?Sized> From<&'a T> for Asker<'a> {
    fn from(whom: &'a T) -> Self {
        Self { whom: whom.as_ref(), is_new: false }
    }
}

#[derive(Debug)]
struct Place {
    whom: String,
    /// The line in the queue: what is asked for, and whether for something new.
    line: (Action, bool),
    round: u64,
    /// Of the one who waits there in person; `None` if it is kept for somebody who went away.
    ticket: Option<Ticket>,
    /// When its owner was told to come back.
    at: Instant,
}

impl Places {
    /// Takes the place that is kept for this one, or else the last one in its line.
    pub(super) fn enter(&mut self, asker: Asker<'_>, action: Action, now: Instant) -> Ticket {
        let Asker { whom, is_new } = asker;
        let line = (action, is_new);
        self.last.0 += 1;
        let ticket = Some(self.last);
        self.give_up_overdue(now);
        match self.queue.iter_mut().find(|place| place.ticket.is_none() && place.whom == whom) {
            Some(place) => place.ticket = ticket,
            None => self.add(Place { whom: whom.to_owned(), line, round: 0, ticket, at: now }),
        }
        self.last
    }

    fn add(&mut self, mut place: Place) {
        let before = self.queue.iter().rev().find(|other| other.line == place.line);
        place.round = before.map_or(self.round, |before| before.round.max(self.round)) + 1;
        let at = self.queue.partition_point(|other| other.round <= place.round);
        self.queue.insert(at, place);
    }

    /// How many come first. Places whose owners are overdue are given up.
    pub(super) fn ahead_of(&mut self, ticket: Ticket, now: Instant) -> usize {
        self.give_up_overdue(now);
        self.queue.iter().position(|place| place.ticket == Some(ticket)).unwrap_or(self.queue.len())
    }

    /// Whether all who come first went away, so that nobody who stands there is overtaken.
    pub(super) fn is_front(&self, ticket: Ticket) -> bool {
        let front = self.queue.iter().find(|place| place.ticket.is_some());
        front.is_some_and(|place| place.ticket == Some(ticket))
    }

    /// Keeps the place of one who goes away, to come back at that time.
    pub(super) fn keep(&mut self, ticket: Ticket, at: Instant) {
        if let Some(place) = self.queue.iter_mut().find(|place| place.ticket == Some(ticket)) {
            (place.ticket, place.at) = (None, at);
        }
    }

    /// The turn of this one has come.
    pub(super) fn pass(&mut self, ticket: Ticket) {
        let place = self.queue.iter().find(|place| place.ticket == Some(ticket));
        self.round = place.map_or(self.round, |place| place.round.max(self.round));
        self.leave(ticket);
    }

    /// Gives a place up.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.queue.retain(|place| place.ticket != Some(ticket));
    }

    fn give_up_overdue(&mut self, now: Instant) {
        self.queue.retain(|place| place.ticket.is_some() || now < place.at + GRACE);
    }
}
