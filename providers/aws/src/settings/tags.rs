//! Tags that users want on everything made.

use std::collections::BTreeMap;

use super::keys;
use super::parse::{self, Parsed};
use super::said::{Findings, Group, Said, settle};
use crate::api::Tags;
use crate::marks;

/// Most tags of a user: those that fit on a resource next to our marks.
pub(super) const MOST: usize = marks::TAGS_AT_MOST - marks::OURS_AT_MOST;

/// Whether AWS takes the tag and it is not one of our marks.
pub(super) fn check(key: &str, value: &str) -> Parsed<()> {
    if key.starts_with(marks::PREFIX) {
        return Err(format!("{key:?} is a mark of Landfall: keys must not begin with {}", marks::PREFIX));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(format!("{key:?} is reserved: keys must not begin with aws:"));
    }
    let fits = |text: &str, most: usize| {
        text.chars().count() <= most
            && text.chars().all(|char| char.is_alphanumeric() || " +-=._:/@".contains(char))
    };
    if key.is_empty() || !fits(key, 128) || !fits(value, 256) {
        return Err(format!(
            "{key:?} does not fit: keys have up to 128 characters and values up to 256, letters, digits, spaces and + - = . _ : / @"
        ));
    }
    Ok(())
}

/// The tags of the class, and over them those of the members, tag by tag.
pub(super) fn read(group: &Group<'_>, class: &Tags, findings: &mut Findings) -> Tags {
    let mut decided: BTreeMap<String, Option<Said<String>>> = BTreeMap::new();
    for source in group.sources() {
        let given = source.read(keys::TAGS, parse::map, findings);
        for (key, value) in given.into_iter().flat_map(|given| given.value) {
            let by = source.by(keys::TAGS, format!("{key}={value}"));
            match check(&key, &value) {
                Ok(()) => settle(decided.entry(key).or_default(), Said { value, by }, findings),
                Err(message) => findings.invalid(&by, message),
            }
        }
    }
    let youngest = decided.values().flatten().map(|said| &said.by).max_by_key(|by| by.origin).cloned();
    let mut tags = class.clone();
    tags.extend(decided.into_iter().filter_map(|(key, said)| Some((key, said?.value))));
    if let Some(by) = youngest
        && tags.len() > MOST
    {
        findings.invalid(&by, format!("{} tags: at most {MOST} fit next to those of Landfall", tags.len()));
    }
    tags
}
