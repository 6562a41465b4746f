use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use landfall_core::error::Category;
use landfall_core::pools::PoolProblem;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::v1alpha1::testing::{defaulted, refusals};

fn manifest(spec: &Value) -> Value {
    json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "AddressPool",
        "metadata": {"name": "lan", "generation": 3},
        "spec": spec,
    })
}

/// A pool as the API server hands it out.
fn pool(spec: &Value) -> AddressPool {
    serde_json::from_value(defaulted::<AddressPool>(&manifest(spec))).unwrap()
}

fn lan() -> AddressPool {
    pool(&json!({"addresses": ["192.0.2.0/24"]}))
}

fn usage(capacity: FamilyCounts, used: FamilyCounts) -> PoolUsage {
    PoolUsage { name: "lan".to_owned(), capacity, used, verdict: Ok(()) }
}

fn v4(count: i64) -> FamilyCounts {
    FamilyCounts { v4: count, v6: 0 }
}

fn overlap() -> PoolProblem {
    PoolProblem { category: Category::new("Overlap"), message: "192.0.2.0/24 is also in pool wan".to_owned() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[rstest]
#[case("192.0.2.0/24")]
#[case("192.0.2.7/24")]
#[case("0.0.0.0/0")]
#[case("2001:db8::/64")]
#[case("192.0.2.7")]
#[case("2001:db8::7")]
#[case("192.0.2.10-192.0.2.20")]
#[case("2001:db8::1-2001:db8::ffff")]
fn entries_are_accepted(#[case] entry: &str) {
    assert_eq!(
        refusals::<AddressPool>(&manifest(&json!({"addresses": ["198.51.100.1", entry]})), None),
        [""; 0]
    );
}

#[rstest]
#[case("lan")]
#[case("192.0.2.0/33")]
#[case("192.0.2.256")]
#[case("192.0.2.0/24 ")]
#[case("192.0.2.10 - 192.0.2.20")]
#[case("192.0.2.10-20")]
#[case("192.0.2.10-")]
#[case("-192.0.2.10")]
#[case("-")]
#[case("192.0.2.1-192.0.2.2-192.0.2.3")]
#[case("192.0.2.1-2001:db8::1")]
#[case("192.0.2.0/24-192.0.3.0/24")]
fn entries_are_refused_by_their_place(#[case] entry: &str) {
    let refusals = refusals::<AddressPool>(&manifest(&json!({"addresses": ["198.51.100.1", entry]})), None);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(refusals[0].starts_with("spec.addresses[1]: must be a CIDR (192.0.2.0/24)"), "{refusals:?}");
}

#[rstest]
#[case::listed(json!({"key": "team", "operator": "In", "values": ["a"]}), true)]
#[case::present(json!({"key": "team", "operator": "Exists"}), true)]
#[case::empty_values(json!({"key": "team", "operator": "DoesNotExist", "values": []}), true)]
#[case::no_values(json!({"key": "team", "operator": "NotIn"}), false)]
#[case::needless_values(json!({"key": "team", "operator": "Exists", "values": ["a"]}), false)]
fn selectors(
    #[case] requirement: Value,
    #[case] good: bool,
    #[values("namespaceSelector", "serviceSelector")] field: &str,
) {
    let spec = json!({"addresses": ["192.0.2.7"], field: {"matchExpressions": [requirement]}});
    let refusals = refusals::<AddressPool>(&manifest(&spec), None);
    assert_eq!(refusals.is_empty(), good, "{refusals:?}");
}

#[test]
fn defaults_are_filled_in_by_the_schema_and_by_us_alike() {
    let bare = manifest(&json!({"addresses": ["192.0.2.7"]}));
    let ours: AddressPool = serde_json::from_value(bare.clone()).unwrap();
    let servers: AddressPool = serde_json::from_value(defaulted::<AddressPool>(&bare)).unwrap();
    assert_eq!(ours, servers);
    let spec = ours.to_spec();
    assert!(spec.auto_assign && !spec.avoid_network_and_broadcast && !spec.deleting);
    assert_eq!((spec.priority, spec.namespace_selector, spec.service_selector), (0, None, None));
}

#[test]
fn every_field_reaches_the_core() {
    let mut pool = pool(&json!({
        "addresses": ["192.0.2.0/24", "2001:db8::1-2001:db8::9"],
        "autoAssign": false,
        "avoidNetworkAndBroadcast": true,
        "namespaceSelector": {"matchLabels": {"team": "shop"}},
        "serviceSelector": {"matchExpressions": [{"key": "edge", "operator": "Exists"}]},
        "priority": -7,
    }));
    pool.metadata.deletion_timestamp = Some(Time(at(5)));
    assert_eq!(
        pool.to_spec(),
        PoolSpec {
            name: "lan".to_owned(),
            addresses: vec!["192.0.2.0/24".to_owned(), "2001:db8::1-2001:db8::9".to_owned()],
            auto_assign: false,
            avoid_network_and_broadcast: true,
            namespace_selector: pool.spec.namespace_selector.clone(),
            service_selector: pool.spec.service_selector.clone(),
            priority: -7,
            deleting: true,
        }
    );
    let labels = pool.spec.namespace_selector.unwrap().match_labels.unwrap();
    assert_eq!(labels["team"], "shop");
    assert_eq!(pool.spec.service_selector.unwrap().match_expressions.unwrap()[0].operator, "Exists");
}

#[test]
fn pools_of_a_newer_version_are_read() {
    let mut object = manifest(&json!({"addresses": ["192.0.2.7"], "announce": {"l2": {"enabled": false}}}));
    object["status"] = json!({"used": {"ipv4": 1, "asn": 2}, "peers": 3});
    let pool: AddressPool = serde_json::from_value(object).unwrap();
    assert_eq!(pool.status.unwrap().used, AddressCounts { ipv4: 1, ipv6: 0 });
}

#[test]
fn a_status_survives_the_api_server() {
    let mut pool = lan();
    let wide = usage(FamilyCounts { v4: 254, v6: i64::MAX }, FamilyCounts { v4: 3, v6: 1 });
    pool.status = next_pool_status(&pool, &wide, at(100));
    let stored = defaulted::<AddressPool>(&serde_json::to_value(&pool).unwrap());
    assert_eq!(serde_json::from_value::<AddressPool>(stored).unwrap(), pool);
}

#[rstest]
#[case::idle(v4(254), v4(0), v4(254))]
#[case::in_use(v4(254), v4(4), v4(250))]
#[case::full(v4(2), v4(2), v4(0))]
#[case::shrunk_while_in_use(v4(2), v4(5), v4(0))]
#[case::both(FamilyCounts { v4: 9, v6: 99 }, FamilyCounts { v4: 2, v6: 1 }, FamilyCounts { v4: 7, v6: 98 })]
#[case::huge(FamilyCounts { v4: 0, v6: i64::MAX }, v4(0), FamilyCounts { v4: 0, v6: i64::MAX })]
fn free_is_what_is_left(
    #[case] capacity: FamilyCounts,
    #[case] used: FamilyCounts,
    #[case] free: FamilyCounts,
) {
    let status = next_pool_status(&lan(), &usage(capacity, used), at(100)).unwrap();
    assert_eq!((status.capacity, status.used, status.free), (capacity.into(), used.into(), free.into()));
}

#[test]
fn a_first_status_says_what_was_looked_at() {
    let status = next_pool_status(&lan(), &usage(v4(254), v4(0)), at(100)).unwrap();
    assert_eq!(status.observed_generation, Some(3));
    let ready = &status.conditions[0];
    assert_eq!(
        (ready.type_.as_str(), ready.status.as_str(), ready.reason.as_str()),
        ("Ready", "True", "Ready")
    );
    assert_eq!((ready.observed_generation, &ready.last_transition_time), (Some(3), &Time(at(100))));
}

#[rstest]
#[case::nothing(usage(v4(254), v4(0)), 3, None)]
#[case::more_in_use(usage(v4(254), v4(1)), 3, Some(("True", 100)))]
#[case::grown(usage(v4(510), v4(0)), 3, Some(("True", 100)))]
#[case::edited_without_effect(usage(v4(254), v4(0)), 4, Some(("True", 100)))]
#[case::broken(PoolUsage { verdict: Err(overlap()), ..usage(v4(254), v4(0)) }, 3, Some(("False", 200)))]
fn a_status_is_written_only_if_it_changes(
    #[case] usage: PoolUsage,
    #[case] generation: i64,
    #[case] expected: Option<(&str, i64)>,
) {
    let mut pool = lan();
    pool.status = next_pool_status(&pool, &self::usage(v4(254), v4(0)), at(100));
    pool.metadata.generation = Some(generation);
    let next = next_pool_status(&pool, &usage, at(200));
    let seen = next.as_ref().map(|status| {
        let ready = &status.conditions[0];
        (ready.status.as_str(), ready.last_transition_time.0.as_second())
    });
    assert_eq!(seen, expected);
}

#[test]
fn a_problem_becomes_reason_and_message() {
    let usage = PoolUsage { verdict: Err(overlap()), ..usage(v4(0), v4(0)) };
    let status = next_pool_status(&lan(), &usage, at(100)).unwrap();
    let ready = &status.conditions[0];
    assert_eq!(ready.reason, "Overlap");
    assert_eq!(ready.message, "192.0.2.0/24 is also in pool wan");
}
