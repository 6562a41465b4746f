//! Sets of numbers as maximal runs: memory and time depend on what is in use, never on how much there could be.

use std::collections::BTreeMap;

/// A set of numbers, kept as disjoint runs that never touch each other.
///
/// Because touching runs are merged, the first number that is missing is zero or the one right after the first
/// run: [`IntervalSet::first_gap`] looks at one entry of the tree, however full the set is.
#[derive(Debug, Clone, Default)]
pub(crate) struct IntervalSet {
    /// First number of a run → its last number.
    runs: BTreeMap<u128, u128>,
    len: u64,
}

impl IntervalSet {
    /// How many numbers are in the set.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The smallest number below `end` that is not in the set.
    pub(crate) fn first_gap(&self, end: u128) -> Option<u128> {
        let gap = match self.runs.first_key_value() {
            Some((0, &last)) => last.checked_add(1)?,
            _ => 0,
        };
        (gap < end).then_some(gap)
    }

    /// Adds a number. `false` if it was there.
    pub(crate) fn insert(&mut self, number: u128) -> bool {
        let before = self.run_at_or_before(number);
        if before.is_some_and(|(_, last)| last >= number) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let next = number.checked_add(1).and_then(|next| self.runs.remove(&next));
        self.runs.insert(first, next.unwrap_or(number));
        self.len += 1;
        true
    }

    /// Takes a number out. `false` if it was not there.
    pub(crate) fn remove(&mut self, number: u128) -> bool {
        let Some((first, last)) = self.run_at_or_before(number).filter(|&(_, last)| last >= number) else {
            return false;
        };
        if first == number {
            self.runs.remove(&first);
        } else {
            self.runs.insert(first, number - 1);
        }
        if last > number {
            self.runs.insert(number + 1, last);
        }
        self.len -= 1;
        true
    }

    fn run_at_or_before(&self, number: u128) -> Option<(u128, u128)> {
        self.runs.range(..=number).next_back().map(|(&first, &last)| (first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_full_block_is_one_run() {
        let mut set = IntervalSet::default();
        for number in (0..1000).rev() {
            assert!(set.insert(number));
        }
        assert_eq!((set.runs.len(), set.len()), (1, 1000));
        assert_eq!(set.first_gap(1001), Some(1000));
        assert_eq!(set.first_gap(1000), None);
    }

    #[test]
    fn the_largest_number_can_be_held() {
        let mut set = IntervalSet::default();
        assert!(set.insert(u128::MAX) && set.insert(u128::MAX - 1));
        assert_eq!(set.runs.len(), 1);
        assert!(set.remove(u128::MAX) && !set.remove(u128::MAX));
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn an_empty_space_has_no_gap() {
        assert_eq!(IntervalSet::default().first_gap(0), None);
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_plain_set(changes in prop::collection::vec((any::<bool>(), 0u128..40), 0..200)) {
            let mut set = IntervalSet::default();
            let mut model = BTreeSet::new();
            for (add, number) in changes {
                if add {
                    prop_assert_eq!(set.insert(number), model.insert(number));
                } else {
                    prop_assert_eq!(set.remove(number), model.remove(&number));
                }
                prop_assert_eq!(set.len(), model.len() as u64);
                prop_assert_eq!(set.first_gap(40), (0..40).find(|n| !model.contains(n)));
            }
        }
    }
}
