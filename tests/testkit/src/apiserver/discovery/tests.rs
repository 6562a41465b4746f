use rstest::rstest;
use serde_json::json;

use super::*;

fn kind(group: &str, version: &str, kind: &str) -> DiscoveredKind {
    let singular = kind.to_lowercase();
    DiscoveredKind {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        plural: format!("{singular}s"),
        singular,
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        has_status: false,
        verbs: vec!["get".into(), "list".into()],
    }
}

fn sample() -> Vec<DiscoveredKind> {
    vec![
        DiscoveredKind {
            short_names: vec!["svc".into()],
            categories: vec!["all".into()],
            has_status: true,
            ..kind("", "v1", "Service")
        },
        DiscoveredKind { namespaced: false, ..kind("", "v1", "Node") },
        kind("discovery.k8s.io", "v1", "EndpointSlice"),
        kind("landfall.dev", "v1alpha1", "AddressPool"),
        kind("landfall.dev", "v1", "AddressPool"),
    ]
}

/// What kubectl 1.33 sends.
const KUBECTL: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                       application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

#[rstest]
#[case(KUBECTL, true)]
#[case("application/json; as=APIGroupDiscoveryList; v=v2; g=apidiscovery.k8s.io", true)]
#[case("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", false)]
#[case("application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", false)]
#[case("*/*", false)]
#[case("", false)]
fn the_profile_must_be_offered(#[case] accept: &str, #[case] want: bool) {
    let document = answer("/apis", accept, &sample()).expect("an answer");
    let kind = if want { "APIGroupDiscoveryList" } else { "APIGroupList" };
    assert_eq!(document.body["kind"], kind);
    assert_eq!(document.content_type, if want { AGGREGATED } else { "application/json" });
}

#[test]
fn core_and_groups_are_apart() {
    let names = |path| {
        let body = answer(path, KUBECTL, &sample()).expect("an answer").body;
        let items = body["items"].as_array().expect("items").clone();
        items
            .iter()
            .map(|item| item["metadata"]["name"].as_str().unwrap_or("?").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("/api"), [""]);
    assert_eq!(names("/apis"), ["discovery.k8s.io", "landfall.dev"]);
}

#[test]
fn an_aggregated_resource_is_complete() {
    let body = answer("/api", KUBECTL, &sample()).expect("an answer").body;
    let response_kind = json!({"group": "", "version": "v1", "kind": "Service"});
    assert_eq!(
        body["items"][0]["versions"][0]["resources"][0],
        json!({
            "resource": "services", "responseKind": response_kind, "scope": "Namespaced",
            "singularResource": "service", "verbs": ["get", "list"], "shortNames": ["svc"], "categories": ["all"],
            "subresources": [
                {"subresource": "status", "responseKind": response_kind, "verbs": ["get", "patch", "update"]}
            ],
        })
    );
    let node = &body["items"][0]["versions"][0]["resources"][1];
    assert_eq!((&node["scope"], node.get("subresources")), (&json!("Cluster"), None));
}

#[test]
fn plain_documents() {
    let body = |path| answer(path, "application/json", &sample()).map(|document| document.body);
    assert_eq!(body("/api").expect("versions")["versions"], json!(["v1"]));

    let groups = body("/apis").expect("groups")["groups"].clone();
    assert_eq!(groups[1]["name"], "landfall.dev");
    assert_eq!(groups[1]["preferredVersion"]["groupVersion"], "landfall.dev/v1alpha1");
    assert_eq!(groups[1]["versions"].as_array().map(Vec::len), Some(2));
    assert_eq!(body("/apis/landfall.dev").expect("a group")["kind"], "APIGroup");

    let core = body("/api/v1").expect("resources");
    assert_eq!(core["groupVersion"], "v1");
    let names: Vec<_> =
        core["resources"].as_array().expect("list").iter().map(|entry| entry["name"].clone()).collect();
    assert_eq!(json!(names), json!(["services", "services/status", "nodes"]));
    assert_eq!(body("/apis/landfall.dev/v1").expect("resources")["groupVersion"], "landfall.dev/v1");
}

#[rstest]
#[case("/api/v2")]
#[case("/apis/unknown.dev")]
#[case("/apis/landfall.dev/v9")]
#[case("/api/v1/services")]
#[case("/version")]
fn other_paths_are_not_ours(#[case] path: &str) {
    assert_eq!(answer(path, KUBECTL, &sample()), None);
}
