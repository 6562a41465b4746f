//! An error answer, or none at all.

use std::fmt;
use std::time::Duration;

use super::kind::Method;

/// Why a request has no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method}: {kind}")]
pub struct ApiError {
    /// The request.
    pub method: Method,
    /// What came instead of a good answer.
    pub kind: Failure,
}

/// What came instead of a good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Compute Engine answered with an error, at once or as the end of the operation.
    Answered {
        /// The reason as a word: `errors[].reason` or `ErrorInfo.reason` of an answer, `error.errors[].code` of an
        /// operation, e.g. `notFound`, `quotaExceeded`, `RESOURCE_IN_USE_BY_ANOTHER_RESOURCE`. Empty if there was none
        /// (a proxy's error page, for one).
        reason: String,
        /// Google's text, for people; never matched on.
        message: String,
        /// HTTP status; that of the operation if it failed later.
        status: u16,
        /// The operation that failed, if it was accepted at first.
        operation: Option<String>,
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
    /// No connection could be made, to Compute Engine or to where credentials come from: nothing was sent.
    Unreachable {
        /// What happened.
        reason: String,
    },
    /// The request was never sent: no credentials, an argument that the client refuses.
    NotSent {
        /// Why.
        reason: String,
        /// Whether it was for want of credentials.
        credentials: bool,
    },
    /// The answer is not what the API promises: a field that must be there is missing or cannot be read.
    Unreadable {
        /// Which field of what.
        what: String,
    },
}

impl ApiError {
    /// The reason as a word, if Compute Engine answered with one.
    pub fn reason(&self) -> Option<&str> {
        match &self.kind {
            Failure::Answered { reason, .. } if !reason.is_empty() => Some(reason),
            _ => None,
        }
    }

    /// The HTTP status, if Compute Engine answered.
    pub fn status(&self) -> Option<u16> {
        match self.kind {
            Failure::Answered { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether the request may have taken effect although it looks failed.
    pub fn is_in_doubt(&self) -> bool {
        match &self.kind {
            Failure::Answered { status, operation, .. } => *status >= 500 && operation.is_none(),
            Failure::NoAnswer { .. } | Failure::TimedOut { .. } | Failure::Unreadable { .. } => true,
            Failure::Unreachable { .. } | Failure::NotSent { .. } => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { reason, message, status, operation } => {
                let reason = if reason.is_empty() { "no reason" } else { reason };
                write!(f, "{reason} (HTTP {status}): {message}")?;
                operation.iter().try_for_each(|name| write!(f, " [operation {name}]"))
            }
            Self::NoAnswer { reason } => write!(f, "no answer: {reason}"),
            Self::TimedOut { after } => write!(f, "no answer within {} s", after.as_secs()),
            Self::Unreachable { reason } => write!(f, "not reached: {reason}"),
            Self::NotSent { reason, .. } => write!(f, "not sent: {reason}"),
            Self::Unreadable { what } => write!(f, "the answer cannot be read: {what}"),
        }
    }
}
