//! Hooks and the journal, as controller tests use them.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use landfall_testkit::apiserver::{ApiServer, Fault, JournalMode, Matcher, Options, Verb};
use rstest::rstest;
use serde_json::json;

use crate::common::{CONFIG_MAPS, Transport, ask, config_map, connect, send, service};

mod lagging;

fn typed(name: &str) -> ConfigMap {
    serde_json::from_value(config_map(name)).unwrap()
}

#[tokio::test]
async fn faults_hit_what_they_match_and_run_out() {
    let server = ApiServer::start().unwrap();
    server.create(service("a")).unwrap();
    let matcher = Matcher::verb(Verb::Patch).kind("Service").subresource("status");
    let strikes = server.hooks().inject(matcher, Fault::unavailable(), 2);
    let uri = "/api/v1/namespaces/default/services/a";
    let body = json!({"metadata": {"labels": {"x": "y"}}});
    send(&server, "PATCH", uri, body.clone()).await.expect(200);
    let status = format!("{uri}/status");
    for code in [503, 503, 200] {
        send(&server, "PATCH", &status, body.clone()).await.expect(code);
    }
    assert_eq!(strikes.count(), 2);
    let limited = Fault::too_many_requests(3);
    server.hooks().inject(Matcher::any(), limited, 1);
    let answer = ask(&server, "GET", uri).await;
    assert_eq!((answer.code, answer.headers["retry-after"].to_str().unwrap()), (429, "3"));
}

#[rstest]
#[case::before(Fault::Drop, false)]
#[case::after(Fault::DropAfter, true)]
#[tokio::test]
async fn a_dropped_connection(
    #[values(Transport::InProcess, Transport::Http)] transport: Transport,
    #[case] fault: Fault,
    #[case] stored: bool,
) {
    let server = ApiServer::start().unwrap();
    let (client, _served) = connect(&server, transport).await;
    let api: Api<ConfigMap> = Api::default_namespaced(client);
    // Several times: a client that retries by itself must not get through.
    server.hooks().inject(Matcher::verb(Verb::Create).kind("ConfigMap"), fault, 5);
    let error = api.create(&PostParams::default(), &typed("a")).await.unwrap_err();
    assert!(!matches!(error, kube::Error::Api(_)), "no answer at all: {error}");
    assert_eq!(server.get("v1", "ConfigMap", "default", "a").is_ok(), stored);
    let entries = server.journal().writes();
    assert_eq!(entries[0].status, 0);
}

#[tokio::test]
async fn a_lost_answer_has_taken_effect() {
    let server = ApiServer::start().unwrap();
    server.hooks().inject(
        Matcher::writes(),
        Fault::RefuseAfter(landfall_testkit::apiserver::ApiError::new(504, "Timeout", "lost")),
        1,
    );
    send(&server, "POST", CONFIG_MAPS, config_map("a")).await.expect(504);
    send(&server, "POST", CONFIG_MAPS, config_map("a")).await.expect(409);
}

#[rstest]
#[case(Fault::Delay(Duration::from_secs(5)), false)]
#[case(Fault::DelayAfter(Duration::from_secs(5)), true)]
#[tokio::test(start_paused = true)]
async fn delays_come_before_or_after_the_effect(#[case] fault: Fault, #[case] effect_first: bool) {
    let server = ApiServer::start().unwrap();
    server.hooks().inject(Matcher::any(), fault, 1);
    let begun = tokio::time::Instant::now();
    let slow = send(&server, "POST", CONFIG_MAPS, config_map("a"));
    let peek = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.get("v1", "ConfigMap", "default", "a").is_ok()
    };
    let (answer, stored_early) = tokio::join!(slow, peek);
    answer.expect(201);
    assert_eq!((begun.elapsed(), stored_early), (Duration::from_secs(5), effect_first));
}

#[rstest]
#[tokio::test]
async fn broken_watches_are_reported_as_such(
    #[values(Transport::InProcess, Transport::Http)] transport: Transport,
) {
    use futures::{StreamExt, TryStreamExt};
    use kube::api::WatchParams;

    let server = ApiServer::start().unwrap();
    let (client, _served) = connect(&server, transport).await;
    let api: Api<ConfigMap> = Api::default_namespaced(client);
    server.create(config_map("a")).unwrap();
    let mut stream = api.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    stream.try_next().await.unwrap().expect("the present state");
    server.hooks().break_watches();
    let end = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("an end in time");
    assert!(end.is_none_or(|item| item.is_err()));
}

#[tokio::test]
async fn the_journal_tells_what_was_asked() {
    let server = ApiServer::start().unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(server.client());
    api.create(&PostParams::default(), &typed("a")).await.unwrap();
    let patch = Patch::Merge(json!({"data": {"k": "v"}}));
    api.patch("a", &PatchParams::default(), &patch).await.unwrap();
    api.patch("missing", &PatchParams::default(), &patch).await.unwrap_err();
    api.get("a").await.unwrap();

    let journal = server.journal();
    let writes = journal.writes_of("ConfigMap");
    let seen: Vec<_> = writes.iter().map(|e| (e.call.verb, e.call.name.as_str(), e.status)).collect();
    assert_eq!(seen, [(Verb::Create, "", 201), (Verb::Patch, "a", 200), (Verb::Patch, "missing", 404)]);
    assert_eq!(writes[1].json(), json!({"data": {"k": "v"}}));
    assert_eq!(writes[1].content_type, "application/merge-patch+json");
    assert!(writes[1].succeeded() && !writes[2].succeeded());
    assert_eq!((journal.count(Verb::Get, "ConfigMap"), journal.count_writes()), (1, 3));
    let used: Vec<_> =
        journal.permissions().into_iter().map(|p| format!("{} {}", p.verb, p.resource)).collect();
    assert_eq!(used, ["create configmaps", "get configmaps", "patch configmaps"]);
    journal.clear();
    assert!(journal.entries().is_empty());
}

#[tokio::test]
async fn the_journal_can_be_bounded_and_switched_off() {
    for (mode, kept) in [(JournalMode::Newest(1), 1), (JournalMode::Counters, 0)] {
        let server = ApiServer::start_with(Options { journal: mode, ..Options::default() }).unwrap();
        for _ in 0..3 {
            ask(&server, "GET", CONFIG_MAPS).await.expect(200);
        }
        assert_eq!(
            (server.journal().entries().len(), server.journal().count(Verb::List, "ConfigMap")),
            (kept, 3)
        );
    }
}

#[tokio::test]
async fn stopping_the_listener_ends_its_watches_only() {
    use futures::StreamExt;
    use kube::api::WatchParams;

    let server = ApiServer::start().unwrap();
    server.create(config_map("a")).unwrap();
    let listener = server.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    let remote: Api<ConfigMap> = Api::default_namespaced(listener.client().unwrap());
    let local: Api<ConfigMap> = Api::default_namespaced(server.client());
    let mut over_http = remote.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    let mut in_process = local.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    over_http.next().await.unwrap().unwrap();
    in_process.next().await.unwrap().unwrap();

    tokio::time::timeout(Duration::from_secs(20), listener.stop()).await.expect("a stop in time");
    assert!(over_http.next().await.is_none_or(|event| event.is_err()));
    server.create(config_map("b")).unwrap();
    in_process.next().await.unwrap().unwrap();
    drop(server);
    assert!(in_process.next().await.is_none());
}
