//! Whether a body belongs to the path it was sent to, and what it demands of the stored object.

use serde_json::{Value, json};

use crate::apiserver::error::ApiError;
use crate::apiserver::kinds::Kind;
use crate::apiserver::metadata::text;
use crate::apiserver::store::{Key, Stored};

/// Why a write with an old resourceVersion is refused.
const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Checks type and namespace of a body and fills them in where it leaves them out.
pub(super) fn settle(kind: &Kind, namespace: &str, body: &mut Value) -> Result<(), ApiError> {
    if !body.is_object() {
        return Err(ApiError::bad_request("the request body must be a JSON object"));
    }
    check_type(kind, body)?;
    if !body["metadata"].is_object() {
        body["metadata"] = json!({});
    }
    let sent = text(body, "namespace");
    if !kind.namespaced {
        if !sent.is_empty() {
            let message = "namespace specified for a cluster-scoped object";
            return Err(ApiError::bad_request(message));
        }
    } else if sent.is_empty() {
        body["metadata"]["namespace"] = json!(namespace);
    } else if sent != namespace {
        return Err(ApiError::bad_request(format!(
            "the namespace of the provided object does not match the namespace sent on the request: expected {namespace}, got {sent}"
        )));
    }
    Ok(())
}

/// Checks the name of a body against the path and fills it in where it is left out.
pub(super) fn settle_name(name: &str, body: &mut Value) -> Result<(), ApiError> {
    let sent = text(body, "name");
    if sent.is_empty() {
        body["metadata"]["name"] = json!(name);
    } else if sent != name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({sent}) does not match the name on the URL ({name})"
        )));
    }
    Ok(())
}

/// The resourceVersion a body demands: none for "" and "0".
pub(super) fn demanded_revision(body: &Value) -> Result<Option<u64>, ApiError> {
    let sent = text(body, "resourceVersion");
    if sent.is_empty() {
        return Ok(None);
    }
    let parsed: u64 = sent
        .parse()
        .map_err(|_| ApiError::bad_request(format!("metadata.resourceVersion: {sent:?} is not a number")))?;
    Ok((parsed != 0).then_some(parsed))
}

/// Refuses a write that was made for another object of the name or for an older state.
pub(super) fn check_preconditions(
    kind: &Kind,
    key: &Key,
    stored: &Stored,
    uid: &str,
    revision: Option<u64>,
) -> Result<(), ApiError> {
    let conflict = |why: &str| Err(ApiError::conflict(&kind.group, &kind.plural, &key.name, why));
    let stored_uid = text(&stored.value, "uid");
    if !uid.is_empty() && uid != stored_uid {
        return conflict(&format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {stored_uid}"
        ));
    }
    if revision.is_some_and(|revision| revision != stored.revision) {
        return conflict(MODIFIED);
    }
    Ok(())
}

fn check_type(kind: &Kind, body: &mut Value) -> Result<(), ApiError> {
    // Custom resources are decoded without a type to fall back on, so theirs must be spelled out.
    for (field, expected) in [("kind", kind.kind.clone()), ("apiVersion", kind.api_version())] {
        match body[field].as_str() {
            Some(sent) if sent == expected => {}
            Some(sent) if !sent.is_empty() => {
                let what = if field == "kind" { "kind" } else { "API version" };
                return Err(ApiError::bad_request(format!(
                    "the {what} in the data ({sent}) does not match the expected {what} ({expected})"
                )));
            }
            _ if kind.custom.is_some() => {
                return Err(ApiError::bad_request(format!(
                    "Object '{field}' is missing in the request body"
                )));
            }
            _ => body[field] = json!(expected),
        }
    }
    Ok(())
}
