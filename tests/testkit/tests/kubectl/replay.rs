//! Recorded conversations against the server, without `kubectl`.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use futures::StreamExt;
use rstest::rstest;
use serde_json::Value;

use crate::fixture::{self, Conversation, Entry, Exchange};
use crate::recorder::{parse, warnings};
use crate::salient::{identifiers, salient, salient_event, with_identifiers};
use crate::scenarios::{self, SCENARIOS};

/// A watch that has nothing to say for this long has failed; the events come within milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

#[rstest]
#[tokio::test]
async fn recorded(
    #[values(
        "annotate",
        "apply",
        "create",
        "custom",
        "delete",
        "describe",
        "diff",
        "edit",
        "events",
        "get",
        "node",
        "patch",
        "server_side",
        "wait",
        "watch"
    )]
    scenario: &str,
) {
    let recorded = fixture::load(scenario);
    assert!(!recorded.is_empty(), "no recording of {scenario} in {}", fixture::folder().display());
    for (file, conversation) in recorded {
        let server = scenarios::server();
        let mut player = Player { client: server.client(), known: BTreeMap::new(), watches: Vec::new() };
        player
            .play(&conversation)
            .await
            .unwrap_or_else(|difference| panic!("{}: {difference}", file.display()));
    }
}

/// The list above is the list of scenarios.
#[test]
fn every_scenario_is_replayed() {
    let source = include_str!("replay.rs");
    for (name, _) in SCENARIOS {
        assert!(source.contains(&format!("\"{name}\"")), "{name} is not replayed");
    }
}

struct Player {
    client: kube::Client,
    /// Identifiers of the recording and what they are now.
    known: BTreeMap<String, String>,
    /// Watches that stay open until all other requests are made.
    watches: Vec<(Exchange, Body)>,
}

impl Player {
    async fn play(&mut self, conversation: &Conversation) -> Result<(), String> {
        let mut command = "";
        for entry in &conversation.entries {
            match entry {
                Entry::Command { command: next } => command = next,
                Entry::Exchange(exchange) => {
                    let problem = |difference| {
                        format!("{command}: {} {}: {difference}", exchange.method, exchange.path)
                    };
                    self.exchange(exchange).await.map_err(problem)?;
                }
            }
        }
        for (exchange, body) in std::mem::take(&mut self.watches) {
            let got = events(body, exchange.answer.as_array().map_or(0, Vec::len)).await;
            same("events", &exchange.answer, &got)
                .map_err(|difference| format!("{}: {difference}", exchange.path))?;
        }
        Ok(())
    }

    async fn exchange(&mut self, exchange: &Exchange) -> Result<(), String> {
        let response = self.client.send(self.request(exchange)).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let content_type =
            parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = Body::new(body);
        if exchange.is_watch() && parts.status.is_success() {
            same("status", &exchange.status, &parts.status.as_u16())?;
            self.watches.push((exchange.clone(), body));
            return Ok(());
        }
        let answer = parse(&to_bytes(body, 16 << 20).await.map_err(|error| error.to_string())?);
        same("status", &exchange.status, &parts.status.as_u16())
            .map_err(|text| format!("{text}: {answer}"))?;
        same("content type", &exchange.content_type.as_str(), &content_type)?;
        same("warnings", &exchange.warnings, &warnings(&parts.headers))?;
        same("answer", &exchange.answer, &salient(&exchange.path, &answer))?;
        self.known.extend(exchange.identifiers.iter().cloned().zip(identifiers(&answer)));
        Ok(())
    }

    /// The recorded request with today's identifiers.
    fn request(&self, exchange: &Exchange) -> Request<kube::client::Body> {
        let map = |old: &str| self.known.get(old).cloned().unwrap_or_else(|| old.to_owned());
        let mut request = Request::builder().method(exchange.method.as_str()).uri(self.path(&exchange.path));
        for (name, value) in &exchange.headers {
            request = request.header(name, value);
        }
        let body = match with_identifiers(&exchange.body, &map) {
            Value::Null => Vec::new(),
            Value::String(text) => text.into_bytes(),
            json if exchange.newline => format!("{json}\n").into_bytes(),
            json => json.to_string().into_bytes(),
        };
        request.body(body.into()).expect("a recorded request")
    }

    /// Identifiers occur in paths as `resourceVersion=…` and, in field selectors, as uids.
    fn path(&self, path: &str) -> String {
        let uids = self.known.iter().filter(|(old, _)| old.len() == fixture::UID);
        let path = uids.fold(path.to_owned(), |path, (old, new)| path.replace(old.as_str(), new));
        let parameter = |part: &str| match part.split_once("resourceVersion=") {
            Some((before, old)) if before.is_empty() || before.ends_with('?') => {
                format!("{before}resourceVersion={}", self.known.get(old).map_or(old, String::as_str))
            }
            _ => part.to_owned(),
        };
        path.split('&').map(parameter).collect::<Vec<_>>().join("&")
    }
}

/// The next `count` events of a watch; fewer when the server ends it or stays silent.
async fn events(body: Body, count: usize) -> Value {
    let mut chunks = body.into_data_stream();
    let (mut pending, mut found) = (Vec::new(), Vec::new());
    while found.len() < count {
        let Ok(Some(Ok(chunk))) = tokio::time::timeout(PATIENCE, chunks.next()).await else {
            break;
        };
        pending.extend_from_slice(&chunk);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            found.push(salient_event(&parse(&line)));
        }
    }
    Value::Array(found)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, want: &T, got: &T) -> Result<(), String> {
    if want == got {
        Ok(())
    } else {
        Err(format!("{what} differs\n  recorded: {want:?}\n  now:      {got:?}"))
    }
}
