use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

const SERVICE: PatchKind<'static> = PatchKind { group: "", kind: "Service", is_custom_resource: false };
const CUSTOM: PatchKind<'static> =
    PatchKind { group: "landfall.dev", kind: "Pool", is_custom_resource: true };

fn main(manager: &'static str, now: &'static str) -> Writer<'static> {
    Writer { manager, subresource: "", now, not_written: &["status"] }
}

fn status(manager: &'static str) -> Writer<'static> {
    Writer { manager, subresource: "status", now: "T9", not_written: &["spec"] }
}

/// A Service configuration with a spec.
fn spec(spec: impl Into<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": spec.into()})
}

fn applied(live: Option<&Value>, manager: &'static str, config: &Value) -> Value {
    server_side_apply(&SERVICE, &main(manager, "T1"), live, config, false).expect("no conflict")
}

fn owner<'v>(object: &'v Value, manager: &str) -> &'v Value {
    let entries = object["metadata"]["managedFields"].as_array().expect("a list");
    entries.iter().find(|entry| entry["manager"] == manager).map_or(&Value::Null, |entry| &entry["fieldsV1"])
}

#[test]
fn the_first_apply_is_a_create() {
    let config = spec(json!({"type": "LoadBalancer", "selector": {"a": "b"}, "ports": [{"port": 80}]}));
    let object = applied(None, "me", &config);
    assert_eq!(object["spec"], config["spec"]);
    assert_eq!(
        object["metadata"]["managedFields"],
        json!([{
            "manager": "me", "operation": "Apply", "apiVersion": "v1", "time": "T1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:type": {}, "f:selector": {}, "f:ports": {
                r#"k:{"port":80,"protocol":"TCP"}"#: {".": {}, "f:port": {}},
            }}},
        }])
    );
}

#[test]
fn applying_the_same_again_changes_nothing_not_even_the_time() {
    let config = spec(json!({"type": "LoadBalancer", "ports": [{"port": 80}]}));
    let mut live = applied(None, "me", &config);
    live["spec"]["ports"][0]["nodePort"] = json!(30001);
    let again =
        server_side_apply(&SERVICE, &main("me", "T2"), Some(&live), &config, false).expect("no conflict");
    assert_eq!(again, live);
    let other = spec(json!({"type": "NodePort", "ports": [{"port": 80}]}));
    let changed =
        server_side_apply(&SERVICE, &main("me", "T2"), Some(&live), &other, false).expect("no conflict");
    assert_eq!(changed["metadata"]["managedFields"][0]["time"], "T2");
}

#[rstest]
#[case::field(json!({"type": "LoadBalancer", "sessionAffinity": "ClientIP"}), json!({"type": "LoadBalancer"}), json!({"type": "LoadBalancer"}))]
#[case::list_element_with_what_the_server_added(
    json!({"ports": [{"port": 80, "nodePort": 30001}, {"port": 81}]}), json!({"ports": [{"port": 81}]}), json!({"ports": [{"port": 81}]}))]
#[case::all_elements(json!({"ports": [{"port": 80}], "type": "X"}), json!({"type": "X"}), json!({"type": "X"}))]
#[case::protocol_makes_another_element(
    json!({"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]}),
    json!({"ports": [{"port": 53, "protocol": "UDP"}]}), json!({"ports": [{"port": 53, "protocol": "UDP"}]}))]
#[case::new_elements_in_applied_order(
    json!({"ports": [{"port": 80}]}), json!({"ports": [{"port": 9}, {"port": 80}]}), json!({"ports": [{"port": 9}, {"port": 80}]}))]
#[case::atomic_map(json!({"selector": {"a": "1"}}), json!({"selector": {"b": "2"}}), json!({"selector": {"b": "2"}}))]
fn what_is_no_longer_applied_goes(#[case] first: Value, #[case] second: Value, #[case] expected: Value) {
    let live = applied(None, "me", &spec(first));
    assert_eq!(applied(Some(&live), "me", &spec(second))["spec"], expected);
}

