//! `kubectl get events`, for the shapes of both API groups (`core/v1` and `events.k8s.io/v1`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{UNKNOWN, age_of, name, number, or, text};
use super::{ColumnDef, NAME, Printer};

pub(super) const PRINTER: Printer = Printer {
    columns: &[
        ColumnDef::text("Last Seen", "Time since the event last happened."),
        ColumnDef::text("Type", "Normal or Warning."),
        ColumnDef::text("Reason", "Why, in one CamelCase word."),
        ColumnDef::text("Object", "What the event is about, as kind/name."),
        ColumnDef::text("Subobject", "The part of the object, if one is named.").wide(),
        ColumnDef::text("Source", "Who reported it.").wide(),
        ColumnDef::text("Message", "The sentence for people."),
        ColumnDef::text("First Seen", "Time since the event first happened.").wide(),
        ColumnDef::number("Count", "How often it happened.").wide(),
        NAME.wide(),
    ],
    row,
};

fn row(event: &Value, now: Timestamp) -> Vec<Value> {
    let first = first_seen(event, now);
    vec![
        json!(last_seen(event, &first, now)),
        json!(text(event, "/type")),
        json!(text(event, "/reason")),
        json!(object(event)),
        json!(either(event, "/involvedObject/fieldPath", "/regarding/fieldPath")),
        json!(source(event)),
        json!(either(event, "/message", "/note").trim()),
        json!(first),
        json!(count(event)),
        json!(name(event)),
    ]
}

/// The value of the core field, or of its name in `events.k8s.io`.
fn either<'a>(event: &'a Value, core: &str, new: &str) -> &'a str {
    or(text(event, core), text(event, new))
}

fn first_seen(event: &Value, now: Timestamp) -> String {
    ["/firstTimestamp", "/deprecatedFirstTimestamp", "/eventTime"]
        .into_iter()
        .map(|pointer| age_of(event, pointer, now))
        .find(|age| age != UNKNOWN)
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// A series knows best, then the last timestamp, then the first.
fn last_seen(event: &Value, first: &str, now: Timestamp) -> String {
    ["/series/lastObservedTime", "/lastTimestamp", "/deprecatedLastTimestamp"]
        .into_iter()
        .map(|pointer| age_of(event, pointer, now))
        .find(|age| age != UNKNOWN)
        .unwrap_or_else(|| first.to_owned())
}

fn object(event: &Value) -> String {
    let kind = either(event, "/involvedObject/kind", "/regarding/kind").to_lowercase();
    match either(event, "/involvedObject/name", "/regarding/name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Value) -> String {
    let old = either(event, "/source/component", "/deprecatedSource/component");
    let component = or(old, either(event, "/reportingComponent", "/reportingController"));
    let host = or(either(event, "/source/host", "/deprecatedSource/host"), text(event, "/reportingInstance"));
    if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") }
}

fn count(event: &Value) -> i64 {
    [number(event, "/series/count"), number(event, "/count"), number(event, "/deprecatedCount")]
        .into_iter()
        .find(|count| *count > 0)
        .unwrap_or(1)
}
