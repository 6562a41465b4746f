//! Addresses: where they come from, who may have them, and what becomes of them.

use landfall_gcp::api::{Compute, Kind};
use landfall_testkit::gcp::fake::{FakeCompute, INTERNAL_SUBNET, IP_COLLECTION, PLAIN_SUBNET, SUBNET};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{at, body, delete, done, failed, insert, refused, serving, url, with};

/// The address of a forwarding rule.
fn address_of(gcp: &FakeCompute, rule: &str) -> String {
    gcp.read(&at(Kind::ForwardingRule, rule)).unwrap()["IPAddress"].as_str().unwrap().to_owned()
}

/// An internal backend service `inside`, and a body for a forwarding rule to it.
async fn internal(gcp: &FakeCompute, name: &str) -> Value {
    let service = json!({ "name": "inside", "loadBalancingScheme": "INTERNAL" });
    if gcp.read(&at(Kind::BackendService, "inside")).is_none() {
        done(insert(gcp, Kind::BackendService, with(body(Kind::BackendService, "inside"), service)).await);
    }
    let rule = json!({
        "loadBalancingScheme": "INTERNAL", "backendService": url(Kind::BackendService, "inside"),
        "subnetwork": url(Kind::Subnetwork, PLAIN_SUBNET),
    });
    with(body(Kind::ForwardingRule, name), rule)
}

fn internal_address(name: &str) -> Value {
    let subnet = url(Kind::Subnetwork, PLAIN_SUBNET);
    json!({ "name": name, "addressType": "INTERNAL", "subnetwork": subnet })
}

#[tokio::test(start_paused = true)]
async fn an_address_is_held_while_its_rule_is_replaced() {
    let gcp = serving().await;
    let (rule, held) = (at(Kind::ForwardingRule, "web"), at(Kind::Address, "held"));
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "web")).await);
    let address = address_of(&gcp, "web");
    done(insert(&gcp, Kind::Address, json!({ "name": "held", "address": address })).await);
    let reserved = gcp.read(&held).unwrap();
    assert_eq!((&reserved["status"], &reserved["users"]), (&json!("IN_USE"), &json!([rule.url()])));

    done(delete(&gcp, &rule).await);
    assert_eq!(gcp.read(&held).unwrap()["status"], "RESERVED");
    let again = with(body(Kind::ForwardingRule, "web"), json!({ "ports": ["81"], "IPAddress": address }));
    done(insert(&gcp, Kind::ForwardingRule, again).await);
    done(delete(&gcp, &held).await);
    assert_eq!(address_of(&gcp, "web"), address);
}

#[tokio::test(start_paused = true)]
async fn an_ephemeral_address_is_lost_with_its_rule() {
    let gcp = serving().await;
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "web")).await);
    let address = address_of(&gcp, "web");
    done(delete(&gcp, &at(Kind::ForwardingRule, "web")).await);
    let again = with(body(Kind::ForwardingRule, "web"), json!({ "IPAddress": address }));
    assert_eq!(refused(insert(&gcp, Kind::ForwardingRule, again).await), (400, "invalid".to_owned()));
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "web")).await);
    assert_ne!(address_of(&gcp, "web"), address);
}

#[tokio::test(start_paused = true)]
async fn rules_share_a_reserved_address_but_no_ephemeral_one() {
    let gcp = serving().await;
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "one")).await);
    let more = |name, port: &str| {
        let address = json!({ "ports": [port], "IPAddress": address_of(&gcp, "one") });
        with(body(Kind::ForwardingRule, name), address)
    };
    let shared = insert(&gcp, Kind::ForwardingRule, more("two", "81")).await;
    assert_eq!(refused(shared), (400, "invalid".to_owned()));
    let reservation = json!({ "name": "held", "address": address_of(&gcp, "one") });
    done(insert(&gcp, Kind::Address, reservation).await);
    done(insert(&gcp, Kind::ForwardingRule, more("two", "81")).await);
    let used = (400, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE".to_owned());
    assert_eq!(failed(delete(&gcp, &at(Kind::Address, "held")).await), used);
    done(delete(&gcp, &at(Kind::ForwardingRule, "two")).await);
    done(delete(&gcp, &at(Kind::Address, "held")).await);
}