#[test]
fn what_nobody_applied_stays() {
    let mut live = applied(None, "me", &spec(json!({"ports": [{"port": 80, "name": "web"}]})));
    live["spec"]["clusterIP"] = json!("10.0.0.1");
    live["spec"]["ports"][0]["nodePort"] = json!(30001);
    let after = applied(Some(&live), "me", &spec(json!({"ports": [{"port": 80}]})));
    assert_eq!(after["spec"], json!({"clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30001}]}));
}

#[test]
fn equal_values_are_owned_together_and_go_with_the_last_owner() {
    let live =
        applied(None, "one", &spec(json!({"type": "LoadBalancer", "ports": [{"port": 80, "name": "web"}]})));
    let live = applied(Some(&live), "two", &spec(json!({"ports": [{"port": 80, "name": "web"}]})));
    let live = applied(Some(&live), "one", &spec(json!({"type": "LoadBalancer"})));
    assert_eq!(live["spec"]["ports"], json!([{"port": 80, "name": "web"}]));
    let live = applied(Some(&live), "two", &spec(json!({"externalName": "x"})));
    assert_eq!(live["spec"], json!({"type": "LoadBalancer", "externalName": "x"}));
}

#[test]
fn one_conflict() {
    let live = applied(
        None,
        "one",
        &spec(json!({"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": 1}]})),
    );
    let config = spec(json!({"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": 2}]}));
    let error = server_side_apply(&SERVICE, &main("two", "T2"), Some(&live), &config, false).unwrap_err();
    let field = r#".spec.ports[port=80,protocol="TCP"].targetPort"#;
    assert_eq!((error.code, error.reason), (409, "Conflict"));
    assert_eq!(error.message, format!("Apply failed with 1 conflict: conflict with \"one\": {field}"));
    let message = "conflict with \"one\"".to_owned();
    assert_eq!(error.causes, [Cause { reason: "FieldManagerConflict", field: field.to_owned(), message }]);
}

#[test]
fn several_conflicts_with_an_updater() {
    let mut live = spec(json!({"type": "NodePort", "selector": {"a": "1"}}));
    track_update(&SERVICE, &main("kubectl", "T0"), None, &mut live);
    let config = spec(json!({"type": "LoadBalancer", "selector": {"b": "1"}}));
    let error = server_side_apply(&SERVICE, &main("me", "T2"), Some(&live), &config, false).unwrap_err();
    assert_eq!(
        error.message,
        "Apply failed with 2 conflicts: conflicts with \"kubectl\" using v1:\n- .spec.selector\n- .spec.type"
    );
    assert_eq!(error.causes.len(), 2);
}

#[test]
fn force_takes_what_is_in_dispute_and_leaves_the_rest() {
    let live = applied(None, "one", &spec(json!({"type": "LoadBalancer", "externalName": "x"})));
    let config = spec(json!({"type": "NodePort", "externalName": "x"}));
    let after = server_side_apply(&SERVICE, &main("two", "T2"), Some(&live), &config, true).expect("forced");
    assert_eq!(after["spec"], config["spec"]);
    assert_eq!(owner(&after, "one"), &json!({"f:spec": {"f:externalName": {}}}));
    assert_eq!(owner(&after, "two"), &json!({"f:spec": {"f:externalName": {}, "f:type": {}}}));
}

#[test]
fn finalizers_of_two_appliers() {
    let config =
        |finalizer: &str| json!({"apiVersion": "v1", "metadata": {"name": "a", "finalizers": [finalizer]}});
    let live = applied(None, "one", &config("x/1"));
    let live = applied(Some(&live), "two", &config("x/2"));
    assert_eq!(live["metadata"]["finalizers"], json!(["x/1", "x/2"]));
    assert_eq!(owner(&live, "two"), &json!({"f:metadata": {"f:finalizers": {"v:\"x/2\"": {}}}}));
    let live = applied(Some(&live), "one", &json!({"apiVersion": "v1", "metadata": {"name": "a"}}));
    assert_eq!(live["metadata"]["finalizers"], json!(["x/2"]));
    let live = applied(Some(&live), "two", &json!({"apiVersion": "v1", "metadata": {"name": "a"}}));
    assert_eq!(live["metadata"], json!({"name": "a"}));
}

#[test]
fn conditions_of_two_controllers_and_an_atomic_ingress() {
    let config = |kind: &str, ip: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "ignored"},
            "status": {"conditions": [{"type": kind, "status": "True"}], "loadBalancer": {"ingress": [{"ip": ip}]}}})
    };
    let live = applied(None, "user", &spec(json!({"type": "LoadBalancer"})));
    let live = server_side_apply(&SERVICE, &status("one"), Some(&live), &config("A", "1.1.1.1"), false)
        .expect("fine");
    assert_eq!(live["spec"], json!({"type": "LoadBalancer"}));
    let error =
        server_side_apply(&SERVICE, &status("two"), Some(&live), &config("B", "2.2.2.2"), false).unwrap_err();
    assert_eq!(error.causes.len(), 1);
    assert_eq!(error.causes[0].message, "conflict with \"one\" with subresource \"status\"");
    assert_eq!(error.causes[0].field, ".status.loadBalancer.ingress");
    let both = server_side_apply(&SERVICE, &status("two"), Some(&live), &config("B", "1.1.1.1"), false)
        .expect("fine");
    assert_eq!(
        both["status"]["conditions"],
        json!([{"type": "A", "status": "True"}, {"type": "B", "status": "True"}])
    );
}

