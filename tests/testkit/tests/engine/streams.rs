//! Watches, event by event.

use std::time::Duration;

use landfall_testkit::apiserver::{ApiServer, Options};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{CONFIG_MAPS, config_map, revision, send, summary, watch};

fn labelled(name: &str, app: &str) -> Value {
    let mut object = config_map(name);
    object["metadata"]["labels"] = json!({"app": app});
    object
}

#[tokio::test(start_paused = true)]
async fn without_a_revision_the_present_comes_first() {
    let server = ApiServer::start().unwrap();
    server.create(config_map("b")).unwrap();
    server.create(config_map("a")).unwrap();
    for query in ["", "&resourceVersion=0"] {
        let events = watch(&server, &format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1{query}")).await;
        assert_eq!(summary(&events), [("ADDED", "a"), ("ADDED", "b")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_list_ends_with_a_marked_bookmark() {
    let server = ApiServer::start().unwrap();
    let made = server.create(config_map("a")).unwrap();
    let query = "watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=";
    let events = watch(&server, &format!("{CONFIG_MAPS}?{query}")).await;
    assert_eq!(summary(&events[..2]), [("ADDED", "a"), ("BOOKMARK", "")]);
    assert_eq!(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(revision(&events[1]["object"]), revision(&made));

    let ahead = watch(&server, &format!("{CONFIG_MAPS}?{query}99999")).await;
    assert_eq!((&ahead[0]["type"], &ahead[0]["object"]["code"]), (&json!("ERROR"), &json!(504)));
}

/// KEP-3157: without initial events and without a resourceVersion, a watch begins with what comes next.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_watch_without_initial_events_begins_now(
    #[values("", "&resourceVersion=", "&resourceVersion=0")] asked: &str,
) {
    let server = ApiServer::start().unwrap();
    server.create(config_map("a")).unwrap();
    server.delete("v1", "ConfigMap", "default", "a").unwrap();
    server.create(config_map("b")).unwrap();
    let options = "watch=true&timeoutSeconds=2&sendInitialEvents=false&resourceVersionMatch=NotOlderThan";
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.create(config_map("c")).unwrap();
    };
    let uri = format!("{CONFIG_MAPS}?{options}{asked}");
    let (events, ()) = tokio::join!(watch(&server, &uri), later);
    assert_eq!(summary(&events), [("ADDED", "c")]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_initial_events_resumes_where_it_is_told() {
    let server = ApiServer::start().unwrap();
    let start = revision(&server.create(config_map("a")).unwrap());
    server.create(config_map("b")).unwrap();
    let options = "watch=true&timeoutSeconds=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan";
    let events = watch(&server, &format!("{CONFIG_MAPS}?{options}&resourceVersion={start}")).await;
    assert_eq!(summary(&events), [("ADDED", "b")]);
}

#[tokio::test(start_paused = true)]
async fn objects_enter_and_leave_a_selection() {
    let server = ApiServer::start().unwrap();
    let start = revision(&server.create(labelled("a", "x")).unwrap());
    let steps = [labelled("a", "y"), labelled("a", "x"), labelled("a", "x")];
    for (step, mut object) in steps.into_iter().enumerate() {
        object["data"] = json!({"step": step.to_string()});
        server.update(object).unwrap();
    }
    server.create(labelled("b", "y")).unwrap();
    server.delete("v1", "ConfigMap", "default", "b").unwrap();
    server.delete("v1", "ConfigMap", "default", "a").unwrap();
    let uri =
        format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1&labelSelector=app%3Dx&resourceVersion={start}");
    let events = watch(&server, &uri).await;
    assert_eq!(summary(&events), [("DELETED", "a"), ("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]);
    assert_eq!(events[0]["object"]["metadata"]["labels"]["app"], "x", "as it was when it was inside");
    assert_eq!(revision(&events[0]["object"]), start + 1, "at the time it left");
}

#[tokio::test(start_paused = true)]
async fn history_that_is_gone_is_an_error_event() {
    let server = ApiServer::start_with(Options { history: 2, ..Options::default() }).unwrap();
    let first = revision(&server.create(config_map("a")).unwrap());
    for name in ["b", "c", "d"] {
        server.create(config_map(name)).unwrap();
    }
    let events = watch(&server, &format!("{CONFIG_MAPS}?watch=true&resourceVersion={first}")).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "ERROR");
    assert_eq!(
        (&events[0]["object"]["code"], &events[0]["object"]["reason"]),
        (&json!(410), &json!("Expired"))
    );
    let events =
        watch(&server, &format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion={}", first + 1))
            .await;
    assert_eq!(summary(&events), [("ADDED", "c"), ("ADDED", "d")]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_cut_and_told() {
    use axum::body::{Body, HttpBody};
    use axum::http::Request;
    use tower::ServiceExt;

    let server = ApiServer::start_with(Options { history: 3, ..Options::default() }).unwrap();
    let start = revision(&server.create(config_map("start")).unwrap());
    let uri = format!("{CONFIG_MAPS}?watch=true&resourceVersion={start}");
    let reply =
        server.service().oneshot(Request::builder().uri(uri).body(Body::empty()).unwrap()).await.unwrap();
    for i in 0..9 {
        server.create(config_map(&format!("c{i}"))).unwrap();
    }
    let mut body = Box::pin(reply.into_body());
    let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await.unwrap().unwrap();
    let event: Value = serde_json::from_slice(frame.data_ref().unwrap()).unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert!(std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_none(), "and nothing follows");
}

#[tokio::test(start_paused = true)]
async fn idle_watches_get_bookmarks_that_move_on() {
    let server = ApiServer::start().unwrap();
    let start = revision(&server.create(config_map("a")).unwrap());
    // Another kind moves the counter; the bookmark must carry it.
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}});
    let now = revision(&server.create(namespace).unwrap());
    let uri = format!(
        "{CONFIG_MAPS}?watch=true&allowWatchBookmarks=true&timeoutSeconds=150&resourceVersion={start}"
    );
    let begun = tokio::time::Instant::now();
    let events = watch(&server, &uri).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(150));
    assert_eq!(summary(&events), [("BOOKMARK", ""); 3], "each minute, and shortly before the end");
    assert_eq!(revision(&events[0]["object"]), now);
    assert_eq!(
        (&events[0]["object"]["kind"], &events[0]["object"]["apiVersion"]),
        (&json!("ConfigMap"), &json!("v1"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_after_its_timeout_or_with_the_server() {
    let server = ApiServer::start().unwrap();
    let begun = tokio::time::Instant::now();
    assert!(watch(&server, &format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=7")).await.is_empty());
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    assert!(watch(&server, &format!("{CONFIG_MAPS}?watch=true")).await.is_empty());
    assert_eq!(begun.elapsed(), Duration::from_secs(7) + server.options().watch_timeout);
}

#[tokio::test(start_paused = true)]
async fn one_object_can_be_watched_by_its_path() {
    let server = ApiServer::start().unwrap();
    server.create(config_map("a")).unwrap();
    server.create(config_map("b")).unwrap();
    let events = watch(&server, &format!("{CONFIG_MAPS}/b?watch=true&timeoutSeconds=1")).await;
    assert_eq!(summary(&events), [("ADDED", "b")]);
}

#[tokio::test(start_paused = true)]
async fn writes_that_change_nothing_are_not_seen() {
    let server = ApiServer::start().unwrap();
    let start = revision(&server.create(config_map("a")).unwrap());
    send(&server, "PATCH", &format!("{CONFIG_MAPS}/a"), json!({"metadata": {"labels": null}}))
        .await
        .expect(200);
    let events =
        watch(&server, &format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion={start}")).await;
    assert!(events.is_empty());
}
