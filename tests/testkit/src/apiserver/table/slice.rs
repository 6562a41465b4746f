//! `kubectl get endpointslices`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{age, list, name, shortened, text};
use super::{AGE, ColumnDef, NAME, Printer};

/// Ports and addresses shown before `+ N more...`.
const SHOWN: usize = 3;

pub(super) const PRINTER: Printer = Printer {
    columns: &[
        NAME,
        ColumnDef::text("AddressType", "IPv4, IPv6 or FQDN."),
        ColumnDef::text("Ports", "Ports that every endpoint of the slice serves."),
        ColumnDef::text("Endpoints", "Addresses of the endpoints, ready or not."),
        AGE,
    ],
    row,
};

fn row(slice: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        json!(name(slice)),
        json!(text(slice, "/addressType")),
        json!(ports(slice)),
        json!(endpoints(slice)),
        json!(age(slice, now)),
    ]
}

/// Numbers; the name stands in for a missing number, and `*` for "all ports".
fn ports(slice: &Value) -> String {
    let ports: Vec<String> = list(slice, "/ports")
        .iter()
        .map(|port| {
            match (port.get("port").and_then(Value::as_i64), port.get("name").and_then(Value::as_str)) {
                (Some(number), _) => number.to_string(),
                (None, Some(name)) => name.to_owned(),
                (None, None) => "*".to_owned(),
            }
        })
        .collect();
    shortened(&ports.iter().map(String::as_str).collect::<Vec<_>>(), SHOWN)
}

fn endpoints(slice: &Value) -> String {
    let addresses: Vec<&str> = list(slice, "/endpoints")
        .iter()
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .filter_map(Value::as_str)
        .collect();
    shortened(&addresses, SHOWN)
}
