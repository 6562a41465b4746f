//! Operations: how Compute Engine carries out what it was asked for.

use serde::{Deserialize, Serialize};

use super::kind::{Kind, Verb};
use super::place::Place;

/// A change that is under way or has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// Whether it has ended.
    #[serde(default)]
    pub status: Status,
    /// Why it failed, if it has ended and did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Errors>,
    /// The HTTP status that the failure stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_error_status_code: Option<u16>,
    /// The text of that status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_error_message: Option<String>,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Not begun.
    #[default]
    Pending,
    /// Begun.
    Running,
    /// Ended, well or not.
    Done,
}

/// The list of errors of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Errors {
    /// At least one.
    #[serde(default)]
    pub errors: Vec<ErrorItem>,
}

/// One error of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorItem {
    /// The reason as a word, e.g. `RESOURCE_IN_USE_BY_ANOTHER_RESOURCE`.
    #[serde(default)]
    pub code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

/// Which operation, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationRef {
    /// Where it runs: the place of what it changes.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// The kind that it changes.
    pub kind: Kind,
    /// What it does.
    pub verb: Verb,
}
