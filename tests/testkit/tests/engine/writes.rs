//! Create, update and patch: resource versions, preconditions, the status split, no-ops, generation.

use landfall_testkit::apiserver::ApiServer;
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{CONFIG_MAPS, SERVICES, ask, config_map, revision, send, send_as, service};

fn with_revision(mut object: Value, revision: u64) -> Value {
    object["metadata"]["resourceVersion"] = json!(revision.to_string());
    object
}

#[tokio::test]
async fn one_revision_counter_for_all_kinds() {
    let server = ApiServer::start().unwrap();
    let first = send(&server, "POST", CONFIG_MAPS, config_map("a")).await;
    let second = send(&server, "POST", SERVICES, service("a")).await;
    assert_eq!((first.code, second.code), (201, 201));
    assert_eq!(second.revision(), first.revision() + 1);
    assert_eq!(ask(&server, "GET", CONFIG_MAPS).await.revision(), second.revision());
}

#[rstest]
#[case::name_taken(config_map("a"), 409, "configmaps \"a\" already exists")]
#[case::no_name(json!({"metadata": {}}), 422, "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required")]
#[case::other_namespace(json!({"metadata": {"name": "b", "namespace": "x"}}), 400, "the namespace of the provided object does not match the namespace sent on the request: expected default, got x")]
#[case::other_kind(json!({"kind": "Secret", "metadata": {"name": "b"}}), 400, "the kind in the data (Secret) does not match the expected kind (ConfigMap)")]
#[case::with_revision(json!({"metadata": {"name": "b", "resourceVersion": "7"}}), 500, "resourceVersion should not be set on objects to be created")]
#[tokio::test]
async fn create_refuses(#[case] body: Value, #[case] code: u16, #[case] message: &str) {
    let server = ApiServer::start().unwrap();
    server.create(config_map("a")).unwrap();
    let answer = send(&server, "POST", CONFIG_MAPS, body).await;
    assert_eq!((answer.code, answer.body["message"].as_str().unwrap()), (code, message));
    assert_eq!(answer.body["kind"], "Status");
}

#[tokio::test]
async fn generated_names_have_five_random_characters() {
    let server = ApiServer::start().unwrap();
    let body = json!({"metadata": {"generateName": "cm-"}});
    let made = send(&server, "POST", CONFIG_MAPS, body).await.expect(201);
    let name = made["metadata"]["name"].as_str().unwrap();
    assert_eq!((name.len(), &name[..3]), (8, "cm-"));
    assert_eq!(made["metadata"]["generateName"], "cm-");
}

#[tokio::test]
async fn a_stale_put_conflicts_and_one_without_revision_does_not() {
    let server = ApiServer::start().unwrap();
    let made = send(&server, "POST", CONFIG_MAPS, config_map("a")).await;
    let uri = format!("{CONFIG_MAPS}/a");
    let mut changed = config_map("a");
    changed["data"] = json!({"k": "1"});
    send(&server, "PUT", &uri, with_revision(changed.clone(), made.revision())).await.expect(200);
    changed["data"] = json!({"k": "2"});
    let stale = send(&server, "PUT", &uri, with_revision(changed.clone(), made.revision())).await.expect(409);
    assert_eq!(stale["reason"], "Conflict");
    assert_eq!(
        stale["message"],
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
    );
    send(&server, "PUT", &uri, changed).await.expect(200);
}

#[tokio::test]
async fn a_patch_with_a_stale_revision_conflicts_and_one_without_does_not() {
    let server = ApiServer::start().unwrap();
    let made = server.create(service("a")).unwrap();
    let uri = format!("{SERVICES}/a");
    send(&server, "PATCH", &uri, json!({"metadata": {"labels": {"x": "1"}}})).await.expect(200);
    let stale = json!({"metadata": {"labels": {"x": "2"}, "resourceVersion": revision(&made).to_string()}});
    assert_eq!(send(&server, "PATCH", &uri, stale).await.expect(409)["reason"], "Conflict");
    assert_eq!(server.get("v1", "Service", "default", "a").unwrap()["metadata"]["labels"]["x"], "1");
}

#[tokio::test]
async fn a_uid_of_another_object_conflicts() {
    let server = ApiServer::start().unwrap();
    server.create(config_map("a")).unwrap();
    let mut other = config_map("a");
    other["metadata"]["uid"] = json!("not-this-one");
    let answer = send(&server, "PUT", &format!("{CONFIG_MAPS}/a"), other.clone()).await.expect(409);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("Precondition failed: UID in precondition: not-this-one")
    );
}

#[rstest]
#[case::lease("/apis/coordination.k8s.io/v1/namespaces/default/leases", json!({"spec": {"holderIdentity": "me"}}), true)]
#[case::service(SERVICES, service("x"), true)]
#[case::config_map(CONFIG_MAPS, config_map("x"), false)]
#[tokio::test]
async fn put_on_a_missing_name(#[case] collection: &str, #[case] body: Value, #[case] creates: bool) {
    let server = ApiServer::start().unwrap();
    let answer = send(&server, "PUT", &format!("{collection}/x"), body.clone()).await;
    assert_eq!(answer.code, if creates { 201 } else { 404 });
    if creates {
        let mut foreign = body;
        foreign["metadata"] = json!({"name": "y", "uid": "u"});
        send(&server, "PUT", &format!("{collection}/y"), foreign).await.expect(409);
    }
}