#[rstest]
#[case::name("static")]
#[case::path("projects/test-project/regions/europe-west1/addresses/static")]
#[case::url(
    "https://compute.googleapis.com/compute/v1/projects/test-project/regions/europe-west1/addresses/static"
)]
#[case::literal("34.16.0.1")]
#[tokio::test(start_paused = true)]
async fn a_reserved_address_has_many_spellings_and_is_told_as_a_number(#[case] spelling: &str) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::Address, body(Kind::Address, "static")).await);
    let rule = with(body(Kind::ForwardingRule, "web"), json!({ "IPAddress": spelling }));
    done(insert(&gcp, Kind::ForwardingRule, rule).await);
    assert_eq!(address_of(&gcp, "web"), "34.16.0.1");
}

#[rstest]
#[case::external(json!({ "address": "34.16.0.1" }), (400, "invalid"))]
#[case::not_ours(json!({ "address": "192.0.2.1" }), (400, "invalid"))]
#[case::no_address(json!({ "address": "web" }), (400, "invalid"))]
#[case::prefix(json!({ "address": "34.16.0.1/32" }), (400, "invalid"))]
#[case::subnet_of_external(json!({ "subnetwork": url(Kind::Subnetwork, SUBNET) }), (400, "invalid"))]
#[case::purpose_of_external(json!({ "purpose": "SHARED_LOADBALANCER_VIP" }), (400, "invalid"))]
#[case::standard_v6(json!({ "ipVersion": "IPV6", "networkTier": "STANDARD" }), (400, "invalid"))]
#[case::v6_for_nothing(json!({ "ipVersion": "IPV6", "subnetwork": url(Kind::Subnetwork, SUBNET) }), (400, "invalid"))]
#[case::v6_without_subnet(json!({ "ipVersion": "IPV6", "ipv6EndpointType": "NETLB" }), (400, "required"))]
#[case::internal_taken(
    with(internal_address("new"), json!({ "address": "10.0.0.16", "subnetwork": url(Kind::Subnetwork, SUBNET) })),
    (409, "IP_IN_USE_BY_ANOTHER_RESOURCE"),
)]
#[case::internal_reserved(with(internal_address("new"), json!({ "address": "10.2.0.9" })), (409, "IP_IN_USE_BY_ANOTHER_RESOURCE"))]
#[case::internal_outside(with(internal_address("new"), json!({ "address": "10.9.0.1" })), (400, "invalid"))]
#[case::internal_without_subnet(json!({ "addressType": "INTERNAL" }), (400, "required"))]
#[case::internal_standard(with(internal_address("new"), json!({ "networkTier": "STANDARD" })), (400, "invalid"))]
#[tokio::test(start_paused = true)]
async fn what_cannot_be_reserved_is_refused(#[case] changes: Value, #[case] (status, reason): (u16, &str)) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::Address, body(Kind::Address, "external")).await);
    done(
        insert(&gcp, Kind::Address, with(internal_address("internal"), json!({ "address": "10.2.0.9" })))
            .await,
    );
    let answer = insert(&gcp, Kind::Address, with(body(Kind::Address, "new"), changes)).await;
    assert_eq!(refused(answer), (status, reason.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_reserved_external_v6_address_is_told_by_the_status() {
    let gcp = serving().await;
    let v6 = json!({
        "name": "six", "ipVersion": "IPV6", "ipv6EndpointType": "NETLB", "subnetwork": url(Kind::Subnetwork, SUBNET),
    });
    done(insert(&gcp, Kind::Address, v6.clone()).await);
    let reserved = gcp.read(&at(Kind::Address, "six")).unwrap();
    assert_eq!(
        (&reserved["address"], &reserved["prefixLength"]),
        (&json!("2600:1900:4000:1:0:1::"), &json!(96))
    );
    let again = with(v6, json!({ "name": "again", "address": reserved["address"] }));
    assert_eq!(refused(insert(&gcp, Kind::Address, again).await), (412, "conditionNotMet".to_owned()));
}

#[rstest]
#[case::external_v4(json!({}), "34.16.0.1")]
#[case::standard(json!({ "networkTier": "STANDARD" }), "35.208.0.1")]
#[case::external_v6(
    json!({ "ipVersion": "IPV6", "subnetwork": url(Kind::Subnetwork, SUBNET) }),
    "2600:1900:4000:1:0:1::/96",
)]
#[case::own_v6(json!({ "ipVersion": "IPV6", "ipCollection": IP_COLLECTION }), "2001:db8:b0b::1:0:0/96")]
#[tokio::test(start_paused = true)]
async fn an_external_rule_finds_an_address(#[case] changes: Value, #[case] wanted: &str) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::ForwardingRule, with(body(Kind::ForwardingRule, "web"), changes)).await);
    assert_eq!(address_of(&gcp, "web"), wanted);
}

/// A reserved address of a range that the project brought along is of no subnet.
#[tokio::test(start_paused = true)]
async fn an_address_of_an_own_range_can_be_reserved() {
    let gcp = serving().await;
    let own = json!({ "name": "own", "ipVersion": "IPV6", "ipv6EndpointType": "NETLB", "ipCollection": IP_COLLECTION });
    done(insert(&gcp, Kind::Address, own.clone()).await);
    let reserved = gcp.read(&at(Kind::Address, "own")).unwrap()["address"].clone();
    assert_eq!(reserved, json!("2001:db8:b0b::1:0:0"));
    let of_subnet = json!({ "name": "x", "subnetwork": url(Kind::Subnetwork, SUBNET) });
    for changes in
        [json!({ "name": "x", "address": reserved }), of_subnet, json!({ "name": "x", "ipVersion": "IPV4" })]
    {
        let answer = insert(&gcp, Kind::Address, with(own.clone(), changes)).await;
        assert_eq!(refused(answer), (400, "invalid".to_owned()));
    }
    let rule = json!({ "ipVersion": "IPV6", "IPAddress": "2001:db8:b0b::1:0:0/96" });
    for more in
        [json!({ "ipCollection": IP_COLLECTION }), json!({ "subnetwork": url(Kind::Subnetwork, SUBNET) })]
    {
        let wrong = with(with(body(Kind::ForwardingRule, "web"), rule.clone()), more);
        assert_eq!(refused(insert(&gcp, Kind::ForwardingRule, wrong).await), (400, "invalid".to_owned()));
    }
    done(insert(&gcp, Kind::ForwardingRule, with(body(Kind::ForwardingRule, "web"), rule)).await);
    assert_eq!(address_of(&gcp, "web"), "2001:db8:b0b::1:0:0/96");
}

#[rstest]
#[case::v4(json!({}), "10.2.8.0")]
#[case::asked(json!({ "IPAddress": "10.2.0.77" }), "10.2.0.77")]
#[case::v6(
    json!({ "ipVersion": "IPV6", "subnetwork": url(Kind::Subnetwork, INTERNAL_SUBNET) }),
    "fd20::1:0:1:0:0/96",
)]
#[tokio::test(start_paused = true)]
async fn an_internal_rule_finds_an_address(#[case] changes: Value, #[case] wanted: &str) {
    let gcp = serving().await;
    let rule = with(internal(&gcp, "web").await, changes);
    done(insert(&gcp, Kind::ForwardingRule, rule).await);
    assert_eq!(address_of(&gcp, "web"), wanted);
}

