use super::*;
use crate::apiserver::kinds::Registry;

fn kind(api_version: &str, kind: &str) -> std::sync::Arc<Kind> {
    Registry::default().of(api_version, kind).unwrap()
}

fn service(metadata: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata})
}

#[test]
fn create_sets_what_the_server_owns() {
    let mut object = service(&json!({
        "name": "web", "uid": "mine", "generation": 7, "deletionTimestamp": "2020-01-01T00:00:00Z",
        "creationTimestamp": null, "labels": {}, "finalizers": [],
    }));
    prepare_create(&kind("v1", "Service"), &mut object, "2026-01-01T00:00:00Z").unwrap();
    let meta = object["metadata"].as_object().unwrap();
    assert_eq!(meta.keys().collect::<Vec<_>>(), ["creationTimestamp", "name", "uid"]);
    assert_ne!(meta["uid"], "mine");
    assert_eq!(meta["creationTimestamp"], "2026-01-01T00:00:00Z");
}

#[test]
fn generation_starts_at_one_where_it_is_counted() {
    let mut slice = json!({"metadata": {"name": "a"}});
    prepare_create(&kind("discovery.k8s.io/v1", "EndpointSlice"), &mut slice, "t").unwrap();
    assert_eq!(slice["metadata"]["generation"], 1);
}

#[rstest::rstest]
#[case(json!({}), "metadata.name")]
#[case(json!({"name": "Web"}), "metadata.name")]
#[case(json!({"name": "a.b"}), "metadata.name")]
#[case(json!({"name": "web", "finalizers": ["a b"]}), "metadata.finalizers")]
fn create_refuses(#[case] metadata: Value, #[case] field: &str) {
    let refusal = prepare_create(&kind("v1", "Service"), &mut service(&metadata), "t").unwrap_err();
    assert_eq!((refusal.code, refusal.causes[0].field.as_str()), (422, field));
}

#[test]
fn update_carries_over_what_it_may_not_touch() {
    let old = service(&json!({"name": "web", "uid": "u", "creationTimestamp": "t0",
        "deletionTimestamp": "t1", "deletionGracePeriodSeconds": 0, "finalizers": ["a/b"]}));
    let mut new = service(&json!({"name": "web", "creationTimestamp": "other", "finalizers": ["a/b"]}));
    prepare_update(&kind("v1", "Service"), &old, &mut new).unwrap();
    assert_eq!(new, old);
}

#[test]
fn no_new_finalizer_while_deleting() {
    let old = service(&json!({"name": "web", "deletionTimestamp": "t1", "finalizers": ["a/b"]}));
    let mut new = service(&json!({"name": "web", "finalizers": ["a/b", "c/d"]}));
    let refusal = prepare_update(&kind("v1", "Service"), &old, &mut new).unwrap_err();
    assert_eq!(
        refusal.message,
        "Service \"web\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"c/d\"}"
    );
    let mut fewer = service(&json!({"name": "web", "finalizers": []}));
    prepare_update(&kind("v1", "Service"), &old, &mut fewer).unwrap();
    assert!(!has_finalizers(&fewer));
}

#[test]
fn nobody_sets_the_deletion_timestamp_by_an_update() {
    let old = service(&json!({"name": "web"}));
    let mut new = service(&json!({"name": "web", "deletionTimestamp": "2026-01-01T00:00:00Z"}));
    let refusal = prepare_update(&kind("v1", "Service"), &old, &mut new).unwrap_err();
    assert_eq!(refusal.causes[0].field, "metadata.deletionTimestamp");
}
