//! Field validation: the query parameter `fieldValidation` of writes.
//!
//! A field that the server does not know is dropped when the body is decoded. What the client hears about it is
//! its own choice (KEP-2885): a refusal, a warning, or nothing. The fields of built-in kinds come from the schemas of
//! their generated types, those of custom kinds from their definition.

mod duplicates;
mod fields;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::error::{ApiError, Cause};

pub use duplicates::duplicate_fields;
pub use fields::{prune_custom, unknown_custom_fields, unknown_fields};

/// The value of `fieldValidation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// Refuse the write.
    Strict,
    /// Accept it with a `Warning` header per field; what the server does when it is not told.
    #[default]
    Warn,
    /// Accept it silently.
    Ignore,
}

/// Where the fields were found; it decides the shape of the refusal.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The body of a POST or PUT: 400 `BadRequest`.
    Body {
        /// Kind the path stands for.
        kind: &'a str,
        /// Its version.
        version: &'a str,
    },
    /// A PATCH, whose text is repeated in the answer: 422 `Invalid` on the field `patch`.
    Patch(&'a str),
}

impl FieldValidation {
    /// Reads the parameter. `options` is the kind that the refusal names: `CreateOptions`, `UpdateOptions` or
    /// `PatchOptions`.
    pub fn parse(parameter: Option<&str>, options: &str) -> Result<Self, ApiError> {
        match parameter.unwrap_or_default() {
            "" | "Warn" => Ok(Self::Warn),
            "Strict" => Ok(Self::Strict),
            "Ignore" => Ok(Self::Ignore),
            other => Err(ApiError::invalid(
                "meta.k8s.io",
                options,
                "",
                vec![Cause {
                    reason: "FieldValueNotSupported",
                    field: "fieldValidation".to_owned(),
                    message: format!(
                        "Unsupported value: {other:?}: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
                    ),
                }],
            )),
        }
    }

    /// Acts on what was found: the warnings for a write that goes on, or the refusal.
    pub fn judge(self, found: &Findings, source: Source<'_>) -> Result<Vec<String>, ApiError> {
        let sentences = found.sentences();
        match self {
            Self::Ignore => Ok(Vec::new()),
            Self::Warn => Ok(sentences),
            Self::Strict if sentences.is_empty() => Ok(Vec::new()),
            Self::Strict => Err(refusal(&sentences, source)),
        }
    }
}

/// Paths such as `spec.ports[0].colour`, in the order of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Fields that occur twice in one object; the last value counts.
    pub duplicate: Vec<String>,
    /// Fields that the kind does not have.
    pub unknown: Vec<String>,
}

impl Findings {
    /// Looks at a body of a built-in kind. `text` is the body as sent, `body` the same parsed.
    pub fn of(group: &str, kind: &str, text: &str, body: &Value) -> Self {
        Self { duplicate: duplicate_fields(text), unknown: unknown_fields(group, kind, body) }
    }

    /// Looks at a body of a custom kind, whose `openAPIV3Schema` is `schema`.
    pub fn of_custom(schema: &Value, text: &str, body: &Value) -> Self {
        Self { duplicate: duplicate_fields(text), unknown: unknown_custom_fields(schema, body) }
    }

    /// One sentence per finding: the texts of the warnings.
    fn sentences(&self) -> Vec<String> {
        let of = |word: &'static str, paths: &[String]| {
            paths.iter().map(|path| format!("{word} field \"{path}\"")).collect::<Vec<_>>()
        };
        [of("duplicate", &self.duplicate), of("unknown", &self.unknown)].concat()
    }
}

fn refusal(sentences: &[String], source: Source<'_>) -> ApiError {
    let problem = format!("strict decoding error: {}", sentences.join(", "));
    match source {
        Source::Body { kind, version } => ApiError::new(
            400,
            "BadRequest",
            format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {problem}"),
        ),
        Source::Patch(patch) => ApiError::invalid(
            "",
            "",
            "",
            vec![Cause {
                reason: "FieldValueInvalid",
                field: "patch".to_owned(),
                message: format!("Invalid value: {patch:?}: {problem}"),
            }],
        ),
    }
}
