//! The forms one stored object is shown in: as it is stored, as an `events.k8s.io/v1` Event, or as another
//! version of a custom resource (conversion strategy `None`: only `apiVersion` differs).

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// How a stored object appears under one group and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// As it is stored.
    Stored,
    /// A core/v1 Event shown as events.k8s.io/v1.
    EventsV1,
    /// The same fields under another `apiVersion`.
    Version {
        /// The `apiVersion` shown.
        shown: String,
        /// The `apiVersion` stored.
        stored: String,
    },
}

/// Stored core/v1 name and shown events.k8s.io/v1 name; every other field has one name in both.
/// Source: `pkg/apis/core/v1` and `pkg/apis/events/v1` conversions of the Event type.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

impl View {
    /// The form a client of this version sees.
    pub fn shown<'a>(&self, stored: &'a Value) -> Cow<'a, Value> {
        let mut out = Cow::Borrowed(stored);
        match self {
            Self::Stored => {}
            Self::EventsV1 => {
                rename(out.to_mut(), EVENT_FIELDS.iter().copied());
                out.to_mut()["apiVersion"] = json!("events.k8s.io/v1");
            }
            Self::Version { shown, .. } => out.to_mut()["apiVersion"] = json!(shown),
        }
        out
    }

    /// The form that is stored, from what a client of this version sent.
    pub fn stored(&self, mut shown: Value) -> Value {
        match self {
            Self::Stored => {}
            Self::EventsV1 => {
                rename(&mut shown, EVENT_FIELDS.iter().map(|(stored, shown)| (*shown, *stored)));
                shown["apiVersion"] = json!("v1");
            }
            Self::Version { stored, .. } => shown["apiVersion"] = json!(stored),
        }
        shown
    }

    /// The stored path of a field selector of this version, e.g. `regarding.name` → `involvedObject.name`.
    pub fn stored_path(&self, shown: &str) -> String {
        if *self != Self::EventsV1 {
            return shown.to_owned();
        }
        let (head, rest) = shown.split_once('.').map_or((shown, None), |(h, r)| (h, Some(r)));
        let head = EVENT_FIELDS.iter().find(|(_, s)| *s == head).map_or(head, |(stored, _)| *stored);
        rest.map_or_else(|| head.to_owned(), |rest| format!("{head}.{rest}"))
    }
}

fn rename<'a>(object: &mut Value, names: impl Iterator<Item = (&'a str, &'a str)>) {
    let Some(fields) = object.as_object_mut() else { return };
    let mut renamed = Map::new();
    for (from, to) in names {
        if let Some(value) = fields.remove(from) {
            renamed.insert(to.to_owned(), value);
        }
    }
    fields.append(&mut renamed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_the_round_trip() {
        let shown = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"},
            "regarding": {"kind": "Service"}, "note": "text", "reportingController": "c",
            "reportingInstance": "i", "deprecatedCount": 2, "series": {"count": 3},
        });
        let stored = View::EventsV1.stored(shown.clone());
        assert_eq!(stored["involvedObject"], json!({"kind": "Service"}));
        assert_eq!(stored["message"], "text");
        assert_eq!(stored["apiVersion"], "v1");
        assert!(stored.get("note").is_none());
        assert_eq!(*View::EventsV1.shown(&stored), shown);
    }

    #[test]
    fn selectors_are_mapped_to_stored_names() {
        assert_eq!(View::EventsV1.stored_path("regarding.name"), "involvedObject.name");
        assert_eq!(View::EventsV1.stored_path("reportingController"), "reportingComponent");
        assert_eq!(View::EventsV1.stored_path("metadata.name"), "metadata.name");
        assert_eq!(View::Stored.stored_path("spec.type"), "spec.type");
    }
}
