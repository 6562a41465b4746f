//! Labels that users want on everything made that can have labels.

use std::collections::BTreeMap;

use super::keys;
use super::parse::{self, Parsed};
use super::said::{Findings, Group, Said, settle};

/// Most labels of a user: Compute Engine takes 64 on a resource, and some are ours.
pub(super) const MOST: usize = 56;
/// Keys that begin so are ours or Google's.
const RESERVED: [&str; 2] = ["landfall", "goog"];

/// Whether Compute Engine takes the label, and it is neither one of ours nor one of Google's.
pub(super) fn check(key: &str, value: &str) -> Parsed<()> {
    if let Some(prefix) = RESERVED.into_iter().find(|prefix| key.starts_with(prefix)) {
        return Err(format!("{key:?} is reserved: keys must not begin with {prefix}"));
    }
    let plain = |text: &str| {
        text.len() <= 63 && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    if key.starts_with(|first: char| first.is_ascii_lowercase()) && plain(key) && plain(value) {
        Ok(())
    } else {
        Err(format!(
            "{key}={value} must be a label: keys and values have up to 63 lower-case letters, digits, - and _, and keys \
             begin with a letter"
        ))
    }
}

/// The labels of the class, and over them those of the members, label by label.
pub(super) fn read(
    group: &Group<'_>,
    class: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> BTreeMap<String, String> {
    let mut decided: BTreeMap<String, Option<Said<String>>> = BTreeMap::new();
    let mut labels = class.clone();
    for source in group.sources() {
        let given = source.read(keys::LABELS, parse::map, findings);
        for (key, value) in given.into_iter().flat_map(|said| said.value) {
            let by = source.by(keys::LABELS, format!("{key}={value}"));
            match check(&key, &value) {
                Ok(()) => settle(decided.entry(key.clone()).or_default(), Said { value, by }, findings),
                Err(message) => findings.invalid(&by, message),
            }
        }
        labels.extend(
            decided.iter().filter_map(|(key, said)| Some((key.clone(), said.as_ref()?.value.clone()))),
        );
        if labels.len() > MOST && source.text(keys::LABELS).is_some() {
            let by = source.by(keys::LABELS, source.text(keys::LABELS).unwrap_or_default());
            findings.invalid(&by, format!("makes {} labels: must be at most {MOST} in all", labels.len()));
        }
    }
    labels
}