#[test]
fn the_main_resource_does_not_take_status() {
    let mut config = spec(json!({"type": "LoadBalancer"}));
    config["status"] = json!({"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}});
    let object = applied(None, "me", &config);
    assert_eq!((&object["status"], owner(&object, "me")), (&Value::Null, &json!({"f:spec": {"f:type": {}}})));
}

#[test]
fn an_empty_map_claims_nothing_inside() {
    let mut live = spec(json!({}));
    live["metadata"]["labels"] = json!({"a": "1"});
    track_update(&SERVICE, &main("kubectl", "T0"), None, &mut live);
    let config = json!({"apiVersion": "v1", "metadata": {"name": "a", "labels": {}}});
    assert_eq!(applied(Some(&live), "me", &config)["metadata"]["labels"], json!({"a": "1"}));
}

#[test]
fn an_untracked_object_belongs_to_a_former_owner() {
    let live = spec(json!({"type": "LoadBalancer"}));
    let config = spec(json!({"type": "NodePort"}));
    let error = server_side_apply(&SERVICE, &main("me", "T1"), Some(&live), &config, false).unwrap_err();
    assert!(error.message.contains("conflict with \"before-first-apply\" using v1: .spec.type"), "{error}");
}

#[rstest]
#[case::no_manager("", spec(json!({})), 422, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")]
#[case::no_object("me", json!([]), 400, "the applied configuration must be an object")]
#[case::managed_fields("me", json!({"metadata": {"managedFields": []}}), 400, "metadata.managedFields must be nil")]
#[case::no_key("me", spec(json!({"ports": [{"name": "x"}]})), 500, "failed to create typed patch object")]
#[case::key_twice("me", spec(json!({"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]})), 500,
    "failed to create typed patch object: .spec.ports: duplicate entries for key [port=1,protocol=\"TCP\"]")]
fn refused_bodies(#[case] manager: &'static str, #[case] body: Value, #[case] code: u16, #[case] text: &str) {
    let error = server_side_apply(&SERVICE, &main(manager, "T1"), None, &body, true).unwrap_err();
    assert_eq!(error.code, code);
    assert!(error.message.starts_with(text), "{}", error.message);
}

