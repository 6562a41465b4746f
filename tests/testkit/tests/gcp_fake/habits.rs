//! Quotas, request limits, permissions, faults, the journal, and what happens behind the API's back.

use std::time::Duration;

use landfall_gcp::api::error::Failure;
use landfall_gcp::api::operation::Status;
use landfall_gcp::api::{Compute, Kind, Method, Place, Verb};
use landfall_testkit::gcp::fake::{FakeCompute, Fault, HOST_PROJECT, PROJECT, Quota, QuotaShape, REGION};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::common::{at, body, done, failed, id, insert, reference, refused};

const INSERT: Method = Method::new(Kind::Address, Verb::Insert);

fn new_address() -> Value {
    body(Kind::Address, "a")
}

#[rstest]
#[case::classic(QuotaShape::Classic, "quotaExceeded")]
#[case::detailed(QuotaShape::Detailed, "QUOTA_EXCEEDED")]
#[tokio::test(start_paused = true)]
async fn quotas_are_told_at_once(#[case] shape: QuotaShape, #[case] reason: &str) {
    let gcp = FakeCompute::new();
    gcp.set_quota(Quota::StaticAddresses, 1);
    gcp.set_quota_shape(shape);
    done(insert(&gcp, Kind::Address, new_address()).await);
    assert_eq!(
        refused(insert(&gcp, Kind::Address, body(Kind::Address, "b")).await),
        (403, reason.to_owned())
    );
    let region = gcp.get(&Place::global(PROJECT).at(Kind::Region, REGION)).await.unwrap();
    let metric = json!({ "metric": "STATIC_ADDRESSES", "limit": 1, "usage": 1 });
    assert!(region["quotas"].as_array().unwrap().contains(&metric), "{region}");
}

