//! Manifests against a cluster, as values.

#![cfg(feature = "metal")]

use std::sync::Arc;

use jiff::Timestamp;
use landfall_core::ids::ClassName;
use landfall_core::provider::Provider;
use serde_json::{Value, json};

use super::manifest::{Source, parse};
use super::report::Report;
use super::text::{colours, render};
use super::world::{Inputs, build};
use super::{Objects, decide};

const POOL: &str = "192.0.2.0/29";

fn objects(values: &[Value]) -> Objects {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": values});
    let parsed = parse(&[Source { name: "test".to_owned(), text: list.to_string() }], "default");
    assert_eq!(parsed.errors, [], "the objects of a test are good");
    parsed.objects
}

fn pool(addresses: &str) -> Value {
    json!({"apiVersion": "landfall.dev/v1alpha1", "kind": "AddressPool", "metadata": {"name": "public"},
           "spec": {"addresses": [addresses]}})
}

fn class(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "landfall.dev/v1alpha1", "kind": "LoadBalancerClass", "metadata": {"name": name}, "spec": spec})
}

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
}

/// A Service as it stands in a file.
fn service(name: &str, annotations: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": annotations},
           "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/metal", "ports": [{"port": 80}]}})
}

/// The same Service as a cluster has it, served by `lb` on `address`.
fn served(mut service: Value, lb: &str, address: &str) -> Value {
    let name = service["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    service["metadata"]["uid"] = format!("uid-{name}").into();
    service["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
    service["metadata"]["annotations"]["landfall.dev/load-balancer"] = lb.into();
    service["spec"]["ipFamilies"] = json!(["IPv4"]);
    service["spec"]["ipFamilyPolicy"] = "SingleStack".into();
    service["spec"]["ports"][0]["nodePort"] = 30_080.into();
    service["status"]["loadBalancer"]["ingress"] = json!([{"ip": address, "ipMode": "VIP"}]);
    service["status"]["conditions"] = json!([{"type": "landfall.dev/Programmed", "status": "True", "reason": "x",
        "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    service
}

async fn report(manifests: &[Value], live: Option<&[Value]>, default_class: Option<&str>) -> Report {
    let providers: Vec<Arc<dyn Provider>> = vec![Arc::new(landfall_metal::MetalProvider::new())];
    let inputs = Inputs {
        manifests: objects(manifests),
        live: live.map(objects),
        providers,
        default_class: default_class.map(|name| ClassName::new(name).unwrap()),
        now: "2026-06-01T00:00:00Z".parse::<Timestamp>().unwrap(),
    };
    decide::decide(&build(inputs)).await
}

async fn against(manifests: &[Value], live: &[Value]) -> String {
    render(&report(manifests, Some(live), None).await, false)
}

#[tokio::test]
async fn an_unchanged_service_has_nothing_to_do_and_keeps_its_address() {
    let web = service("web", &json!({}));
    let live =
        [namespace(), pool(POOL), served(web.clone(), "metal:service/default/web/uid-web", "192.0.2.3")];
    insta::assert_snapshot!(against(&[web], &live).await, @r"
    metal:service/default/web/uid-web: nothing to do
        class metal
        Service default/web 80/TCP
        EXTERNAL-IP 192.0.2.3

    Plan: 0 to change, 1 unchanged, 0 refused, 0 not served.
    ");
}

#[tokio::test]
async fn addresses_of_the_cluster_are_in_use() {
    let other = served(service("other", &json!({})), "metal:service/default/other/uid-other", "192.0.2.1");
    let live = [namespace(), pool("192.0.2.1-192.0.2.2"), other];
    let text = against(&[service("web", &json!({}))], &live).await;
    assert!(text.contains("+ address 192.0.2.2"), "{text}");
    assert!(!text.contains("default/other"), "what the manifests do not touch is not shown: {text}");
}

#[tokio::test]
async fn what_a_manifest_says_about_status_and_uid_does_not_count_beside_a_cluster() {
    let claims = served(service("web", &json!({})), "metal:service/default/web/uid-web", "192.0.2.5");
    let text = against(&[claims], &[namespace(), pool(POOL)]).await;
    assert!(text.contains("metal:service/default/web/unknown-1"), "{text}");
    assert!(text.contains("+ address 192.0.2.0"), "{text}");
}

#[tokio::test]
async fn a_group_spans_manifests_and_cluster() {
    let share = json!({"landfall.dev/share": "front"});
    let old = served(service("old", &share), "metal:share/metal/default/front", "192.0.2.4");
    let mut joins = service("joins", &share);
    joins["spec"]["ports"] = json!([{"name": "a", "port": 80}, {"name": "b", "port": 443}]);
    insta::assert_snapshot!(against(&[joins], &[namespace(), pool(POOL), old]).await, @r"
    metal:share/metal/default/front:
      ~ address 192.0.2.4
          ports: 80/TCP → 80/TCP, 443/TCP
        class metal
        Service default/old 80/TCP
        Service default/joins (new) 443/TCP
        refused: port 80/TCP of default/joins is held by default/old
        given by the API server: metadata.uid (planned as unknown-1), spec.ports[0].nodePort (planned as 65535), spec.ports[1].nodePort (planned as 65534)
        EXTERNAL-IP 192.0.2.4

    Plan: 1 to change, 0 unchanged, 1 refused, 0 not served.
    ");
}

#[tokio::test]
async fn a_service_that_becomes_a_cluster_ip_gives_its_load_balancer_back() {
    let live = served(service("web", &json!({})), "metal:service/default/web/uid-web", "192.0.2.3");
    let inner = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    insta::assert_snapshot!(against(&[inner], &[namespace(), pool(POOL), live]).await, @r"
    metal:service/default/web/uid-web:
      - load-balancer default/web
          addresses: 192.0.2.3 → (none)

    not served: default/web: spec.type is ClusterIP, not LoadBalancer
    Plan: 1 to change, 0 unchanged, 0 refused, 1 not served.
    ");
}

#[tokio::test]
async fn a_service_that_begins_to_share_moves_and_leaves_its_old_load_balancer_afterwards() {
    let live = served(service("web", &json!({})), "metal:service/default/web/uid-web", "192.0.2.3");
    let shares = service("web", &json!({"landfall.dev/share": "front"}));
    let text = against(&[shares], &[namespace(), pool(POOL), live]).await;
    assert!(text.contains("metal:share/metal/default/front:"), "{text}");
    assert!(text.contains("deleted when default/web is served by its next load balancer"), "{text}");
}

#[tokio::test]
async fn a_pool_that_shrinks_shows_whom_it_displaces() {
    let web = served(service("web", &json!({})), "metal:service/default/web/uid-web", "192.0.2.3");
    let text = against(&[pool("198.51.100.0/29")], &[namespace(), pool(POOL), web]).await;
    assert!(text.contains("+ address 198.51.100.0"), "{text}");
    assert!(text.contains("- address 192.0.2.3"), "{text}");
}

#[tokio::test]
async fn a_class_that_becomes_the_default_shows_whom_it_serves() {
    let mut plain = service("plain", &json!({}));
    plain["spec"]["loadBalancerClass"] = Value::Null;
    plain["metadata"]["uid"] = "uid-plain".into();
    let class = class("wan", &json!({"provider": "metal", "default": true}));
    let text = against(&[class], &[namespace(), pool(POOL), plain]).await;
    assert!(text.contains("metal:service/default/plain/uid-plain:\n  + address"), "{text}");
    assert!(text.contains("class wan"), "{text}");
}

#[tokio::test]
async fn a_missing_namespace_is_told_beside_a_cluster_only() {
    let web = [service("web", &json!({}))];
    let beside = against(&web, &[pool(POOL)]).await;
    assert!(beside.contains("note: namespace default does not exist"), "{beside}");
    let alone = render(&report(&web, None, None).await, false);
    assert!(!alone.contains("namespace"), "{alone}");
}

#[tokio::test]
async fn the_flag_names_the_class_of_services_without_one() {
    let mut plain = service("plain", &json!({}));
    plain["spec"]["loadBalancerClass"] = Value::Null;
    let found = report(&[plain.clone(), pool(POOL)], None, Some("metal")).await;
    assert_eq!((found.summary.changes, found.is_fine()), (1, true));
    let found = report(&[plain, pool(POOL)], None, Some("gone")).await;
    assert_eq!((found.summary.refused, found.is_fine()), (1, false));
}

#[tokio::test]
async fn colours_mark_steps_and_refusals_only_when_wanted() {
    let found = report(&[service("web", &json!({})), pool(POOL)], None, None).await;
    assert!(render(&found, true).contains("\u{1b}[32m  + address 192.0.2.0\u{1b}[0m"), "green");
    assert!(!render(&found, false).contains('\u{1b}'));
    assert!(colours(true, None) && colours(true, Some("")));
    assert!(!colours(true, Some("1")) && !colours(false, None));
}

#[tokio::test]
async fn what_cannot_be_used_is_a_finding_in_a_manifest_and_a_note_in_the_cluster() {
    let bad = [pool("192.0.2.9-192.0.2.1"), class("wan", &json!({"provider": "azure"}))];
    let given = report(&bad, None, None).await;
    let fields: Vec<&str> = given.refused.iter().map(|refusal| refusal.field.as_str()).collect();
    assert_eq!(fields, ["LoadBalancerClass wan", "AddressPool public"]);
    assert!(render(&given, false).contains("refused: AddressPool public: "), "{}", render(&given, false));
    let known = report(&[], Some(&bad), None).await;
    assert!(known.is_fine());
    assert_eq!(known.notes.len(), 2, "{:?}", known.notes);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[-\\[\\]{}:,#&*|>'\" \n\ta-c0-9]{0,80}") {
        let _ = parse(&[Source { name: "f".to_owned(), text }], "default");
    }

    #[test]
    fn no_port_or_annotation_makes_a_plan_panic(port: i32, node_port: i32, value in "\\PC{0,20}", key in 0..landfall_core::annotations::OWN.len()) {
        let key = landfall_core::annotations::OWN[key];
        let mut odd = service("odd", &json!({key: value}));
        odd["spec"]["ports"] = json!([{"port": port, "nodePort": node_port}]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let found = runtime.block_on(report(&[odd, pool(POOL)], None, None));
        let counted = found.summary.changes + found.summary.refused;
        proptest::prop_assert!(counted > 0, "planned or refused, never dropped");
    }
}
