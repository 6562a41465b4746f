//! PATCH bodies: JSON patch, JSON merge patch and strategic merge patch, as pure functions.
//!
//! The engine reads an object, calls [`apply`] and treats the answer like the body of a PUT. Server-side apply is
//! not a patch of this kind; it lives in [`super::apply`].

use json_patch::{PatchOperation, jsonptr::Pointer};
use serde_json::Value;

use super::error::{ApiError, Cause};

pub(super) mod schema;
mod strategic;
#[cfg(test)]
mod tests;

/// RFC 6902.
pub const JSON_PATCH: &str = "application/json-patch+json";
/// RFC 7386.
pub const MERGE_PATCH: &str = "application/merge-patch+json";
/// The Kubernetes dialect that merges lists by key.
pub const STRATEGIC_MERGE_PATCH: &str = "application/strategic-merge-patch+json";
/// Server-side apply; accepted by the API, but not by [`apply`].
pub const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// The real server refuses longer JSON patches with 413.
const MAX_OPERATIONS: usize = 10_000;

/// What is being patched: decides the list rules and whether strategic merge is possible at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchKind<'a> {
    /// API group, empty for core.
    pub group: &'a str,
    /// Kind, e.g. `Service`.
    pub kind: &'a str,
    /// Custom resources have no compiled-in merge keys, so strategic merge answers 415.
    pub is_custom_resource: bool,
}

/// `current` after the patch in `body`.
///
/// `content_type` may carry parameters. The result is always an object; nothing is validated beyond that and
/// metadata is patched like any other field, so immutable fields are the caller's to check.
///
/// # Errors
/// 415 for a type the kind cannot be patched with, 400 for a body that is not such a patch, 422 for a JSON patch
/// that does not fit the object, 413 for one with more than 10,000 operations, 500 (as the real server) for a
/// strategic list element without its merge key.
pub fn apply(
    kind: &PatchKind<'_>,
    current: &Value,
    content_type: &str,
    body: &[u8],
) -> Result<Value, ApiError> {
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        JSON_PATCH => json(current, body),
        MERGE_PATCH => {
            let patch = object(body).map_err(|e| bad_request(format!("error decoding patch: {e}")))?;
            let mut merged = current.clone();
            json_patch::merge(&mut merged, &patch);
            Ok(merged)
        }
        STRATEGIC_MERGE_PATCH if !kind.is_custom_resource => {
            strategic::merge(kind, current, &object(body).map_err(bad_request)?)
        }
        _ => Err(unsupported(kind)),
    }
}

fn json(current: &Value, body: &[u8]) -> Result<Value, ApiError> {
    let operations: Vec<PatchOperation> =
        serde_json::from_slice(body).map_err(|e| bad_request(e.to_string()))?;
    if operations.len() > MAX_OPERATIONS {
        let text = format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        );
        return Err(ApiError::new(413, "RequestEntityTooLarge", text));
    }
    let mut patched = current.clone();
    for operation in &operations {
        if passes_as_absent(operation, &patched) {
            continue;
        }
        json_patch::patch_unsafe(&mut patched, std::slice::from_ref(operation)).map_err(|error| {
            tracing::debug!(%error, "JSON patch does not fit the object");
            // The real server keeps the reason to itself.
            ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request")
        })?;
    }
    if patched.is_object() { Ok(patched) } else { Err(not_an_object(body)) }
}

/// The Go server lets `test` against null pass when the key is absent from an existing parent; RFC 6902 and the
/// `json-patch` crate do not. kube's `finalizer()` relies on it to add the first finalizer.
fn passes_as_absent(operation: &PatchOperation, document: &Value) -> bool {
    let PatchOperation::Test(test) = operation else { return false };
    let pointer: &Pointer = &test.path;
    let Some((parent, last)) = pointer.split_back() else { return false };
    test.value.is_null()
        && document
            .pointer(parent.as_str())
            .and_then(Value::as_object)
            .is_some_and(|map| !map.contains_key(last.decoded().as_ref()))
}

fn object(body: &[u8]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    if value.is_object() { Ok(value) } else { Err("the patch must be a JSON object".to_owned()) }
}

fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}

fn not_an_object(body: &[u8]) -> ApiError {
    let shown = Value::from(String::from_utf8_lossy(body));
    let cause = Cause {
        reason: "FieldValueInvalid",
        field: "patch".to_owned(),
        message: format!("Invalid value: {shown}: the patched document is not an object"),
    };
    ApiError::invalid("", "", "", vec![cause])
}

fn unsupported(kind: &PatchKind<'_>) -> ApiError {
    let mut accepted = vec![JSON_PATCH, MERGE_PATCH, APPLY_PATCH];
    if !kind.is_custom_resource {
        accepted.push(STRATEGIC_MERGE_PATCH);
    }
    let text = format!(
        "the body of the request was in an unknown format - accepted media types include: {}",
        accepted.join(", ")
    );
    ApiError::new(415, "UnsupportedMediaType", text)
}
