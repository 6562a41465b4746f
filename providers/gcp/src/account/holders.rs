//! Which load balancers have an address, and since when they are there.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use landfall_core::ids::LbId;

use super::Account;
use crate::diff::{ip_of, read_ip};
use crate::observe::{Owner, Thing};

impl Account {
    /// The load balancers of this cluster that have an address: a forwarding rule on it, or a firewall rule that lets
    /// their clients in to it. That stays while forwarding rules are replaced, also if whoever does it ends in between.
    pub(crate) fn holders(&self, address: IpAddr) -> BTreeSet<LbId> {
        let has = |it: &Thing| match it {
            Thing::ForwardingRule(rule) => ip_of(rule) == Some(address),
            Thing::Firewall(rule) => {
                rule.destination_ranges.iter().any(|range| read_ip(range) == Some(address))
            }
            _ => false,
        };
        let state = self.state();
        let holders = state.all().filter_map(|(_, owner, it)| match owner {
            Owner::Lb { lb, .. } if has(it) => Some(lb.clone()),
            _ => None,
        });
        holders.collect()
    }

    /// When the oldest of what a load balancer has was made, as far as that is known. It does not change when forwarding
    /// rules are replaced: backend services stay.
    pub(crate) fn born(&self, lb: &LbId) -> Option<Timestamp> {
        let state = self.state();
        let is_of = |owner: &Owner| matches!(owner, Owner::Lb { lb: other, .. } if other == lb);
        let own = state.all().filter(|(_, owner, _)| is_of(owner));
        own.filter_map(|(_, _, it)| it.created()).min()
    }
}
