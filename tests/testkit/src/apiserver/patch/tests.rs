use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

const SERVICE: PatchKind<'static> = PatchKind { group: "", kind: "Service", is_custom_resource: false };
const NODE: PatchKind<'static> = PatchKind { group: "", kind: "Node", is_custom_resource: false };
const POD: PatchKind<'static> = PatchKind { group: "", kind: "Pod", is_custom_resource: false };
const CUSTOM: PatchKind<'static> =
    PatchKind { group: "landfall.dev", kind: "Service", is_custom_resource: true };

fn patched(kind: &PatchKind<'_>, current: &Value, media: &str, patch: &Value) -> Result<Value, ApiError> {
    apply(kind, current, media, patch.to_string().as_bytes())
}

fn strategic(kind: &PatchKind<'_>, current: &Value, patch: &Value) -> Value {
    patched(kind, current, STRATEGIC_MERGE_PATCH, patch).expect("the patch fits")
}

fn ports(list: &[(i64, &str)]) -> Value {
    let items: Vec<Value> =
        list.iter().map(|(port, protocol)| json!({"port": port, "protocol": protocol})).collect();
    json!({"spec": {"ports": items}})
}

#[rstest]
#[case::plain("application/json-patch+json", 0)]
#[case::parameters("application/json-patch+json; charset=utf-8", 0)]
#[case::upper("Application/Merge-Patch+JSON", 400)]
#[case::unknown("application/json", 415)]
#[case::apply("application/apply-patch+yaml", 415)]
#[case::empty("", 415)]
fn media_types(#[case] media: &str, #[case] code: u16) {
    let answer = apply(&SERVICE, &json!({}), media, b"[]");
    assert_eq!(answer.map_or_else(|e| e.code, |_| 0), code);
}

#[test]
fn custom_resources_have_no_strategic_merge() {
    let error = patched(&CUSTOM, &json!({}), STRATEGIC_MERGE_PATCH, &json!({})).unwrap_err();
    assert_eq!((error.code, error.reason), (415, "UnsupportedMediaType"));
    assert!(!error.message.contains(STRATEGIC_MERGE_PATCH) && error.message.contains(MERGE_PATCH));
}

#[rstest]
#[case::no_json(JSON_PATCH, "[{", 400)]
#[case::no_list(JSON_PATCH, "{}", 400)]
#[case::unknown_operation(JSON_PATCH, r#"[{"op":"fly","path":"/a"}]"#, 400)]
#[case::missing_path(JSON_PATCH, r#"[{"op":"remove","path":"/nope"}]"#, 422)]
#[case::wrong_test(JSON_PATCH, r#"[{"op":"test","path":"/a","value":2}]"#, 422)]
#[case::test_null_on_a_value(JSON_PATCH, r#"[{"op":"test","path":"/a","value":null}]"#, 422)]
#[case::test_null_without_parent(JSON_PATCH, r#"[{"op":"test","path":"/x/y","value":null}]"#, 422)]
#[case::test_null_past_a_list(JSON_PATCH, r#"[{"op":"test","path":"/list/7","value":null}]"#, 422)]
#[case::root_becomes_a_scalar(JSON_PATCH, r#"[{"op":"replace","path":"","value":1}]"#, 422)]
#[case::merge_no_object(MERGE_PATCH, "[]", 400)]
#[case::merge_no_json(MERGE_PATCH, "{", 400)]
#[case::strategic_no_object(STRATEGIC_MERGE_PATCH, "3", 400)]
#[case::strategic_unknown_directive(STRATEGIC_MERGE_PATCH, r#"{"spec":{"$patch":"fly"}}"#, 400)]
#[case::strategic_order_no_list(STRATEGIC_MERGE_PATCH, r#"{"spec":{"$setElementOrder/ports":3}}"#, 400)]
#[case::strategic_retain_no_list(STRATEGIC_MERGE_PATCH, r#"{"spec":{"$retainKeys":3}}"#, 400)]
#[case::strategic_retain_leaves_out_a_set_key(
    STRATEGIC_MERGE_PATCH,
    r#"{"spec":{"$retainKeys":[],"type":"NodePort"}}"#,
    400
)]
#[case::strategic_scalar_in_keyed_list(STRATEGIC_MERGE_PATCH, r#"{"spec":{"ports":[80]}}"#, 400)]
#[case::strategic_no_merge_key(STRATEGIC_MERGE_PATCH, r#"{"spec":{"ports":[{"name":"a"}]}}"#, 500)]
fn refusals(#[case] media: &str, #[case] body: &str, #[case] code: u16) {
    let current = json!({"a": 1, "list": [1], "spec": {"ports": [{"port": 80}]}});
    assert_eq!(apply(&SERVICE, &current, media, body.as_bytes()).unwrap_err().code, code);
}

