//! Which nodes serve which load balancers in a cluster that has more of them than one load balancer takes.
//!
//! The nodes are spread over shards by the hash of their names, and each load balancer is served by one shard. So a node
//! that comes or goes concerns the groups of its own shard, whichever load balancers there are.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use landfall_core::ids::LbId;
use landfall_core::names::hash_of;

/// Most nodes of a shard: an internal load balancer sends traffic to no more.
pub const SHARD_NODES: usize = 250;

/// Mean number of nodes from which on there are twice as many shards. Hashing spreads nodes by chance, and 180 become
/// more than 250 once in ten million shards.
const GROW: usize = 180;

/// Mean number of nodes below which there are half as many shards; half as many then hold 150, well below [`GROW`].
const SHRINK: usize = 75;

/// Over how many shards these nodes are spread, a power of two; `current` is how many there are.
pub fn shards(nodes: usize, current: usize) -> usize {
    let mut shards = current.max(1).next_power_of_two();
    while nodes > room(shards) {
        shards *= 2;
    }
    while shards > 1 && nodes < shards * SHRINK {
        shards /= 2;
    }
    shards
}

/// The shard that serves a load balancer, out of so many.
pub fn shard_of(lb: &LbId, shards: usize) -> usize {
    pick(&lb.to_string(), shards)
}

/// How many nodes so many shards take.
const fn room(shards: usize) -> usize {
    // One shard alone leaves nothing to chance.
    if shards == 1 { SHARD_NODES } else { shards * GROW }
}

/// One shard out of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) index: usize,
    pub(super) of: usize,
}

/// The nodes of a shard by place, out of all nodes by place. Each place with nodes is represented, by one that another
/// shard lends if need be; there are at most `limit` in all, if there are not more places than that.
///
/// A node that comes brings in at most one node, itself or one that is lent, and drives out at most one.
pub(super) fn members<'a, P: Ord + Clone>(
    nodes: &BTreeMap<P, Vec<&'a str>>,
    shard: Shard,
    limit: usize,
) -> BTreeMap<P, Vec<&'a str>> {
    let mut chosen: BTreeMap<P, Vec<&'a str>> =
        nodes.iter().map(|(place, nodes)| (place.clone(), share(nodes, shard))).collect();
    let sizes: Vec<usize> = chosen.values().map(Vec::len).collect();
    for (nodes, quota) in chosen.values_mut().zip(quotas(&sizes, limit)) {
        nodes.truncate(quota);
        nodes.sort_unstable();
    }
    chosen
}

/// The nodes of a shard at one place, the best first.
fn share<'a>(nodes: &[&'a str], shard: Shard) -> Vec<&'a str> {
    let own: Vec<&str> = nodes.iter().copied().filter(|node| pick(node, shard.of) == shard.index).collect();
    if own.is_empty() {
        return best_first(nodes.to_vec(), shard.index).into_iter().take(1).collect();
    }
    best_first(own, shard.index)
}

/// Sorts by what depends on nothing but node and `seed`, so that nodes that come and go do not move the others.
pub(super) fn best_first(mut nodes: Vec<&str>, seed: usize) -> Vec<&str> {
    let seed = seed.to_string();
    nodes.sort_by_cached_key(|node| (Reverse(hash_of(&[&seed, node])), *node));
    nodes
}

/// Shares a limit out: nobody is cut while somebody else keeps more, and what is left over goes to the first ones.
fn quotas(sizes: &[usize], limit: usize) -> Vec<usize> {
    let taken = |level: usize| -> usize { sizes.iter().map(|size| level.min(*size)).sum() };
    if taken(usize::MAX) <= limit {
        return sizes.to_vec();
    }
    let mut level = 0;
    while taken(level + 1) <= limit {
        level += 1;
    }
    let mut over = limit - taken(level);
    let quota = |size: &usize| {
        let more = usize::from(*size > level && over > 0);
        over -= more;
        level.min(*size) + more
    };
    sizes.iter().map(quota).collect()
}

/// One of the numbers below `count`, a power of two, evenly by the hash of the text: twice as many either leave a text
/// where it is or move it on by `count`.
fn pick(text: &str, count: usize) -> usize {
    let value = |byte: u8| if byte.is_ascii_digit() { byte - b'2' + 26 } else { byte - b'a' };
    let bits = hash_of(&[text]).bytes().fold(0, |bits, byte| bits << 5 | usize::from(value(byte)));
    bits & (count - 1)
}
