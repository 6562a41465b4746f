//! kube's watcher against the server: both modes, both transports.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::{Api, ResourceExt};
use landfall_testkit::apiserver::ApiServer;
use rstest::rstest;
use serde_json::json;

use crate::common::{Transport, connect};

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
}

fn configured(streaming: bool) -> watcher::Config {
    let config = watcher::Config::default();
    if streaming { config.streaming_lists() } else { config.page_size(2) }
}

async fn next<K>(stream: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin)) -> Event<K> {
    let wait = tokio::time::timeout(Duration::from_secs(20), stream.try_next());
    wait.await.expect("an event in time").expect("no watch error").expect("a stream that goes on")
}

/// The names of the initial state.
async fn initial(
    stream: &mut (impl Stream<Item = watcher::Result<Event<ConfigMap>>> + Unpin),
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        match next(stream).await {
            Event::Init => names.clear(),
            Event::InitApply(object) => {
                names.insert(object.name_any());
            }
            Event::InitDone => return names,
            Event::Apply(object) | Event::Delete(object) => panic!("early event on {}", object.name_any()),
        }
    }
}

#[rstest]
#[tokio::test]
async fn initial_state_then_changes(
    #[values(Transport::InProcess, Transport::Http)] transport: Transport,
    #[values(false, true)] streaming: bool,
) {
    let server = ApiServer::start().unwrap();
    let (client, _served) = connect(&server, transport).await;
    let api: Api<ConfigMap> = Api::default_namespaced(client);
    for name in ["a", "b", "c", "d", "e"] {
        api.create(&PostParams::default(), &config_map(name)).await.unwrap();
    }
    let mut stream = watcher::watcher(api.clone(), configured(streaming)).boxed();
    assert_eq!(initial(&mut stream).await, ["a", "b", "c", "d", "e"].map(String::from).into());

    api.create(&PostParams::default(), &config_map("f")).await.unwrap();
    api.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(matches!(next(&mut stream).await, Event::Apply(o) if o.name_any() == "f"));
    assert!(matches!(next(&mut stream).await, Event::Delete(o) if o.name_any() == "a"));
}

#[rstest]
#[tokio::test]
async fn a_cut_watch_resumes_and_a_compacted_one_relists(
    #[values(Transport::InProcess, Transport::Http)] transport: Transport,
    #[values(false, true)] streaming: bool,
) {
    let server = ApiServer::start().unwrap();
    let (client, _served) = connect(&server, transport).await;
    let api: Api<ConfigMap> = Api::default_namespaced(client);
    api.create(&PostParams::default(), &config_map("a")).await.unwrap();
    let mut stream = watcher::watcher(api.clone(), configured(streaming)).boxed();
    initial(&mut stream).await;
    // The change proves that the watch runs.
    api.create(&PostParams::default(), &config_map("b")).await.unwrap();
    assert!(matches!(next(&mut stream).await, Event::Apply(_)));

    server.hooks().end_watches();
    api.create(&PostParams::default(), &config_map("c")).await.unwrap();
    assert!(
        matches!(next(&mut stream).await, Event::Apply(o) if o.name_any() == "c"),
        "resumed without a relist"
    );

    server.hooks().end_watches();
    api.create(&PostParams::default(), &config_map("d")).await.unwrap();
    server.hooks().compact();
    let mut expired = false;
    let relisted = loop {
        match stream.next().await.expect("a stream that goes on") {
            Err(error) => expired |= error.to_string().contains("too old resource version"),
            Ok(Event::Init) => break initial(&mut stream).await,
            Ok(Event::Apply(_)) => {}
            Ok(other) => panic!("unexpected {other:?}"),
        }
    };
    assert!(expired);
    assert_eq!(relisted, ["a", "b", "c", "d"].map(String::from).into());
}
