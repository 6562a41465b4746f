use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::apiserver::service::ServiceConfig;

fn node_ports(object: &Value) -> Vec<i64> {
    let ports = object["spec"]["ports"].as_array().expect("a list");
    ports.iter().map(|port| port["nodePort"].as_i64().unwrap_or_default()).collect()
}

fn dns(kind: &str) -> Manifest {
    service(kind)
        .raw_port(json!({"name": "t", "port": 53, "protocol": "TCP"}))
        .raw_port(json!({"name": "u", "port": 53, "protocol": "UDP"}))
}

#[test]
fn one_port_number_shares_its_node_port() {
    assert_eq!(node_ports(&dns("NodePort").created(&ServiceRegistry::default())), [30086, 30086]);
}

#[test]
fn a_chosen_node_port_is_shared_too() {
    let registry = ServiceRegistry::default();
    let object = service("NodePort")
        .raw_port(json!({"name": "t", "port": 53}))
        .raw_port(json!({"name": "u", "port": 53, "protocol": "UDP", "nodePort": 30053}))
        .created(&registry);
    assert_eq!(node_ports(&object), [30053, 30053]);
    assert_eq!(registry.in_use().1, 1);
}

#[test]
fn two_chosen_node_ports_of_one_number() {
    let registry = ServiceRegistry::default();
    let object = service("NodePort")
        .raw_port(json!({"name": "t", "port": 53, "nodePort": 30001}))
        .raw_port(json!({"name": "u", "port": 53, "protocol": "UDP", "nodePort": 30002}))
        .created(&registry);
    assert_eq!(node_ports(&object), [30001, 30002]);
}

#[test]
fn no_node_ports_when_switched_off_but_chosen_ones_count() {
    let registry = ServiceRegistry::default();
    let object = service("LoadBalancer")
        .with("allocateLoadBalancerNodePorts", false)
        .port(80)
        .raw_port(json!({"name": "chosen", "port": 81, "nodePort": 30001}))
        .created(&registry);
    assert_eq!(node_ports(&object), [0, 30001]);
    assert_eq!(registry.in_use().1, 1);
}

#[test]
fn local_traffic_takes_a_health_check_port_from_the_same_pool() {
    let registry = ServiceRegistry::default();
    let object = service("LoadBalancer").with("externalTrafficPolicy", "Local").port(80).created(&registry);
    assert_eq!(node_ports(&object), [30086]);
    assert_eq!(object["spec"]["healthCheckNodePort"], 30087);
    assert_eq!(registry.in_use().1, 2);
    registry.release(&object);
    assert_eq!(registry.in_use(), (0, 0));
}

#[rstest]
#[case::in_use(30086, "provided port is already allocated")]
#[case::too_low(80, "provided port is not in the valid range. The range of valid ports is 30000-32767")]
#[case::no_port(99999, "provided port is not in the valid range. The range of valid ports is 30000-32767")]
#[case::negative(-1, "provided port is not in the valid range. The range of valid ports is 30000-32767")]
fn chosen_node_ports_are_checked(#[case] wanted: i64, #[case] text: &str) {
    let registry = ServiceRegistry::default();
    service("NodePort").port(80).created(&registry);
    let manifest = service("NodePort").port(1).raw_port(json!({"name": "x", "port": 80, "nodePort": wanted}));
    let error = manifest.create(&registry).unwrap_err();
    assert_eq!(
        error.message,
        format!("Service \"a\" is invalid: spec.ports[1].nodePort: Invalid value: {wanted}: {text}")
    );
    assert_eq!(registry.in_use(), (1, 1), "the address and the first port came back");
}

#[test]
fn a_taken_health_check_port_is_the_servers_fault() {
    let registry = ServiceRegistry::default();
    service("NodePort").port(80).created(&registry);
    let manifest =
        service("LoadBalancer").with("externalTrafficPolicy", "Local").with("healthCheckNodePort", 30086);
    let error = manifest.port(80).create(&registry).unwrap_err();
    assert_eq!((error.code, error.reason), (500, "InternalError"));
    let text = "failed to allocate requested HealthCheck NodePort 30086: provided port is already allocated";
    assert_eq!(error.message, format!("Internal error occurred: {text}"));
    assert_eq!(registry.in_use(), (1, 1));
}

#[rstest]
#[case::taken("10.96.1.1", "provided IP is already allocated")]
#[case::outside(
    "10.97.0.1",
    "the provided IP (10.97.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
)]
#[case::network(
    "10.96.0.0",
    "the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
)]
#[case::broadcast(
    "10.96.255.255",
    "the provided IP (10.96.255.255) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
)]
fn chosen_addresses_are_checked(#[case] wanted: &str, #[case] text: &str) {
    let registry = ServiceRegistry::default();
    service("ClusterIP").port(80).created(&registry);
    let error = service("ClusterIP").with("clusterIP", wanted).port(80).create(&registry).unwrap_err();
    assert_eq!(
        causes(&error),
        [format!("spec.clusterIPs: Invalid value: [\"{wanted}\"]: failed to allocate IP {wanted}: {text}")]
    );
    assert_eq!(registry.in_use(), (1, 0));
}

#[test]
fn what_validation_refuses_is_given_back_and_the_input_stays() {
    let registry = ServiceRegistry::default();
    let mut object = service("LoadBalancer").with("loadBalancerClass", "no/such/class").port(80).json();
    let before = object.clone();
    assert_eq!(registry.prepare_create(&mut object).unwrap_err().code, 422);
    assert_eq!((registry.in_use(), object), ((0, 0), before));
}

#[test]
fn exhausted_ranges() {
    let config = ServiceConfig {
        primary: "10.0.0.0/29".parse().expect("a network"),
        secondary: None,
        node_ports: 30000..=30001,
    };
    let registry = ServiceRegistry::new(&config).expect("a good configuration");
    let error = service("NodePort").port(1).port(2).port(3).create(&registry).unwrap_err();
    assert_eq!(error.message, "Internal error occurred: failed to allocate a nodePort: range is full");
    assert_eq!(registry.in_use(), (0, 0));
    for _ in 0..6 {
        service("ClusterIP").port(80).created(&registry);
    }
    let error = service("ClusterIP").port(80).create(&registry).unwrap_err();
    assert_eq!(error.message, "Internal error occurred: failed to allocate a serviceIP: range is full");
}

#[test]
fn clones_share_what_is_taken() {
    let registry = ServiceRegistry::default();
    let first = service("NodePort").port(80).created(&registry);
    let second = service("NodePort").port(80).created(&registry.clone());
    assert_ne!(first["spec"]["clusterIP"], second["spec"]["clusterIP"]);
    assert_ne!(node_ports(&first), node_ports(&second));
}

#[test]
fn ten_thousand_services() {
    let config = ServiceConfig { node_ports: 10_000..=60_000, ..ServiceConfig::default() };
    let registry = ServiceRegistry::new(&config).expect("a good configuration");
    let mut ips = std::collections::HashSet::new();
    let objects: Vec<Value> =
        (0..10_000).map(|_| service("LoadBalancer").port(80).created(&registry)).collect();
    assert!(objects.iter().all(|object| ips.insert(object["spec"]["clusterIP"].to_string())));
    assert_eq!(registry.in_use(), (10_000, 10_000));
    for object in &objects {
        registry.release(object);
    }
    assert_eq!(registry.in_use(), (0, 0));
}
