use std::collections::BTreeSet;

use ipnet::IpNet;
use landfall_core::annotations::{ADDRESSES, SHARE};
use rstest::rstest;

use super::*;

const EXTRA: Manifest = manifest!("tests/testkit/demo/extra.yaml");

fn by_name(name: &str) -> Planned {
    services()
        .unwrap()
        .into_iter()
        .find(|planned| planned.service.metadata.name.as_deref() == Some(name))
        .unwrap()
}

fn ports(name: &str) -> Vec<(String, i32)> {
    let ports = by_name(name).service.spec.unwrap().ports.unwrap();
    ports.into_iter().map(|port| (port.protocol.unwrap_or("TCP".to_owned()), port.port)).collect()
}

fn annotation(service: &Service, key: &str) -> Option<String> {
    service.metadata.annotations.as_ref()?.get(key).cloned()
}

fn pool() -> Vec<IpNet> {
    let objects = before().unwrap();
    let (_, pool) = objects.into_iter().find(|(_, object)| object["kind"] == "AddressPool").unwrap();
    let texts = pool["spec"]["addresses"].as_array().unwrap().clone();
    texts.iter().map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn every_service_names_our_class_and_a_namespace_of_the_demo() {
    let objects = before().unwrap();
    let namespaces: BTreeSet<_> = objects
        .iter()
        .filter(|(_, object)| object["kind"] == "Namespace")
        .map(|(_, object)| object["metadata"]["name"].as_str().unwrap())
        .collect();
    let extra = planned(EXTRA, None).unwrap();
    for Planned { service, .. } in services().unwrap().into_iter().chain([extra]) {
        let spec = service.spec.unwrap();
        assert_eq!(spec.type_.as_deref(), Some("LoadBalancer"));
        assert_eq!(spec.load_balancer_class.as_deref(), Some("landfall.dev/metal"));
        assert!(namespaces.contains(service.metadata.namespace.as_deref().unwrap()));
    }
}

#[test]
fn no_field_is_misspelt() {
    for (manifest, refusal) in SERVICES.into_iter().chain([(EXTRA, None)]) {
        let read = serde_json::to_value(planned(manifest, refusal).unwrap().service).unwrap();
        let written: Value = serde_saphyr::from_str(manifest.text).unwrap();
        assert_eq!(read, written, "{}: a field was lost", manifest.file);
    }
}

#[test]
fn names_are_distinct() {
    let services = services().unwrap();
    let names: BTreeSet<_> = services.iter().map(|planned| crate::events::key_of(&planned.service)).collect();
    assert_eq!(names.len(), services.len());
}

#[test]
fn dns_has_udp_and_tcp_on_one_port() {
    assert_eq!(ports("dns"), [("UDP".to_owned(), 53), ("TCP".to_owned(), 53)]);
}

#[rstest]
#[case("web", Want::Addresses(1))]
#[case("dns", Want::Addresses(1))]
#[case("dual", Want::Addresses(2))]
#[case("game", Want::Addresses(1))]
#[case("shop-http", Want::Addresses(1))]
#[case("outside", Want::Refusal("AddressNotInPool"))]
fn what_is_wanted(#[case] name: &str, #[case] want: Want) {
    assert_eq!(by_name(name).want, want);
}

#[test]
fn game_is_local() {
    assert_eq!(by_name("game").service.spec.unwrap().external_traffic_policy.as_deref(), Some("Local"));
}

#[test]
fn the_shops_share_and_their_ports_do_not_collide() {
    let [http, https] = ["shop-http", "shop-https"].map(|name| by_name(name).service);
    assert_eq!(http.metadata.namespace, https.metadata.namespace);
    assert!(annotation(&http, SHARE).is_some());
    assert_eq!(annotation(&http, SHARE), annotation(&https, SHARE));
    assert_ne!(ports("shop-http"), ports("shop-https"));
}

#[test]
fn outside_asks_for_what_no_pool_has_and_extra_for_what_one_has() {
    let asked =
        |service: &Service| annotation(service, ADDRESSES).unwrap().parse::<std::net::IpAddr>().unwrap();
    let holds = |address| pool().iter().any(|net| net.contains(&address));
    assert!(!holds(asked(&by_name("outside").service)));
    assert!(holds(asked(&planned(EXTRA, None).unwrap().service)));
}

#[test]
fn the_pool_has_both_families() {
    let pool = pool();
    assert!(pool.iter().any(|net| net.addr().is_ipv4()) && pool.iter().any(|net| net.addr().is_ipv6()));
}

#[test]
fn three_ready_nodes_in_three_zones_have_both_families() {
    let objects = before().unwrap();
    let nodes: Vec<_> =
        objects.iter().map(|(_, object)| object).filter(|object| object["kind"] == "Node").collect();
    let zones: BTreeSet<_> = nodes
        .iter()
        .map(|node| node["metadata"]["labels"]["topology.kubernetes.io/zone"].as_str().unwrap())
        .collect();
    assert_eq!(zones.len(), 3);
    for node in nodes {
        let addresses = node["status"]["addresses"].as_array().unwrap();
        let internal: Vec<std::net::IpAddr> = addresses
            .iter()
            .filter(|address| address["type"] == "InternalIP")
            .map(|address| address["address"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(internal.len() == 2 && internal[0].is_ipv4() && internal[1].is_ipv6(), "{internal:?}");
        assert_eq!(node["status"]["conditions"][0]["status"], "True");
    }
}

#[test]
fn a_broken_manifest_is_told_with_its_file() {
    let error = planned(Manifest { file: "demo/x.yaml", text: "spec: [" }, None).unwrap_err().to_string();
    assert!(error.starts_with("manifest demo/x.yaml: "), "{error}");
}
