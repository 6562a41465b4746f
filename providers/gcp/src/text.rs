//! Words in sentences for operators.

use std::collections::BTreeSet;

/// Names shown at most in one sentence.
const SHOWN: usize = 5;

/// The first names, and how many more there are.
pub(crate) fn some_of(names: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = names.iter().copied().take(SHOWN).collect();
    let text = shown.join(", ");
    if names.len() > SHOWN { format!("{text} and {} more", names.len() - SHOWN) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names = |count: usize| ["a", "b", "c", "d", "e", "f", "g"].into_iter().take(count).collect();
        assert_eq!(some_of(&names(5)), "a, b, c, d, e");
        assert_eq!(some_of(&names(7)), "a, b, c, d, e and 2 more");
    }
}
