use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use landfall_core::error::{Classified, ErrorClass};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::api::error::Failure;
use crate::api::types::{Address, Endpoint, ForwardingRule};
use crate::api::{Kind, Place};
use crate::observer::Observer;
use crate::pace::{Group, Limits};

mod operations;
mod script;

use script::{Script, answered};

/// What an observer was told, as text.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Observer for Told {
    fn called(&self, method: Method, outcome: &'static str, took: Duration) {
        self.note(format!("{method} {outcome} {}s", took.as_secs()));
    }

    fn paced(&self, group: Group, waited: Duration) {
        self.note(format!("{} waited {}ms", group.as_str(), waited.as_millis()));
    }

    fn circuit(&self, open: bool) {
        self.note(format!("circuit {}", if open { "open" } else { "closed" }));
    }
}

struct World {
    script: Arc<Script>,
    told: Arc<Told>,
    client: Client,
}

fn world(limits: &Limits) -> World {
    let (script, told) = (Arc::new(Script::default()), Arc::new(Told::default()));
    let calls = Calls::new(script.clone(), limits, told.clone());
    World { script, told, client: Client::new(&Arc::new(calls), "default/web") }
}

fn unpaced() -> World {
    world(&Limits::none())
}

fn region() -> Place {
    Place::region("p", "r")
}

fn rule() -> Reference {
    region().at(Kind::ForwardingRule, "lf-web")
}

fn group() -> Reference {
    Place::zone("p", "z").at(Kind::EndpointGroup, "lf-nodes")
}

fn body() -> ForwardingRule {
    ForwardingRule { name: "lf-web".to_owned(), ..ForwardingRule::default() }
}

