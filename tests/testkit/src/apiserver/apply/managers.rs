//! `metadata.managedFields`: who owns what.

use serde_json::{Value, json};

use super::fieldset::{FieldSet, display};
use crate::apiserver::error::{ApiError, Cause};

/// One entry. Name, operation and subresource identify it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) subresource: String,
    pub(super) api_version: String,
    pub(super) time: String,
    pub(super) fields: FieldSet,
}

/// Fields of an applier are removed when it stops applying them; those of an updater stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn text(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

impl Manager {
    pub(super) fn is(&self, name: &str, operation: Operation, subresource: &str) -> bool {
        self.name == name && self.operation == operation && self.subresource == subresource
    }

    fn describe(&self) -> String {
        let Self { name, subresource, api_version, .. } = self;
        let part =
            if subresource.is_empty() { String::new() } else { format!(" with subresource {subresource:?}") };
        match self.operation {
            Operation::Apply => format!("{name:?}{part}"),
            Operation::Update => format!("{name:?}{part} using {api_version}"),
        }
    }
}

/// The entries of `object`.
pub(super) fn read(object: Option<&Value>) -> Vec<Manager> {
    let entries =
        object.and_then(|object| object.pointer("/metadata/managedFields")).and_then(Value::as_array);
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let managers = entries.into_iter().flatten().map(|entry| Manager {
        name: text(entry, "manager"),
        operation: if entry["operation"] == "Apply" { Operation::Apply } else { Operation::Update },
        subresource: text(entry, "subresource"),
        api_version: text(entry, "apiVersion"),
        time: text(entry, "time"),
        fields: FieldSet::from_json(&entry["fieldsV1"]),
    });
    managers.filter(|manager| !manager.fields.is_empty()).collect()
}

/// Writes the entries that own something: appliers first, then by age.
pub(super) fn write(object: &mut Value, mut managers: Vec<Manager>) {
    managers.retain(|manager| !manager.fields.is_empty());
    managers.sort_by(|a, b| (a.operation, &a.time, &a.name).cmp(&(b.operation, &b.time, &b.name)));
    let entries: Vec<Value> = managers.iter().map(entry).collect();
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

/// 409 with every path that another manager holds a different value for.
pub(super) fn conflict(conflicts: &[(&Manager, Vec<Vec<String>>)]) -> ApiError {
    let count: usize = conflicts.iter().map(|(_, paths)| paths.len()).sum();
    let message = match conflicts {
        [(manager, paths)] if count == 1 => {
            format!(
                "Apply failed with 1 conflict: conflict with {}: {}",
                manager.describe(),
                display(&paths[0])
            )
        }
        _ => {
            let lines = conflicts.iter().flat_map(|(manager, paths)| {
                let head = format!("conflicts with {}:", manager.describe());
                std::iter::once(head).chain(paths.iter().map(|path| format!("- {}", display(path))))
            });
            format!("Apply failed with {count} conflicts: {}", lines.collect::<Vec<_>>().join("\n"))
        }
    };
    let causes = conflicts.iter().flat_map(|(manager, paths)| {
        paths.iter().map(|path| Cause {
            reason: "FieldManagerConflict",
            field: display(path),
            message: format!("conflict with {}", manager.describe()),
        })
    });
    ApiError { causes: causes.collect(), ..ApiError::new(409, "Conflict", message) }
}

fn entry(manager: &Manager) -> Value {
    let mut entry = json!({
        "manager": manager.name, "operation": manager.operation.text(), "apiVersion": manager.api_version,
        "time": manager.time, "fieldsType": "FieldsV1", "fieldsV1": manager.fields.to_json(),
    });
    if !manager.subresource.is_empty() {
        entry["subresource"] = json!(manager.subresource);
    }
    entry
}
