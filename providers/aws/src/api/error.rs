//! An error answer, or none at all.

use std::fmt;
use std::time::Duration;

use super::action::Action;

/// Why a request has no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {kind}")]
pub struct ApiError {
    /// The request.
    pub action: Action,
    /// What came instead of a good answer.
    pub kind: Failure,
}

/// What came instead of a good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// AWS answered with an error.
    Answered {
        /// The code of the query protocol, without the suffix `Exception`, e.g. `TargetGroupNotFound`. Empty if the
        /// answer could not be read (a proxy's error page, for one).
        code: String,
        /// AWS's text, for people; never matched on.
        message: String,
        /// HTTP status.
        status: u16,
        /// For AWS's support.
        request_id: Option<String>,
    },
    /// The request was sent, or may have been, and no answer came: it may or may not have taken effect.
    NoAnswer {
        /// What happened to the connection.
        reason: String,
    },
    /// No answer within the time that a call may take; it may or may not have taken effect.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The request was never sent: no credentials, no region, no endpoint.
    NotSent {
        /// Why.
        reason: String,
    },
    /// The answer is not what the API promises: a field that must be there is missing or cannot be read.
    Unreadable {
        /// Which field of what.
        what: String,
    },
}

impl ApiError {
    /// The error code, if AWS answered with one.
    pub fn code(&self) -> Option<&str> {
        match &self.kind {
            Failure::Answered { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the request may have taken effect although it looks failed.
    pub fn is_in_doubt(&self) -> bool {
        match &self.kind {
            Failure::Answered { status, .. } => *status >= 500,
            Failure::NoAnswer { .. } | Failure::TimedOut { .. } | Failure::Unreadable { .. } => true,
            Failure::NotSent { .. } => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { code, message, status, request_id } => {
                let code = if code.is_empty() { "no error code" } else { code };
                write!(f, "{code} (HTTP {status}): {message}")?;
                request_id.iter().try_for_each(|id| write!(f, " [request {id}]"))
            }
            Self::NoAnswer { reason } => write!(f, "no answer: {reason}"),
            Self::TimedOut { after } => write!(f, "no answer within {} s", after.as_secs()),
            Self::NotSent { reason } => write!(f, "not sent: {reason}"),
            Self::Unreadable { what } => write!(f, "the answer cannot be read: {what}"),
        }
    }
}
