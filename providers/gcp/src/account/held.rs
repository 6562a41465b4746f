//! Addresses that others have reserved, so that it is not tried to reserve them at each look.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use tokio::time::Instant;

/// Addresses that somebody else was seen to hold.
#[derive(Debug, Default)]
pub(crate) struct Held {
    known: HashMap<IpAddr, Instant>,
}

impl Held {
    /// Notes that somebody else has reserved an address, and when to look again.
    pub(crate) fn note(&mut self, address: IpAddr, until: Instant) {
        let now = Instant::now();
        self.known.retain(|_, until| now < *until);
        self.known.insert(address, until);
    }

    /// Those that need not be looked at again yet.
    pub(crate) fn by_others(&self, now: Instant) -> BTreeSet<IpAddr> {
        self.known.iter().filter(|(_, until)| now < **until).map(|(address, _)| *address).collect()
    }
}
