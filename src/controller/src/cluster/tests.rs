#![allow(clippy::needless_pass_by_value, reason = "a json! literal reads best as an argument by value")]

use super::*;
use landfall_core::annotations::LOAD_BALANCER;
use landfall_core::class::Sharing;
use serde_json::{Value, json};

fn cluster() -> Cluster {
    Cluster::new(vec![ProviderName::Metal], None)
}

fn service(name: &str, version: u64, extra: Value) -> Service {
    let mut value = json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": version.to_string(),
                     "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/metal", "ports": [{"port": 80}]},
    });
    json_patch::merge(&mut value, &extra);
    serde_json::from_value(value).unwrap()
}

fn put(cluster: &Cluster, service: Service) -> Vec<String> {
    let change = cluster.services.observe(service).unwrap();
    texts(cluster.service_changed(&change))
}

fn texts(keys: BTreeSet<Key>) -> Vec<String> {
    keys.into_iter()
        .map(|key| match key {
            Key::Lb(id) => id.to_string(),
            Key::Unplaced(service) => format!("unplaced {service}"),
        })
        .collect()
}

fn shared(key: &str) -> Value {
    json!({"metadata": {"annotations": {"landfall.dev/share": key}}})
}

#[test]
fn a_change_touches_where_it_was_and_where_it_is() {
    let cluster = cluster();
    assert_eq!(put(&cluster, service("a", 1, json!({}))), ["metal:service/shop/a/uid-a"]);
    assert_eq!(
        put(&cluster, service("a", 2, shared("x"))),
        ["metal:service/shop/a/uid-a", "metal:share/metal/shop/x"]
    );
    let foreign = json!({"spec": {"loadBalancerClass": "example.com/x"}});
    assert_eq!(put(&cluster, service("a", 3, foreign)), ["metal:share/metal/shop/x"]);
    assert_eq!(cluster.keys(), BTreeSet::new());
}

#[test]
fn a_deleted_service_touches_its_load_balancer() {
    let cluster = cluster();
    put(&cluster, service("a", 1, json!({})));
    let change = cluster.services.forget(&service("a", 2, json!({})).metadata).unwrap();
    assert_eq!(texts(cluster.service_changed(&change)), ["metal:service/shop/a/uid-a"]);
    assert!(!cluster.is_known(&"metal:service/shop/a/uid-a".parse().unwrap()));
}

#[test]
fn a_group_tells_who_comes_who_stays_and_who_goes() {
    let cluster = cluster();
    let id = "metal:share/metal/shop/x";
    let recorded = |more: Value| {
        let mut extra = json!({"metadata": {"annotations": {LOAD_BALANCER: id}}});
        json_patch::merge(&mut extra, &more);
        extra
    };
    put(&cluster, service("member", 1, shared("x")));
    put(
        &cluster,
        service("leaver", 1, recorded(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))),
    );
    put(&cluster, service("mover", 1, recorded(json!({}))));
    put(
        &cluster,
        service("typo", 1, recorded(json!({"metadata": {"annotations": {"landfall.dev/share": "no good"}}}))),
    );
    let group = cluster.group(&id.parse().unwrap());
    let name = |service: &Service| service.metadata.name.clone().unwrap();
    let mut wanted: Vec<_> = group.wanted.iter().map(|facts| name(&facts.service)).collect();
    wanted.sort();
    assert_eq!(wanted, ["member", "mover"]);
    assert_eq!(group.departing.iter().map(|s| name(s)).collect::<Vec<_>>(), ["leaver"]);
    assert_eq!(group.kept.iter().map(|(s, _)| name(s)).collect::<Vec<_>>(), ["typo"]);
    assert!(group.class.is_some());
    let lone = cluster.group(&"metal:service/shop/mover/uid-mover".parse().unwrap());
    assert_eq!(lone.wanted.len(), 1);
}

