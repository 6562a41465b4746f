//! What Google's discovery document refuses, and what every request can say.

use landfall_gcp::api::{Compute, Kind, Place, Verb};
use landfall_testkit::gcp::fake::{FakeCompute, PROJECT, REGION, SUBNET};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{at, body, change, done, id, insert, refused, serving, url, with};

#[rstest]
#[case::unknown_field(json!({ "colour": "red" }))]
#[case::unknown_word(json!({ "IPProtocol": "Tcp" }))]
#[case::wrong_type(json!({ "ports": "80" }))]
#[case::wrong_type_inside(json!({ "ports": [80] }))]
#[case::null(json!({ "labels": { "a": Value::Null } }))]
#[case::read_only(json!({ "creationTimestamp": "2026-01-01T00:00:00Z" }))]
#[case::read_only_in_prose(json!({ "selfLink": "x" }))]
#[case::bad_name(json!({ "name": "Web" }))]
#[case::bad_fingerprint(json!({ "fingerprint": "no base64" }))]
#[tokio::test(start_paused = true)]
async fn what_the_document_does_not_know_is_refused(#[case] changes: Value) {
    let gcp = serving().await;
    let rule = with(body(Kind::ForwardingRule, "web"), changes);
    assert_eq!(refused(insert(&gcp, Kind::ForwardingRule, rule).await), (400, "invalid".to_owned()));
    assert_eq!(gcp.all(Kind::ForwardingRule), Vec::<Value>::new());
}

#[rstest]
#[case::other_scope(Place::global(PROJECT).at(Kind::ForwardingRule, "web"), (404, "notFound"))]
#[case::no_such_project(Place::region("nobody", REGION).at(Kind::ForwardingRule, "web"), (404, "notFound"))]
#[case::no_such_region(Place::region(PROJECT, "mars").at(Kind::ForwardingRule, "web"), (400, "invalid"))]
#[case::no_such_zone(Place::zone(PROJECT, "mars-a").at(Kind::Instance, "web"), (400, "invalid"))]
#[case::not_there(at(Kind::ForwardingRule, "web"), (404, "notFound"))]
#[case::not_a_name(at(Kind::ForwardingRule, "Web"), (400, "invalid"))]
#[tokio::test(start_paused = true)]
async fn what_is_nowhere_is_not_read(
    #[case] what: landfall_gcp::api::Reference,
    #[case] (status, reason): (u16, &str),
) {
    let gcp = FakeCompute::new();
    assert_eq!(refused(gcp.get(&what).await), (status, reason.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_verb_that_a_kind_lacks_is_not_found() {
    let gcp = serving().await;
    let answer = change(&gcp, &at(Kind::ForwardingRule, "web"), Verb::Update, json!({})).await;
    assert_eq!(refused(answer), (404, "notFound".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_can_be_sent_back_whole() {
    let gcp = serving().await;
    let service = at(Kind::BackendService, "service");
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "web")).await);
    let read = gcp.get(&service).await.unwrap();
    assert_eq!(read["usedBy"], json!([{ "reference": url(Kind::ForwardingRule, "web") }]));
    done(change(&gcp, &service, Verb::Update, with(read.clone(), json!({ "description": "ours" }))).await);
    let now = gcp.get(&service).await.unwrap();
    assert_eq!((&now["description"], &now["id"]), (&json!("ours"), &read["id"]));
    let other = with(now, json!({ "id": "1" }));
    assert_eq!(refused(change(&gcp, &service, Verb::Update, other).await), (400, "invalid".to_owned()));
}

#[rstest]
#[case(None, &["a-1", "a-2", "a-3", "b"])]
#[case(Some(r#"name eq "a-.*""#), &["a-1", "a-2", "a-3"])]
#[case(Some(r#"name="b""#), &["b"])]
#[case(Some(r#"address="34.16.0.2""#), &["a-2"])]
#[tokio::test(start_paused = true)]
async fn lists_have_filters_and_pages(#[case] filter: Option<&str>, #[case] wanted: &[&str]) {
    let gcp = FakeCompute::new();
    for name in ["a-1", "a-2", "a-3", "b"] {
        done(insert(&gcp, Kind::Address, body(Kind::Address, name)).await);
    }
    gcp.set_page_size(2);
    let (mut names, mut page) = (Vec::new(), None);
    loop {
        let answer =
            gcp.list(&Place::region(PROJECT, REGION), Kind::Address, filter, page.as_deref()).await.unwrap();
        assert!(answer.items.len() <= 2);
        names.extend(answer.items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(names, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_request_id_stands_for_one_request() {
    let gcp = FakeCompute::new();
    let (what, id) = (at(Kind::Address, "a"), id());
    let first = gcp.insert(&what, body(Kind::Address, "a"), id).await.unwrap();
    let again = gcp.insert(&what, body(Kind::Address, "a"), id).await.unwrap();
    assert_eq!(first.name, again.name);
    let other = with(body(Kind::Address, "a"), json!({ "description": "another" }));
    assert_eq!(refused(gcp.insert(&what, other, id).await), (400, "invalid".to_owned()));
    assert_eq!(
        refused(gcp.insert(&what, body(Kind::Address, "a"), crate::common::id()).await),
        (409, "alreadyExists".to_owned())
    );
}

#[rstest]
#[case(Kind::Network, "main")]
#[case(Kind::Subnetwork, SUBNET)]
#[case(Kind::Region, REGION)]
#[case(Kind::Instance, "node-0")]
#[tokio::test(start_paused = true)]
async fn what_is_there_can_be_read(#[case] kind: Kind, #[case] name: &str) {
    let gcp = FakeCompute::new();
    let read = gcp.get(&at(kind, name)).await.unwrap();
    assert_eq!((&read["name"], &read["selfLink"]), (&json!(name), &json!(url(kind, name))));
    assert_eq!(gcp.leaks(), vec![]);
}
