//! The fake over HTTP: spellings, shapes and what a connection can do.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use landfall_gcp::api::{Kind, Method, Verb};
use landfall_testkit::gcp::fake::{FakeCompute, Fault, Quota, QuotaShape, Served};
use rstest::rstest;
use serde_json::{Value, json};

const ADDRESSES: &str = "/compute/v1/projects/test-project/regions/europe-west1/addresses";
const ID: &str = "requestId=11111111-1111-4111-8111-111111111111";

/// A fake that listens, and a client.
struct Wire {
    gcp: FakeCompute,
    served: Served,
    client: Client<HttpConnector, Body>,
}

impl Wire {
    async fn new() -> Self {
        let gcp = FakeCompute::new();
        gcp.set_operation_time(std::time::Duration::ZERO);
        let served = gcp.serve().await.unwrap();
        Self { gcp, served, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// `None` if the connection breaks.
    async fn raw(&self, method: &str, path: &str, body: Option<&str>) -> Option<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.served.endpoint()))
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_owned())))
            .unwrap();
        let answer = self.client.request(request).await.ok()?;
        let status = answer.status();
        Some((status, to_bytes(Body::new(answer.into_body()), usize::MAX).await.unwrap()))
    }

    async fn json(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let text = body.map(|body| body.to_string());
        let (status, answer) = self.raw(method, path, text.as_deref()).await.unwrap();
        (status.as_u16(), serde_json::from_slice(&answer).unwrap())
    }
}

#[tokio::test]
async fn operations_are_told_as_recorded() {
    let wire = Wire::new().await;
    let path = format!("{ADDRESSES}?%24alt=json&$apiVersion=2026-09-01&{ID}");
    let (status, operation) = wire.json("POST", &path, Some(json!({ "name": "a" }))).await;
    assert_eq!(status, 200);
    let told = |field: &str| operation[field].clone();
    assert_eq!(told("kind"), "compute#operation");
    assert_eq!(
        (told("status"), told("progress"), told("operationType")),
        (json!("DONE"), json!(100), json!("insert"))
    );
    assert!(told("id").as_str().unwrap().parse::<u64>().is_ok());
    assert!(told("targetLink").as_str().unwrap().ends_with("/regions/europe-west1/addresses/a"));
    for time in ["insertTime", "startTime", "endTime"] {
        assert!(told(time).as_str().unwrap().starts_with("2026-"), "{operation}");
    }
    // As the poller of the official client asks: without any query.
    let link = told("selfLink").as_str().unwrap().replace("https://www.googleapis.com", "");
    assert_eq!(wire.json("GET", &link, None).await, (200, operation));
}

#[rstest]
#[case("?pageToken=&%24alt=json", 200)]
#[case("?maxResults=500&filter=name%20eq%20%22lf-.%2A%22", 200)]
#[case("?filter=name+eq+lf-.*&alt=json&prettyPrint=false", 200)]
#[case("?maxResults=501", 400)]
#[case("?maxResult=5", 400)]
#[tokio::test]
async fn queries_are_checked(#[case] query: &str, #[case] wanted: u16) {
    let wire = Wire::new().await;
    let (status, body) = wire.json("GET", &format!("{ADDRESSES}{query}"), None).await;
    assert_eq!(status, wanted, "{body}");
}

#[rstest]
#[case::prefix("GET", "/projects/test-project/regions", None, 404, "notFound")]
#[case::method("PUT", ADDRESSES, Some("{}"), 404, "notFound")]
#[case::no_json("POST", ADDRESSES, Some("{"), 400, "parseError")]
#[case::no_object("POST", ADDRESSES, Some("[]"), 400, "parseError")]
#[case::no_body("POST", ADDRESSES, None, 400, "required")]
#[case::body_of_a_get("GET", ADDRESSES, Some("{}"), 200, "")]
#[case::nameless("POST", ADDRESSES, Some("{}"), 400, "required")]
#[case::zero_id(
    "POST",
    "/compute/v1/projects/test-project/regions/europe-west1/addresses?requestId=00000000-0000-0000-0000-000000000000",
    Some("{\"name\":\"a\"}"),
    400,
    "invalid"
)]
#[tokio::test]
async fn errors_have_a_shape(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: Option<&str>,
    #[case] wanted: u16,
    #[case] reason: &str,
) {
    let wire = Wire::new().await;
    let (status, answer) = wire.raw(method, path, body).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        (status.as_u16(), answer["error"]["errors"][0]["reason"].as_str().unwrap_or_default()),
        (wanted, reason)
    );
    if wanted != 200 {
        assert_eq!(answer["error"]["code"], wanted);
        assert!(answer["error"]["status"].is_null());
    }
}

#[tokio::test]
async fn the_newer_shape_has_a_canonical_status() {
    let wire = Wire::new().await;
    wire.gcp.set_quota(Quota::StaticAddresses, 0);
    wire.gcp.set_quota_shape(QuotaShape::Detailed);
    let (status, answer) = wire.json("POST", ADDRESSES, Some(json!({ "name": "a" }))).await;
    let error = &answer["error"];
    assert_eq!((status, &error["status"]), (403, &json!("RESOURCE_EXHAUSTED")));
    assert_eq!(error["details"][0]["reason"], "QUOTA_EXCEEDED");
}

#[rstest]
#[case::request(Fault::LoseRequest, false)]
#[case::answer(Fault::LoseAnswer, true)]
#[tokio::test]
async fn connections_break(#[case] fault: Fault, #[case] takes_effect: bool) {
    let wire = Wire::new().await;
    let method = Method::new(Kind::Address, Verb::Insert);
    wire.gcp.fault_on(method, 1, fault);
    assert_eq!(wire.raw("POST", ADDRESSES, Some("{\"name\":\"a\"}")).await, None);
    assert_eq!(wire.gcp.all(Kind::Address).len(), usize::from(takes_effect));
    assert_eq!(wire.gcp.count(method), 1);
}

#[tokio::test]
async fn a_proxy_answers_with_a_page() {
    let wire = Wire::new().await;
    wire.gcp.fault_at(1, Fault::Html { status: 502 });
    let (status, page) = wire.raw("GET", ADDRESSES, None).await.unwrap();
    assert_eq!(status.as_u16(), 502);
    assert!(page.starts_with(b"<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_fake_stops_listening_when_it_is_dropped() {
    let Wire { served, client, .. } = Wire::new().await;
    let endpoint = served.endpoint();
    drop(served);
    let refused = async || {
        let request = Request::builder().uri(format!("{endpoint}{ADDRESSES}")).body(Body::empty()).unwrap();
        client.request(request).await.is_err()
    };
    while !refused().await {
        tokio::task::yield_now().await;
    }
}
