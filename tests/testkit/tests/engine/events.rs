//! Events: one store under two groups.

use k8s_openapi::api::core::v1::{ObjectReference, Service};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Resource};
use landfall_testkit::apiserver::{ApiServer, Verb};
use serde_json::json;

use crate::common::{ask, service};

const CORE: &str = "/api/v1/namespaces/default/events";
const GROUPED: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

fn event(reason: &str) -> Event {
    Event {
        type_: EventType::Normal,
        reason: reason.into(),
        note: Some("text".into()),
        action: "Ensure".into(),
        secondary: None,
    }
}

async fn recorded(server: &ApiServer, reasons: &[&str]) {
    server.create(service("web")).unwrap();
    let api: Api<Service> = Api::default_namespaced(server.client());
    let about: ObjectReference = api.get("web").await.unwrap().object_ref(&());
    let reporter = Reporter { controller: "landfall".into(), instance: Some("pod-1".into()) };
    let recorder = Recorder::new(server.client(), reporter);
    for reason in reasons {
        recorder.publish(&event(reason), &about).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_recorder_writes_kubectl_reads() {
    let server = ApiServer::start().unwrap();
    recorded(&server, &["EnsuringLoadBalancer"]).await;
    let query = "fieldSelector=involvedObject.name%3Dweb,involvedObject.kind%3DService,type%3DNormal";
    let list = ask(&server, "GET", &format!("{CORE}?{query}")).await.expect(200);
    let seen = &list["items"][0];
    assert_eq!((&seen["message"], &seen["reportingComponent"]), (&json!("text"), &json!("landfall")));
    assert_eq!(seen["involvedObject"]["kind"], "Service");

    let list =
        ask(&server, "GET", &format!("{GROUPED}?fieldSelector=regarding.name%3Dweb")).await.expect(200);
    assert_eq!(list["kind"], "EventList");
    assert_eq!(
        (&list["items"][0]["note"], &list["items"][0]["reportingController"]),
        (&json!("text"), &json!("landfall"))
    );
    assert!(list["items"][0].get("message").is_none());
    assert_eq!(
        ask(&server, "GET", &format!("{GROUPED}?fieldSelector=regarding.name%3Dapi")).await.names(),
        Vec::<&str>::new()
    );
}

#[tokio::test]
async fn repeats_become_a_series_on_the_same_object() {
    let server = ApiServer::start().unwrap();
    recorded(&server, &["Sync", "Sync", "Sync"]).await;
    let list = ask(&server, "GET", CORE).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["series"]["count"], 3);
    assert_eq!(
        (server.journal().count(Verb::Create, "Event"), server.journal().count(Verb::Patch, "Event")),
        (1, 2)
    );
}

#[tokio::test]
async fn incomplete_events_are_refused() {
    let server = ApiServer::start().unwrap();
    let incomplete = json!({
        "metadata": {"name": "e"}, "regarding": {"namespace": "default"}, "reason": "R", "type": "Normal",
        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "c", "reportingInstance": "i",
    });
    let answer = crate::common::send(&server, "POST", GROUPED, incomplete).await.expect(422);
    assert_eq!(answer["details"]["causes"][0]["field"], "action");
}
