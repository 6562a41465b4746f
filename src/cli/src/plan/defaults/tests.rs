use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn service(value: Value) -> Service {
    serde_json::from_value(value).unwrap()
}

fn server() -> Server {
    Server { now: Timestamp::UNIX_EPOCH, family: "IPv4".to_owned(), created: 0 }
}

/// The new spec with this live one, and the stand-ins.
fn spec(new: &Value, live: Option<Value>) -> (Value, Vec<String>) {
    let new = service(json!({"metadata": {"name": "web"}, "spec": new}));
    let live = live.map(|spec| service(json!({"metadata": {"name": "web", "uid": "u1"}, "spec": spec})));
    let (applied, mut unknown) = applied(new, live.as_ref(), &mut server());
    unknown.retain(|field| !field.starts_with("metadata.uid"));
    (serde_json::to_value(applied.spec).unwrap(), unknown)
}

#[test]
fn a_new_service_gets_the_documented_defaults() {
    let (spec, unknown) = spec(&json!({"type": "LoadBalancer", "ports": [{"port": 80}]}), None);
    assert_eq!(
        spec,
        json!({
            "type": "LoadBalancer", "sessionAffinity": "None", "externalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 65535}],
        })
    );
    assert_eq!(unknown, ["spec.ports[0].nodePort (planned as 65535)"]);
}

#[test]
fn two_new_services_are_two() {
    let mut server = server();
    let mut uid = || applied(Service::default(), None, &mut server).0.metadata.uid;
    assert_ne!(uid(), uid());
}

#[test]
fn node_ports_stay_with_number_and_protocol() {
    let live = json!({"ports": [
        {"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP", "nodePort": 30053},
    ]});
    let ports = json!([{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}, {"port": 80}]);
    let (spec, unknown) = spec(&json!({"type": "LoadBalancer", "ports": ports}), Some(live));
    let numbers: Vec<i64> =
        spec["ports"].as_array().unwrap().iter().filter_map(|port| port["nodePort"].as_i64()).collect();
    assert_eq!(numbers, [65535, 30053, 30080]);
    assert_eq!(unknown, ["spec.ports[0].nodePort (planned as 65535)"]);
}

#[rstest]
#[case::not_wanted(json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}]}))]
#[case::not_a_load_balancer(json!({"ports": [{"port": 80}]}))]
#[case::given(json!({"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30001}]}))]
fn no_stand_in_where_the_server_gives_no_port(#[case] new: Value) {
    assert_eq!(spec(&new, None).1, [""; 0]);
}

#[test]
fn stand_ins_avoid_what_is_given() {
    let new = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local",
                     "ports": [{"port": 80, "nodePort": 65535}, {"port": 81}]});
    let (spec, _) = spec(&new, None);
    assert_eq!((&spec["ports"][1]["nodePort"], &spec["healthCheckNodePort"]), (&json!(65534), &json!(65533)));
}

#[rstest]
#[case::single(json!({}), None, json!(["IPv4"]), "SingleStack", 0)]
#[case::insists(json!({"ipFamilyPolicy": "RequireDualStack"}), None, json!(["IPv4", "IPv6"]), "RequireDualStack", 1)]
#[case::prefers_v6_first(json!({"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6"]}), None,
                         json!(["IPv6", "IPv4"]), "PreferDualStack", 1)]
#[case::two_without_a_policy(json!({"ipFamilies": ["IPv6", "IPv4"]}), None, json!(["IPv6", "IPv4"]), "RequireDualStack", 0)]
#[case::kept(json!({}), Some(json!({"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"})), json!(["IPv6"]), "SingleStack", 0)]
#[case::upgraded(json!({"ipFamilyPolicy": "PreferDualStack"}),
                 Some(json!({"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"})),
                 json!(["IPv6", "IPv4"]), "PreferDualStack", 1)]
fn address_families(
    #[case] new: Value,
    #[case] live: Option<Value>,
    #[case] families: Value,
    #[case] policy: &str,
    #[case] unknown: usize,
) {
    let (spec, open) = spec(&new, live);
    assert_eq!((&spec["ipFamilies"], &spec["ipFamilyPolicy"]), (&families, &json!(policy)));
    assert_eq!(open.len(), unknown, "{open:?}");
}

#[test]
fn metadata_is_merged_as_apply_does() {
    let last = json!({"metadata": {"annotations": {"dropped": "x", "kept": "x"}, "labels": {"old": "x"}}});
    let live = service(json!({"metadata": {
        "name": "web", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["f"],
        "annotations": {LAST_APPLIED: last.to_string(), "dropped": "x", "kept": "x", "ours": "record"},
        "labels": {"old": "x", "other": "y"},
    }}));
    let new = service(json!({"metadata": {"name": "web", "annotations": {"kept": "new"}}}));
    let (merged, unknown) = applied(new, Some(&live), &mut server());
    let mut annotations = merged.metadata.annotations.unwrap();
    annotations.remove(LAST_APPLIED);
    assert_eq!(json!(annotations), json!({"kept": "new", "ours": "record"}));
    assert_eq!(json!(merged.metadata.labels), json!({"other": "y"}));
    assert_eq!((merged.metadata.uid.as_deref(), merged.metadata.finalizers.unwrap().len()), (Some("u1"), 1));
    assert_eq!(unknown, [""; 0]);
}
