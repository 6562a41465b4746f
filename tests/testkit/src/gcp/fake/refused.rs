//! Error answers, in the shapes that Compute Engine gives them.

use serde_json::{Value, json};

/// An error answer: an HTTP status, a reason to branch on, and words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) message: String,
    /// Written with a canonical status and `details` instead of `errors`, as newer parts of the API do.
    detailed: bool,
}

/// What a request on the state gives.
pub(super) type Done<T> = Result<T, Refused>;

/// Answers with an error.
pub(super) fn refuse<T>(status: u16, reason: &str, message: impl Into<String>) -> Done<T> {
    Err(Refused::new(status, reason, message))
}

/// Answers 400 `invalid`, naming field and value as the API does.
pub(super) fn invalid<T>(field: &str, value: impl std::fmt::Display, why: &str) -> Done<T> {
    refuse(400, "invalid", format!("Invalid value for field 'resource.{field}': '{value}'. {why}"))
}

/// Answers 404 for a resource, by its path below the version.
pub(super) fn not_found<T>(path: impl std::fmt::Display) -> Done<T> {
    refuse(404, "notFound", format!("The resource '{path}' was not found"))
}

impl Refused {
    /// An error in the classic shape.
    pub(super) fn new(status: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { status, reason: reason.to_owned(), message: message.into(), detailed: false }
    }

    /// The same in the newer shape, with another reason.
    pub(super) fn detailed(self, reason: &str) -> Self {
        Self { reason: reason.to_owned(), detailed: true, ..self }
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Value {
        let Self { status, reason, message, detailed } = self;
        let mut error = json!({
            "code": status,
            "message": message,
            "errors": [{ "message": message, "domain": domain(*status), "reason": reason }],
        });
        if *detailed {
            error["status"] = "RESOURCE_EXHAUSTED".into();
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "compute.googleapis.com",
            }]);
        }
        json!({ "error": error })
    }
}

fn domain(status: u16) -> &'static str {
    if status == 403 { "usageLimits" } else { "global" }
}