#[test]
fn a_new_class_moves_the_services_that_wait_for_it() {
    let cluster = cluster();
    let gold = json!({"spec": {"loadBalancerClass": "landfall.dev/gold"}});
    assert_eq!(put(&cluster, service("a", 1, gold)), ["unplaced shop/a"]);
    assert_eq!(put(&cluster, service("b", 1, json!({}))), ["metal:service/shop/b/uid-b"]);
    let class: LoadBalancerClass = serde_json::from_value(json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "LoadBalancerClass",
        "metadata": {"name": "gold", "uid": "c1", "resourceVersion": "9"}, "spec": {"provider": "metal"},
    }))
    .unwrap();
    cluster.classes.observe(class);
    assert_eq!(texts(cluster.classes_changed()), ["metal:service/shop/a/uid-a", "unplaced shop/a"]);
    assert_eq!(cluster.classes_changed(), BTreeSet::new(), "nothing new, nobody is touched");
    assert_eq!(cluster.users().values().sum::<i64>(), 2);
}

#[test]
fn addresses_belong_to_the_load_balancer_a_service_was_on_last() {
    let cluster = cluster();
    let old = "metal:service/shop/a/uid-a";
    let mut moving = shared("x");
    json_patch::merge(
        &mut moving,
        &json!({
            "metadata": {"annotations": {LOAD_BALANCER: old}},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}},
        }),
    );
    put(&cluster, service("a", 1, moving));
    put(&cluster, service("b", 1, shared("x")));
    let holdings = cluster.holdings(ProviderName::Metal);
    assert_eq!(holdings.len(), 1);
    assert_eq!(holdings[0].id.to_string(), old);
    assert_eq!(holdings[0].members[0].published, ["192.0.2.7".parse::<std::net::IpAddr>().unwrap()]);
}

#[test]
fn a_holding_tells_who_may_share_by_its_class() {
    let cluster = cluster();
    let class: LoadBalancerClass = serde_json::from_value(json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "LoadBalancerClass",
        "metadata": {"name": "gold", "uid": "c1", "resourceVersion": "9"},
        "spec": {"provider": "metal", "sharing": "Cluster"},
    }))
    .unwrap();
    cluster.classes.observe(class);
    cluster.classes_changed();
    let shows = |class: &str| {
        json!({
            "metadata": {"annotations": {LOAD_BALANCER: "metal:service/shop/a/uid-a"}},
            "spec": {"loadBalancerClass": class},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}},
        })
    };
    let sharing = |version, class: &str| {
        put(&cluster, service("a", version, shows(class)));
        cluster.holdings(ProviderName::Metal)[0].sharing
    };
    assert_eq!(sharing(1, "landfall.dev/gold"), Sharing::Cluster);
    assert_eq!(sharing(2, "landfall.dev/metal"), Sharing::Namespace);
    assert_eq!(sharing(3, "landfall.dev/gone"), Sharing::Namespace, "an unknown class");
}

#[test]
fn slices_are_found_by_their_label() {
    let cluster = cluster();
    let slice = |name: &str, version: u64, of: &str| -> EndpointSlice {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version.to_string(), "labels": {SERVICE_LABEL: of}},
            "addressType": "IPv4", "endpoints": [],
        }))
        .unwrap()
    };
    put(&cluster, service("a", 1, json!({})));
    let change = cluster.slices.observe(slice("a-1", 1, "a")).unwrap();
    assert_eq!(cluster.slice_changed(&change).len(), 1);
    let group = cluster.group(&"metal:service/shop/a/uid-a".parse().unwrap());
    assert_eq!(group.wanted[0].slices.len(), 1);
    let change = cluster.slices.observe(slice("a-1", 2, "b")).unwrap();
    assert_eq!(cluster.slice_changed(&change).len(), 2, "the one it left and the one it joined");
    let group = cluster.group(&"metal:service/shop/a/uid-a".parse().unwrap());
    assert!(group.wanted[0].slices.is_empty());
}

#[test]
fn nodes_only_count_when_the_set_of_targets_changes() {
    let cluster = cluster();
    let node = |version: u64, label: &str| -> Node {
        serde_json::from_value(json!({"metadata": {"name": "n1", "uid": "n1", "resourceVersion": version.to_string(), "labels": {"x": label}}}))
            .unwrap()
    };
    assert!(!cluster.nodes_changed());
    cluster.nodes.observe(node(1, "a"));
    assert!(cluster.nodes_changed());
    cluster.nodes.observe(node(2, "a"));
    assert!(!cluster.nodes_changed(), "a heartbeat is no change");
    cluster.nodes.observe(node(3, "b"));
    assert!(cluster.nodes_changed());
}
