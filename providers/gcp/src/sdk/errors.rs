//! From the errors of Google's client to ours.

use std::error::Error as _;

use google_cloud_gax::error::rpc::{Status, StatusDetails};
use google_cloud_gax::error::{CredentialsError, Error};
use landfall_core::refusal::clip;

use crate::api::error::Failure;
use crate::api::{ApiError, Method};
use crate::calls::PATIENCE;

/// Most of an error page that is told.
const MOST: usize = 200;

/// Turns the client's error of a request into ours.
pub(super) fn failed(method: Method) -> impl FnOnce(Error) -> ApiError {
    move |error| ApiError { method, kind: failure(&error) }
}

/// A request that cannot be made as asked for.
pub(super) fn not_sent(method: Method, reason: String) -> ApiError {
    ApiError { method, kind: Failure::NotSent { reason, credentials: false } }
}

/// A method that we do not use, or that the API does not have.
pub(super) fn no_method(method: Method) -> ApiError {
    not_sent(method, "there is no such method".to_owned())
}

/// A part of an answer that is missing, or is not what the API promises.
pub(super) fn unreadable(method: Method, what: String) -> ApiError {
    ApiError { method, kind: Failure::Unreadable { what } }
}

fn failure(error: &Error) -> Failure {
    if let Some(status) = error.http_status_code() {
        return answered(error, status);
    }
    let reason = told(error);
    if error.is_authentication() {
        return unauthenticated(error, reason);
    }
    if error.is_binding() || error.is_serialization() {
        return Failure::NotSent { reason, credentials: false };
    }
    if error.is_connect() {
        return Failure::Unreachable { reason };
    }
    if error.is_timeout() {
        return Failure::TimedOut { after: PATIENCE };
    }
    if error.is_deserialization() {
        return Failure::Unreadable { what: reason };
    }
    // Of a kind that is not known, the worst is assumed.
    Failure::NoAnswer { reason }
}

/// Where credentials come from may be out of order for a moment, or there are none.
fn unauthenticated(error: &Error, reason: String) -> Failure {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<CredentialsError>());
    match cause {
        Some(cause) if cause.is_transient() => Failure::Unreachable { reason },
        _ => Failure::NotSent { reason, credentials: true },
    }
}

/// An answer that says no: in the API's words, or those of something between that does not speak its language.
fn answered(error: &Error, status: u16) -> Failure {
    let (reason, message) = match error.status() {
        Some(told) => (reason(told), told.message.clone()),
        None => (String::new(), page(error)),
    };
    Failure::Answered { reason, message, status, operation: None }
}

/// The first reason that is told. The client makes one out of each entry of `errors` where there are no `details`.
fn reason(status: &Status) -> String {
    let reasons = status.details.iter().filter_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) if !info.reason.is_empty() => Some(info.reason.clone()),
        _ => None,
    });
    reasons.into_iter().next().unwrap_or_default()
}

fn page(error: &Error) -> String {
    let text = error.http_payload().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let text = text.unwrap_or_default();
    clip(&text.split_whitespace().collect::<Vec<_>>().join(" "), MOST)
}

/// The error and its causes in one line. Errors of the client often repeat the text of their cause.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    /// The error of an answer with this body.
    fn answer(status: u16, body: &Value) -> Error {
        let bytes = serde_json::to_vec(body).unwrap().into();
        match Status::try_from(&bytes) {
            Ok(told) => Error::service_with_http_metadata(told, Some(status), None),
            Err(_) => Error::http(status, http::HeaderMap::new(), bytes),
        }
    }

    fn seen(error: &Error) -> (String, u16, String) {
        match failure(error) {
            Failure::Answered { reason, status, message, operation: None } => (reason, status, message),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case(
        404,
        json!({ "error": { "code": 404, "message": "gone", "errors": [{ "reason": "notFound", "domain": "global" }] } }),
        "notFound"
    )]
    #[case(
        403,
        json!({ "error": {
            "code": 403, "message": "gone", "status": "RESOURCE_EXHAUSTED",
            "errors": [{ "reason": "quotaExceeded" }],
            "details": [
                { "@type": "type.googleapis.com/google.rpc.Help" },
                { "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "QUOTA_EXCEEDED", "domain": "d" },
            ],
        } }),
        "QUOTA_EXCEEDED"
    )]
    #[case(500, json!({ "error": { "code": 500, "message": "gone" } }), "")]
    fn answers_have_their_status_and_reason(#[case] status: u16, #[case] body: Value, #[case] reason: &str) {
        assert_eq!(seen(&answer(status, &body)), (reason.to_owned(), status, "gone".to_owned()));
    }

    #[test]
    fn the_page_of_something_between_is_told_in_short() {
        let page = format!("<html>\n  <b>Bad Gateway</b>\n{}", "x".repeat(1_000));
        let error = Error::http(502, http::HeaderMap::new(), page.into());
        let (reason, status, message) = seen(&error);
        assert_eq!((reason.as_str(), status), ("", 502));
        assert!(message.starts_with("<html> <b>Bad Gateway</b> xxx") && message.len() <= MOST, "{message}");
    }

    #[rstest]
    #[case(Error::connect("refused"), "not reached: cannot connect to endpoint: refused", false)]
    #[case(Error::io("reset"), "no answer: ", true)]
    #[case(Error::timeout("slow"), "no answer within 30 s", true)]
    #[case(
        Error::deser("no JSON"),
        "the answer cannot be read: cannot deserialize the response no JSON",
        true
    )]
    #[case(Error::ser("no JSON"), "not sent: cannot serialize the request no JSON", false)]
    #[case(
        Error::authentication(CredentialsError::from_msg(true, "metadata server: 503")),
        "not reached: cannot create the authentication headers",
        false
    )]
    #[case(
        Error::authentication(CredentialsError::from_msg(false, "revoked")),
        "not sent: cannot create the authentication headers",
        false
    )]
    fn what_was_not_sent_is_told_from_what_was_not_answered(
        #[case] error: Error,
        #[case] text: &str,
        #[case] in_doubt: bool,
    ) {
        let error = failed(Method::new(crate::api::Kind::Address, crate::api::Verb::Insert))(error);
        assert!(error.to_string().starts_with(&format!("addresses.insert: {text}")), "{error}");
        assert_eq!(error.is_in_doubt(), in_doubt);
    }

    #[test]
    fn only_missing_credentials_count_as_such() {
        let credentials =
            |transient| failure(&Error::authentication(CredentialsError::from_msg(transient, "said so")));
        assert!(matches!(credentials(false), Failure::NotSent { credentials: true, .. }));
        assert!(matches!(credentials(true), Failure::Unreachable { .. }));
    }
}
