//! Lists in pages.

use landfall_aws::api::Page;

/// One page of a list that is in the order of its keys. Its marker is a key and no count, so that what others delete
/// between two pages hides nothing.
pub(super) fn page<K: ToString, T>(
    all: impl IntoIterator<Item = (K, T)>,
    after: Option<&str>,
    size: usize,
) -> Page<T> {
    let keyed = all.into_iter().map(|(key, item)| (key.to_string(), item));
    let mut rest = keyed.skip_while(|(key, _)| after.is_some_and(|after| key.as_str() <= after)).peekable();
    let taken: Vec<(String, T)> = rest.by_ref().take(size).collect();
    let next = rest.peek().and(taken.last()).map(|(key, _)| key.clone());
    Page { items: taken.into_iter().map(|(_, item)| item).collect(), next }
}
