use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

#[rstest]
#[case::clean("", "Service", json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a",
    "labels": {"any": "x"}, "managedFields": [{"fieldsV1": {"f:spec": {}}}]},
    "spec": {"ports": [{"port": 80, "targetPort": "http"}], "selector": {"app": "x"}, "type": null}}), &[])]
#[case::top("", "Service", json!({"specs": {}}), &["specs"])]
#[case::nested("", "Service", json!({"spec": {"x": 1, "ports": [{"port": 1}, {"y": {"z": 1}}]}}),
    &["spec.ports[1].y", "spec.x"])]
#[case::in_metadata("", "Node", json!({"metadata": {"label": {}}}), &["metadata.label"])]
#[case::null_counts("", "Service", json!({"spec": {"colour": null}}), &["spec.colour"])]
#[case::wrong_types_are_for_the_decoder("", "Service", json!({"spec": {"ports": "80"}}), &[])]
#[case::each_event_group("events.k8s.io", "Event", json!({"note": "a", "message": "b"}), &["message"])]
#[case::core_event("", "Event", json!({"note": "a", "message": "b"}), &["note"])]
#[case::quantity_map("", "Node", json!({"status": {"capacity": {"cpu": "1"}}}), &[])]
#[case::crd_with_default("apiextensions.k8s.io", "CustomResourceDefinition", json!({"spec": {"versions": [
    {"schema": {"openAPIV3Schema": {"properties": {"a": {"default": {"b": 1}}}, "colour": 1}}}]}}),
    &["spec.versions[0].schema.openAPIV3Schema.colour"])]
#[case::not_built_in("landfall.dev", "AddressPool", json!({"x": 1}), &[])]
fn built_in(#[case] group: &str, #[case] kind: &str, #[case] body: Value, #[case] want: &[&str]) {
    assert_eq!(unknown_fields(group, kind, &body), want);
}

fn pool_schema() -> Value {
    json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "addresses": {"type": "array", "items": {"type": "object", "properties": {"cidr": {"type": "string"}}}},
            "selector": {"type": "object", "additionalProperties": {"type": "string"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "closed": {"type": "object"},
            "any": {"type": "object", "additionalProperties": true},
            "object": {"type": "object", "x-kubernetes-embedded-resource": true,
                "properties": {"spec": {"type": "object"}}},
        }},
    }})
}

fn pool() -> Value {
    json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "AddressPool",
        "metadata": {"name": "p", "annotations": {"a": "b"}, "colour": "red"},
        "spec": {
            "addresses": [{"cidr": "x", "extra": 1}], "selector": {"a": "b"}, "free": {"x": 1}, "closed": {"x": 1},
            "any": {"x": 1}, "object": {"kind": "X", "status": {}}, "typo": 1,
        },
        "stray": true,
    })
}

#[test]
fn custom_kinds_follow_their_schema() {
    let mut found = unknown_custom_fields(&pool_schema(), &pool());
    found.sort();
    let want = [
        "metadata.colour",
        "spec.addresses[0].extra",
        "spec.closed.x",
        "spec.object.status",
        "spec.typo",
        "stray",
    ];
    assert_eq!(found, want);
    assert_eq!(unknown_custom_fields(&Value::Null, &pool()), [""; 0]);
}

#[test]
fn pruning_leaves_what_is_known() {
    let mut body = pool();
    prune_custom(&pool_schema(), &mut body);
    assert_eq!(
        body,
        json!({
            "apiVersion": "landfall.dev/v1alpha1", "kind": "AddressPool",
            "metadata": {"name": "p", "annotations": {"a": "b"}},
            "spec": {
                "addresses": [{"cidr": "x"}], "selector": {"a": "b"}, "free": {"x": 1}, "closed": {},
                "any": {"x": 1}, "object": {"kind": "X"},
            },
        })
    );
}

