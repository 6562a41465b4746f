//! The rules every object's `metadata` obeys, whatever its kind (`k8s.io/apiserver/pkg/registry/rest` and
//! `k8s.io/apimachinery/pkg/api/validation`).

use serde_json::{Map, Value, json};

use super::error::{ApiError, Cause};
use super::kinds::{Kind, NameRule};

mod names;

pub(crate) use names::generate;

/// Fields the server alone sets; a client's value on create is dropped.
const SERVER_OWNED: [&str; 6] =
    ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"];

/// Fields an update takes from the stored object without comment.
const CARRIED_OVER: [&str; 5] =
    ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"];

/// Whether deletion has been asked for.
pub(crate) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// Whether something still wants to clean up before the object goes.
pub(crate) fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty())
}

/// A text field of the metadata, empty when absent.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// Fills in what the server sets on create and checks the rest. The name must be final.
pub(crate) fn prepare_create(kind: &Kind, object: &mut Value, now: &str) -> Result<(), ApiError> {
    tidy(object);
    let mut causes = names::check(kind, text(object, "name"));
    causes.extend(check_finalizers(object));
    let meta = fields(object)?;
    for field in SERVER_OWNED {
        meta.remove(field);
    }
    meta.insert("uid".into(), json!(uuid::Uuid::new_v4().to_string()));
    meta.insert("creationTimestamp".into(), json!(now));
    if kind.rules.generation {
        meta.insert("generation".into(), json!(1));
    }
    refuse(kind, object, causes)
}

/// Takes over what an update may not touch and checks what it may not change.
pub(crate) fn prepare_update(kind: &Kind, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    tidy(new);
    let mut causes = check_finalizers(new);
    if new["metadata"]["deletionTimestamp"].is_string() && !is_deleting(old) {
        causes.push(Cause {
            reason: "FieldValueInvalid",
            field: "metadata.deletionTimestamp".into(),
            message: format!("Invalid value: {}: field is immutable", new["metadata"]["deletionTimestamp"]),
        });
    }
    if is_deleting(old) {
        causes.extend(new_finalizers(old, new));
    }
    let old_meta = &old["metadata"];
    let meta = fields(new)?;
    for field in CARRIED_OVER.into_iter().chain(["uid"]) {
        match old_meta.get(field) {
            Some(value) => meta.insert(field.into(), value.clone()),
            None => meta.remove(field),
        };
    }
    refuse(kind, new, causes)
}

/// Replaces the metadata of a `/status` write by the stored one, except who manages which field.
pub(crate) fn keep(old: &Value, new: &mut Value) {
    let managed = new["metadata"].get("managedFields").cloned();
    new["metadata"] = old["metadata"].clone();
    if let Some(managed) = managed {
        new["metadata"]["managedFields"] = managed;
    }
}

/// Drops empty maps and lists, which the typed form leaves out.
pub(crate) fn tidy(object: &mut Value) {
    let Some(meta) = object["metadata"].as_object_mut() else { return };
    meta.retain(|_, value| match value {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    });
}

fn fields(object: &mut Value) -> Result<&mut Map<String, Value>, ApiError> {
    object["metadata"].as_object_mut().ok_or_else(|| ApiError::bad_request("metadata must be an object"))
}

fn check_finalizers(object: &Value) -> Vec<Cause> {
    let names = object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let bad = names.filter(|name| !names::is_qualified(name));
    let cause = |name: &str| Cause {
        reason: "FieldValueInvalid",
        field: "metadata.finalizers".into(),
        message: format!(
            "Invalid value: \"{name}\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        ),
    };
    bad.map(cause).collect()
}

fn new_finalizers(old: &Value, new: &Value) -> Option<Cause> {
    let list = |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let before = list(old);
    let added: Vec<String> =
        list(new).iter().filter(|f| !before.contains(f)).map(ToString::to_string).collect();
    (!added.is_empty()).then(|| Cause {
        reason: "FieldValueForbidden",
        field: "metadata.finalizers".into(),
        message: format!(
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.join(", ")
        ),
    })
}

fn refuse(kind: &Kind, object: &Value, causes: Vec<Cause>) -> Result<(), ApiError> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(&kind.group, &kind.kind, text(object, "name"), causes))
}

#[cfg(test)]
mod tests;
