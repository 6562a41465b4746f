//! Kinds whose table is a name, an age and a word or two.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{age, map, name, text};
use super::{AGE, ColumnDef, NAME, Printer};

/// Any kind without a printer of its own.
pub(super) const GENERIC: Printer =
    Printer { columns: &[NAME, AGE], row: |object, now| vec![json!(name(object)), json!(age(object, now))] };

pub(super) const NAMESPACE: Printer = Printer {
    columns: &[NAME, ColumnDef::text("Status", "Active or Terminating."), AGE],
    row: |object, now| with(object, now, [json!(text(object, "/status/phase"))]),
};

pub(super) const LEASE: Printer = Printer {
    columns: &[NAME, ColumnDef::text("Holder", "Who holds the lease."), AGE],
    row: |object, now| with(object, now, [json!(text(object, "/spec/holderIdentity"))]),
};

pub(super) const SECRET: Printer = Printer {
    columns: &[
        NAME,
        ColumnDef::text("Type", "What the secret is for."),
        ColumnDef::number("Data", "Number of keys."),
        AGE,
    ],
    row: |object, now| with(object, now, [json!(text(object, "/type")), json!(keys(object, "/data"))]),
};

pub(super) const CONFIG_MAP: Printer = Printer {
    columns: &[NAME, ColumnDef::number("Data", "Number of keys."), AGE],
    row: |object, now| with(object, now, [json!(keys(object, "/data") + keys(object, "/binaryData"))]),
};

/// The real server prints the time itself here, not an age.
pub(super) const CRD: Printer = Printer {
    columns: &[NAME, ColumnDef::text("Created At", "When the definition was created, RFC 3339.")],
    row: |object, _| vec![json!(name(object)), json!(text(object, "/metadata/creationTimestamp"))],
};

/// Name, the cells, age.
fn with<const N: usize>(object: &Value, now: Timestamp, cells: [Value; N]) -> Vec<Value> {
    let mut row = vec![json!(name(object))];
    row.extend(cells);
    row.push(json!(age(object, now)));
    row
}

fn keys(object: &Value, pointer: &str) -> usize {
    map(object, pointer).map_or(0, serde_json::Map::len)
}
