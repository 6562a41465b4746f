//! Error answers before it is known which call they answer.

use landfall_aws::api::error::Failure;
use landfall_aws::api::{Action, ApiError};

/// An error answer: the code to branch on, and words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    code: String,
    status: u16,
    message: String,
}

/// What an operation on the state gives.
pub(super) type Done<T> = Result<T, Refused>;

/// Answers with an error.
pub(super) fn refuse<T>(code: &str, message: impl Into<String>) -> Done<T> {
    Err(Refused::new(code, message))
}

/// The HTTP status that AWS sends along with an error code.
pub(super) fn status_of(code: &str) -> u16 {
    match code {
        "InternalFailure" | "InternalError" => 500,
        "ServiceUnavailable" | "RequestLimitExceeded" => 503,
        "AccessDenied" | "InvalidClientTokenId" | "ExpiredToken" | "SignatureDoesNotMatch" => 403,
        _ => 400,
    }
}

impl Refused {
    /// An error with this code and the status that goes with it.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), status: status_of(code), message: message.into() }
    }

    /// The error as the answer to a call.
    pub(super) fn into_answer(self, action: Action) -> ApiError {
        let Self { code, status, message } = self;
        ApiError { action, kind: Failure::Answered { code, message, status, request_id: None } }
    }
}
