//! Custom resources: kinds that come and go with their definition.

use landfall_testkit::apiserver::ApiServer;
use serde_json::{Value, json};

use crate::common::{ask, revision, send, send_as};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 1, "maximum": 9},
                    "colour": {"type": "string", "enum": ["red", "green"], "default": "red"},
                    "code": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
                    "class": {"type": "string", "x-kubernetes-validations": [
                        {"rule": "self == oldSelf", "message": "class is immutable"},
                    ]},
                },
                "x-kubernetes-validations": [
                    {"rule": "self.size < 5 || self.colour == 'green'", "message": "only green is large"},
                ],
            },
            "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
        },
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema},
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
            }],
        },
    })
}

fn widget(spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec})
}

fn defined() -> ApiServer {
    let server = ApiServer::start().unwrap();
    server.create(definition()).unwrap();
    server
}

#[tokio::test]
async fn a_definition_is_established_and_served() {
    let server = ApiServer::start().unwrap();
    ask(&server, "GET", WIDGETS).await.expect(404);
    send(&server, "POST", DEFINITIONS, definition()).await.expect(201);
    let stored = ask(&server, "GET", &format!("{DEFINITIONS}/widgets.example.com")).await.expect(200);
    let conditions: Vec<_> = stored["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (&c["type"], &c["status"]))
        .collect();
    assert_eq!(
        conditions,
        [(&json!("NamesAccepted"), &json!("True")), (&json!("Established"), &json!("True"))]
    );
    assert_eq!(stored["status"]["acceptedNames"]["kind"], "Widget");
    assert_eq!(ask(&server, "GET", WIDGETS).await.names(), Vec::<&str>::new());
    let resources = ask(&server, "GET", "/apis/example.com/v1").await.expect(200);
    assert_eq!(resources["resources"][0]["name"], "widgets");
}

#[tokio::test]
async fn generation_counts_the_spec_and_status_has_its_own_path() {
    let server = defined();
    let mut body = widget(&json!({"size": 2}));
    body["status"] = json!({"ready": true});
    let made = send(&server, "POST", WIDGETS, body).await.expect(201);
    assert_eq!(made["metadata"]["generation"], 1);
    assert!(made.get("status").is_none());
    let uri = format!("{WIDGETS}/w");
    let labelled =
        send(&server, "PATCH", &uri, json!({"metadata": {"labels": {"a": "b"}}})).await.expect(200);
    assert_eq!(labelled["metadata"]["generation"], 1);
    let resized = send(&server, "PATCH", &uri, json!({"spec": {"size": 3}, "status": {"ready": true}}))
        .await
        .expect(200);
    assert_eq!(resized["metadata"]["generation"], 2);
    assert!(resized.get("status").is_none());
    let both = json!({"spec": {"size": 4}, "status": {"ready": true}, "metadata": {"labels": {"a": "c"}}});
    let after = send(&server, "PATCH", &format!("{uri}/status"), both).await.expect(200);
    assert_eq!((&after["status"]["ready"], &after["spec"]["size"]), (&json!(true), &json!(3)));
    assert_eq!(
        (&after["metadata"]["generation"], &after["metadata"]["labels"]["a"]),
        (&json!(2), &json!("b"))
    );
    let list = ask(&server, "GET", WIDGETS).await.body;
    assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("WidgetList"), &json!("Widget")));
}