#[rstest]
#[case::outside(json!({ "IPAddress": "10.9.0.1" }), (400, "invalid"))]
#[case::taken(json!({ "IPAddress": "10.2.0.77" }), (409, "IP_IN_USE_BY_ANOTHER_RESOURCE"))]
#[case::no_v6_there(json!({ "ipVersion": "IPV6" }), (400, "invalid"))]
#[case::external_v6_there(
    json!({ "ipVersion": "IPV6", "subnetwork": url(Kind::Subnetwork, SUBNET) }), (400, "invalid"),
)]
#[case::no_subnet(json!({ "subnetwork": null }), (400, "required"))]
#[case::external_one(json!({ "IPAddress": "external" }), (400, "invalid"))]
#[case::standard(json!({ "networkTier": "STANDARD" }), (400, "invalid"))]
#[tokio::test(start_paused = true)]
async fn an_internal_rule_cannot_have_any_address(
    #[case] changes: Value,
    #[case] (status, reason): (u16, &str),
) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::Address, body(Kind::Address, "external")).await);
    let first = with(internal(&gcp, "first").await, json!({ "IPAddress": "10.2.0.77" }));
    done(insert(&gcp, Kind::ForwardingRule, first).await);
    let answer = insert(&gcp, Kind::ForwardingRule, with(internal(&gcp, "web").await, changes)).await;
    assert_eq!(refused(answer), (status, reason.to_owned()));
}

