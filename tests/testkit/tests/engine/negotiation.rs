//! Content types in both directions, warnings, and paths without a resource.

use landfall_testkit::apiserver::ApiServer;
use rstest::rstest;
use serde_json::json;

use crate::common::{CONFIG_MAPS, SERVICES, ask, config_map, send_as, service, watch};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

#[tokio::test]
async fn tables_of_objects_and_lists() {
    let server = ApiServer::start().unwrap();
    server.create(service("a")).unwrap();
    for uri in [SERVICES.to_owned(), format!("{SERVICES}/a")] {
        let table = send_as(&server, "GET", &uri, &[("accept", TABLE)], "").await.expect(200);
        assert_eq!(table["kind"], "Table");
        assert_eq!(table["rows"][0]["cells"][0], "a");
        assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    }
}

#[tokio::test]
async fn metadata_alone() {
    let server = ApiServer::start().unwrap();
    server.create(service("a")).unwrap();
    let one =
        send_as(&server, "GET", &format!("{SERVICES}/a"), &[("accept", METADATA)], "").await.expect(200);
    assert_eq!(one["kind"], "PartialObjectMetadata");
    assert!(one.get("spec").is_none());
    let list = send_as(&server, "GET", SERVICES, &[("accept", METADATA)], "").await.expect(200);
    assert_eq!(
        (&list["kind"], &list["items"][0]["metadata"]["name"]),
        (&json!("PartialObjectMetadataList"), &json!("a"))
    );
}

#[tokio::test]
async fn what_cannot_be_served_is_refused() {
    let server = ApiServer::start().unwrap();
    let protobuf = "application/vnd.kubernetes.protobuf";
    send_as(&server, "GET", SERVICES, &[("accept", protobuf)], "").await.expect(406);
    let answer = send_as(&server, "POST", SERVICES, &[("content-type", protobuf)], "k8s").await.expect(415);
    assert_eq!(answer["reason"], "UnsupportedMediaType");
    server.create(service("a")).unwrap();
    send_as(&server, "PATCH", &format!("{SERVICES}/a"), &[("content-type", "text/plain")], "x")
        .await
        .expect(415);
    let long = "x".repeat(4 << 20);
    send_as(&server, "POST", SERVICES, &[], &long).await.expect(413);
}

#[tokio::test]
async fn yaml_bodies_are_read() {
    let server = ApiServer::start().unwrap();
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  k: v\n";
    let made = send_as(&server, "POST", CONFIG_MAPS, &[("content-type", "application/yaml")], body)
        .await
        .expect(201);
    assert_eq!(made["data"]["k"], "v");
}

#[rstest]
#[case("Strict", 400, 0)]
#[case("Warn", 201, 1)]
#[case("Ignore", 201, 0)]
#[tokio::test]
async fn unknown_fields(#[case] validation: &str, #[case] code: u16, #[case] warnings: usize) {
    let server = ApiServer::start().unwrap();
    let mut body = config_map("a");
    body["colour"] = json!("red");
    let uri = format!("{CONFIG_MAPS}?fieldValidation={validation}");
    let answer = send_as(&server, "POST", &uri, &[], &body.to_string()).await;
    assert_eq!(answer.code, code);
    let sent: Vec<_> = answer.headers.get_all("warning").iter().collect();
    assert_eq!(sent.len(), warnings, "{sent:?}");
    assert!(answer.body.get("colour").is_none(), "never stored");
}

#[rstest]
#[case("/healthz")]
#[case("/livez")]
#[case("/readyz")]
#[tokio::test]
async fn health(#[case] path: &str) {
    let server = ApiServer::start().unwrap();
    assert_eq!(ask(&server, "GET", path).await.expect(200), "ok");
}

#[tokio::test]
async fn version_discovery_openapi_and_review() {
    let server = ApiServer::start().unwrap();
    assert_eq!(ask(&server, "GET", "/version").await.expect(200)["minor"], "33");
    let resources = ask(&server, "GET", "/api/v1").await.expect(200);
    let names: Vec<_> =
        resources["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"services") && names.contains(&"services/status"), "{names:?}");
    assert!(!ask(&server, "GET", "/openapi/v3").await.expect(200)["paths"].is_null());
    let review =
        ask(&server, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").await.expect(201);
    assert_eq!(review["status"]["allowed"], true);
    ask(&server, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews").await.expect(404);
    ask(&server, "GET", "/nonsense").await.expect(404);
    assert_eq!(server.client().apiserver_version().await.unwrap().major, "1");
}

#[tokio::test]
async fn kube_discovers_and_lists_metadata() {
    use kube::api::ListParams;
    use kube::core::PartialObjectMeta;

    let server = ApiServer::start().unwrap();
    server.create(service("a")).unwrap();
    let discovery = kube::Discovery::new(server.client()).run_aggregated().await.unwrap();
    assert!(discovery.has_group("discovery.k8s.io"));
    let api: kube::Api<PartialObjectMeta<k8s_openapi::api::core::v1::Service>> =
        kube::Api::default_namespaced(server.client());
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items[0].metadata.name.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn watched_tables_name_their_columns_once() {
    let server = ApiServer::start().unwrap();
    server.create(service("a")).unwrap();
    server.create(service("b")).unwrap();
    let events =
        send_as(&server, "GET", &format!("{SERVICES}?watch=true&timeoutSeconds=1"), &[("accept", TABLE)], "")
            .await;
    let lines: Vec<serde_json::Value> =
        events.body.as_str().unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let columns = |i: usize| lines[i]["object"]["columnDefinitions"].as_array().unwrap().len();
    assert!(columns(0) > 0);
    assert_eq!(columns(1), 0);
    assert_eq!(watch(&server, &format!("{SERVICES}?watch=true&timeoutSeconds=1")).await.len(), 2);
}
