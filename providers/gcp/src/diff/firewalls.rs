//! Firewall rules.

use super::addresses::{chosen, text_of};
use super::{Diff, fields};
use crate::change::{Change, Stage};
use crate::observe::Thing;
use crate::resources::FirewallWish;

/// Firewall rules that are missing or differ, unless they cannot be looked at.
pub(super) fn firewalls(diff: &Diff<'_>) -> Vec<Change> {
    if diff.observed.hidden_firewalls.is_some() {
        return Vec::new();
    }
    diff.wanted.firewalls.iter().filter_map(|wish| change(diff, wish)).collect()
}

fn change(diff: &Diff<'_>, wish: &FirewallWish) -> Option<Change> {
    let stage = if wish.towards.is_some() { Stage::Firewall } else { Stage::Base };
    let mut it = wish.it.clone();
    if wish.keeps_targets {
        let there = diff.observed.firewall(&wish.reference)?;
        it.target_tags.clone_from(&there.target_tags);
        it.target_service_accounts.clone_from(&there.target_service_accounts);
    }
    if let Some(family) = wish.towards {
        let address = chosen(diff.wanted, diff.observed, family);
        it.destination_ranges = address.map(|address| text_of(diff.observed, address)).into_iter().collect();
    }
    let change = fields::change(diff.observed, stage, &wish.reference, Thing::Firewall(it))?;
    Some(change.shared(wish.member.is_none()).towards(wish.towards))
}
