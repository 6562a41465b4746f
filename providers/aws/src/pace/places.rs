//! Places in a queue, kept for those who went away and come back at the time they were told.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long a place is kept beyond the time at which its owner was told to come back. Meanwhile the tokens of the
/// owner and of those after it pile up in the bucket, so being late costs nobody a token until the bucket is full.
const GRACE: Duration = Duration::from_secs(30);

/// The queue, first come first.
#[derive(Debug, Default)]
pub(super) struct Places {
    queue: VecDeque<Place>,
    last: Ticket,
}

/// Stands for one who waits in person; a new one each time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ticket(u64);

#[derive(Debug)]
struct Place {
    whom: String,
    /// Of the one who waits there in person; `None` if it is kept for somebody who went away.
    ticket: Option<Ticket>,
    /// When its owner was told to come back.
    at: Instant,
}

impl Places {
    /// Takes the place that is kept for this one, or else the last.
    pub(super) fn enter(&mut self, whom: &str, now: Instant) -> Ticket {
        self.last.0 += 1;
        let ticket = Some(self.last);
        self.give_up_overdue(now);
        match self.queue.iter_mut().find(|place| place.ticket.is_none() && place.whom == whom) {
            Some(place) => place.ticket = ticket,
            None => self.queue.push_back(Place { whom: whom.to_owned(), ticket, at: now }),
        }
        self.last
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

    /// Gives a place up.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.queue.retain(|place| place.ticket != Some(ticket));
    }

    fn give_up_overdue(&mut self, now: Instant) {
        self.queue.retain(|place| place.ticket.is_some() || now < place.at + GRACE);
    }
}
