//! Stands between `kubectl` and the server and writes down what passes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::Value;

use crate::fixture::{Entry, Exchange, is_watch};
use crate::salient::{identifiers, salient, salient_event};

const LIMIT: usize = 16 << 20;

/// A listening recorder.
#[derive(Clone)]
pub(crate) struct Recorder {
    client: kube::Client,
    entries: Arc<Mutex<Vec<Entry>>>,
    pub(crate) address: SocketAddr,
}

impl Recorder {
    /// Listens on a free loopback port and forwards to `client` until the test ends.
    pub(crate) async fn start(client: kube::Client) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let recorder = Self { client, entries: Arc::default(), address };
        let router = axum::Router::new().fallback(forward).with_state(recorder.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        recorder
    }

    pub(crate) fn command(&self, command: &str) {
        self.lock().push(Entry::Command { command: command.to_owned() });
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the exchange at `index`.
    fn update(&self, index: usize, change: impl FnOnce(&mut Exchange)) {
        if let Some(Entry::Exchange(exchange)) = self.lock().get_mut(index) {
            change(exchange);
        }
    }

    /// Notes the request, so that exchanges stand in the order of arrival, and returns its index.
    fn begin(&self, parts: &axum::http::request::Parts, body: &[u8]) -> usize {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let exchange = Exchange {
            method: parts.method.to_string(),
            path: settled(path),
            headers: ["accept", "content-type", "user-agent"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), text(&parts.headers, name)?)))
                .collect(),
            body: parse(body),
            newline: body.ends_with(b"\n"),
            status: 0,
            content_type: String::new(),
            warnings: Vec::new(),
            answer: Value::Null,
            identifiers: Vec::new(),
        };
        let mut entries = self.lock();
        entries.push(Entry::Exchange(exchange));
        entries.len() - 1
    }
}

/// The path without what differs from one recording to the next: how long `kubectl` wants a watch to last, which it
/// draws, and the cache key of an `OpenAPI` document, which follows every change of the kinds that are served.
fn settled(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parameters: Vec<&str> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !parameter.starts_with("hash="))
        .map(
            |parameter| {
                if parameter.starts_with("timeoutSeconds=") { "timeoutSeconds=400" } else { parameter }
            },
        )
        .collect();
    if parameters.is_empty() { path.to_owned() } else { format!("{path}?{}", parameters.join("&")) }
}

/// JSON where it is JSON, else the text; null when empty.
pub(crate) fn parse(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The values of all `Warning` headers.
pub(crate) fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers.get_all("warning").iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
}

async fn forward(State(recorder): State<Recorder>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // The server takes the writer's name from here when the request names none, and programs are named differently.
    parts.headers.insert("user-agent", HeaderValue::from_static("kubectl/recorded"));
    let body = to_bytes(body, LIMIT).await.expect("a request body");
    let index = recorder.begin(&parts, &body);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let request = Request::from_parts(parts, kube::client::Body::from(body.to_vec()));
    let (parts, body) = recorder.client.send(request).await.expect("an answer of the server").into_parts();
    recorder.update(index, |exchange| {
        exchange.status = parts.status.as_u16();
        exchange.content_type = text(&parts.headers, "content-type").unwrap_or_default();
        exchange.warnings = warnings(&parts.headers);
    });
    let body = Body::new(body);
    if is_watch(&path) && parts.status.is_success() {
        recorder.update(index, |exchange| exchange.answer = Value::Array(Vec::new()));
        return (parts, Body::from_stream(tee(recorder, index, body))).into_response();
    }
    let body = to_bytes(body, LIMIT).await.expect("an answer");
    let parsed = parse(&body);
    recorder.update(index, |exchange| {
        exchange.answer = salient(&path, &parsed);
        exchange.identifiers = identifiers(&parsed);
    });
    (parts, Body::from(body)).into_response()
}

/// Passes a watch on and notes its events, one for each line.
fn tee(
    recorder: Recorder,
    index: usize,
    body: Body,
) -> impl futures::Stream<Item = Result<Bytes, axum::Error>> {
    let mut pending = Vec::new();
    body.into_data_stream().inspect(move |chunk| {
        pending.extend_from_slice(chunk.as_deref().unwrap_or_default());
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let event = parse(&line);
            recorder.update(index, |exchange| {
                exchange.identifiers.extend(identifiers(&event));
                if let Value::Array(events) = &mut exchange.answer {
                    events.push(salient_event(&event));
                }
            });
        }
    })
}
