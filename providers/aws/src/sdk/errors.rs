//! What Amazon's SDK says when a call fails, and answers that lack what they must have. Shared with the EC2 adapter.

use std::error::Error;
use std::fmt;
use std::num::TryFromIntError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::operation::RequestId;

use crate::api::error::Failure;
use crate::api::{Action, ApiError};
use crate::connect::OPERATION_TIMEOUT;

/// Turns the SDK's error of a call into ours.
pub fn failed<E>(action: Action) -> impl FnOnce(SdkError<E>) -> ApiError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| ApiError { action, kind: failure(&error) }
}

/// Turns an answer that cannot be read into an error of its call.
pub fn unreadable(action: Action) -> impl FnOnce(Unreadable) -> ApiError {
    move |unreadable| ApiError { action, kind: Failure::Unreadable { what: unreadable.0 } }
}

/// A part of an answer that is missing, or is not what the API's reference promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(String);

/// The thing in an answer whose fields are read: names it in errors.
#[derive(Debug, Clone, Copy)]
pub struct Thing<'a> {
    kind: &'static str,
    id: &'a str,
}

impl<'a> Thing<'a> {
    /// A thing of that kind, by the API's name, with that identity; empty if it has none.
    pub const fn new(kind: &'static str, id: &'a str) -> Self {
        Self { kind, id }
    }

    /// A field that must be there.
    pub fn need<T>(self, field: &str, value: Option<T>) -> Result<T, Unreadable> {
        value.ok_or_else(|| Unreadable(format!("{field} of {self} is missing")))
    }

    /// A field that must be there and be a number of that range.
    pub fn number<T>(self, field: &str, value: Option<i32>) -> Result<T, Unreadable>
    where
        T: TryFrom<i32, Error = TryFromIntError>,
    {
        let value = self.need(field, value)?;
        T::try_from(value).map_err(|_| self.odd(field, value))
    }

    /// A field with a value that the API does not have.
    pub fn odd(self, field: &str, value: impl fmt::Display) -> Unreadable {
        Unreadable(format!("{field} of {self} is \"{value}\""))
    }
}

impl fmt::Display for Thing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            "" => write!(f, "a {}", self.kind),
            id => write!(f, "{} {id}", self.kind),
        }
    }
}

fn failure<E>(error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => Failure::NotSent { reason: chain(error) },
        SdkError::TimeoutError(_) => Failure::TimedOut { after: OPERATION_TIMEOUT },
        SdkError::DispatchFailure(dispatch) => undispatched(dispatch.as_connector_error()),
        SdkError::ResponseError(response) => answered(error, response.raw()),
        SdkError::ServiceError(service) => answered(error, service.raw()),
        // The enum is non-exhaustive: of a kind that is not known, the worst is assumed.
        _ => Failure::NoAnswer { reason: chain(error) },
    }
}

/// No answer. Without credentials nothing was sent; of a broken or refused connection nobody knows.
fn undispatched(error: Option<&ConnectorError>) -> Failure {
    let Some(error) = error else { return Failure::NoAnswer { reason: "the connection failed".to_owned() } };
    let reason = chain(error);
    if causes(error).any(<dyn Error>::is::<CredentialsError>) {
        return Failure::NotSent { reason: format!("no credentials: {reason}") };
    }
    Failure::NoAnswer { reason }
}

/// An answer that says no, or says yes in words that cannot be read.
fn answered<E>(error: &SdkError<E>, response: &HttpResponse) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if response.status().is_success() {
        return Failure::Unreadable { what: chain(error) };
    }
    let code = error.code().unwrap_or_default();
    let message = error.message().map_or_else(|| chain(error), str::to_owned);
    Failure::Answered {
        code: code.strip_suffix("Exception").unwrap_or(code).to_owned(),
        message,
        status: response.status().as_u16(),
        request_id: error.request_id().map(str::to_owned),
    }
}

/// An error with its causes in one line; the SDK's own `Display` says "dispatch failure" and no more.
fn chain(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    let mut parts: Vec<&str> = texts.iter().map(String::as_str).collect();
    // Wrappers often repeat the text of what they wrap.
    parts.dedup();
    parts.join(": ")
}

/// The error and what caused it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests;
