//! Namespaces: what needs them, and how they go.

use landfall_testkit::apiserver::ApiServer;
use serde_json::{Value, json};

use crate::common::{ask, revision, send, summary, watch};

const INSIDE: &str = "/api/v1/namespaces/other/configmaps";

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
}

fn guarded() -> Value {
    json!({"metadata": {"name": "held", "finalizers": ["example.com/guard"]}})
}

#[tokio::test(start_paused = true)]
async fn a_fresh_cluster_has_four() {
    let server = ApiServer::start().unwrap();
    let list = ask(&server, "GET", "/api/v1/namespaces").await;
    assert_eq!(list.names(), ["default", "kube-node-lease", "kube-public", "kube-system"]);
    assert_eq!(list.body["items"][0]["status"]["phase"], "Active");
    assert_eq!(list.body["items"][0]["metadata"]["labels"]["kubernetes.io/metadata.name"], "default");
    ask(&server, "DELETE", "/api/v1/namespaces/default").await.expect(403);
}

#[tokio::test(start_paused = true)]
async fn objects_need_an_existing_namespace() {
    let server = ApiServer::start().unwrap();
    let answer = send(&server, "POST", INSIDE, json!({"metadata": {"name": "a"}})).await.expect(404);
    assert_eq!(answer["message"], "namespaces \"other\" not found");
}

#[tokio::test(start_paused = true)]
async fn deletion_takes_the_content_and_waits_for_it() {
    let server = ApiServer::start().unwrap();
    let made = server.create(namespace()).unwrap();
    send(&server, "POST", INSIDE, guarded()).await.expect(201);
    send(&server, "POST", INSIDE, json!({"metadata": {"name": "free"}})).await.expect(201);

    let marked = ask(&server, "DELETE", "/api/v1/namespaces/other").await.expect(200);
    assert_eq!(marked["status"]["phase"], "Terminating");
    assert_eq!(ask(&server, "GET", INSIDE).await.names(), ["held"]);
    let refused = send(&server, "POST", INSIDE, json!({"metadata": {"name": "late"}})).await.expect(403);
    assert_eq!(refused["details"]["causes"][0]["reason"], "NamespaceTerminating");

    send(&server, "PATCH", &format!("{INSIDE}/held"), json!({"metadata": {"finalizers": null}}))
        .await
        .expect(200);
    ask(&server, "GET", "/api/v1/namespaces/other").await.expect(404);
    let since = revision(&made);
    let events =
        watch(&server, &format!("/api/v1/namespaces?watch=true&timeoutSeconds=1&resourceVersion={since}"))
            .await;
    assert_eq!(summary(&events), [("MODIFIED", "other"), ("DELETED", "other")]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_namespace_goes_at_once_unless_it_has_finalizers_itself() {
    let server = ApiServer::start().unwrap();
    server.create(namespace()).unwrap();
    ask(&server, "DELETE", "/api/v1/namespaces/other").await.expect(200);
    ask(&server, "GET", "/api/v1/namespaces/other").await.expect(404);

    let mut held = namespace();
    held["metadata"]["finalizers"] = json!(["example.com/guard"]);
    server.create(held).unwrap();
    ask(&server, "DELETE", "/api/v1/namespaces/other").await.expect(200);
    ask(&server, "GET", "/api/v1/namespaces/other").await.expect(200);
    let free = json!({"metadata": {"finalizers": null}});
    send(&server, "PATCH", "/api/v1/namespaces/other", free).await.expect(200);
    ask(&server, "GET", "/api/v1/namespaces/other").await.expect(404);
}