#[test]
fn too_many_operations() {
    let operations = vec![json!({"op": "test", "path": "/a", "value": 1}); MAX_OPERATIONS + 1];
    let error = patched(&SERVICE, &json!({"a": 1}), JSON_PATCH, &json!(operations)).unwrap_err();
    assert_eq!(error.code, 413);
}

#[test]
fn the_finalizer_helper_of_kube_adds_the_first_finalizer() {
    let patch = json!([
        {"op": "test", "path": "/metadata/finalizers", "value": null},
        {"op": "add", "path": "/metadata/finalizers", "value": ["landfall.dev/lb"]},
    ]);
    let patched = patched(&SERVICE, &json!({"metadata": {"name": "a"}}), JSON_PATCH, &patch).unwrap();
    assert_eq!(patched["metadata"]["finalizers"], json!(["landfall.dev/lb"]));
}

#[test]
fn a_refused_json_patch_changes_nothing_of_its_input() {
    let current = json!({"a": 1});
    let patch = json!([{"op": "add", "path": "/b", "value": 1}, {"op": "test", "path": "/b", "value": 2}]);
    assert_eq!(patched(&SERVICE, &current, JSON_PATCH, &patch).unwrap_err().code, 422);
    assert_eq!(current, json!({"a": 1}));
}

#[test]
fn merge_patch_replaces_lists_and_drops_nulls() {
    let current =
        json!({"spec": {"ports": [{"port": 80}], "type": "NodePort"}, "metadata": {"labels": {"a": "b"}}});
    let patch = json!({"spec": {"ports": [{"port": 81}], "type": null}});
    let patched = patched(&SERVICE, &current, MERGE_PATCH, &patch).unwrap();
    assert_eq!(patched, json!({"spec": {"ports": [{"port": 81}]}, "metadata": {"labels": {"a": "b"}}}));
}

/// The wire forms a service controller sends to `/status`.
#[rstest]
#[case::add_first_finalizer(
    json!({"metadata": {"name": "a"}}),
    json!({"metadata": {"$setElementOrder/finalizers": ["x/c"], "finalizers": ["x/c"]}}),
    json!({"metadata": {"name": "a", "finalizers": ["x/c"]}}))]
#[case::add_second_finalizer(
    json!({"metadata": {"finalizers": ["y"]}}),
    json!({"metadata": {"$setElementOrder/finalizers": ["y", "x/c"], "finalizers": ["x/c"]}}),
    json!({"metadata": {"finalizers": ["y", "x/c"]}}))]
#[case::add_the_same_again(
    json!({"metadata": {"finalizers": ["x/c"]}}),
    json!({"metadata": {"finalizers": ["x/c"]}}),
    json!({"metadata": {"finalizers": ["x/c"]}}))]
#[case::remove_last_finalizer(
    json!({"metadata": {"finalizers": ["x/c"]}}),
    json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/c"], "$setElementOrder/finalizers": []}}),
    json!({"metadata": {}}))]
