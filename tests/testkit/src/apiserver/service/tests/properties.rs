use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::apiserver::service::ServiceConfig;

/// Specs that are often valid and often collide: few addresses, few ports.
fn spec() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![Just("ClusterIP"), Just("NodePort"), Just("LoadBalancer"), Just("ExternalName")];
    let policy = prop_oneof![
        Just(Value::Null),
        Just(json!("SingleStack")),
        Just(json!("PreferDualStack")),
        Just(json!("RequireDualStack"))
    ];
    let ip = prop_oneof![4 => Just(Value::Null), 1 => (0..9u8).prop_map(|n| json!(format!("10.0.0.{n}"))), 1 => Just(json!("None"))];
    let traffic = prop_oneof![Just(Value::Null), Just(json!("Local")), Just(json!("Cluster"))];
    let allocate = prop_oneof![3 => Just(Value::Null), 1 => any::<bool>().prop_map(Value::from)];
    let port = (1..4u16, any::<bool>(), prop_oneof![3 => Just(0), 1 => 29_999..30_008i32]);
    let ports = prop::collection::vec(port, 1..4);
    (kind, policy, ip, traffic, allocate, ports, 0..5u8).prop_map(
        |(kind, policy, ip, traffic, allocate, ports, care)| {
            let ports: Vec<Value> = ports
                .into_iter()
                .enumerate()
                .map(|(index, (port, udp, node_port))| {
                    json!({"name": format!("p{index}"), "port": port, "protocol": if udp { "UDP" } else { "TCP" }, "nodePort": node_port})
                })
                .collect();
            let mut spec = json!({"type": kind, "ipFamilyPolicy": policy, "clusterIP": ip, "externalTrafficPolicy": traffic,
                "allocateLoadBalancerNodePorts": allocate, "ports": ports});
            if kind == "ExternalName" {
                spec["externalName"] = json!("example.com");
            }
            if care > 0 {
                drop_misplaced(&mut spec);
            }
            spec
        },
    )
}

/// Most specs should pass: without what their type forbids.
fn drop_misplaced(spec: &mut Value) {
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    let misplaced: &[&str] = match kind.as_str() {
        "LoadBalancer" => &[],
        "NodePort" => &["allocateLoadBalancerNodePorts"],
        "ClusterIP" => &["allocateLoadBalancerNodePorts", "externalTrafficPolicy"],
        _ => &["allocateLoadBalancerNodePorts", "externalTrafficPolicy", "clusterIP", "ipFamilyPolicy"],
    };
    for field in misplaced {
        spec[*field] = Value::Null;
    }
    if kind != "ClusterIP" && spec["clusterIP"] == "None" {
        spec["clusterIP"] = Value::Null;
    }
    for port in spec["ports"].as_array_mut().into_iter().flatten().filter(|_| kind == "ClusterIP") {
        port["nodePort"] = json!(0);
    }
}

fn registry() -> ServiceRegistry {
    let net = |text: &str| text.parse().expect("a network");
    let config = ServiceConfig {
        primary: net("10.0.0.0/28"),
        secondary: Some(net("fd00::/124")),
        node_ports: 30_000..=30_007,
    };
    ServiceRegistry::new(&config).expect("a good configuration")
}

