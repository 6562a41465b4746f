//! Lists: selectors, pages, and the meanings of `resourceVersion`.

use landfall_testkit::apiserver::ApiServer;
use rstest::rstest;

use crate::common::{CONFIG_MAPS, ask, config_map, revision};

fn five() -> ApiServer {
    let server = ApiServer::start().unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        server.create(config_map(name)).unwrap();
    }
    server
}

#[tokio::test]
async fn pages_show_one_state() {
    let server = five();
    let first = ask(&server, "GET", &format!("{CONFIG_MAPS}?limit=2")).await;
    assert_eq!(first.names(), ["a", "b"]);
    assert_eq!(first.body["metadata"]["remainingItemCount"], 3);
    server.delete("v1", "ConfigMap", "default", "c").unwrap();
    server.create(config_map("bb")).unwrap();

    let token = first.body["metadata"]["continue"].as_str().unwrap();
    let second = ask(&server, "GET", &format!("{CONFIG_MAPS}?limit=2&continue={token}")).await;
    assert_eq!(second.names(), ["c", "d"], "as when the first page was read");
    assert_eq!(second.revision(), first.revision());
    let token = second.body["metadata"]["continue"].as_str().unwrap();
    let last = ask(&server, "GET", &format!("{CONFIG_MAPS}?limit=2&continue={token}")).await;
    assert_eq!(last.names(), ["e"]);
    assert!(last.body["metadata"].get("continue").is_none());
    assert_eq!(ask(&server, "GET", CONFIG_MAPS).await.names(), ["a", "b", "bb", "d", "e"]);
}

#[tokio::test]
async fn a_page_of_lost_history_is_expired() {
    let server = five();
    let first = ask(&server, "GET", &format!("{CONFIG_MAPS}?limit=2")).await;
    let token = first.body["metadata"]["continue"].as_str().unwrap().to_owned();
    server.create(config_map("f")).unwrap();
    server.hooks().compact();
    let answer = ask(&server, "GET", &format!("{CONFIG_MAPS}?limit=2&continue={token}")).await.expect(410);
    assert_eq!(answer["reason"], "Expired");
}

#[tokio::test]
async fn resource_versions_pick_the_state() {
    let server = five();
    let then = revision(&server.get("v1", "ConfigMap", "default", "c").unwrap());
    let at = |query: String| {
        let server = &server;
        async move { ask(server, "GET", &format!("{CONFIG_MAPS}?{query}")).await }
    };
    let exact = at(format!("resourceVersion={then}&resourceVersionMatch=Exact")).await;
    assert_eq!((exact.names(), exact.revision()), (vec!["a", "b", "c"], then));
    assert_eq!(at(format!("resourceVersion={then}")).await.names().len(), 5);
    assert_eq!(
        at(format!("resourceVersion={then}&resourceVersionMatch=NotOlderThan")).await.names().len(),
        5
    );
    assert_eq!(at("resourceVersion=0&limit=1".into()).await.names().len(), 5, "the cache does not page");

    let ahead = at("resourceVersion=99999".into()).await.expect(504);
    assert_eq!(ahead["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    assert_eq!(ahead["details"]["retryAfterSeconds"], 1);
    server.hooks().compact();
    at(format!("resourceVersion={then}&resourceVersionMatch=Exact")).await.expect(410);
}

#[rstest]
#[case("resourceVersion=x", 400)]
#[case("resourceVersionMatch=Exact", 422)]
#[case("resourceVersion=0&resourceVersionMatch=Exact", 422)]
#[case("resourceVersion=1&resourceVersionMatch=Newest", 422)]
#[case("sendInitialEvents=true", 422)]
#[case("continue=rubbish", 400)]
#[case("limit=many", 400)]
#[case("fieldSelector=spec.colour%3Dred", 400)]
#[case("labelSelector=%3Dred", 400)]
#[case("watch=true&sendInitialEvents=true", 422)]
#[case("watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan", 422)]
#[tokio::test]
async fn bad_options_are_refused(#[case] query: &str, #[case] code: u16) {
    let server = five();
    ask(&server, "GET", &format!("{CONFIG_MAPS}?{query}")).await.expect(code);
}

#[tokio::test]
async fn selectors_and_scopes() {
    let server = five();
    let one = ask(&server, "GET", &format!("{CONFIG_MAPS}?fieldSelector=metadata.name%3Dc")).await;
    assert_eq!(one.names(), ["c"]);
    let all = ask(&server, "GET", "/api/v1/configmaps?fieldSelector=metadata.name!%3Dc").await;
    assert_eq!(all.names(), ["a", "b", "d", "e"]);
    assert_eq!(
        ask(&server, "GET", "/api/v1/namespaces/kube-system/configmaps").await.names(),
        Vec::<&str>::new()
    );
    let list = ask(&server, "GET", CONFIG_MAPS).await.body;
    assert_eq!((&list["kind"], &list["apiVersion"]), (&"ConfigMapList".into(), &"v1".into()));
    assert!(list["items"][0].get("kind").is_none(), "items of built-in lists carry no type");
}
