//! The part of an answer that must be the same in every run.

use serde_json::{Map, Value, json};

/// Keys whose values the server draws or allocates.
const ALLOCATED: [&str; 4] = ["clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort"];

/// What of the JSON `body`, the answer to a request of `path`, is compared.
///
/// Of discovery and `OpenAPI` documents only the kind: their content has tests of its own.
pub(crate) fn salient(path: &str, body: &Value) -> Value {
    let path = path.split('?').next().unwrap_or_default();
    let segments = path.trim_matches('/').split('/').count();
    let is_discovery = path.starts_with("/openapi")
        || path.starts_with("/version")
        || (path.starts_with("/api/") || path == "/api") && segments <= 2
        || path.starts_with("/apis") && segments <= 3;
    if is_discovery {
        return json!({ "kind": body.get("kind") });
    }
    reduce(body)
}

/// [`salient`] for one event of a watch.
pub(crate) fn salient_event(event: &Value) -> Value {
    json!({ "type": event["type"], "object": reduce(&event["object"]) })
}

fn reduce(value: &Value) -> Value {
    match value {
        Value::Object(fields) if fields.get("kind") == Some(&json!("Table")) => table(value),
        Value::Object(fields) => {
            let mut reduced: Map<String, Value> =
                fields.iter().filter_map(|(key, value)| field(key, value)).collect();
            if reduced.contains_key("generateName") && reduced.contains_key("name") {
                reduced.insert("name".to_owned(), json!("<generated>"));
            }
            Value::Object(reduced)
        }
        Value::Array(items) => items.iter().map(reduce).collect(),
        Value::String(text) if is_time(text) => json!("<time>"),
        // Messages name allocated ports and addresses only where the request did.
        other => other.clone(),
    }
}

fn field(key: &str, value: &Value) -> Option<(String, Value)> {
    let reduced = match key {
        "uid" | "resourceVersion" | "generation" => return None,
        "managedFields" => managers(value),
        "clusterIP" if value == "None" => value.clone(),
        _ if ALLOCATED.contains(&key) => json!("<allocated>"),
        _ => reduce(value),
    };
    Some((key.to_owned(), reduced))
}

/// Who manages fields, and how; which fields is tested with server-side apply itself.
fn managers(value: &Value) -> Value {
    let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names: Vec<String> = entries
        .iter()
        .map(|entry| {
            let word = |key: &str| entry[key].as_str().unwrap_or_default();
            format!("{} {} {}", word("manager"), word("operation"), word("subresource")).trim_end().to_owned()
        })
        .collect();
    names.sort();
    json!(names)
}

/// Column names and cells, ages and node ports replaced.
fn table(table: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let columns: Vec<Value> =
        list(&table["columnDefinitions"]).iter().map(|column| column["name"].clone()).collect();
    let rows: Vec<Vec<Value>> =
        list(&table["rows"]).iter().map(|row| list(&row["cells"]).iter().map(cell).collect()).collect();
    json!({ "kind": "Table", "columns": columns, "rows": rows })
}

fn cell(cell: &Value) -> Value {
    match cell.as_str() {
        Some(text) if is_age(text) => json!("<age>"),
        Some(text) if text.contains(":3") && text.contains('/') => json!(without_node_ports(text)),
        Some(text) if text.starts_with("10.96.") => json!("<allocated>"),
        Some(text) if is_time(text) => json!("<time>"),
        _ => cell.clone(),
    }
}

/// `80:30080/TCP` as `80:<allocated>/TCP`.
fn without_node_ports(text: &str) -> String {
    let port = |part: &str| match (part.split_once(':'), part.split_once('/')) {
        (Some((port, _)), Some((_, protocol))) => format!("{port}:<allocated>/{protocol}"),
        _ => part.to_owned(),
    };
    text.split(',').map(port).collect::<Vec<_>>().join(",")
}

/// `5s`, `2m3s`, …
fn is_age(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h', 'd'])
        && text.chars().all(|character| character.is_ascii_digit() || "smhdy".contains(character))
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes()[10] == b'T' && text.parse::<jiff::Timestamp>().is_ok()
}

/// The identifiers in an answer, in document order: what later requests of the client may repeat.
pub(crate) fn identifiers(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(body, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    let nested: Vec<(&str, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.as_str(), value)).collect(),
        Value::Array(items) => items.iter().map(|value| ("", value)).collect(),
        _ => return,
    };
    for (key, value) in nested {
        match (key, value) {
            ("uid" | "resourceVersion", Value::String(text)) if !text.is_empty() => found.push(text.clone()),
            ("managedFields", _) => {}
            _ => collect(value, found),
        }
    }
}

/// `value` with the text of every `resourceVersion` and `uid` mapped.
pub(crate) fn with_identifiers(value: &Value, map: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| match (key.as_str(), value) {
                    ("uid" | "resourceVersion", Value::String(text)) => (key.clone(), json!(map(text))),
                    _ => (key.clone(), with_identifiers(value, map)),
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => items.iter().map(|value| with_identifiers(value, map)).collect(),
        other => other.clone(),
    }
}