fn operation(status: &str) -> Value {
    json!({ "name": "op-1", "status": status })
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_to_its_last_page() {
    let World { script, client, .. } = unpaced();
    script
        .page(vec![json!({ "name": "a", "address": "192.0.2.1", "selfLink": "kept" })], Some("two"))
        .page(vec![], Some("three"))
        .page(vec![json!({ "name": "b" })], None);
    let got: Vec<Address> = client.list(&region(), Some("name eq \"lf-.*\"")).await.unwrap();
    assert_eq!(got.iter().map(|address| address.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(got[0].rest["selfLink"], "kept");
    let list = "list projects/p/regions/r address name eq \"lf-.*\"";
    assert_eq!(script.calls(), ["-", "two", "three"].map(|page| format!("{list} {page}")));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_cannot_be_read_fails_the_list_by_field_and_name() {
    let World { script, client, .. } = unpaced();
    script.page(vec![json!({ "name": "a" }), json!({ "name": "b", "prefixLength": "ninety" })], None);
    let error = client.list::<Address>(&region(), None).await.unwrap_err();
    assert_eq!(error.category().as_str(), "AnswerUnreadable");
    let text = error.answer().unwrap().to_string();
    assert!(text.contains("b: prefixLength: invalid type: string"), "{text}");

    script.page(vec![json!({ "address": "192.0.2.1" })], None);
    let error = client.list::<Address>(&region(), None).await.unwrap_err();
    let text = error.answer().unwrap().to_string();
    assert!(text.contains("an item without a name: missing field `name`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_runs_in_circles_is_an_error() {
    let World { script, client, .. } = unpaced();
    script.page(vec![], Some("two")).page(vec![], Some("two"));
    let error = client.list::<Address>(&region(), None).await.unwrap_err();
    assert!(error.answer().unwrap().to_string().contains("\"two\", was given before"));
}

#[tokio::test(start_paused = true)]
async fn only_not_found_means_absent() {
    let World { script, client, .. } = unpaced();
    script.item(json!({ "name": "lf-web" }));
    assert_eq!(client.find::<ForwardingRule>(&rule()).await.unwrap(), Some(body()));
    script.fails(answered("notFound", 404));
    assert_eq!(client.find::<ForwardingRule>(&rule()).await.unwrap(), None);
    for failure in [answered("backendError", 503), answered("forbidden", 403)] {
        script.fails(failure);
        client.find::<ForwardingRule>(&rule()).await.unwrap_err();
    }
    script.item(json!([]));
    client.find::<ForwardingRule>(&rule()).await.unwrap_err();
}

#[rstest]
#[case(answered("alreadyExists", 409))]
#[case(answered("RESOURCE_ALREADY_EXISTS", 409))]
#[case(answered("", 409))]
#[tokio::test(start_paused = true)]
async fn what_is_there_already_is_named(#[case] failure: Failure) {
    let World { script, client, .. } = unpaced();
    script.fails(failure);
    let error = client.insert(&rule(), &body()).await.unwrap_err();
    assert!(matches!(&error, GcpError::AlreadyExists { what, .. } if **what == rule()), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Conflict);
}

#[rstest]
#[case(Failure::NoAnswer { reason: "reset".to_owned() }, true)]
#[case(answered("backendError", 503), true)]
#[case(answered("quotaExceeded", 403), false)]
#[case(answered("conditionNotMet", 412), true)]
#[tokio::test(start_paused = true)]
async fn a_change_is_sent_once_and_its_doubt_is_told(#[case] failure: Failure, #[case] doubt: bool) {
    let World { script, client, .. } = unpaced();
    script.fails(failure);
    let error = client.update(&rule(), &body()).await.unwrap_err();
    assert_eq!(error.leaves_doubt(), doubt);
    assert_eq!(script.calls(), ["update lf-web"]);
}

#[rstest]
#[case(false)]
#[case(true)]
#[tokio::test(start_paused = true)]
async fn deleting_what_is_gone_succeeds(#[case] by_operation: bool) {
    let World { script, client, .. } = unpaced();
    if by_operation {
        script.operation(json!({
            "name": "op-1", "status": "DONE", "httpErrorStatusCode": 404,
            "error": { "errors": [{ "code": "RESOURCE_NOT_FOUND", "message": "" }] },
        }));
    } else {
        script.fails(answered("notFound", 404));
    }
    client.delete(&rule()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn endpoints_go_in_pieces_and_nothing_goes_for_none() {
    let World { script, client, .. } = unpaced();
    for _ in 0..3 {
        script.operation(operation("DONE"));
    }
    let endpoint = |number| Endpoint { instance: format!("node-{number}"), ip_address: None };
    let all: Vec<Endpoint> = (0..1_001).map(endpoint).collect();
    client.attach(&group(), &all).await.unwrap();
    let counts = |bodies: Vec<Value>| -> Vec<usize> {
        bodies.iter().map(|body| body["networkEndpoints"].as_array().unwrap().len()).collect()
    };
    assert_eq!(counts(script.bodies()), [500, 500, 1]);
    let ids = script.ids();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    client.attach(&group(), &[]).await.unwrap();
    client.detach(&group(), &[]).await.unwrap();
    client.add_instances(&group(), &[]).await.unwrap();
    client.remove_instances(&group(), &[]).await.unwrap();
    assert_eq!(script.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_bodies_of_special_verbs_are_those_of_the_api() {
    let World { script, client, .. } = unpaced();
    for _ in 0..3 {
        script.operation(operation("DONE"));
    }
    let labels = BTreeMap::from([("team".to_owned(), "net".to_owned())]);
    client.set_labels(&rule(), &labels, Some("abc=")).await.unwrap();
    client.set_labels(&rule(), &labels, None).await.unwrap();
    let instances = Place::zone("p", "z").at(Kind::InstanceGroup, "lf-nodes");
    client.add_instances(&instances, &["projects/p/zones/z/instances/a".to_owned()]).await.unwrap();
    assert_eq!(
        script.bodies(),
        [
            json!({ "labels": { "team": "net" }, "labelFingerprint": "abc=" }),
            json!({ "labels": { "team": "net" } }),
            json!({ "instances": [{ "instance": "projects/p/zones/z/instances/a" }] }),
        ]
    );
    assert_eq!(script.calls(), ["setLabels lf-web", "setLabels lf-web", "addInstances lf-nodes"]);
}

#[tokio::test(start_paused = true)]
async fn members_are_read_to_the_last_page() {
    let World { script, client, .. } = unpaced();
    let entry =
        |instance: &str| json!({ "networkEndpoint": { "instance": instance, "ipAddress": "10.0.0.1" } });
    script.page(vec![entry("a")], Some("two"));
    script.page(vec![entry("https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/b")], None);
    let endpoints = client.endpoints(&group()).await.unwrap();
    let endpoint =
        |name: &str| Endpoint { instance: name.to_owned(), ip_address: Some("10.0.0.1".to_owned()) };
    assert_eq!(endpoints, [endpoint("a"), endpoint("b")]);

    script.page(vec![json!({ "instance": "u/a", "status": "RUNNING" })], None);
    assert_eq!(client.instances_of(&group()).await.unwrap(), ["u/a"]);

    let service = region().at(Kind::BackendService, "lf-web");
    script.page(vec![json!({ "instance": "u/a", "healthState": "HEALTHY" })], None);
    let health = client.health(&service, "u/group").await.unwrap();
    assert_eq!(health.health_status.len(), 1);
    assert_eq!(script.bodies().last(), Some(&json!({ "group": "u/group" })));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_is_given_up() {
    let World { script, told, client } = unpaced();
    script.hangs();
    let begun = Instant::now();
    let error = client.insert(&rule(), &body()).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    assert_eq!(error.category().as_str(), "CallTimedOut");
    assert!(error.is_in_doubt());
    assert_eq!(told.take(), ["forwardingRules.insert transient 30s"]);
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_stop_all_calls_for_a_while() {
    let World { script, told, client } = unpaced();
    script.fails(answered("authError", 401));
    client.get::<ForwardingRule>(&rule()).await.unwrap_err();
    let error = client.get::<ForwardingRule>(&rule()).await.unwrap_err();
    assert!(matches!(error, GcpError::CredentialsRejected { .. }), "{error:?}");
    assert!(!error.is_in_doubt());
    assert_eq!(script.calls().len(), 1);
    tokio::time::advance(Duration::from_secs(30)).await;
    script.item(json!({ "name": "lf-web" }));
    client.get::<ForwardingRule>(&rule()).await.unwrap();
    let get = |outcome| format!("forwardingRules.get {outcome} 0s");
    assert_eq!(told.take(), [get("denied"), "circuit open".into(), get("ok"), "circuit closed".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_throttling_answer_slows_its_group_down() {
    let World { script, told, client } = world(&Limits::documented());
    script.fails(answered("rateLimitExceeded", 403));
    let error = client.get::<ForwardingRule>(&rule()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Throttled { after: None });
    script.item(json!({ "name": "lf-web" }));
    client.get::<ForwardingRule>(&rule()).await.unwrap();
    assert_eq!(told.take()[1], "read waited 86ms");
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_for_its_turn_is_told_when_to_ask() {
    let World { script, client, .. } = world(&Limits::documented());
    for _ in 0..1_000 {
        script.item(json!({ "name": "lf-web" }));
    }
    let what = rule();
    let answers = (0..1_000).map(|_| client.get::<ForwardingRule>(&what));
    let answers = futures::future::join_all(answers).await;
    let away: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(!away.is_empty() && away.len() < 500, "{}", away.len());
    for error in away {
        assert!(matches!(error, GcpError::Paced { .. }) && !error.leaves_doubt(), "{error:?}");
        assert!(matches!(error.class(), ErrorClass::Waiting { poll } if poll > Duration::from_secs(20)));
    }
}