#[case::remove_one_of_two(
    json!({"metadata": {"finalizers": ["x/c", "y"]}}),
    json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/c"], "$setElementOrder/finalizers": ["y"]}}),
    json!({"metadata": {"finalizers": ["y"]}}))]
#[case::remove_what_is_absent(
    json!({"metadata": {}}),
    json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/c"], "$setElementOrder/finalizers": []}}),
    json!({"metadata": {}}))]
#[case::set_status(
    json!({"status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"ip": "2.2.2.2"}]}}}),
    json!({"status": {"loadBalancer": {"ingress": [{"ip": "3.3.3.3"}]}}}),
    json!({"status": {"loadBalancer": {"ingress": [{"ip": "3.3.3.3"}]}}}))]
#[case::clear_status(
    json!({"status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}}),
    json!({"status": {"loadBalancer": {"ingress": null}}}),
    json!({"status": {"loadBalancer": {}}}))]
#[case::condition_by_type(
    json!({"status": {"conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "True"}]}}),
    json!({"status": {"conditions": [{"type": "B", "status": "False"}]}}),
    json!({"status": {"conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "False"}]}}))]
fn wire_forms(#[case] current: Value, #[case] patch: Value, #[case] expected: Value) {
    assert_eq!(strategic(&SERVICE, &current, &patch), expected);
}

#[rstest]
#[case::merge_one(json!([{"port": 81, "protocol": "UDP"}]), json!(null), &[(80, "TCP"), (81, "UDP")])]
#[case::new_before_old(json!([{"port": 82, "protocol": "TCP"}]), json!(null), &[(82, "TCP"), (80, "TCP"), (81, "TCP")])]
#[case::delete_one(json!([{"port": 80, "$patch": "delete"}]), json!(null), &[(81, "TCP")])]
#[case::delete_absent(json!([{"port": 9, "$patch": "delete"}]), json!(null), &[(80, "TCP"), (81, "TCP")])]
#[case::replace_all(json!([{"port": 7, "protocol": "TCP"}, {"$patch": "replace"}]), json!(null), &[(7, "TCP")])]
#[case::replace_by_none(json!([{"$patch": "replace"}]), json!(null), &[])]
#[case::explicit_merge(json!([{"port": 81, "protocol": "UDP", "$patch": "merge"}]), json!(null), &[(80, "TCP"), (81, "UDP")])]
#[case::order_alone(json!(null), json!([{"port": 81}, {"port": 80}]), &[(81, "TCP"), (80, "TCP")])]
#[case::new_one_first(
    json!([{"port": 9, "protocol": "TCP"}]), json!([{"port": 9}, {"port": 80}, {"port": 81}]),
    &[(9, "TCP"), (80, "TCP"), (81, "TCP")])]
#[case::server_only_keeps_its_place(
    json!([{"port": 9, "protocol": "TCP"}]), json!([{"port": 81}, {"port": 9}]),
    &[(80, "TCP"), (81, "TCP"), (9, "TCP")])]
fn keyed_lists(#[case] items: Value, #[case] order: Value, #[case] expected: &[(i64, &str)]) {
    let mut spec = json!({});
    if !items.is_null() {
        spec["ports"] = items;
    }
    if !order.is_null() {
        spec["$setElementOrder/ports"] = order;
    }
    let merged = strategic(&SERVICE, &ports(&[(80, "TCP"), (81, "TCP")]), &json!({"spec": spec}));
    assert_eq!(merged, ports(expected));
}

#[test]
fn what_kubectl_apply_sends() {
    let current = json!({
        "metadata": {"name": "a", "resourceVersion": "7", "annotations": {"last": "old", "team": "x"}},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "selector": {"app": "a", "tier": "b"}, "ports": [
            {"name": "web", "port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30001},
            {"name": "tls", "port": 443, "protocol": "TCP", "targetPort": 443, "nodePort": 30002},
        ]},
    });
    let patch = json!({
        "metadata": {"annotations": {"last": "new"}},
        "spec": {
            "$setElementOrder/ports": [{"port": 8080}, {"port": 443}],
            "ports": [{"name": "web", "port": 8080}, {"port": 443, "targetPort": "tls"}, {"$patch": "delete", "port": 80}],
            "selector": {"tier": null},
        },
    });
    let expected = json!({
        "metadata": {"name": "a", "resourceVersion": "7", "annotations": {"last": "new", "team": "x"}},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "selector": {"app": "a"}, "ports": [
            {"name": "web", "port": 8080},
            {"name": "tls", "port": 443, "protocol": "TCP", "targetPort": "tls", "nodePort": 30002},
        ]},
    });
    assert_eq!(strategic(&SERVICE, &current, &patch), expected);
}

#[test]
fn one_port_number_with_two_protocols_merges_on_the_first() {
    // The known flaw of the merge key (kubernetes#105610): the number alone is the key.
    let merged = strategic(
        &SERVICE,
        &ports(&[(53, "TCP"), (53, "UDP")]),
        &json!({"spec": {"ports": [{"port": 53, "name": "dns"}]}}),
    );
    assert_eq!(merged["spec"]["ports"][0]["name"], "dns");
    assert_eq!(merged["spec"]["ports"][1], json!({"port": 53, "protocol": "UDP"}));
}

#[rstest]
#[case::replace_map(json!({"spec": {"selector": {"$patch": "replace", "b": "2"}}}), json!({"selector": {"b": "2"}, "type": "NodePort"}))]
#[case::delete_map(json!({"spec": {"selector": {"$patch": "delete"}}}), json!({"selector": {}, "type": "NodePort"}))]
#[case::merge_map(json!({"spec": {"selector": {"$patch": "merge", "b": "2"}}}), json!({"selector": {"a": "1", "b": "2"}, "type": "NodePort"}))]
#[case::null_key(json!({"spec": {"selector": {"a": null, "b": "2"}}}), json!({"selector": {"b": "2"}, "type": "NodePort"}))]
#[case::retain(json!({"spec": {"$retainKeys": ["type"], "type": "ClusterIP"}}), json!({"type": "ClusterIP"}))]
#[case::scalar_over_map(json!({"spec": {"selector": 3}}), json!({"selector": 3, "type": "NodePort"}))]
#[case::map_over_scalar(json!({"spec": {"type": {"x": 1, "y": null}}}), json!({"selector": {"a": "1"}, "type": {"x": 1}}))]
#[case::atomic_list(json!({"spec": {"externalIPs": ["1.1.1.1"]}}), json!({"selector": {"a": "1"}, "type": "NodePort", "externalIPs": ["1.1.1.1"]}))]
fn maps(#[case] patch: Value, #[case] expected: Value) {
    let current = json!({"spec": {"selector": {"a": "1"}, "type": "NodePort"}});
    assert_eq!(strategic(&SERVICE, &current, &patch), json!({"spec": expected}));
}

#[rstest]
#[case::taints_are_atomic(NODE, "/spec/taints", json!([{"key": "a"}]), json!([{"key": "b"}]), json!([{"key": "b"}]))]
#[case::pod_cidrs(NODE, "/spec/podCIDRs", json!(["10.0.0.0/24"]), json!(["fd00::/64"]), json!(["fd00::/64", "10.0.0.0/24"]))]
#[case::addresses(NODE, "/status/addresses", json!([{"type": "InternalIP", "address": "1"}]),
    json!([{"type": "InternalIP", "address": "2"}]), json!([{"type": "InternalIP", "address": "2"}]))]
