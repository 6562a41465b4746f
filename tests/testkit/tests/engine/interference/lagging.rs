//! Watches that lag behind the server, as informers of a busy cluster do. Time is paused: silence costs nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{WatchEvent, WatchParams};
use kube::runtime::watcher::{self, Event};
use kube::{Api, ResourceExt};
use landfall_testkit::apiserver::ApiServer;
use rstest::rstest;
use tokio::time::{Instant, sleep, timeout};

use crate::common::{CONFIG_MAPS, config_map, revision, service, summary, watch};

/// Longer than two bookmarks are apart, shorter than a watch lasts.
const SILENCE: Duration = Duration::from_mins(3);

/// Reads on until an event on an object: its manner and name. Events of the initial state are passed over.
async fn next<K>(
    stream: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
) -> (&'static str, String)
where
    K: kube::Resource,
{
    loop {
        match stream.next().await.expect("a stream that goes on").expect("no watch error") {
            Event::Apply(object) => return ("apply", object.name_any()),
            Event::Delete(object) => return ("delete", object.name_any()),
            Event::Init | Event::InitApply(_) | Event::InitDone => {}
        }
    }
}

/// The names of the initial state.
async fn initial<K: kube::Resource>(
    stream: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        match stream.next().await.expect("a stream that goes on") {
            Err(error) => panic!("{error}"),
            Ok(Event::InitApply(object)) => names.extend([object.name_any()]),
            Ok(Event::InitDone) => return names,
            Ok(Event::Init) => names.clear(),
            Ok(Event::Apply(object) | Event::Delete(object)) => {
                panic!("early event on {}", object.name_any())
            }
        }
    }
}

fn configured(streaming: bool) -> watcher::Config {
    if streaming { watcher::Config::default().streaming_lists() } else { watcher::Config::default() }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn held_events_come_in_order_on_release(
    #[values(false, true)] streaming: bool,
    #[values(false, true)] reconnecting: bool,
) {
    let server = ApiServer::start().unwrap();
    let config_maps: Api<ConfigMap> = Api::default_namespaced(server.client());
    let services: Api<Service> = Api::default_namespaced(server.client());
    server.create(config_map("a")).unwrap();
    let mut held = watcher::watcher(config_maps.clone(), configured(streaming)).boxed();
    let mut free = watcher::watcher(services, configured(streaming)).boxed();
    assert_eq!(initial(&mut held).await, ["a".to_owned()].into());
    assert_eq!(initial(&mut free).await, [].into());

    server.create(config_map("before")).unwrap();
    server.hooks().hold_watches("ConfigMap").unwrap();
    assert_eq!(
        next(&mut held).await,
        ("apply", "before".to_owned()),
        "what came before the hold is not held"
    );
    server.create(config_map("b")).unwrap();
    server.delete("v1", "ConfigMap", "default", "a").unwrap();
    server.create(service("web")).unwrap();
    if reconnecting {
        server.hooks().end_watches();
    }
    assert_eq!(next(&mut free).await, ("apply", "web".to_owned()), "another kind");
    timeout(SILENCE, next(&mut held)).await.expect_err("held");
    let listed: BTreeSet<_> =
        config_maps.list(&<_>::default()).await.unwrap().iter().map(ResourceExt::name_any).collect();
    assert_eq!(listed, ["b", "before"].map(String::from).into(), "reads are not held");

    server.hooks().release_watches();
    assert_eq!(next(&mut held).await, ("apply", "b".to_owned()));
    assert_eq!(next(&mut held).await, ("delete", "a".to_owned()));
    server.create(config_map("c")).unwrap();
    assert_eq!(next(&mut held).await, ("apply", "c".to_owned()), "the hold is over");
}

#[tokio::test(start_paused = true)]
async fn bookmarks_are_held_too() {
    let server = ApiServer::start().unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(server.client());
    let start = revision(&server.create(config_map("a")).unwrap());
    server.hooks().hold_watches("ConfigMap").unwrap();
    let made = revision(&server.create(config_map("b")).unwrap());
    let begun = Instant::now();
    let stream = api.watch(&WatchParams::default().timeout(150), &start.to_string()).await.unwrap();
    let seen = stream.map(|event| {
        let (what, at) = match event.unwrap() {
            WatchEvent::Added(object) => ("added", object.resource_version().unwrap()),
            WatchEvent::Bookmark(mark) => ("bookmark", mark.metadata.resource_version),
            other => panic!("unexpected {other:?}"),
        };
        (begun.elapsed().as_secs(), what, at.parse::<u64>().unwrap())
    });
    let release = async {
        sleep(Duration::from_secs(100)).await;
        server.hooks().release_watches();
    };
    let (seen, ()) = tokio::join!(seen.collect::<Vec<_>>(), release);
    let bookmark = |at| (at, "bookmark", made);
    assert_eq!(seen, [(100, "added", made), bookmark(100), bookmark(120), bookmark(148)]);
}

#[tokio::test(start_paused = true)]
async fn a_held_watch_whose_history_is_compacted_expires_on_release() {
    let server = ApiServer::start().unwrap();
    let start = revision(&server.create(config_map("a")).unwrap());
    let begun = Instant::now();
    let script = async {
        sleep(Duration::from_secs(1)).await;
        server.hooks().hold_watches("ConfigMap").unwrap();
        server.create(config_map("b")).unwrap();
        server.hooks().compact();
        sleep(SILENCE).await;
        server.hooks().release_watches();
    };
    let uri = format!("{CONFIG_MAPS}?watch=true&resourceVersion={start}");
    let (events, ()) = tokio::join!(watch(&server, &uri), script);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["type"], &events[0]["object"]["code"]), (&"ERROR".into(), &410.into()));
    assert_eq!(begun.elapsed(), Duration::from_secs(1) + SILENCE);
}