#[tokio::test]
async fn updates_need_a_revision_and_a_type() {
    let server = defined();
    let made = server.create(widget(&json!({"size": 2}))).unwrap();
    let uri = format!("{WIDGETS}/w");
    send(&server, "PUT", &uri, widget(&json!({"size": 3}))).await.expect(422);
    let mut body = widget(&json!({"size": 3}));
    body["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
    assert!(revision(&send(&server, "PUT", &uri, body).await.expect(200)) > revision(&made));
    send(&server, "POST", WIDGETS, json!({"metadata": {"name": "x"}, "spec": {"size": 1}})).await.expect(400);
    let strategic = [("content-type", "application/strategic-merge-patch+json")];
    send_as(&server, "PATCH", &uri, &strategic, "{}").await.expect(415);
}

#[tokio::test]
async fn deletion_takes_the_objects_and_the_paths() {
    let server = defined();
    server.create(widget(&json!({"size": 2}))).unwrap();
    let mut held = widget(&json!({"size": 2}));
    held["metadata"] = json!({"name": "held", "finalizers": ["example.com/guard"]});
    server.create(held).unwrap();
    let uri = format!("{DEFINITIONS}/widgets.example.com");
    ask(&server, "DELETE", &uri).await.expect(200);
    assert_eq!(ask(&server, "GET", WIDGETS).await.names(), ["held"]);
    send(&server, "POST", WIDGETS, widget(&json!({"size": 2}))).await.expect(405);
    send(&server, "PATCH", &format!("{WIDGETS}/held"), json!({"metadata": {"finalizers": null}}))
        .await
        .expect(200);
    ask(&server, "GET", &uri).await.expect(404);
    ask(&server, "GET", WIDGETS).await.expect(404);
}

#[tokio::test]
async fn another_version_shows_the_same_objects() {
    let server = ApiServer::start().unwrap();
    let mut both = definition();
    let mut old = both["spec"]["versions"][0].clone();
    old["name"] = json!("v1alpha1");
    old["storage"] = json!(false);
    both["spec"]["versions"].as_array_mut().unwrap().push(old);
    server.create(both).unwrap();
    server.create(widget(&json!({"size": 2}))).unwrap();
    let shown =
        ask(&server, "GET", "/apis/example.com/v1alpha1/namespaces/default/widgets/w").await.expect(200);
    assert_eq!((&shown["apiVersion"], &shown["spec"]["size"]), (&json!("example.com/v1alpha1"), &json!(2)));
    let patched = send(
        &server,
        "PATCH",
        "/apis/example.com/v1alpha1/namespaces/default/widgets/w",
        json!({"spec": {"size": 3}}),
    )
    .await
    .expect(200);
    assert_eq!(patched["metadata"]["generation"], 2);
    assert_eq!(server.get("example.com/v1", "Widget", "default", "w").unwrap()["spec"]["size"], 3);
}

#[rstest::rstest]
#[case::required(json!({}), "spec.size", "Required value")]
#[case::range(json!({"size": 10}), "spec.size", "Invalid value: 10: spec.size in body should be less than or equal to 9")]
#[case::choice(json!({"size": 1, "colour": "blue"}), "spec.colour", "Unsupported value: \"blue\": supported values: \"red\", \"green\"")]
#[case::pattern(json!({"size": 1, "code": "A"}), "spec.code", "Invalid value: \"A\": spec.code in body should match '^[a-z]+$'")]
#[case::kind(json!({"size": "big"}), "spec.size", "Invalid value: \"string\": spec.size in body must be of type integer: \"string\"")]
#[case::rule(json!({"size": 7}), "spec", "Invalid value: \"object\": only green is large")]
#[tokio::test]
async fn the_schema_refuses(#[case] spec: Value, #[case] field: &str, #[case] message: &str) {
    let server = defined();
    let refusal = send(&server, "POST", WIDGETS, widget(&spec)).await.expect(422);
    assert_eq!(
        refusal["details"]["causes"],
        json!([{"reason": refusal["details"]["causes"][0]["reason"], "field": field, "message": message}])
    );
    assert!(refusal["message"].as_str().unwrap().starts_with("Widget.example.com \"w\" is invalid: "));
}

#[tokio::test]
async fn defaults_are_filled_and_unknown_fields_pruned() {
    let server = defined();
    let made =
        send(&server, "POST", WIDGETS, widget(&json!({"size": 1, "shape": "round"}))).await.expect(201);
    assert_eq!(made["spec"], json!({"size": 1, "colour": "red"}));
    let strict = format!("{WIDGETS}?fieldValidation=Strict");
    send(&server, "POST", &strict, widget(&json!({"size": 1, "shape": "round"}))).await.expect(400);
}

#[tokio::test]
async fn transition_rules_see_the_old_value() {
    let server = defined();
    server.create(widget(&json!({"size": 1, "class": "a"}))).unwrap();
    let uri = format!("{WIDGETS}/w");
    send(&server, "PATCH", &uri, json!({"spec": {"size": 2}})).await.expect(200);
    let refusal = send(&server, "PATCH", &uri, json!({"spec": {"class": "b"}})).await.expect(422);
    assert_eq!(refusal["details"]["causes"][0]["field"], "spec.class");
    assert!(refusal["message"].as_str().unwrap().ends_with("class is immutable"));
}
