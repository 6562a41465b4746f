//! All pools together: their order, who owns which address, and overlaps.
//!
//! Every address belongs to at most one pool, so counts are exact and nothing is given out twice. Where entries
//! overlap, the address belongs to the pool that comes first; the later pool is told and gives out nothing new.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use landfall_core::net::IpFamily;
use landfall_core::pools::{PoolSpec, PoolUsage};

use crate::error::categories;
use crate::family::{ByFamily, to_number};
use crate::pool::Pool;
use crate::range::{AddressRange, Entry};
use crate::space::Segment;

/// Every pool, in the order in which they are asked: higher priority first, then by name.
///
/// Pools that are being deleted come last whatever their priority, so that a successor with the same addresses
/// takes them over and the old pool can go.
#[derive(Debug, Default)]
pub(crate) struct PoolSet {
    pools: Vec<Pool>,
    by_name: HashMap<String, usize>,
    /// First address → who owns the run that begins there. Runs are disjoint.
    runs: ByFamily<BTreeMap<u128, Run>>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    last: u128,
    place: Place,
    entry: usize,
}

/// Where an address is at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the pool that owns it.
    pub(crate) pool: usize,
    /// Segment of the pool's space.
    segment: usize,
}

impl PoolSet {
    /// Reads the pools and settles who owns what. The order of `specs` does not matter.
    pub(crate) fn compile(specs: &[PoolSpec]) -> Self {
        let mut specs: Vec<_> = specs.iter().collect();
        specs.sort_by_key(|spec| (spec.deleting, Reverse(spec.priority), &spec.name));
        let mut set = Self::default();
        for spec in specs {
            let index = set.pools.len();
            set.by_name.entry(spec.name.clone()).or_insert(index);
            set.pools.push(Pool::read(spec));
            set.settle(index);
        }
        set
    }

    /// Gives the pool at `index` what none before it owns.
    fn settle(&mut self, index: usize) {
        let entries = self.pools.get(index).map(|pool| pool.entries.clone()).unwrap_or_default();
        for (number, entry) in &entries {
            let (free, taken) = self.split(&entry.range);
            for run in taken {
                self.report_overlap(index, entry, run);
            }
            for (first, last) in free {
                self.own(index, (*number, entry), first, last);
            }
        }
    }

    /// The parts of a range that nobody owns yet, and the first run of every pool that owns a part of it.
    fn split(&self, range: &AddressRange) -> (Vec<(u128, u128)>, Vec<Run>) {
        let runs = self.runs.get(range.family);
        let begin = runs
            .range(..=range.first)
            .next_back()
            .filter(|(_, run)| run.last >= range.first)
            .map_or(range.first, |(&first, _)| first);
        let (mut free, mut taken, mut next) = (Vec::new(), Vec::<Run>::new(), Some(range.first));
        for (&first, run) in runs.range(begin..=range.last) {
            if taken.iter().all(|other| other.place.pool != run.place.pool) {
                taken.push(*run);
            }
            if let Some(from) = next.filter(|&from| from < first) {
                free.push((from, first - 1));
            }
            next = run.last.checked_add(1);
        }
        if let Some(from) = next.filter(|&from| from <= range.last) {
            free.push((from, range.last));
        }
        (free, taken)
    }

    fn own(&mut self, pool: usize, (number, entry): (usize, &Entry), first: u128, last: u128) {
        let family = entry.range.family;
        let Some(owner) = self.pools.get_mut(pool) else { return };
        let avoids = owner.avoids_edges;
        let skips_edges = avoids && family == IpFamily::V4;
        let offered_first = if avoids && entry.own.first { first.max(entry.range.first + 1) } else { first };
        let offered_last = if avoids && entry.own.last { last.min(entry.range.last - 1) } else { last };
        let segment =
            owner.spaces.get_mut(family).push(Segment::new(offered_first, offered_last, skips_edges));
        let run = Run { last, place: Place { pool, segment }, entry: number };
        self.runs.get_mut(family).insert(first, run);
    }

    fn report_overlap(&mut self, index: usize, entry: &Entry, run: Run) {
        let text_of = |pool: &Pool| {
            pool.entries.iter().find(|(number, _)| *number == run.entry).map(|(_, entry)| entry.text.clone())
        };
        let Some((name, other)) =
            self.pools.get(run.place.pool).and_then(|pool| Some((pool.name.clone(), text_of(pool)?)))
        else {
            return;
        };
        let Some(pool) = self.pools.get_mut(index) else { return };
        if run.place.pool == index {
            let what = format!("entry {:?} overlaps entry {other:?} of the same pool", entry.text);
            pool.complain(categories::INVALID_ADDRESSES, &what);
        } else {
            pool.overlapped = true;
            let what = format!(
                "entry {:?} overlaps entry {other:?} of pool {name}, which comes first; nothing new is given out from pool {} until one of the two is changed",
                entry.text, pool.name
            );
            pool.complain(categories::OVERLAP, &what);
        }
    }

    /// Every pool in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Pool)> {
        self.pools.iter().enumerate()
    }

    /// The pool at an index.
    pub(crate) fn get(&self, index: usize) -> Option<&Pool> {
        self.pools.get(index)
    }

    /// Index of the pool of a name.
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Names of all pools in order, for messages.
    pub(crate) fn names(&self) -> Vec<String> {
        self.pools.iter().map(|pool| pool.name.clone()).collect()
    }

    /// Who owns an address.
    pub(crate) fn locate(&self, address: IpAddr) -> Option<Place> {
        let number = to_number(address);
        let (_, run) = self.runs.get(IpFamily::of(&address)).range(..=number).next_back()?;
        (run.last >= number).then_some(run.place)
    }

    /// Every pool with an entry that contains the address, its owner first.
    pub(crate) fn homes(&self, address: IpAddr) -> impl Iterator<Item = (usize, &Pool)> {
        let owner = self.locate(address).map(|place| place.pool);
        let others = move |&(index, pool): &(usize, &Pool)| {
            pool.overlapped && Some(index) != owner && pool.contains(address)
        };
        let first = owner.and_then(|index| self.pools.get(index).map(|pool| (index, pool)));
        first.into_iter().chain(self.iter().filter(others))
    }

    /// Whether an address may be given out, as far as `avoidNetworkAndBroadcast` is concerned.
    pub(crate) fn offers(&self, address: IpAddr) -> bool {
        self.locate(address).is_some_and(|place| {
            self.pools.get(place.pool).is_some_and(|pool| {
                pool.spaces.get(IpFamily::of(&address)).offers(place.segment, to_number(address))
            })
        })
    }

    /// Marks an address as in use. It must be free; one that belongs to no pool is not counted.
    pub(crate) fn occupy(&mut self, address: IpAddr) {
        if let Some(place) = self.locate(address)
            && let Some(pool) = self.pools.get_mut(place.pool)
        {
            pool.spaces.get_mut(IpFamily::of(&address)).occupy(place.segment, to_number(address));
        }
    }

    /// Marks an address as free again. It must be in use.
    pub(crate) fn vacate(&mut self, address: IpAddr) {
        if let Some(place) = self.locate(address)
            && let Some(pool) = self.pools.get_mut(place.pool)
        {
            pool.spaces.get_mut(IpFamily::of(&address)).vacate(place.segment, to_number(address));
        }
    }

    /// Usage and verdict of every pool, by name.
    pub(crate) fn usage(&self) -> Vec<PoolUsage> {
        let mut usage: Vec<_> = self.pools.iter().map(Pool::usage).collect();
        usage.sort_by(|a, b| a.name.cmp(&b.name));
        usage
    }
}

#[cfg(test)]
mod tests;
