//! Errors as the cloud answers them: a code, and which call on which object it is about.

use std::time::Duration;

use landfall_core::error::ErrorClass;

use super::journal::Operation;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct CloudError {
    /// What to branch on.
    pub code: Code,
    /// The call.
    pub operation: Operation,
    /// Name of the object it was about; empty for lists.
    pub object: String,
    /// For people.
    pub message: String,
}

impl CloudError {
    /// What was attempted: `create balancer "web"`, `list listeners`.
    pub fn attempt(&self) -> String {
        if self.object.is_empty() {
            self.operation.to_string()
        } else {
            format!("{} {:?}", self.operation, self.object)
        }
    }
}

/// Error codes of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Too many calls.
    Throttled {
        /// How long to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// Something on the way broke; the call may or may not have taken effect.
    Unavailable,
    /// The name, or the port of the balancer, is taken by an object with other tags.
    AlreadyExists,
    /// The object has the caller's tags but other settings than it assumed.
    Changed,
    /// Another object refers to it.
    InUse,
    /// It, or an object that it refers to, does not exist.
    NotFound,
    /// The address asked for is taken.
    AddressInUse,
    /// Not possible yet.
    NotReady {
        /// When to try again.
        poll: Duration,
    },
    /// A setting is not accepted, or cannot be changed in place.
    Invalid,
    /// A quota is used up.
    QuotaExceeded,
    /// The caller may not do that.
    AccessDenied,
    /// The cloud contradicts itself.
    Internal,
}

/// The code by which the cloud expresses a class; for scripted failures.
impl From<ErrorClass> for Code {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Throttled { after } => Self::Throttled { retry_after: after },
            ErrorClass::Transient => Self::Unavailable,
            ErrorClass::Conflict => Self::Changed,
            ErrorClass::Waiting { poll } => Self::NotReady { poll },
            ErrorClass::Rejected => Self::Invalid,
            ErrorClass::Quota => Self::QuotaExceeded,
            ErrorClass::Denied => Self::AccessDenied,
            ErrorClass::Bug => Self::Internal,
        }
    }
}
