//! DELETE: finalizers, preconditions, collections, and what watches see of it.

use landfall_testkit::apiserver::ApiServer;
use serde_json::{Value, json};

use crate::common::{CONFIG_MAPS, SERVICES, ask, config_map, revision, send, service, summary, watch};

fn guarded(mut object: Value) -> Value {
    object["metadata"]["finalizers"] = json!(["example.com/guard"]);
    object
}

#[tokio::test(start_paused = true)]
async fn without_finalizers_it_is_gone_and_the_event_has_a_revision_of_its_own() {
    let server = ApiServer::start().unwrap();
    let made = server.create(config_map("a")).unwrap();
    let answer = ask(&server, "DELETE", &format!("{CONFIG_MAPS}/a")).await.expect(200);
    assert_eq!((&answer["kind"], &answer["status"]), (&json!("Status"), &json!("Success")));
    assert_eq!(answer["details"]["uid"], made["metadata"]["uid"]);
    ask(&server, "GET", &format!("{CONFIG_MAPS}/a")).await.expect(404);
    ask(&server, "DELETE", &format!("{CONFIG_MAPS}/a")).await.expect(404);

    let since = revision(&made);
    let events =
        watch(&server, &format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion={since}")).await;
    assert_eq!(summary(&events), [("DELETED", "a")]);
    assert_eq!(revision(&events[0]["object"]), since + 1);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_service_is_returned_and_gives_its_addresses_back() {
    let server = ApiServer::start().unwrap();
    let before = server.allocated();
    server.create(service("a")).unwrap();
    assert_ne!(server.allocated(), before);
    let answer = ask(&server, "DELETE", &format!("{SERVICES}/a")).await.expect(200);
    assert_eq!(answer["kind"], "Service");
    assert_eq!(server.allocated(), before);
}

#[tokio::test(start_paused = true)]
async fn with_finalizers_it_waits_until_they_are_gone() {
    let server = ApiServer::start().unwrap();
    server.hooks().clock().freeze_at("2026-01-02T03:04:05Z".parse().unwrap());
    let made = server.create(guarded(service("a"))).unwrap();
    let uri = format!("{SERVICES}/a");
    let marked = ask(&server, "DELETE", &uri).await.expect(200);
    assert_eq!(marked["metadata"]["deletionTimestamp"], "2026-01-02T03:04:05Z");
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    let again = ask(&server, "DELETE", &uri).await.expect(200);
    assert_eq!(revision(&again), revision(&marked), "a second DELETE changes nothing");

    let more = json!({"metadata": {"finalizers": ["example.com/guard", "example.com/other"]}});
    let refused = send(&server, "PATCH", &uri, more).await.expect(422);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("no new finalizers can be added if the object is being deleted")
    );

    // Through /status, as the service controller does it.
    let last = send(&server, "PATCH", &format!("{uri}/status"), json!({"metadata": {"finalizers": null}}))
        .await
        .expect(200);
    assert!(last["metadata"].get("finalizers").is_none());
    ask(&server, "GET", &uri).await.expect(404);
    let since = revision(&made);
    let events =
        watch(&server, &format!("{SERVICES}?watch=true&timeoutSeconds=1&resourceVersion={since}")).await;
    assert_eq!(summary(&events), [("MODIFIED", "a"), ("DELETED", "a")]);
    assert_eq!(
        events[1]["object"]["metadata"]["finalizers"],
        json!(["example.com/guard"]),
        "the last stored state"
    );
}

#[tokio::test(start_paused = true)]
async fn preconditions_are_checked() {
    let server = ApiServer::start().unwrap();
    let made = server.create(config_map("a")).unwrap();
    let uri = format!("{CONFIG_MAPS}/a");
    let other = json!({"preconditions": {"uid": "another"}});
    assert_eq!(send(&server, "DELETE", &uri, other).await.expect(409)["reason"], "Conflict");
    let stale = json!({"preconditions": {"resourceVersion": "1"}});
    send(&server, "DELETE", &uri, stale).await.expect(409);
    let exact = json!({
        "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
        "preconditions": {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]},
    });
    send(&server, "DELETE", &uri, exact).await.expect(200);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_propagation_policy_is_refused() {
    let server = ApiServer::start().unwrap();
    server.create(config_map("a")).unwrap();
    send(&server, "DELETE", &format!("{CONFIG_MAPS}/a"), json!({"propagationPolicy": "Sideways"}))
        .await
        .expect(400);
}

#[tokio::test(start_paused = true)]
async fn a_collection_goes_by_selector() {
    let server = ApiServer::start().unwrap();
    for (name, app) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut object = config_map(name);
        object["metadata"]["labels"] = json!({"app": app});
        server.create(object).unwrap();
    }
    let answer = ask(&server, "DELETE", &format!("{CONFIG_MAPS}?labelSelector=app%3Dx")).await;
    assert_eq!((answer.code, answer.names()), (200, vec!["a", "c"]));
    assert_eq!(ask(&server, "GET", CONFIG_MAPS).await.names(), ["b"]);
}