#[tokio::test]
async fn a_lease_update_needs_a_revision() {
    let server = ApiServer::start().unwrap();
    let collection = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}});
    let made = send(&server, "POST", collection, lease.clone()).await;
    let uri = format!("{collection}/l");
    let refused = send(&server, "PUT", &uri, lease.clone()).await.expect(422);
    assert_eq!(
        refused["message"],
        "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
    send(&server, "PUT", &uri, with_revision(lease, made.revision())).await.expect(200);
}

#[tokio::test]
async fn a_write_that_changes_nothing_is_not_a_write() {
    let server = ApiServer::start().unwrap();
    let made = server.create(service("a")).unwrap();
    let uri = format!("{SERVICES}/a");
    let same = send(&server, "PUT", &uri, made.clone()).await;
    assert_eq!((same.code, same.revision()), (200, revision(&made)));
    let same = send(&server, "PATCH", &uri, json!({"spec": {"type": "LoadBalancer"}})).await;
    assert_eq!(same.revision(), revision(&made));
    let same = send(
        &server,
        "PATCH",
        &format!("{uri}/status"),
        json!({"status": {"loadBalancer": {"ingress": null}}}),
    )
    .await;
    assert_eq!(same.revision(), revision(&made));
    assert_eq!(ask(&server, "GET", SERVICES).await.revision(), revision(&made), "nothing happened at all");
}

#[tokio::test]
async fn status_and_spec_are_written_through_their_own_paths() {
    let server = ApiServer::start().unwrap();
    server.create(service("a")).unwrap();
    let uri = format!("{SERVICES}/a");
    let ingress = json!([{"ip": "192.0.2.1"}]);
    let both = json!({
        "metadata": {"finalizers": ["example.com/f"], "annotations": {"a": "b"}},
        "spec": {"type": "ClusterIP"}, "status": {"loadBalancer": {"ingress": ingress}},
    });
    let after = send(&server, "PATCH", &format!("{uri}/status"), both).await.expect(200);
    assert_eq!(after["spec"]["type"], "LoadBalancer", "the spec is not written through /status");
    assert_eq!(after["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.1");
    assert_eq!(after["metadata"]["finalizers"], json!(["example.com/f"]), "but the metadata is");
    assert_eq!(after["metadata"]["annotations"]["a"], "b");

    let main = json!({"metadata": {"labels": {"l": "1"}}, "status": {"loadBalancer": {"ingress": null}}});
    let after = send(&server, "PATCH", &uri, main).await.expect(200);
    assert_eq!(after["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.1");
    assert_eq!(after["metadata"]["labels"]["l"], "1");
}

#[tokio::test]
async fn generation_counts_the_wanted_state_of_slices_only() {
    let server = ApiServer::start().unwrap();
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let slice =
        json!({"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]});
    assert_eq!(send(&server, "POST", slices, slice).await.expect(201)["metadata"]["generation"], 1);
    let uri = format!("{slices}/s");
    let labelled =
        send(&server, "PATCH", &uri, json!({"metadata": {"labels": {"a": "b"}}})).await.expect(200);
    assert_eq!(labelled["metadata"]["generation"], 1);
    let changed =
        send(&server, "PATCH", &uri, json!({"endpoints": [{"addresses": ["10.0.0.2"]}]})).await.expect(200);
    assert_eq!(changed["metadata"]["generation"], 2);

    server.create(service("a")).unwrap();
    let changed =
        send(&server, "PATCH", &format!("{SERVICES}/a"), json!({"spec": {"selector": {"x": "y"}}})).await;
    assert!(changed.body["metadata"].get("generation").is_none());
}

#[tokio::test]
async fn a_dry_run_shows_and_stores_nothing() {
    let server = ApiServer::start().unwrap();
    let before = server.allocated();
    let shown = send(&server, "POST", &format!("{SERVICES}?dryRun=All"), service("a")).await.expect(201);
    assert!(shown["spec"]["clusterIP"].is_string(), "as it would be stored");
    assert_eq!(server.allocated(), before, "and nothing stays allocated");
    assert_eq!(ask(&server, "GET", &format!("{SERVICES}/a")).await.code, 404);

    let made = server.create(service("a")).unwrap();
    let held = server.allocated();
    let patch = json!({"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}});
    let shown = send(&server, "PATCH", &format!("{SERVICES}/a?dryRun=All"), patch).await.expect(200);
    assert_eq!(shown["spec"]["ports"].as_array().unwrap().len(), 2);
    assert_eq!(server.allocated(), held);
    send_as(&server, "DELETE", &format!("{SERVICES}/a?dryRun=All"), &[], "").await.expect(200);
    assert_eq!(server.get("v1", "Service", "default", "a").unwrap(), made);
    send(&server, "POST", &format!("{SERVICES}?dryRun=Some"), service("b")).await.expect(400);
}

#[tokio::test]
async fn secrets_take_plain_text() {
    let server = ApiServer::start().unwrap();
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"password": "x"}});
    let made = send(&server, "POST", "/api/v1/namespaces/default/secrets", secret).await.expect(201);
    assert_eq!(made["data"], json!({"password": "eA=="}));
    assert_eq!(made["type"], "Opaque");
    assert!(made.get("stringData").is_none());
}
