use std::future::pending;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Json, Router};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::core::Status;
use rstest::rstest;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

fn refused(code: u16) -> kube::Error {
    kube::Error::Api(Status { code, message: "no".into(), ..Status::default() }.boxed())
}

async fn failing(error: kube::Error) -> ApiError {
    bounded(Duration::from_secs(1), || "get Lease a/b".into(), async { Err::<(), _>(error) })
        .await
        .unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_at_its_bound() {
    let limit = Duration::from_secs(4);
    let error = bounded(limit, || "patch status of Service a/b".into(), pending::<Result<(), _>>())
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::Timeout { after, .. } if after == limit));
    assert_eq!(error.to_string(), "patch status of Service a/b: no answer from the API server within 4s");
}

#[rstest]
#[case::not_found(404, (true, false, false))]
#[case::conflict(409, (false, true, false))]
#[case::forbidden(403, (false, false, true))]
#[case::invalid(422, (false, false, true))]
#[case::throttled(429, (false, false, false))]
#[case::broken(500, (false, false, false))]
#[tokio::test]
async fn answers_are_told_apart(#[case] code: u16, #[case] expected: (bool, bool, bool)) {
    let error = failing(refused(code)).await;
    assert_eq!(error.code(), Some(code));
    assert_eq!((error.is_not_found(), error.is_conflict(), error.is_refused()), expected);
}

#[tokio::test]
async fn the_wait_that_the_server_asks_for_is_known() {
    // As it comes over the wire.
    let answer = json!({"code": 429, "details": {"retryAfterSeconds": 7}});
    let status: Status = serde_json::from_value(answer).unwrap();
    assert_eq!(failing(kube::Error::Api(status.boxed())).await.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(failing(refused(429)).await.retry_after(), None);
}

#[tokio::test]
async fn the_error_says_what_was_attempted_and_its_source_why() {
    let error = failing(refused(500)).await;
    assert_eq!(error.to_string(), "get Lease a/b");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no"));
}

#[test]
fn the_write_client_does_not_retry_and_bounds_reads() {
    let config = for_writes(Config::new("http://127.0.0.1:1".parse().unwrap()));
    assert!(!config.default_retry && config.reset_reader_on_write);
    assert_eq!(config.read_timeout, Some(READ_TIMEOUT));
}

#[tokio::test]
async fn a_user_agent_that_no_header_can_carry_is_told() {
    let config = Config::new("http://127.0.0.1:1".parse().unwrap());
    let error = clients(config, "land\nfall").err().unwrap();
    assert_eq!(
        error.to_string(),
        "user agent \"land\\nfall\" is not accepted: visible ASCII characters only"
    );
}

#[tokio::test]
async fn a_missing_kubeconfig_is_named() {
    let options = ClientOptions { kubeconfig: Some("/nowhere/config".into()), ..ClientOptions::default() };
    let message = connect(&options).await.err().unwrap().to_string();
    assert!(message.starts_with("kubeconfig /nowhere/config cannot be used: "), "{message}");
}

/// Answers 503 to everything and reports the user agent of each request.
async fn broken_server() -> (Config, mpsc::UnboundedReceiver<String>) {
    async fn refuse(
        State(seen): State<mpsc::UnboundedSender<String>>,
        headers: HeaderMap,
        _body: Bytes,
    ) -> impl axum::response::IntoResponse {
        seen.send(headers[header::USER_AGENT].to_str().unwrap().to_owned()).unwrap();
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 503});
        (axum::http::StatusCode::SERVICE_UNAVAILABLE, Json(status))
    }
    let (seen, requests) = mpsc::unbounded_channel();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().fallback(refuse).with_state(seen)).into_future());
    (Config::new(url.parse().unwrap()), requests)
}

#[tokio::test]
async fn a_write_is_sent_once_and_with_our_name() {
    let (config, mut requests) = broken_server().await;
    let clients = clients(config, "landfall/1.2.3").unwrap();
    let api: Api<ConfigMap> = Api::namespaced(clients.writes.clone(), &clients.namespace);
    let params = kube::api::DeleteParams::default();
    let call = api.delete("x", &params);
    let error = bounded(Duration::from_secs(10), || "delete ConfigMap x".into(), call).await.err().unwrap();
    assert_eq!(error.code(), Some(503));
    assert_eq!(requests.recv().await.unwrap(), "landfall/1.2.3");
    assert!(requests.try_recv().is_err(), "the request was repeated");
}
