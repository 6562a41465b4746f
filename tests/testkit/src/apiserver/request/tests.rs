use super::*;
use rstest::rstest;

fn resolve(method: &str, uri: &str) -> Result<Request, ApiError> {
    let (parts, ()) = axum::http::Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
    let path = ResourcePath::parse(parts.uri.path()).ok_or_else(ApiError::no_such_path)?;
    Request::resolve(&Registry::default(), path, &parts, Bytes::new())
}

#[rstest]
#[case("GET", "/api/v1/services", Verb::List)]
#[case("GET", "/api/v1/services?watch=true", Verb::Watch)]
#[case("GET", "/api/v1/services?watch=false", Verb::List)]
#[case("GET", "/api/v1/nodes/a?watch=1", Verb::Watch)]
#[case("GET", "/api/v1/nodes/a", Verb::Get)]
#[case("GET", "/api/v1/nodes/a/status", Verb::Get)]
#[case("POST", "/api/v1/namespaces/ns/services", Verb::Create)]
#[case("PUT", "/api/v1/namespaces/ns/services/web", Verb::Update)]
#[case("PATCH", "/api/v1/namespaces/ns/services/web/status", Verb::Patch)]
#[case("DELETE", "/api/v1/namespaces/ns/services/web", Verb::Delete)]
#[case("DELETE", "/api/v1/namespaces/ns/services", Verb::DeleteCollection)]
fn verbs(#[case] method: &str, #[case] uri: &str, #[case] verb: Verb) {
    assert_eq!(resolve(method, uri).unwrap().call.verb, verb);
}

#[rstest]
#[case("GET", "/api/v1/colours", 404)]
#[case("GET", "/apis/apps/v2/deployments", 404)]
#[case("GET", "/api/v1/namespaces/ns/nodes", 404)]
#[case("GET", "/api/v1/services/web", 404)]
#[case("GET", "/api/v1/namespaces/ns/secrets/s/status", 404)]
#[case("GET", "/api/v1/namespaces/ns/services/web/scale", 404)]
#[case("POST", "/api/v1/services", 405)]
#[case("DELETE", "/api/v1/services", 405)]
#[case("DELETE", "/api/v1/namespaces/ns/services/web/status", 405)]
#[case("PUT", "/api/v1/nodes", 405)]
#[case("GET", "/api/v1/services?watch=maybe", 400)]
fn refusals(#[case] method: &str, #[case] uri: &str, #[case] code: u16) {
    assert_eq!(resolve(method, uri).unwrap_err().code, code);
}

#[test]
fn the_manager_is_named_or_taken_from_the_agent() {
    let mut request = resolve("PATCH", "/api/v1/nodes/a?fieldManager=me").unwrap();
    assert_eq!(request.manager(), "me");
    request.params = Params::default();
    request.user_agent = "kubectl/v1.33 (linux)".into();
    assert_eq!(request.manager(), "kubectl");
    request.user_agent = String::new();
    assert_eq!(request.manager(), "unknown");
}
