use axum::body::{Body, to_bytes};
use axum::http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::*;
use crate::telemetry::{LogFormat, detached};

fn admin() -> (Health, Admin) {
    let health = Health::new();
    let metrics = Metrics::new("landfall", "0.0.0");
    (health.clone(), Admin::new(health, metrics, detached(LogFormat::Plain, "info").unwrap()))
}

async fn send(admin: &Admin, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    let response = admin.clone().router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let content_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|v| v.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, content_type, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn probes_follow_health() {
    let (health, admin) = admin();
    let caches = health.condition("caches").unwrap();
    let (status, _, body) = send(&admin, "GET", "/readyz", "").await;
    assert_eq!((status, body.as_str()), (503, "[-] caches failed: not yet\nfailed: 0 of 1 checks passed\n"));
    caches.ready("synced");
    assert_eq!(send(&admin, "GET", "/readyz", "").await.0, 200);
    assert_eq!(send(&admin, "GET", "/livez", "").await.0, 200);
}

#[tokio::test]
async fn metrics_are_openmetrics() {
    let (_, admin) = admin();
    let (status, content_type, body) = send(&admin, "GET", "/metrics", "").await;
    assert_eq!((status, content_type.as_str()), (200, OPENMETRICS_CONTENT_TYPE));
    assert!(body.contains("landfall_build_info") && body.ends_with("# EOF\n"), "{body}");
}

#[tokio::test]
async fn the_log_filter_can_be_read_and_set() {
    let (_, admin) = admin();
    assert_eq!(send(&admin, "GET", "/log-level", "").await.2, "info\n");
    assert_eq!(send(&admin, "PUT", "/log-level", "info,kube=debug\n").await.2, "info,kube=debug\n");
    let (status, _, body) = send(&admin, "PUT", "/log-level", "verbose").await;
    assert_eq!(status, 400);
    assert!(body.starts_with("log filter \"verbose\" is not accepted: "), "{body}");
    assert_eq!(send(&admin, "GET", "/log-level", "").await.2, "info,kube=debug\n");
    assert_eq!(send(&admin, "PUT", "/log-level", &"x".repeat(MAX_BODY + 1)).await.0, 413);
    assert_eq!(send(&admin, "POST", "/log-level", "info").await.0, 405);
}

#[tokio::test]
async fn a_program_adds_its_own_routes() {
    let (_, admin) = admin();
    let admin = admin.merge(Router::new().route("/status", get(|| async { "owner" })));
    assert_eq!(send(&admin, "GET", "/status", "").await.2, "owner");
    assert_eq!(send(&admin, "GET", "/livez", "").await.0, 200);
    assert_eq!(send(&admin, "GET", "/nothing", "").await.0, 404);
}

fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

#[tokio::test]
async fn a_taken_address_is_named_with_its_flag() {
    let (_, admin) = admin();
    let first = admin.clone().bind(any_port(), "--admin-addr").await.unwrap();
    let address = first.local_addr();
    let error = admin.bind(address, "--admin-addr").await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {address} (set by --admin-addr): ")), "{error}");
}

#[tokio::test]
async fn it_stops_on_request_also_with_an_idle_connection_open() {
    let (_, admin) = admin();
    let bound = admin.bind(any_port(), "--admin-addr").await.unwrap();
    let address = bound.local_addr();
    let stop = CancellationToken::new();
    let server = tokio::spawn(bound.serve(stop.clone()));

    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut start = [0; 12];
    connection.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");

    stop.cancel();
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