#[case::owners(NODE, "/metadata/ownerReferences", json!([{"uid": "1", "name": "a"}]),
    json!([{"uid": "1", "controller": true}]), json!([{"uid": "1", "name": "a", "controller": true}]))]
#[case::containers(POD, "/spec/containers", json!([{"name": "a", "image": "x"}]),
    json!([{"name": "a", "image": "y"}]), json!([{"name": "a", "image": "y"}]))]
#[case::volumes(POD, "/spec/volumes", json!([{"name": "v", "emptyDir": {}}]),
    json!([{"$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {}}]), json!([{"name": "v", "hostPath": {}}]))]
#[case::env(POD, "/spec/containers", json!([{"name": "a", "env": [{"name": "K", "value": "1"}, {"name": "L"}]}]),
    json!([{"name": "a", "env": [{"name": "K", "value": "2"}]}]), json!([{"name": "a", "env": [{"name": "K", "value": "2"}, {"name": "L"}]}]))]
#[case::tolerations_are_atomic(POD, "/spec/tolerations", json!([{"key": "a"}]), json!([{"key": "b"}]), json!([{"key": "b"}]))]
fn merge_keys(
    #[case] kind: PatchKind<'static>,
    #[case] path: &str,
    #[case] old: Value,
    #[case] patch: Value,
    #[case] expected: Value,
) {
    let nested = |value: Value| {
        path.rsplit('/').filter(|p| !p.is_empty()).fold(value, |inner, field| json!({field: inner}))
    };
    assert_eq!(strategic(&kind, &nested(old), &nested(patch)), nested(expected));
}

/// JSON with the field names and directives that matter to the patch engines.
fn tree() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("spec"),
        Just("metadata"),
        Just("ports"),
        Just("port"),
        Just("finalizers"),
        Just("status"),
        Just("conditions"),
        Just("type"),
        Just("$patch"),
        Just("$retainKeys"),
        Just("$setElementOrder/ports"),
        Just("$deleteFromPrimitiveList/finalizers"),
        Just("$setElementOrder/finalizers"),
        Just("a~1"),
        Just(""),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        prop_oneof![Just("delete"), Just("replace"), Just("merge"), Just("x")].prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn operations() -> impl Strategy<Value = Value> {
    let op =
        prop_oneof![Just("add"), Just("remove"), Just("replace"), Just("move"), Just("copy"), Just("test")];
    let segment =
        prop_oneof![Just("/spec"), Just("/ports"), Just("/0"), Just("/1"), Just("/-"), Just("/~1"), Just("")];
    let path = prop::collection::vec(segment, 0..4).prop_map(|parts| parts.concat());
    prop::collection::vec((op, path.clone(), path, tree()), 0..6).prop_map(|list| {
        list.into_iter()
            .map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
            .collect()
    })
}

proptest! {
    #[test]
    fn no_patch_panics_and_every_answer_is_an_object(current in tree(), patch in tree(), list in operations()) {
        let current = if current.is_object() { current } else { json!({"spec": current}) };
        for (media, body) in [(MERGE_PATCH, &patch), (STRATEGIC_MERGE_PATCH, &patch), (JSON_PATCH, &patch), (JSON_PATCH, &list)] {
            for kind in [SERVICE, NODE, CUSTOM] {
                if let Ok(answer) = patched(&kind, &current, media, body) {
                    prop_assert!(answer.is_object());
                }
            }
        }
    }

    #[test]
    fn bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..40)) {
        for media in [MERGE_PATCH, STRATEGIC_MERGE_PATCH, JSON_PATCH] {
            let sound = apply(&SERVICE, &Value::Object(serde_json::Map::new()), media, &body)
                .map_or_else(|e| e.code >= 400, |v| v.is_object());
            prop_assert!(sound, "{media}");
        }
    }

    #[test]
    fn an_empty_patch_changes_nothing(current in tree()) {
        prop_assume!(current.is_object());
        prop_assert_eq!(&patched(&SERVICE, &current, STRATEGIC_MERGE_PATCH, &json!({})).unwrap(), &current);
        prop_assert_eq!(&patched(&SERVICE, &current, JSON_PATCH, &json!([])).unwrap(), &current);
    }
}
