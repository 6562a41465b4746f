//! HTTP answers.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::error::ApiError;

pub(crate) type Reply = Response<Body>;

/// A JSON answer.
pub(crate) fn json(code: u16, body: impl Into<Bytes>) -> Reply {
    typed(code, "application/json", body)
}

/// An answer of the given content type.
pub(crate) fn typed(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Body::from(body.into()));
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A JSON answer from a value.
pub(crate) fn value(code: u16, body: &Value) -> Reply {
    json(code, body.to_string())
}

/// A refusal.
pub(crate) fn refusal(error: &ApiError) -> Reply {
    let mut reply = value(error.code, &error.to_status());
    if let Some(seconds) = error.retry_after {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// Adds `Warning` headers (RFC 7234 §5.5, code 299), as `kubectl` shows them.
pub(crate) fn warn(mut reply: Reply, warnings: &[String]) -> Reply {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            reply.headers_mut().append(header::WARNING, value);
        }
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_quoted() {
        let reply = warn(value(200, &Value::Null), &["unknown field \"spec.x\"".to_owned(), "b".to_owned()]);
        let sent: Vec<_> =
            reply.headers().get_all(header::WARNING).iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(sent, [r#"299 - "unknown field \"spec.x\"""#, r#"299 - "b""#]);
    }

    #[test]
    fn refusals_say_when_to_retry() {
        let reply = refusal(&ApiError::too_large_resource_version(9, 5));
        assert_eq!(reply.status(), 504);
        assert_eq!(reply.headers()[header::RETRY_AFTER], "1");
    }
}
