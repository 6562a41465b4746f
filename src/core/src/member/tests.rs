#![allow(clippy::needless_pass_by_value, reason = "a json! literal reads best as an argument by value")]

use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn service(spec: Value, annotations: Value) -> Service {
    serde_json::from_value(json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "annotations": annotations},
        "spec": spec,
    }))
    .unwrap()
}

fn read_spec(spec: Value, annotations: Value) -> (Member, Vec<Refusal>) {
    read(MemberInput { service: &service(spec, annotations), namespace_labels: None }).unwrap()
}

/// A spec with one port and what `extra` adds.
fn spec(extra: Value) -> Value {
    let mut spec = json!({"ports": [{"port": 80, "nodePort": 30080}], "ipFamilies": ["IPv4"]});
    spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    spec
}

#[test]
fn a_plain_service_needs_no_words() {
    let (member, refusals) = read_spec(spec(json!({})), json!({}));
    assert_eq!(refusals, []);
    assert_eq!(member.listeners[0].key().to_string(), "80/TCP");
    assert_eq!(member.listeners[0].node_port, Some(30080));
    assert!(member.sources.is_open(IpFamily::V4) && !member.sources_given);
    assert_eq!(member.traffic.health_check(), crate::model::HealthCheck { port: 10256, path: "/healthz" });
}

#[test]
fn mixed_protocols_on_one_port_are_kept() {
    let ports = json!({"ports": [
        {"name": "a", "port": 53, "protocol": "UDP"}, {"name": "b", "port": 53},
        {"name": "c", "port": 5060, "protocol": "SCTP"}]});
    let (member, refusals) = read_spec(spec(ports), json!({}));
    assert_eq!(refusals, []);
    let keys: Vec<String> = member.ports().map(|key| key.to_string()).collect();
    assert_eq!(keys, ["53/UDP", "53/TCP", "5060/SCTP"]);
    assert_eq!(member.listeners[0].node_port, None);
}

#[test]
fn local_policy_asks_its_own_health_port() {
    let extra = json!({"externalTrafficPolicy": "Local", "healthCheckNodePort": 31000});
    let (member, _) = read_spec(spec(extra), json!({}));
    assert_eq!(member.traffic.health_check().port, 31000);
}

#[rstest]
#[case(json!({"sessionAffinity": "None"}), SessionAffinity::None)]
#[case(json!({"sessionAffinity": "ClientIP"}), SessionAffinity::ClientIp { timeout_seconds: 10_800 })]
#[case(json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}),
       SessionAffinity::ClientIp { timeout_seconds: 60 })]
fn session_affinity(#[case] extra: Value, #[case] want: SessionAffinity) {
    assert_eq!(read_spec(spec(extra), json!({})).0.affinity, want);
}

#[rstest]
#[case(json!({}), None)]
#[case(json!({"trafficDistribution": "PreferClose"}), Some(TrafficDistribution::PreferSameZone))]
#[case(json!({"trafficDistribution": "PreferSameZone"}), Some(TrafficDistribution::PreferSameZone))]
#[case(json!({"trafficDistribution": "PreferSameNode"}), Some(TrafficDistribution::PreferSameNode))]
fn traffic_distribution(#[case] extra: Value, #[case] want: Option<TrafficDistribution>) {
    assert_eq!(read_spec(spec(extra), json!({})).0.distribution, want);
}

#[rstest]
#[case(json!({"loadBalancerSourceRanges": [" 10.0.0.0/8 "]}), json!({}), &["10.0.0.0/8"], &[])]
#[case(json!({"loadBalancerSourceRanges": ["10.0.0.0/8", "2001:db8::/32"]}), json!({}), &["10.0.0.0/8"], &["2001:db8::/32"])]
#[case(json!({}), json!({annotations::SOURCE_RANGES: "10.0.0.0/8, 2001:db8::/32,"}), &["10.0.0.0/8"], &["2001:db8::/32"])]
#[case(json!({"loadBalancerSourceRanges": ["10.0.0.0/8"]}), json!({annotations::SOURCE_RANGES: "11.0.0.0/8"}), &["10.0.0.0/8"], &[])]
#[case(json!({}), json!({annotations::SOURCE_RANGES: " , "}), &["0.0.0.0/0"], &["::/0"])]
fn source_ranges(#[case] extra: Value, #[case] notes: Value, #[case] v4: &[&str], #[case] v6: &[&str]) {
    let (member, refusals) = read_spec(spec(extra), notes);
    assert_eq!(refusals, []);
    let text = |family| member.sources.of(family).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(text(IpFamily::V4), v4);
    assert_eq!(
        text(IpFamily::V6),
        v6,
        "a family without ranges admits nobody unless nothing was given at all"
    );
}

