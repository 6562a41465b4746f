//! Clients for tests: kube over both transports, and bare requests.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use kube::Client;
use landfall_testkit::apiserver::{ApiServer, Served};
use serde_json::{Value, json};
use tower::ServiceExt;

/// How a kube client reaches the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transport {
    InProcess,
    Http,
}

/// A client; the second value keeps the listener alive.
pub(crate) async fn connect(server: &ApiServer, transport: Transport) -> (Client, Option<Served>) {
    match transport {
        Transport::InProcess => (server.client(), None),
        Transport::Http => {
            let listener = server.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
            (listener.client().unwrap(), Some(listener))
        }
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The resourceVersion of the object or list.
    pub(crate) fn revision(&self) -> u64 {
        revision(&self.body)
    }

    /// The names of a list's items.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["metadata"]["name"].as_str().unwrap())
            .collect()
    }

    /// The body of an answer that must have this code.
    #[track_caller]
    pub(crate) fn expect(self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", self.body);
        self.body
    }
}

pub(crate) fn revision(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

/// A request with a JSON body; the content type is that of `method` (merge patch for PATCH).
pub(crate) async fn send(server: &ApiServer, method: &str, uri: &str, body: Value) -> Answer {
    let content_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    send_as(server, method, uri, &[("content-type", content_type)], &body.to_string()).await
}

/// A request without a body.
pub(crate) async fn ask(server: &ApiServer, method: &str, uri: &str) -> Answer {
    send_as(server, method, uri, &[], "").await
}

/// A request as it is written.
pub(crate) async fn send_as(
    server: &ApiServer,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let reply = server.service().oneshot(request).await.unwrap();
    let (parts, body) = reply.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
    Answer { code: parts.status.as_u16(), headers: parts.headers, body }
}

/// All events of a watch that ends by itself.
pub(crate) async fn watch(server: &ApiServer, uri: &str) -> Vec<Value> {
    let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
    let reply = server.service().oneshot(request).await.unwrap();
    assert_eq!(reply.status(), 200);
    let bytes = to_bytes(reply.into_body(), usize::MAX).await.unwrap();
    bytes
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect()
}

/// Type and name of watch events.
pub(crate) fn summary(events: &[Value]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|e| (e["type"].as_str().unwrap(), e["object"]["metadata"]["name"].as_str().unwrap_or("")))
        .collect()
}

/// A ConfigMap in `default`.
pub(crate) fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

/// A Service of type `LoadBalancer` in `default`.
pub(crate) fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}]},
    })
}

pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub(crate) const SERVICES: &str = "/api/v1/namespaces/default/services";