#[rstest]
#[case::present("")]
#[case::streamed("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")]
#[tokio::test(start_paused = true)]
async fn a_watch_from_the_present_waits_for_the_release(#[case] query: &str) {
    let server = ApiServer::start().unwrap();
    server.create(config_map("a")).unwrap();
    server.hooks().hold_watches("ConfigMap").unwrap();
    let uri = format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=10{query}");
    assert!(watch(&server, &uri).await.is_empty(), "it ends in time all the same");
    let script = async {
        sleep(Duration::from_secs(5)).await;
        server.create(config_map("b")).unwrap();
        server.hooks().release_watches();
    };
    let (events, ()) = tokio::join!(watch(&server, &uri), script);
    assert_eq!(summary(&events), [("ADDED", "a"), ("ADDED", "b")]);
}

#[tokio::test(start_paused = true)]
async fn a_second_hold_does_not_let_the_first_slip() {
    let server = ApiServer::start().unwrap();
    let start = revision(&server.create(config_map("a")).unwrap());
    server.hooks().hold_watches("ConfigMap").unwrap();
    server.create(config_map("b")).unwrap();
    server.hooks().hold_watches("ConfigMap").unwrap();
    let uri = format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=5&resourceVersion={start}");
    assert!(watch(&server, &uri).await.is_empty());
    server.hooks().release_watches();
    assert_eq!(summary(&watch(&server, &uri).await), [("ADDED", "b")]);
}

#[test]
fn holding_a_kind_that_is_not_served_is_refused() {
    let server = ApiServer::start().unwrap();
    let refusal = server.hooks().hold_watches("Sevice").unwrap_err();
    let (found, accepted) = refusal.message.split_once(", expected one of ").unwrap();
    assert_eq!(found, r#"kind: "Sevice" is not served"#);
    let accepted: Vec<_> = accepted.split(", ").collect();
    assert!(accepted.contains(&"Service") && accepted.is_sorted(), "{accepted:?}");
}