#[rstest]
#[case(r#"{"a": 1, "b": 2}"#, &[])]
#[case(r#"{"a": 1, "a": 2, "a": 3}"#, &["a"])]
#[case(r#"{"spec": {"ports": [{"port": 1}, {"port": 1, "port": 2}]}}"#, &["spec.ports[1].port"])]
#[case(r#"{"a": {"x": 1}, "b": {"x": 1}}"#, &[])]
#[case(r#"{"a": null, "b": [true, 1.5, -1, "t"], "a": {}}"#, &["a"])]
#[case(r#"{"a": 1, "a": "#, &[])]
#[case("kind: Service", &[])]
fn duplicates(#[case] text: &str, #[case] want: &[&str]) {
    assert_eq!(duplicate_fields(text), want);
}

const BODY: Source<'_> = Source::Body { kind: "Service", version: "v1" };

fn findings() -> Findings {
    let text = r#"{"metadata": {"name": "a", "name": "b"}, "spec": {"x": 1}}"#;
    Findings::of("", "Service", text, &serde_json::from_str(text).expect("JSON"))
}

#[test]
fn strict_refuses_a_body() {
    let error = FieldValidation::Strict.judge(&findings(), BODY).expect_err("a refusal");
    assert_eq!((error.code, error.reason), (400, "BadRequest"));
    assert_eq!(
        error.message,
        "Service in version \"v1\" cannot be handled as a Service: strict decoding error: \
         duplicate field \"metadata.name\", unknown field \"spec.x\""
    );
}

#[test]
fn strict_refuses_a_patch() {
    let patch = r#"{"spec":{"x":1}}"#;
    let found = Findings { unknown: vec!["spec.x".to_owned()], ..Findings::default() };
    let error = FieldValidation::Strict.judge(&found, Source::Patch(patch)).expect_err("a refusal");
    assert_eq!((error.code, error.reason), (422, "Invalid"));
    assert_eq!(error.causes[0].field, "patch");
    assert_eq!(
        error.message,
        " \"\" is invalid: patch: Invalid value: \"{\\\"spec\\\":{\\\"x\\\":1}}\": \
         strict decoding error: unknown field \"spec.x\""
    );
}

#[test]
fn warn_tells_and_ignore_does_not() {
    let warnings = FieldValidation::Warn.judge(&findings(), BODY).expect("accepted");
    assert_eq!(warnings, ["duplicate field \"metadata.name\"", "unknown field \"spec.x\""]);
    assert_eq!(FieldValidation::Ignore.judge(&findings(), BODY), Ok(Vec::new()));
    assert_eq!(FieldValidation::Strict.judge(&Findings::default(), BODY), Ok(Vec::new()));
}

#[rstest]
#[case(None, FieldValidation::Warn)]
#[case(Some(""), FieldValidation::Warn)]
#[case(Some("Warn"), FieldValidation::Warn)]
#[case(Some("Strict"), FieldValidation::Strict)]
#[case(Some("Ignore"), FieldValidation::Ignore)]
fn words(#[case] parameter: Option<&str>, #[case] want: FieldValidation) {
    assert_eq!(FieldValidation::parse(parameter, "CreateOptions"), Ok(want));
}

#[test]
fn another_word_is_refused() {
    let error = FieldValidation::parse(Some("strict"), "PatchOptions").expect_err("a refusal");
    assert_eq!(
        error.message,
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"strict\": \
         supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
    );
}

proptest! {
    #[test]
    fn any_text_is_survived(text in r#"[\[\]{}",:a-c0-9 ]{0,40}"#) {
        let _found = duplicate_fields(&text);
    }

    /// What pruning leaves has no unknown field, whatever came in.
    #[test]
    fn pruned_bodies_are_clean(key in "[a-z]{1,8}", inner in "[a-z]{1,8}", index in 0_usize..3) {
        let keys = ["addresses", "closed", "object"];
        let mut body = json!({"spec": {key.clone(): {inner.clone(): 1}, keys[index]: [{inner: {key: 1}}]}});
        prune_custom(&pool_schema(), &mut body);
        prop_assert_eq!(unknown_custom_fields(&pool_schema(), &body), [""; 0]);
    }
}