/// Every cluster IP and node port of one object, each once.
fn held(object: &Value) -> (BTreeSet<String>, BTreeSet<i64>) {
    let spec = &object["spec"];
    let ips = spec["clusterIPs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|ip| *ip != "None");
    let uses_ports = spec["type"] == "NodePort" || spec["type"] == "LoadBalancer";
    let ports = spec["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|port| port["nodePort"].as_i64())
        .filter(|_| uses_ports);
    (ips.map(str::to_owned).collect(), ports.chain(spec["healthCheckNodePort"].as_i64()).collect())
}

fn shares_a_chosen_node_port(manifest: &Value) -> bool {
    let ports = manifest["spec"]["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let open = |port: &&Value| port["nodePort"] == 0;
    ports.iter().filter(open).any(|a| ports.iter().any(|b| !open(&b) && a["port"] == b["port"]))
}

#[derive(Debug, Clone)]
enum Step {
    Create(Value),
    Update(usize, Value),
    Undone(usize, Value),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        spec().prop_map(Step::Create),
        (any::<usize>(), spec()).prop_map(|(at, spec)| Step::Update(at, spec)),
        (any::<usize>(), spec()).prop_map(|(at, spec)| Step::Undone(at, spec)),
        any::<usize>().prop_map(Step::Delete),
    ]
}

fn run(registry: &ServiceRegistry, objects: &mut Vec<Value>, step: Step) {
    let object = |spec: Value| json!({"metadata": {"name": "a"}, "spec": spec});
    match step {
        Step::Create(spec) => {
            let mut new = object(spec);
            if registry.prepare_create(&mut new).is_ok() {
                objects.push(new);
            }
        }
        Step::Update(at, spec) if !objects.is_empty() => {
            let at = at % objects.len();
            let mut new = object(spec);
            if registry.prepare_update(&objects[at], &mut new).is_ok() {
                objects[at] = new;
            }
        }
        Step::Undone(at, spec) if !objects.is_empty() => {
            let old = &objects[at % objects.len()];
            let mut new = object(spec);
            if registry.prepare_update(old, &mut new).is_ok() {
                registry.undo_update(old, &new);
            }
        }
        Step::Delete(at) if !objects.is_empty() => registry.release(&objects.swap_remove(at % objects.len())),
        _ => {}
    }
}

proptest! {
    #[test]
    fn nothing_is_given_out_twice_and_everything_comes_back(steps in prop::collection::vec(step(), 0..25)) {
        let registry = registry();
        let mut objects = Vec::new();
        for step in steps {
            run(&registry, &mut objects, step);
            let (mut ips, mut ports) = (BTreeSet::new(), BTreeSet::new());
            for object in &objects {
                let (more_ips, more_ports) = held(object);
                for ip in more_ips { prop_assert!(ips.insert(ip.clone()), "{ip} twice"); }
                for port in more_ports { prop_assert!(ports.insert(port), "{port} twice"); }
            }
            prop_assert_eq!(registry.in_use(), (ips.len(), ports.len()));
        }
        for object in &objects { registry.release(object); }
        prop_assert_eq!(registry.in_use(), (0, 0));
    }

    #[test]
    fn an_unchanged_service_stays_as_it_is(spec in spec()) {
        let registry = registry();
        let mut object = json!({"metadata": {"name": "a"}, "spec": spec});
        prop_assume!(registry.prepare_create(&mut object).is_ok());
        let in_use = registry.in_use();
        let mut again = object.clone();
        registry.prepare_update(&object, &mut again).expect("nothing changed");
        prop_assert_eq!(&again, &object);
        registry.prepare_status(&object, &mut again).expect("nothing changed");
        prop_assert_eq!(again, object);
        prop_assert_eq!(registry.in_use(), in_use);
    }

    /// Sending the same manifest again is what `kubectl replace` and GitOps tools do.
    #[test]
    fn the_original_manifest_changes_nothing(spec in spec()) {
        let registry = registry();
        let manifest = json!({"metadata": {"name": "a"}, "spec": spec});
        let mut object = manifest.clone();
        prop_assume!(registry.prepare_create(&mut object).is_ok());
        // With allocation off, a left-out node port is a wish.
        prop_assume!(object["spec"]["allocateLoadBalancerNodePorts"] != false);
        // The real server, too, forgets that a chosen node port was shared with a port that left it open.
        prop_assume!(!shares_a_chosen_node_port(&manifest));
        let mut again = manifest;
        if registry.prepare_update(&object, &mut again).is_ok() {
            prop_assert_eq!(held(&again), held(&object));
        }
    }
}
