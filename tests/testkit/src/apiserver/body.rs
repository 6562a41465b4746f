//! Request bodies: JSON or YAML.

use serde_json::Value;

use super::error::ApiError;

/// The largest body the server takes, in bytes (`--max-request-bytes` upstream).
pub(crate) const LIMIT: usize = 3 * 1024 * 1024;

/// An object from a POST or PUT body.
pub(crate) fn decode(content_type: &str, body: &[u8]) -> Result<Value, ApiError> {
    let unreadable = |problem: String| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type JSON or YAML): {problem}"
        ))
    };
    match media_type(content_type) {
        "" | "application/json" | "*/*" => {
            serde_json::from_slice(body).map_err(|problem| unreadable(problem.to_string()))
        }
        "application/yaml" => parse(body).ok_or_else(|| unreadable("not YAML".into())),
        other => Err(ApiError::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml; got {other}"
            ),
        )),
    }
}

/// JSON or YAML, whichever it is.
pub(crate) fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| serde_saphyr::from_slice(body).ok())
}

/// `application/json` out of `application/json; charset=utf-8`.
pub(crate) fn media_type(header: &str) -> &str {
    header.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[rstest::rstest]
    #[case("application/json", "{\"a\": [1]}")]
    #[case("application/json; charset=utf-8", "{\"a\": [1]}")]
    #[case("", "{\"a\": [1]}")]
    #[case("application/yaml", "a:\n- 1\n")]
    #[case("application/yaml", "{\"a\": [1]}")]
    fn decodes(#[case] content_type: &str, #[case] body: &str) {
        assert_eq!(decode(content_type, body.as_bytes()).unwrap(), json!({"a": [1]}));
    }

    #[rstest::rstest]
    #[case("application/json", "a: 1", 400)]
    #[case("application/yaml", "a: [", 400)]
    #[case("application/vnd.kubernetes.protobuf", "k8s", 415)]
    fn refuses(#[case] content_type: &str, #[case] body: &str, #[case] code: u16) {
        assert_eq!(decode(content_type, body.as_bytes()).unwrap_err().code, code);
    }
}
