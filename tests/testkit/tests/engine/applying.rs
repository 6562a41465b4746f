//! Server-side apply through the whole server. The merge rules have their own tests beside the code.

use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{Patch, PatchParams};
use landfall_testkit::apiserver::ApiServer;
use serde_json::{Value, json};

use crate::common::{SERVICES, ask, send_as, service};

async fn apply(server: &ApiServer, uri: &str, body: &Value, code: u16) -> Value {
    let headers = [("content-type", "application/apply-patch+yaml")];
    send_as(server, "PATCH", uri, &headers, &body.to_string()).await.expect(code)
}

#[tokio::test]
async fn creates_updates_and_does_nothing() {
    let server = ApiServer::start().unwrap();
    let uri = format!("{SERVICES}/a?fieldManager=one");
    let made = apply(&server, &uri, &service("a"), 201).await;
    assert!(made["spec"]["clusterIP"].is_string());
    let owners = made["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!((&owners[0]["manager"], &owners[0]["operation"]), (&json!("one"), &json!("Apply")));
    let again = apply(&server, &uri, &service("a"), 200).await;
    assert_eq!(again, made);
    let mut changed = service("a");
    changed["spec"]["ports"] = json!([{"port": 81}]);
    let after = apply(&server, &uri, &changed, 200).await;
    assert_eq!(after["spec"]["ports"].as_array().unwrap().len(), 1);
    assert_eq!(after["spec"]["clusterIP"], made["spec"]["clusterIP"]);
}

#[tokio::test]
async fn conflicts_are_refused_unless_forced() {
    let server = ApiServer::start().unwrap();
    apply(&server, &format!("{SERVICES}/a?fieldManager=one"), &service("a"), 201).await;
    let mut other = service("a");
    other["spec"]["selector"] = json!({"app": "other"});
    let uri = format!("{SERVICES}/a?fieldManager=two");
    let refused = apply(&server, &uri, &other, 409).await;
    assert_eq!(refused["details"]["causes"][0]["reason"], "FieldManagerConflict");
    let forced = apply(&server, &format!("{uri}&force=true"), &other, 200).await;
    assert_eq!(forced["spec"]["selector"], json!({"app": "other"}));
}

#[tokio::test]
async fn a_status_is_applied_through_its_path() {
    let server = ApiServer::start().unwrap();
    server.create(service("a")).unwrap();
    let api: Api<Service> = Api::default_namespaced(server.client());
    let status = json!({
        "apiVersion": "v1", "kind": "Service",
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]},
            "conditions": [{"type": "Ready", "status": "True", "reason": "R", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
    });
    let params = PatchParams::apply("landfall").force();
    let after = api.patch_status("a", &params, &Patch::Apply(&status)).await.unwrap();
    let seen = after.status.unwrap();
    assert_eq!(seen.load_balancer.unwrap().ingress.unwrap()[0].ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(seen.conditions.unwrap()[0].type_, "Ready");
    let again = api.patch_status("a", &params, &Patch::Apply(&status)).await.unwrap();
    assert_eq!(again.metadata.resource_version, after.metadata.resource_version);
    let missing = json!({"apiVersion": "v1", "kind": "Service", "status": {}});
    api.patch_status("missing", &params, &Patch::Apply(&missing)).await.unwrap_err();
    assert_eq!(ask(&server, "GET", SERVICES).await.names(), ["a"]);
}
