//! Collects what is wrong with which field, in the words of the API (`field.Error` of apimachinery).

use serde_json::Value;

use crate::apiserver::error::{ApiError, Cause};

/// All refusals of one object; empty means the object is fine.
#[derive(Debug, Default)]
pub(super) struct Refusals(Vec<Cause>);

impl Refusals {
    pub(super) fn invalid(
        &mut self,
        field: impl Into<String>,
        value: impl Into<Value>,
        text: impl AsRef<str>,
    ) {
        self.push("FieldValueInvalid", field, format!("Invalid value: {}: {}", value.into(), text.as_ref()));
    }

    /// One refusal per text, for checks that find several things wrong at once.
    pub(super) fn invalid_each(&mut self, field: &str, value: impl Into<Value>, texts: Vec<String>) {
        let value = value.into();
        for text in texts {
            self.invalid(field, value.clone(), text);
        }
    }

    pub(super) fn unsupported(
        &mut self,
        field: impl Into<String>,
        value: impl Into<Value>,
        accepted: &[&str],
    ) {
        let accepted: Vec<String> = accepted.iter().map(|value| format!("{value:?}")).collect();
        let text = format!("Unsupported value: {}: supported values: {}", value.into(), accepted.join(", "));
        self.push("FieldValueNotSupported", field, text);
    }

    pub(super) fn required(&mut self, field: impl Into<String>) {
        self.push("FieldValueRequired", field, "Required value".to_owned());
    }

    pub(super) fn required_because(&mut self, field: impl Into<String>, text: &str) {
        self.push("FieldValueRequired", field, format!("Required value: {text}"));
    }

    pub(super) fn forbidden(&mut self, field: impl Into<String>, text: &str) {
        self.push("FieldValueForbidden", field, format!("Forbidden: {text}"));
    }

    pub(super) fn duplicate(&mut self, field: impl Into<String>, value: impl Into<Value>) {
        self.push("FieldValueDuplicate", field, format!("Duplicate value: {}", value.into()));
    }

    /// 422 with every refusal as a cause, if there is any.
    pub(super) fn into_result(self, name: &str) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::invalid("", "Service", name, self.0)) }
    }

    fn push(&mut self, reason: &'static str, field: impl Into<String>, message: String) {
        self.0.push(Cause { reason, field: field.into(), message });
    }
}

/// 500 as the real server words it.
pub(super) fn internal(text: &str) -> ApiError {
    let cause = Cause { reason: "", field: String::new(), message: text.to_owned() };
    ApiError {
        causes: vec![cause],
        ..ApiError::new(500, "InternalError", format!("Internal error occurred: {text}"))
    }
}
