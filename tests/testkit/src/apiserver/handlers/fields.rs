//! `fieldValidation` of writes.

use serde_json::Value;

use crate::apiserver::error::ApiError;
use crate::apiserver::request::Request;
use crate::apiserver::strict::{FieldValidation, Findings, Source};

/// What is to be said about a POST or PUT body; `options` names the kind of the request's options.
pub(super) fn check_body(request: &Request, body: &Value, options: &str) -> Result<Vec<String>, ApiError> {
    let source = Source::Body { kind: &request.kind.kind, version: &request.kind.version };
    check(request, body, options, source)
}

/// What is to be said about the outcome of a PATCH.
pub(super) fn check_patched(request: &Request, patched: &Value) -> Result<Vec<String>, ApiError> {
    let text = String::from_utf8_lossy(&request.body);
    check(request, patched, "PatchOptions", Source::Patch(&text))
}

fn check(
    request: &Request,
    body: &Value,
    options: &str,
    source: Source<'_>,
) -> Result<Vec<String>, ApiError> {
    let validation = FieldValidation::parse(Some(request.params.text("fieldValidation")), options)?;
    if validation == FieldValidation::Ignore {
        return Ok(Vec::new());
    }
    let text = String::from_utf8_lossy(&request.body);
    let kind = &request.kind;
    let found = match &kind.custom {
        Some(custom) => Findings::of_custom(&custom.schema, &text, body),
        None => Findings::of(&kind.group, &kind.kind, &text, body),
    };
    validation.judge(&found, source)
}
