//! Firewall rules and health checks.

use landfall_gcp::api::{Kind, Verb};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{at, body, change, done, insert, refused, serving, url, with};

#[rstest]
#[case::no_network(json!({ "network": null }), "required")]
#[case::nothing(json!({ "allowed": null }), "invalid")]
#[case::both(json!({ "denied": [{ "IPProtocol": "tcp" }] }), "invalid")]
#[case::no_protocol(json!({ "allowed": [{ "ports": ["80"] }] }), "required")]
#[case::icmp_ports(json!({ "allowed": [{ "IPProtocol": "icmp", "ports": ["80"] }] }), "invalid")]
#[case::bad_port(json!({ "allowed": [{ "IPProtocol": "tcp", "ports": ["80-79"] }] }), "invalid")]
#[case::families(json!({ "sourceRanges": ["192.0.2.0/24", "2001:db8::/32"] }), "invalid")]
#[case::families_of_ends(json!({ "destinationRanges": ["2001:db8::/32"] }), "invalid")]
#[case::host_bits(json!({ "sourceRanges": ["192.0.2.1/24"] }), "invalid")]
#[case::no_range(json!({ "sourceRanges": ["everywhere"] }), "invalid")]
#[case::priority(json!({ "priority": 65536 }), "invalid")]
#[case::targets(json!({ "targetTags": ["a"], "targetServiceAccounts": ["b"] }), "invalid")]
#[tokio::test(start_paused = true)]
async fn firewall_rules_that_cannot_be_are_refused(#[case] changes: Value, #[case] reason: &str) {
    let gcp = serving().await;
    let answer = insert(&gcp, Kind::Firewall, with(body(Kind::Firewall, "new"), changes)).await;
    assert_eq!(refused(answer), (400, reason.to_owned()));
}

#[rstest]
#[case::direction(json!({}), "direction", json!("INGRESS"))]
#[case::priority(json!({}), "priority", json!(1000))]
#[case::everybody(json!({ "sourceRanges": null }), "sourceRanges", json!(["0.0.0.0/0"]))]
#[case::by_tag(json!({ "sourceRanges": null, "sourceTags": ["a"] }), "sourceRanges", Value::Null)]
#[case::single(json!({ "sourceRanges": ["192.0.2.1"] }), "sourceRanges", json!(["192.0.2.1"]))]
#[tokio::test(start_paused = true)]
async fn firewall_rules_get_defaults(#[case] changes: Value, #[case] field: &str, #[case] wanted: Value) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::Firewall, with(body(Kind::Firewall, "new"), changes)).await);
    assert_eq!(gcp.read(&at(Kind::Firewall, "new")).unwrap()[field], wanted);
}

#[rstest]
#[case::patch(Verb::Patch)]
#[case::update(Verb::Update)]
#[tokio::test(start_paused = true)]
async fn a_patch_keeps_what_an_update_replaces(#[case] verb: Verb) {
    let gcp = serving().await;
    let tagged = with(body(Kind::Firewall, "new"), json!({ "targetTags": ["a"] }));
    done(insert(&gcp, Kind::Firewall, tagged).await);
    let what = at(Kind::Firewall, "new");
    let changes = with(body(Kind::Firewall, "new"), json!({ "sourceRanges": ["198.51.100.0/24"] }));
    done(change(&gcp, &what, verb, changes).await);
    let read = gcp.read(&what).unwrap();
    assert_eq!(read["sourceRanges"], json!(["198.51.100.0/24"]));
    assert_eq!(read["targetTags"], if verb == Verb::Patch { json!(["a"]) } else { Value::Null });
}

#[tokio::test(start_paused = true)]
async fn a_patch_takes_away_what_is_null() {
    let gcp = serving().await;
    let tagged = with(body(Kind::Firewall, "new"), json!({ "targetTags": ["a"] }));
    done(insert(&gcp, Kind::Firewall, tagged).await);
    let what = at(Kind::Firewall, "new");
    done(change(&gcp, &what, Verb::Patch, json!({ "targetTags": null })).await);
    assert_eq!(gcp.read(&what).unwrap()["targetTags"], Value::Null);
    let moved = json!({ "network": url(Kind::Network, "other") });
    assert_eq!(refused(change(&gcp, &what, Verb::Patch, moved).await), (400, "invalid".to_owned()));
}

#[rstest]
#[case::no_type(json!({ "type": null }))]
#[case::other_type(json!({ "type": "SSL" }))]
#[case::other_probe(json!({ "httpHealthCheck": { "port": 80 } }))]
#[case::strange_probe(json!({ "grpcHealthCheck": { "port": 80 } }))]
#[case::slow(json!({ "checkIntervalSec": 301 }))]
#[case::timeout(json!({ "checkIntervalSec": 5, "timeoutSec": 6 }))]
#[case::eager(json!({ "healthyThreshold": 0 }))]
#[case::patient(json!({ "unhealthyThreshold": 11 }))]
#[case::port(json!({ "tcpHealthCheck": { "port": 0 } }))]
#[tokio::test(start_paused = true)]
async fn health_checks_that_cannot_be_are_refused(#[case] changes: Value) {
    let gcp = serving().await;
    let answer = insert(&gcp, Kind::HealthCheck, with(body(Kind::HealthCheck, "new"), changes)).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn health_checks_get_defaults_and_can_be_changed() {
    let gcp = serving().await;
    let http = json!({ "name": "new", "type": "HTTP", "httpHealthCheck": { "port": 10256 } });
    done(insert(&gcp, Kind::HealthCheck, http).await);
    let what = at(Kind::HealthCheck, "new");
    let read = gcp.read(&what).unwrap();
    assert_eq!((&read["checkIntervalSec"], &read["unhealthyThreshold"]), (&json!(5), &json!(2)));
    assert_eq!(read["httpHealthCheck"]["requestPath"], "/");
    done(change(&gcp, &what, Verb::Patch, json!({ "httpHealthCheck": { "requestPath": "/healthz" } })).await);
    let probe = &gcp.read(&what).unwrap()["httpHealthCheck"];
    assert_eq!((&probe["requestPath"], &probe["port"]), (&json!("/healthz"), &json!(10256)));
}