#[rstest]
#[case::tier(json!({ "IPAddress": "static", "networkTier": "STANDARD" }))]
#[case::family(json!({ "IPAddress": "static", "ipVersion": "IPV6" }))]
#[case::v6_without_length(json!({ "IPAddress": "2600:1900:4000:1:0:1::" }))]
#[case::subnet(json!({ "subnetwork": url(Kind::Subnetwork, SUBNET) }))]
#[case::internal_one(json!({ "IPAddress": "internal" }))]
#[case::strange_collection(json!({ "ipVersion": "IPV6", "ipCollection": "regions/r/publicDelegatedPrefixes/x" }))]
#[tokio::test(start_paused = true)]
async fn an_external_rule_cannot_have_any_address(#[case] changes: Value) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::Address, body(Kind::Address, "static")).await);
    done(insert(&gcp, Kind::Address, internal_address("internal")).await);
    let answer = insert(&gcp, Kind::ForwardingRule, with(body(Kind::ForwardingRule, "web"), changes)).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[rstest]
#[case::for_one("GCE_ENDPOINT", 1)]
#[case::for_ten("SHARED_LOADBALANCER_VIP", 10)]
#[tokio::test(start_paused = true)]
async fn internal_rules_share_an_address_that_is_for_sharing(#[case] purpose: &str, #[case] limit: usize) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::Address, with(internal_address("vip"), json!({ "purpose": purpose }))).await);
    for number in 0..=limit {
        let more = json!({ "IPAddress": "vip", "ports": [(80 + number).to_string()] });
        let rule = with(internal(&gcp, &format!("rule-{number}")).await, more);
        let answer = insert(&gcp, Kind::ForwardingRule, rule).await;
        if number < limit {
            done(answer);
        } else {
            assert!(matches!(answer.unwrap_err().status(), Some(400 | 409)));
        }
    }
    let held = delete(&gcp, &at(Kind::Address, "vip")).await.unwrap();
    assert_eq!(held.error.is_some(), purpose == "SHARED_LOADBALANCER_VIP");
}

#[tokio::test(start_paused = true)]
async fn an_internal_ephemeral_address_can_be_held() {
    let gcp = serving().await;
    let rule = internal(&gcp, "web").await;
    done(insert(&gcp, Kind::ForwardingRule, rule).await);
    let held = with(internal_address("held"), json!({ "address": address_of(&gcp, "web") }));
    let shared = with(held.clone(), json!({ "purpose": "SHARED_LOADBALANCER_VIP" }));
    let taken = (409, "IP_IN_USE_BY_ANOTHER_RESOURCE".to_owned());
    assert_eq!(refused(insert(&gcp, Kind::Address, shared).await), taken);
    done(insert(&gcp, Kind::Address, held).await);
    assert_eq!(gcp.get(&at(Kind::Address, "held")).await.unwrap()["status"], "IN_USE");
}
