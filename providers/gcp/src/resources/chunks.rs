//! Ports over forwarding rules of at most five.

use std::collections::BTreeSet;

/// Ports that a forwarding rule lists at most.
pub(super) const PORTS_PER_RULE: usize = 5;

/// Splits ports into lists for one forwarding rule each. Lists that there are stay as long as all their ports are
/// wanted, so that a further port takes nothing from the others.
pub(super) fn chunks(wanted: &BTreeSet<u16>, existing: &[BTreeSet<u16>]) -> Vec<Vec<u16>> {
    let mut left = wanted.clone();
    let mut kept: Vec<&BTreeSet<u16>> = Vec::new();
    let mut sorted: Vec<&BTreeSet<u16>> = existing.iter().collect();
    sorted.sort_unstable();
    for list in sorted {
        if !list.is_empty() && list.len() <= PORTS_PER_RULE && list.is_subset(&left) {
            left.retain(|port| !list.contains(port));
            kept.push(list);
        }
    }
    let new: Vec<u16> = left.into_iter().collect();
    let new = new.chunks(PORTS_PER_RULE).map(<[u16]>::to_vec);
    kept.into_iter().map(|list| list.iter().copied().collect()).chain(new).collect()
}
