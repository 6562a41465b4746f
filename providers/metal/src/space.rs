//! The addresses of one pool and family that can be given out, numbered without holes, and which are in use.
//!
//! Numbering what is usable (and not the addresses themselves) makes "the first free one" a single look-up: the
//! gaps that `avoidNetworkAndBroadcast` tears every 256 addresses do not exist in the numbering.

use crate::intervals::IntervalSet;

/// Segments in order of preference; earlier ones are used up first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Space {
    segments: Vec<Segment>,
    used: IntervalSet,
    /// Addresses in use that are no longer offered: `avoidNetworkAndBroadcast` was set after they were given out.
    grandfathered: u64,
}

/// A run of addresses without a hole, or with holes at .0 and .255 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// First address that may be given out.
    pub(crate) first: u128,
    /// Last address that may be given out. Below `first` if there is none.
    pub(crate) last: u128,
    /// Whether addresses that end in .0 or .255 are left out (IPv4).
    pub(crate) skips_edges: bool,
    /// The number of its first usable address.
    base: u128,
}

impl Segment {
    /// A segment; where it lands in the numbering is decided when it is added.
    pub(crate) fn new(first: u128, last: u128, skips_edges: bool) -> Self {
        Self { first, last, skips_edges, base: 0 }
    }

    /// How many addresses can be given out.
    fn count(&self) -> u128 {
        if self.first > self.last {
            0
        } else {
            (self.rank(self.last) - self.rank(self.first)) + u128::from(self.offers(self.last))
        }
    }

    fn offers(&self, address: u128) -> bool {
        (self.first..=self.last).contains(&address)
            && !(self.skips_edges && matches!(address % BLOCK, 0 | BROADCAST))
    }

    /// How many usable addresses lie below an address, counted from zero.
    fn rank(&self, address: u128) -> u128 {
        if self.skips_edges {
            address / BLOCK * USABLE + (address % BLOCK).saturating_sub(1)
        } else {
            address
        }
    }

    /// The inverse of `rank` for addresses that are offered.
    fn at_rank(&self, rank: u128) -> u128 {
        if self.skips_edges { rank / USABLE * BLOCK + 1 + rank % USABLE } else { rank }
    }

    fn number(&self, address: u128) -> Option<u128> {
        self.offers(address).then(|| self.base + (self.rank(address) - self.rank(self.first)))
    }

    fn address(&self, number: u128) -> u128 {
        self.at_rank(number - self.base + self.rank(self.first))
    }
}

/// Addresses between two that end in .0.
const BLOCK: u128 = 256;
/// Those of a block that end neither in .0 nor in .255.
const USABLE: u128 = 254;
/// The last of a block.
const BROADCAST: u128 = 255;

impl Space {
    /// Adds a segment behind the others and returns its index. Segments must not overlap.
    pub(crate) fn push(&mut self, mut segment: Segment) -> usize {
        segment.base = self.offered();
        self.segments.push(segment);
        self.segments.len() - 1
    }

    /// How many addresses can be given out, in use or not, without the grandfathered ones.
    ///
    /// Cannot overflow: segments are disjoint, and `::` is in none.
    fn offered(&self) -> u128 {
        self.segments.last().map_or(0, |last| last.base + last.count())
    }

    /// Addresses that can be given out plus those in use although no longer offered, so that capacity minus use
    /// is always what is free.
    pub(crate) fn capacity(&self) -> u128 {
        self.offered().saturating_add(u128::from(self.grandfathered))
    }

    /// Addresses in use.
    pub(crate) fn used(&self) -> u64 {
        self.used.len() + self.grandfathered
    }

    /// Whether this address of a segment may be given out at all.
    pub(crate) fn offers(&self, segment: usize, address: u128) -> bool {
        self.segments.get(segment).is_some_and(|segment| segment.offers(address))
    }

    /// The first free address in order of preference.
    pub(crate) fn first_free(&self) -> Option<u128> {
        let number = self.used.first_gap(self.offered())?;
        // Empty segments share their base with their successor: the last one that begins here is the one.
        let index = self.segments.partition_point(|segment| segment.base <= number).checked_sub(1)?;
        self.segments.get(index).map(|segment| segment.address(number))
    }

    /// Marks an address of a segment as in use. It must be free.
    pub(crate) fn occupy(&mut self, segment: usize, address: u128) {
        match self.number(segment, address) {
            Some(number) => {
                self.used.insert(number);
            }
            None => self.grandfathered += 1,
        }
    }

    /// Marks an address of a segment as free. It must be in use.
    pub(crate) fn vacate(&mut self, segment: usize, address: u128) {
        match self.number(segment, address) {
            Some(number) => {
                self.used.remove(number);
            }
            None => self.grandfathered = self.grandfathered.saturating_sub(1),
        }
    }

    fn number(&self, segment: usize, address: u128) -> Option<u128> {
        self.segments.get(segment).and_then(|segment| segment.number(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn space(segments: &[(u128, u128, bool)]) -> Space {
        let mut space = Space::default();
        for &(first, last, skips) in segments {
            space.push(Segment::new(first, last, skips));
        }
        space
    }

    fn drain(space: &mut Space) -> Vec<u128> {
        let mut order = Vec::new();
        while let Some(address) = space.first_free() {
            let segment = (0..space.segments.len()).find(|&i| space.offers(i, address)).unwrap();
            space.occupy(segment, address);
            order.push(address);
        }
        order
    }

    #[rstest]
    #[case::plain(&[(10, 12, false)], &[10, 11, 12])]
    #[case::in_order_of_preference(&[(30, 31, false), (10, 11, false)], &[30, 31, 10, 11])]
    #[case::edges_left_out(&[(254, 258, true)], &[254, 257, 258])]
    #[case::only_edges(&[(255, 256, true)], &[])]
    #[case::single_zero(&[(512, 512, true)], &[])]
    #[case::empty_before_full(&[(1, 0, false), (255, 256, true), (5, 6, true)], &[5, 6])]
    fn what_is_given_out_in_which_order(#[case] segments: &[(u128, u128, bool)], #[case] order: &[u128]) {
        let mut space = space(segments);
        assert_eq!(space.capacity(), order.len() as u128);
        assert_eq!(drain(&mut space), order);
        assert_eq!(u128::from(space.used()), space.capacity());
    }

    #[test]
    fn an_address_that_is_no_longer_offered_counts_as_used_and_as_capacity() {
        let mut space = space(&[(254, 257, true)]);
        space.occupy(0, 255);
        assert_eq!((space.capacity(), space.used()), (3, 1));
        space.vacate(0, 255);
        assert_eq!((space.capacity(), space.used()), (2, 0));
    }

    #[test]
    fn half_of_all_numbers_is_a_space_like_any_other() {
        let mut space = space(&[(1, u128::MAX / 2, false), (u128::MAX / 2 + 1, u128::MAX, false)]);
        assert_eq!(space.capacity(), u128::MAX);
        assert_eq!(space.first_free(), Some(1));
        space.occupy(0, 1);
        assert_eq!(space.first_free(), Some(2));
    }

    proptest! {
        #[test]
        fn counts_and_numbers_are_exact(first in 0u128..1500, length in 0u128..900, skips: bool) {
            let segment = Segment::new(first, first + length, skips);
            let offered: Vec<_> = (first..=first + length).filter(|&a| segment.offers(a)).collect();
            prop_assert_eq!(segment.count(), offered.len() as u128);
            for (number, &address) in offered.iter().enumerate() {
                prop_assert_eq!(segment.number(address), Some(number as u128));
                prop_assert_eq!(segment.address(number as u128), address);
            }
        }
    }
}
