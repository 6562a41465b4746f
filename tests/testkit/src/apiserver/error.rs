//! What the API server answers when it refuses: a `metav1.Status` with code, reason and causes.

use serde_json::{Value, json};

/// A refusal, as clients see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// HTTP status code.
    pub code: u16,
    /// CamelCase reason, e.g. `NotFound`, `Invalid`, `Conflict`.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// `details.causes`: one entry per offending field.
    pub causes: Vec<Cause>,
    /// `details.group`, `details.kind`, `details.name`, where known.
    pub details: Box<Details>,
    /// Seconds for `Retry-After` and `details.retryAfterSeconds`.
    pub retry_after: Option<u32>,
}

/// What the refusal is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// API group, empty for core.
    pub group: String,
    /// Kind or plural resource name, as the real server fills it.
    pub kind: String,
    /// Object name.
    pub name: String,
    /// Object uid.
    pub uid: String,
}

/// One offending field.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// e.g. `FieldValueInvalid`, `FieldValueForbidden`, `FieldValueRequired`, `FieldValueDuplicate`.
    pub reason: &'static str,
    /// Path such as `spec.ports[0].nodePort`.
    pub field: String,
    /// `Invalid value: 80: provided port is not in the valid range`.
    pub message: String,
}

impl Details {
    fn boxed(group: &str, kind: &str, name: &str) -> Box<Self> {
        Box::new(Self { group: group.into(), kind: kind.into(), name: name.into(), uid: String::new() })
    }
}

impl ApiError {
    /// A refusal with no details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            causes: Vec::new(),
            details: Box::default(),
            retry_after: None,
        }
    }

    /// 422: the object breaks rules; `causes` say which.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let what: Vec<String> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let list = if what.len() == 1 { what[0].clone() } else { format!("[{}]", what.join(", ")) };
        let full = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        Self {
            code: 422,
            reason: "Invalid",
            message: format!("{full} \"{name}\" is invalid: {list}"),
            causes,
            details: Details::boxed(group, kind, name),
            retry_after: None,
        }
    }

    /// The `metav1.Status` body.
    pub fn to_status(&self) -> Value {
        let mut details = json!({});
        for (key, text) in [
            ("group", &self.details.group),
            ("kind", &self.details.kind),
            ("name", &self.details.name),
            ("uid", &self.details.uid),
        ] {
            if !text.is_empty() {
                details[key] = json!(text);
            }
        }
        if !self.causes.is_empty() {
            details["causes"] = self
                .causes
                .iter()
                .map(|c| json!({"reason": c.reason, "field": c.field, "message": c.message}))
                .collect();
        }
        if let Some(after) = self.retry_after {
            details["retryAfterSeconds"] = json!(after);
        }
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "details": details, "code": self.code,
        })
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for ApiError {}

/// The refusals more than one part of the server gives. Wording as in `k8s.io/apimachinery/pkg/api/errors`.
impl ApiError {
    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 403 on one object or, with an empty name, on a collection.
    pub fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        Self::about(403, "Forbidden", group, plural, name, &format!("is forbidden: {why}"))
    }

    /// 404 for an object.
    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        Self::about(404, "NotFound", group, plural, name, "not found")
    }

    /// 404 for a path no resource answers.
    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// 409 on create.
    pub fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        Self::about(409, "AlreadyExists", group, plural, name, "already exists")
    }

    /// 409 on update or delete.
    pub fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let resource = qualified(group, plural);
        Self {
            message: format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}"),
            ..Self::about(409, "Conflict", group, plural, name, "")
        }
    }

    /// 410: the history does not reach back that far.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 504: the client knows a later state than the server.
    pub fn too_large_resource_version(asked: u64, current: u64) -> Self {
        Self {
            causes: vec![Cause {
                reason: "ResourceVersionTooLarge",
                field: String::new(),
                message: "Too large resource version".into(),
            }],
            retry_after: Some(1),
            ..Self::new(
                504,
                "Timeout",
                format!("Timeout: Too large resource version: {asked}, current: {current}"),
            )
        }
    }

    fn about(code: u16, reason: &'static str, group: &str, plural: &str, name: &str, what: &str) -> Self {
        let resource = qualified(group, plural);
        let subject = if name.is_empty() { resource } else { format!("{resource} \"{name}\"") };
        Self {
            details: Details::boxed(group, plural, name),
            ..Self::new(code, reason, format!("{subject} {what}"))
        }
    }
}

fn qualified(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}