#[tokio::test(start_paused = true)]
async fn quotas_are_told_in_the_end() {
    let gcp = FakeCompute::new();
    gcp.set_quota(Quota::EndpointGroups, 0);
    gcp.set_quota_shape(QuotaShape::Operation);
    let answer = insert(&gcp, Kind::EndpointGroup, body(Kind::EndpointGroup, "group")).await;
    assert_eq!(failed(answer), (403, "QUOTA_EXCEEDED".to_owned()));
    assert_eq!(gcp.leaks(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn there_are_eight_static_addresses_in_a_new_project() {
    let gcp = FakeCompute::new();
    for number in 0..8 {
        done(insert(&gcp, Kind::Address, body(Kind::Address, &format!("a-{number}"))).await);
    }
    assert_eq!(refused(insert(&gcp, Kind::Address, new_address()).await), (403, "quotaExceeded".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn requests_are_limited_by_group_and_minute() {
    let gcp = FakeCompute::new();
    gcp.limit_requests(Some(2));
    let read = async || gcp.get(&at(Kind::Network, "main")).await;
    read().await.unwrap();
    read().await.unwrap();
    assert_eq!(refused(read().await), (403, "rateLimitExceeded".to_owned()));
    let list = gcp.list(&Place::global(PROJECT), Kind::Network, None, None).await;
    assert_eq!(list.unwrap().items.len(), 1);
    sleep(Duration::from_secs(30)).await;
    read().await.unwrap();
    assert_eq!(refused(read().await), (403, "rateLimitExceeded".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn permissions_are_per_project_and_method() {
    let gcp = FakeCompute::new();
    let method = Method::new(Kind::Firewall, Verb::Insert);
    gcp.forbid(HOST_PROJECT, method, true);
    let there = Place::global(HOST_PROJECT).at(Kind::Firewall, "f");
    let mut rule = body(Kind::Firewall, "f");
    rule["network"] = Place::global(HOST_PROJECT).at(Kind::Network, "shared").url().into();
    assert_eq!(refused(gcp.insert(&there, rule.clone(), id()).await), (403, "forbidden".to_owned()));
    done(insert(&gcp, Kind::Firewall, body(Kind::Firewall, "f")).await);
    gcp.forbid(HOST_PROJECT, method, false);
    gcp.insert(&there, rule, id()).await.unwrap();
}

#[rstest]
#[case::refused(Fault::refuse(503, "backendError"), false)]
#[case::proxy(Fault::Html { status: 502 }, false)]
#[case::request_lost(Fault::LoseRequest, false)]
#[case::answer_lost(Fault::LoseAnswer, true)]
#[tokio::test(start_paused = true)]
async fn a_fault_happens_once(#[case] fault: Fault, #[case] takes_effect: bool) {
    let gcp = FakeCompute::new();
    gcp.fault_on(INSERT, 1, fault.clone());
    let error = gcp.insert(&at(Kind::Address, "a"), new_address(), id()).await.unwrap_err();
    assert_eq!((error.method, error.is_in_doubt()), (INSERT, true));
    assert_eq!(gcp.read(&at(Kind::Address, "a")).is_some(), takes_effect);
    match (fault, error.kind) {
        (Fault::Refuse { .. }, Failure::Answered { status: 503, reason, .. }) => {
            assert_eq!(reason, "backendError");
        }
        (Fault::Html { .. }, Failure::Answered { status: 502, reason, .. }) => assert_eq!(reason, ""),
        (Fault::LoseRequest | Fault::LoseAnswer, Failure::NoAnswer { .. }) => {}
        (fault, kind) => panic!("{fault:?} gave {kind:?}"),
    }
    let again = insert(&gcp, Kind::Address, new_address()).await;
    assert_eq!(again.is_err(), takes_effect);
}

#[rstest]
#[case::hang(Fault::Hang, false)]
#[case::freeze(Fault::Freeze, true)]
#[tokio::test(start_paused = true)]
async fn some_calls_are_never_answered(#[case] fault: Fault, #[case] takes_effect: bool) {
    let gcp = FakeCompute::new();
    gcp.fault_at(1, fault);
    let call = insert(&gcp, Kind::Address, new_address());
    assert!(timeout(Duration::from_hours(1), call).await.is_err());
    assert_eq!(gcp.read(&at(Kind::Address, "a")).is_some(), takes_effect);
    assert_eq!((gcp.calls(), gcp.journal()[0].status), (1, None));
    assert_eq!(timeout(Duration::from_secs(1), gcp.frozen()).await.is_ok(), takes_effect);
}

#[tokio::test(start_paused = true)]
async fn answers_and_operations_can_be_slow() {
    let gcp = FakeCompute::new();
    gcp.fault_at(1, Fault::Delay(Duration::from_secs(5)));
    gcp.fault_on(INSERT, 1, Fault::Hang);
    gcp.clear_faults();
    gcp.fault_at(1, Fault::SlowOperation(Duration::from_secs(90)));
    gcp.fault_at(2, Fault::Delay(Duration::from_secs(5)));
    let begun = gcp.insert(&at(Kind::Address, "a"), new_address(), id()).await.unwrap();
    let at_first = Instant::now();
    let own = reference(&at(Kind::Address, "a"), Verb::Insert, &begun);
    assert_eq!(gcp.operation(&own).await.unwrap().status, Status::Pending);
    assert_eq!(at_first.elapsed(), Duration::from_secs(5));
    sleep(Duration::from_secs(84)).await;
    assert_eq!(gcp.operation(&own).await.unwrap().status, Status::Running);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(gcp.operation(&own).await.unwrap().status, Status::Done);
}

#[tokio::test(start_paused = true)]
async fn an_operation_can_fail_in_the_end() {
    let gcp = FakeCompute::new();
    gcp.fault_on(INSERT, 2, Fault::fail_operation(503, "RESOURCE_POOL_EXHAUSTED"));
    done(insert(&gcp, Kind::Address, new_address()).await);
    let answer = insert(&gcp, Kind::Address, body(Kind::Address, "b")).await;
    assert_eq!(failed(answer), (503, "RESOURCE_POOL_EXHAUSTED".to_owned()));
    assert_eq!(gcp.leaks(), [at(Kind::Address, "a")]);
}

#[tokio::test(start_paused = true)]
async fn every_call_is_written_down() {
    let gcp = FakeCompute::new();
    done(insert(&gcp, Kind::Address, new_address()).await);
    refused(gcp.get(&at(Kind::Address, "b")).await);
    let other = gcp.console();
    other.get(&at(Kind::Address, "a")).await.unwrap();
    let lines: Vec<(Option<Method>, Option<u16>)> =
        gcp.journal().iter().map(|call| (call.method, call.status)).collect();
    let polls =
        lines.iter().filter(|(method, _)| *method == Some(Method::new(Kind::Address, Verb::GetOperation)));
    assert_eq!(polls.count(), lines.len() - 2);
    assert_eq!(lines.first(), Some(&(Some(INSERT), Some(200))));
    assert_eq!(lines.last(), Some(&(Some(Method::new(Kind::Address, Verb::Get)), Some(404))));
    assert_eq!((gcp.writes(), gcp.count(INSERT), other.calls()), (1, 1, 1));
    assert_eq!(gcp.journal()[0].what, Some(at(Kind::Address, "a")));
}

#[tokio::test(start_paused = true)]
async fn somebody_can_work_behind_the_api() {
    let gcp = FakeCompute::new();
    let rule = at(Kind::Firewall, "theirs");
    let theirs = json!({ "description": "by hand", "priority": 7 });
    gcp.put(&rule, theirs).unwrap();
    assert!(gcp.put(&rule, json!({ "prio": 7 })).unwrap_err().contains("prio"));
    assert!(gcp.edit(&rule, |rule| drop(rule.insert("priority".to_owned(), json!(8)))).unwrap());
    assert!(gcp.edit(&rule, |rule| drop(rule.insert("priority".to_owned(), json!("8")))).is_err());
    let read = gcp.get(&rule).await.unwrap();
    assert_eq!((&read["priority"], &read["name"]), (&json!(8), &json!("theirs")));
    assert_eq!((gcp.leaks(), gcp.writes()), (vec![], 0));
    assert!(gcp.remove(&rule) && !gcp.remove(&rule));
    assert!(!gcp.edit(&rule, |_| ()).unwrap());
}
