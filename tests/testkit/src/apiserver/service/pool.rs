//! Numbers given out once: node ports and, as offsets, cluster IPs.
//!
//! Both pools follow KEP-3070/KEP-3668: automatic picks avoid a low band kept for static picks until the rest is
//! used up. Unlike the real server, which picks at random, picks go round in ascending order: reproducible, and a
//! number just given back is not the next to be given out.

use std::collections::HashSet;
use std::ops::RangeInclusive;

/// Why a wanted number cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    OutOfRange,
    Taken,
}

#[derive(Debug)]
pub(super) struct Pool {
    first: u128,
    last: u128,
    /// First number of the upper band.
    upper: u128,
    used: HashSet<u128>,
    used_upper: u128,
    next: u128,
}

impl Pool {
    /// A pool over `range` whose first `band` numbers are picked automatically only when the others are gone.
    pub(super) fn new(range: RangeInclusive<u128>, band: u128) -> Self {
        let (first, last) = range.into_inner();
        let upper = first + band.min(last - first);
        Self { first, last, upper, used: HashSet::new(), used_upper: 0, next: upper }
    }

    pub(super) fn take(&mut self, number: u128) -> Result<(), Refused> {
        if !(self.first..=self.last).contains(&number) {
            return Err(Refused::OutOfRange);
        }
        if !self.used.insert(number) {
            return Err(Refused::Taken);
        }
        self.used_upper += u128::from(number >= self.upper);
        Ok(())
    }

    /// Some free number, or None when there is none left.
    pub(super) fn take_next(&mut self) -> Option<u128> {
        let number = if self.used_upper <= self.last - self.upper {
            let turn = (self.next..=self.last).chain(self.upper..=self.last);
            let found = turn.into_iter().find(|n| !self.used.contains(n))?;
            self.next = if found == self.last { self.upper } else { found + 1 };
            found
        } else {
            (self.first..self.upper).find(|n| !self.used.contains(n))?
        };
        self.take(number).ok().map(|()| number)
    }

    /// Gives `number` back; one that was not out is ignored.
    pub(super) fn release(&mut self, number: u128) {
        if self.used.remove(&number) {
            self.used_upper -= u128::from(number >= self.upper);
        }
    }

    pub(super) fn used(&self) -> usize {
        self.used.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn automatic_picks_start_above_the_band_and_end_in_it() {
        let mut pool = Pool::new(10..=15, 2);
        let picks: Vec<_> = std::iter::from_fn(|| pool.take_next()).collect();
        assert_eq!(picks, [12, 13, 14, 15, 10, 11]);
        pool.release(13);
        assert_eq!(pool.take_next(), Some(13));
        assert_eq!((pool.take_next(), pool.used()), (None, 6));
    }

    #[test]
    fn a_number_given_back_is_not_the_next() {
        let mut pool = Pool::new(10..=15, 2);
        assert_eq!(pool.take_next(), Some(12));
        pool.release(12);
        assert_eq!(pool.take_next(), Some(13));
    }

    #[test]
    fn static_picks() {
        let mut pool = Pool::new(10..=15, 2);
        assert_eq!(pool.take(12), Ok(()));
        assert_eq!(pool.take(12), Err(Refused::Taken));
        assert_eq!(pool.take(9), Err(Refused::OutOfRange));
        assert_eq!(pool.take(16), Err(Refused::OutOfRange));
        assert_eq!(pool.take_next(), Some(13));
    }

    #[test]
    fn a_single_number() {
        let mut pool = Pool::new(7..=7, 86);
        assert_eq!((pool.take_next(), pool.take_next()), (Some(7), None));
    }

    proptest! {
        #[test]
        fn never_twice_and_all_comes_back(steps in prop::collection::vec((0..3u8, 8..18u128), 0..120)) {
            let mut pool = Pool::new(10..=15, 2);
            let mut out = HashSet::new();
            for (step, number) in steps {
                match step {
                    0 => if let Some(n) = pool.take_next() { prop_assert!(out.insert(n)) } else { prop_assert_eq!(out.len(), 6) },
                    1 => if pool.take(number).is_ok() { prop_assert!(out.insert(number)) },
                    _ => { pool.release(number); out.remove(&number); }
                }
                prop_assert_eq!(pool.used(), out.len());
            }
            for n in out { pool.release(n); }
            prop_assert_eq!(std::iter::from_fn(|| pool.take_next()).count(), 6);
        }
    }
}
