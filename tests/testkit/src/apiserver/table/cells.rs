//! Small readers of stored objects, shared by the printers.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::duration::since;

pub(super) const NONE: &str = "<none>";
pub(super) const UNKNOWN: &str = "<unknown>";
pub(super) const UNSET: &str = "<unset>";

/// The string at a JSON pointer; empty when absent or of another type.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a JSON pointer; 0 when absent.
pub(super) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// The list at a JSON pointer; empty when absent.
pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The map at a JSON pointer.
pub(super) fn map<'a>(object: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    object.pointer(pointer).and_then(Value::as_object)
}

/// The text, or `instead` when it is empty.
pub(super) fn or<'a>(text: &'a str, instead: &'a str) -> &'a str {
    if text.is_empty() { instead } else { text }
}

pub(super) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// Time since creation.
pub(super) fn age(object: &Value, now: Timestamp) -> String {
    age_of(object, "/metadata/creationTimestamp", now)
}

/// Time since the time at a JSON pointer; null counts as absent.
pub(super) fn age_of(object: &Value, pointer: &str, now: Timestamp) -> String {
    since(object.pointer(pointer).and_then(Value::as_str), now)
}

/// `k=v,k=v`, sorted by key, or `<none>`.
pub(super) fn pairs(labels: Option<&Map<String, Value>>) -> String {
    let mut parts: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    parts.sort();
    or(&parts.join(","), NONE).to_owned()
}

/// The first `limit` entries, then `+ N more...`; `<unset>` when there are none.
pub(super) fn shortened(entries: &[&str], limit: usize) -> String {
    let shown = entries[..entries.len().min(limit)].join(",");
    match entries.len().saturating_sub(limit) {
        0 => or(&shown, UNSET).to_owned(),
        more => format!("{shown} + {more} more..."),
    }
}