#[rstest]
#[case(json!({"ports": []}), json!({}), "NoPorts", "spec.ports", "")]
#[case(json!({"ports": [{"port": 0}]}), json!({}), "InvalidValue", "spec.ports[0].port", "0")]
#[case(json!({"ports": [{"port": 80}, {"port": 70000}]}), json!({}), "InvalidValue", "spec.ports[1].port", "70000")]
#[case(json!({"ports": [{"port": 80, "protocol": "QUIC"}]}), json!({}), "InvalidValue", "spec.ports[0].protocol", "QUIC")]
#[case(json!({"loadBalancerSourceRanges": ["10.0.0.0"]}), json!({}), "InvalidValue", "spec.loadBalancerSourceRanges[0]", "10.0.0.0")]
#[case(json!({}), json!({annotations::SOURCE_RANGES: "10.0.0.0/33"}), "InvalidValue", annotations::SOURCE_RANGES, "10.0.0.0/33")]
#[case(json!({"loadBalancerIP": "lb.example"}), json!({}), "InvalidValue", "spec.loadBalancerIP", "lb.example")]
#[case(json!({"loadBalancerIP": "2001:db8::1"}), json!({}), "ConflictingValues", "spec.loadBalancerIP", "2001:db8::1")]
#[case(json!({"loadBalancerIP": "192.0.2.1"}), json!({annotations::ADDRESSES: "192.0.2.2"}), "ConflictingValues", annotations::ADDRESSES, "192.0.2.2")]
#[case(json!({}), json!({annotations::ADDRESSES: "192.0.2.1,192.0.2.2"}), "InvalidValue", annotations::ADDRESSES, "192.0.2.1,192.0.2.2")]
#[case(json!({}), json!({annotations::ADDRESSES: "192.0.2"}), "InvalidValue", annotations::ADDRESSES, "192.0.2")]
#[case(json!({}), json!({annotations::IP_MODE: "vip"}), "InvalidValue", annotations::IP_MODE, "vip")]
#[case(json!({"ipFamilies": ["IPv5"]}), json!({}), "InvalidValue", "spec.ipFamilies[0]", "IPv5")]
fn bad_input_names_field_and_value(
    #[case] extra: Value,
    #[case] notes: Value,
    #[case] category: &str,
    #[case] field: &str,
    #[case] value: &str,
) {
    let (member, refusals) = read_spec(spec(extra), notes);
    assert_eq!(member.service.to_string(), "shop/web", "the identity is read whatever else is wrong");
    let found = refusals.iter().find(|r| r.field == field).unwrap_or_else(|| panic!("{refusals:?}"));
    assert_eq!((found.category.as_str(), found.value.as_str()), (category, value));
    assert!(!found.message.is_empty());
}

#[test]
fn every_reason_is_told_at_once() {
    let extra = json!({"ports": [{"port": 0}], "loadBalancerIP": "x", "loadBalancerSourceRanges": ["y"]});
    assert_eq!(read_spec(spec(extra), json!({annotations::IP_MODE: "z"})).1.len(), 4);
}

#[test]
fn the_same_address_in_both_places_is_no_conflict() {
    let extra = json!({"loadBalancerIP": "192.0.2.1", "ipFamilies": ["IPv4", "IPv6"]});
    let (member, refusals) =
        read_spec(spec(extra), json!({annotations::ADDRESSES: "2001:db8::1, 192.0.2.1"}));
    assert_eq!(refusals, []);
    assert_eq!(member.requested.len(), 2);
}

#[test]
fn an_object_without_identity_is_no_member() {
    let nameless = Service::default();
    assert!(read(MemberInput { service: &nameless, namespace_labels: None }).is_none());
}

proptest! {
    /// Whatever the texts and numbers are, reading answers and never panics.
    #[test]
    fn arbitrary_services_never_panic(
        port in any::<i32>(), node_port in any::<Option<i32>>(), protocol in ".{0,8}", family in "IPv4|IPv6|.{0,6}",
        ip in ".{0,20}", range in ".{0,20}", key in "[a-z./-]{0,30}", value in ".{0,64}", timeout in any::<i32>(),
    ) {
        let body = json!({
            "ports": [{"port": port, "nodePort": node_port, "protocol": protocol}], "ipFamilies": [family],
            "loadBalancerIP": ip, "loadBalancerSourceRanges": [range], "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": timeout}},
        });
        let notes = json!({
            key: value.clone(), annotations::SOURCE_RANGES: value.clone(), annotations::ADDRESSES: value.clone(),
            annotations::IP_MODE: value.clone(), annotations::SHARE: value,
        });
        let (member, refusals) = read_spec(body, notes);
        prop_assert!(!member.families.is_empty());
        prop_assert!(refusals.iter().all(|refusal| !refusal.field.is_empty() && !refusal.message.is_empty()));
    }
}