#[test]
fn updates_take_what_they_change_and_drop_what_they_remove() {
    let mut first = spec(json!({"type": "LoadBalancer", "externalName": "x", "ports": [{"port": 80}]}));
    track_update(&SERVICE, &main("one", "T1"), None, &mut first);
    let mut second = first.clone();
    second["spec"] = json!({"type": "NodePort", "ports": [{"port": 80}, {"port": 81}]});
    track_update(&SERVICE, &main("two", "T2"), Some(&first), &mut second);
    assert_eq!(
        owner(&second, "one"),
        &json!({"f:spec": {"f:ports": {r#"k:{"port":80,"protocol":"TCP"}"#: {".": {}, "f:port": {}}}}})
    );
    assert_eq!(
        owner(&second, "two"),
        &json!({"f:spec": {"f:type": {}, "f:ports": {r#"k:{"port":81,"protocol":"TCP"}"#: {".": {}, "f:port": {}}}}})
    );
    let mut third = second.clone();
    track_update(&SERVICE, &main("three", "T3"), Some(&second), &mut third);
    assert_eq!(third, second, "a write without a change leaves no trace");
}

#[test]
fn an_update_without_managed_fields_keeps_them_and_an_empty_list_forgets_them() {
    let mut first = spec(json!({"type": "LoadBalancer"}));
    track_update(&SERVICE, &main("one", "T1"), None, &mut first);
    let mut plain = spec(json!({"type": "LoadBalancer"}));
    track_update(&SERVICE, &main("two", "T2"), Some(&first), &mut plain);
    assert_eq!(plain, first);
    plain["metadata"]["managedFields"] = json!([]);
    track_update(&SERVICE, &main("two", "T2"), Some(&first), &mut plain);
    assert_eq!(plain["metadata"].get("managedFields"), None);
}

#[test]
fn a_main_write_without_status_leaves_its_owner_alone() {
    let mut first = spec(json!({"type": "LoadBalancer"}));
    track_update(&SERVICE, &main("user", "T1"), None, &mut first);
    let mut with_status = first.clone();
    with_status["status"] = json!({"conditions": [{"type": "A", "status": "True"}]});
    track_update(&SERVICE, &status("controller"), Some(&first), &mut with_status);
    let owned =
        json!({"f:status": {"f:conditions": {r#"k:{"type":"A"}"#: {".": {}, "f:type": {}, "f:status": {}}}}});
    assert_eq!(owner(&with_status, "controller"), &owned);
    let mut replaced = spec(json!({"type": "NodePort"}));
    track_update(&SERVICE, &main("user", "T3"), Some(&with_status), &mut replaced);
    assert_eq!(owner(&replaced, "controller"), &owned);
}

fn config() -> impl Strategy<Value = Value> {
    let ports = prop::collection::btree_map((1..4u8, any::<bool>()), 0..3u8, 0..3);
    (ports, 0..3u8, prop::collection::btree_map("[ab]", "[xy]", 0..3), prop::collection::btree_set("[fg]", 0..3)).prop_map(
        |(ports, kind, labels, finalizers)| {
            let ports: Vec<Value> = ports
                .into_iter()
                .map(|((port, udp), target)| json!({"port": port, "protocol": if udp { "UDP" } else { "TCP" }, "targetPort": target}))
                .collect();
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": labels, "finalizers": finalizers},
                "spec": {"type": kind, "ports": ports}})
        },
    )
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), (0..3u8).prop_map(Value::from), "[ab]{0,2}".prop_map(Value::from)];
    let name = prop_oneof![
        Just("spec"),
        Just("ports"),
        Just("port"),
        Just("metadata"),
        Just("managedFields"),
        Just("fieldsV1"),
        Just("finalizers"),
        Just("f:spec"),
        Just("k:{"),
        Just("v:1"),
        Just("."),
        Just("conditions"),
        Just("status"),
        Just("type")
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_apply_holds_what_it_says_and_a_second_one_changes_nothing(first in config(), second in config(), third in config()) {
        let live = applied(None, "one", &first);
        let live = server_side_apply(&SERVICE, &main("two", "T2"), Some(&live), &second, true).expect("forced");
        let live = server_side_apply(&SERVICE, &main("one", "T3"), Some(&live), &third, true).expect("forced");
        for path in Walk::new(&SERVICE).paths_of(&third).paths() {
            let (is, wanted) = (lookup(&live, &path), lookup(&third, &path));
            let empty = wanted.is_some_and(|v| v.as_object().is_some_and(serde_json::Map::is_empty) || v.as_array().is_some_and(Vec::is_empty));
            prop_assert!(empty || is.is_some() && (path.last().is_some_and(|s| s.starts_with("k:")) || is == wanted), "{path:?}");
        }
        let again = server_side_apply(&SERVICE, &main("one", "T4"), Some(&live), &third, false).expect("it owns all of it");
        prop_assert_eq!(again, live);
    }

    #[test]
    fn one_applier_alone_gets_what_it_applies(first in config(), second in config()) {
        let live = applied(None, "one", &first);
        let live = applied(Some(&live), "one", &second);
        let mut fresh = applied(None, "one", &second);
        let mut live = live;
        // Empty containers and the order of elements aside.
        for object in [&mut live, &mut fresh] {
            for list in ["/spec/ports", "/metadata/finalizers"] {
                if let Some(Value::Array(items)) = object.pointer_mut(list) {
                    items.sort_by_key(Value::to_string);
                }
            }
            object["metadata"]["managedFields"] = Value::Null;
            let metadata = object["metadata"].as_object_mut().expect("an object");
            metadata.retain(|_, value| !value.is_null() && *value != json!({}) && *value != json!([]));
            object["spec"].as_object_mut().expect("an object").retain(|_, value| *value != json!([]) && !value.is_null());
        }
        prop_assert_eq!(live, fresh);
    }

    #[test]
    fn nothing_panics(live in anything(), body in anything(), force in any::<bool>()) {
        for kind in [SERVICE, CUSTOM] {
            for writer in [main("one", "T1"), status("one")] {
                let _answer = server_side_apply(&kind, &writer, Some(&live), &body, force);
                let mut new = body.clone();
                track_update(&kind, &writer, Some(&live), &mut new);
            }
        }
    }

    #[test]
    fn sets_survive_their_json(value in config(), other in config()) {
        let walk = Walk::new(&SERVICE);
        let (set, other) = (walk.paths_of(&value), walk.paths_of(&other));
        prop_assert_eq!(&FieldSet::from_json(&set.to_json()), &set);
        prop_assert_eq!(&FieldSet::of_paths(&set.paths()), &set);
        let mut whole = set.minus(&other);
        whole.union(set.common(&other));
        prop_assert_eq!(whole, set);
    }
}
