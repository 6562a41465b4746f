//! Operations, fingerprints, and what refers to what.

use std::time::Duration;

use landfall_gcp::api::operation::Status;
use landfall_gcp::api::{Compute, Kind, OperationRef, Place, Verb};
use landfall_testkit::gcp::fake::{FakeCompute, Fault, PROJECT};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::common::{
    at, body, change, delete, done, failed, id, insert, reference, refused, serving, url, with,
};

#[tokio::test(start_paused = true)]
async fn an_operation_waits_runs_and_ends() {
    let gcp = FakeCompute::new();
    gcp.set_operation_time(Duration::from_secs(4));
    let what = at(Kind::Address, "a");
    let begun = gcp.insert(&what, body(Kind::Address, "a"), id()).await.unwrap();
    let mut seen = vec![begun.status];
    for _ in 0..2 {
        sleep(Duration::from_secs(2)).await;
        seen.push(gcp.operation(&reference(&what, Verb::Insert, &begun)).await.unwrap().status);
    }
    assert_eq!(seen, [Status::Pending, Status::Running, Status::Done]);
}

#[tokio::test(start_paused = true)]
async fn operations_can_end_at_once() {
    let gcp = FakeCompute::new();
    gcp.set_operation_time(Duration::ZERO);
    let begun = gcp.insert(&at(Kind::Address, "a"), body(Kind::Address, "a"), id()).await.unwrap();
    assert_eq!(begun.status, Status::Done);
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_read_in_its_own_scope() {
    let gcp = FakeCompute::new();
    let what = at(Kind::Address, "a");
    let begun = gcp.insert(&what, body(Kind::Address, "a"), id()).await.unwrap();
    let own = reference(&what, Verb::Insert, &begun);
    let elsewhere = OperationRef { place: Place::global(PROJECT), ..own };
    assert_eq!(refused(gcp.operation(&elsewhere).await), (404, "notFound".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_is_made_late_is_seen_in_the_end() {
    let gcp = serving().await;
    let (rule, service) = (at(Kind::ForwardingRule, "rule"), at(Kind::BackendService, "service"));
    gcp.fault_at(1, Fault::LateInsert(Duration::from_mins(2)));
    let begun = gcp.insert(&rule, body(Kind::ForwardingRule, "rule"), id()).await.unwrap();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(refused(gcp.get(&rule).await).0, 404);
    let taken = gcp.insert(&rule, body(Kind::ForwardingRule, "rule"), id()).await;
    assert_eq!(refused(taken), (409, "alreadyExists".to_owned()));
    assert_eq!(refused(gcp.delete(&service, id()).await), (400, "resourceNotReady".to_owned()));
    sleep(Duration::from_mins(1)).await;
    let ended = gcp.operation(&reference(&rule, Verb::Insert, &begun)).await;
    done(ended);
    gcp.get(&rule).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_made_late_can_fail_in_the_end() {
    let gcp = serving().await;
    let rule = at(Kind::ForwardingRule, "rule");
    gcp.fault_at(1, Fault::LateInsert(Duration::from_mins(2)));
    let begun = gcp.insert(&rule, body(Kind::ForwardingRule, "rule"), id()).await.unwrap();
    gcp.remove(&at(Kind::BackendService, "service"));
    sleep(Duration::from_mins(2)).await;
    let ended = gcp.operation(&reference(&rule, Verb::Insert, &begun)).await;
    assert_eq!(failed(ended), (400, "INVALID".to_owned()));
    assert_eq!(gcp.read(&rule), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_made_is_seen_at_once_and_ready_later() {
    let gcp = FakeCompute::new();
    let check = at(Kind::HealthCheck, "check");
    gcp.insert(&check, body(Kind::HealthCheck, "check"), id()).await.unwrap();
    gcp.get(&check).await.unwrap();
    let not_ready = (400, "resourceNotReady".to_owned());
    assert_eq!(refused(gcp.delete(&check, id()).await), not_ready);
    let service = insert(&gcp, Kind::BackendService, body(Kind::BackendService, "service")).await;
    assert_eq!(refused(service), not_ready);
    gcp.set_strict(false);
    done(insert(&gcp, Kind::BackendService, body(Kind::BackendService, "service")).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_is_there_until_the_operation_ends() {
    let gcp = FakeCompute::new();
    done(insert(&gcp, Kind::Address, body(Kind::Address, "a")).await);
    let address = at(Kind::Address, "a");
    gcp.delete(&address, id()).await.unwrap();
    gcp.get(&address).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(refused(gcp.get(&address).await), (404, "notFound".to_owned()));
    assert_eq!(gcp.absent_deletes(), 0);
    assert_eq!(refused(gcp.delete(&address, id()).await), (404, "notFound".to_owned()));
    assert_eq!(gcp.absent_deletes(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_used_is_not_deleted() {
    let gcp = serving().await;
    let used = (400, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE".to_owned());
    done(insert(&gcp, Kind::EndpointGroup, body(Kind::EndpointGroup, "group")).await);
    let service = gcp.read(&at(Kind::BackendService, "service")).unwrap();
    let backends = json!({
        "backends": [{ "group": url(Kind::EndpointGroup, "group") }], "fingerprint": service["fingerprint"],
    });
    done(change(&gcp, &at(Kind::BackendService, "service"), Verb::Patch, backends).await);
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "web")).await);
    let order = [
        at(Kind::ForwardingRule, "web"),
        at(Kind::BackendService, "service"),
        at(Kind::EndpointGroup, "group"),
        at(Kind::HealthCheck, "check"),
    ];
    for what in &order[1..] {
        assert_eq!(failed(delete(&gcp, what).await), used, "{what}");
        assert!(gcp.read(what).is_some());
    }
    for what in &order {
        done(delete(&gcp, what).await);
    }
    assert_eq!(gcp.leaks(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn what_is_used_can_be_refused_at_once() {
    let gcp = serving().await;
    gcp.refuse_used_at_once(true);
    let answer = gcp.delete(&at(Kind::HealthCheck, "check"), id()).await;
    assert_eq!(refused(answer), (400, "resourceInUseByAnotherResource".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_change_in_progress_does_not_bring_back_what_was_removed() {
    let gcp = serving().await;
    let check = at(Kind::HealthCheck, "check");
    gcp.change(&check, Verb::Patch, json!({ "checkIntervalSec": 9 }), id()).await.unwrap();
    assert_eq!(gcp.read(&check).unwrap()["checkIntervalSec"], 5);
    gcp.remove(&check);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(gcp.read(&check), None);
}

#[rstest]
#[case::service(Kind::ForwardingRule, json!({ "backendService": url(Kind::BackendService, "none") }))]
#[case::address(Kind::ForwardingRule, json!({ "IPAddress": url(Kind::Address, "none") }))]
#[case::check(Kind::BackendService, json!({ "healthChecks": [url(Kind::HealthCheck, "none")] }))]
#[case::group(Kind::BackendService, json!({ "backends": [{ "group": url(Kind::EndpointGroup, "none") }] }))]
#[case::network(Kind::Firewall, json!({ "network": url(Kind::Network, "none") }))]
#[case::subnet(Kind::EndpointGroup, json!({ "subnetwork": url(Kind::Subnetwork, "none") }))]
#[case::other_kind(Kind::ForwardingRule, json!({ "backendService": url(Kind::HealthCheck, "check") }))]
#[case::no_url(Kind::BackendService, json!({ "healthChecks": ["check"] }))]
#[tokio::test(start_paused = true)]
async fn what_is_referred_to_must_exist(#[case] kind: Kind, #[case] changes: Value) {
    let gcp = serving().await;
    let answer = insert(&gcp, kind, with(body(kind, "new"), changes)).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[rstest]
#[case::none(None, Some((412, "conditionNotMet")))]
#[case::stale(Some("AAAAAAAA"), Some((412, "conditionNotMet")))]
#[case::current(None, None)]
#[tokio::test(start_paused = true)]
async fn a_backend_service_is_changed_with_its_fingerprint(
    #[case] fingerprint: Option<&str>,
    #[case] wanted: Option<(u16, &str)>,
    #[values(Verb::Patch, Verb::Update)] verb: Verb,
) {
    let gcp = serving().await;
    let service = at(Kind::BackendService, "service");
    let read = gcp.read(&service).unwrap();
    let given = match (fingerprint, wanted) {
        (None, None) => read["fingerprint"].clone(),
        (given, _) => json!(given),
    };
    let changes = json!({ "sessionAffinity": "CLIENT_IP", "fingerprint": given });
    let whole = if verb == Verb::Patch { json!({ "name": "service" }) } else { read.clone() };
    let answer = change(&gcp, &service, verb, with(whole, changes)).await;
    let now = gcp.read(&service).unwrap();
    if let Some((status, reason)) = wanted {
        assert_eq!(refused(answer), (status, reason.to_owned()));
        assert_eq!(now, read);
    } else {
        done(answer);
        assert_eq!(now["sessionAffinity"], "CLIENT_IP");
        assert_ne!(now["fingerprint"], read["fingerprint"]);
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn labels_are_set_with_their_fingerprint(
    #[values(Kind::ForwardingRule, Kind::Address)] kind: Kind,
    #[values(false, true)] on_insert: bool,
) {
    let gcp = serving().await;
    gcp.take_labels_on_insert(on_insert);
    let what = at(kind, "new");
    done(insert(&gcp, kind, with(body(kind, "new"), json!({ "labels": { "a": "b" } }))).await);
    let read = gcp.read(&what).unwrap();
    assert_eq!(read["labels"]["a"], if on_insert { json!("b") } else { Value::Null });
    let stale = json!({ "labels": { "c": "d" }, "labelFingerprint": "AAAA" });
    let answer = change(&gcp, &what, Verb::SetLabels, stale).await;
    assert_eq!(refused(answer), (412, "conditionNotMet".to_owned()));
    let labels = json!({ "labels": { "c": "d" }, "labelFingerprint": read["labelFingerprint"] });
    done(change(&gcp, &what, Verb::SetLabels, labels.clone()).await);
    assert_eq!(gcp.read(&what).unwrap()["labels"], json!({ "c": "d" }));
    assert_eq!(
        refused(change(&gcp, &what, Verb::SetLabels, labels).await),
        (412, "conditionNotMet".to_owned())
    );
}

#[rstest]
#[case("Upper", "b")]
#[case("1", "b")]
#[case("a", "with space")]
#[tokio::test(start_paused = true)]
async fn labels_have_a_form(#[case] key: &str, #[case] value: &str) {
    let gcp = serving().await;
    let labelled = with(body(Kind::Address, "a"), json!({ "labels": { key: value } }));
    assert_eq!(refused(insert(&gcp, Kind::Address, labelled).await), (400, "invalid".to_owned()));
}
