use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn load_balancer(registry: &ServiceRegistry) -> Value {
    let manifest =
        service("LoadBalancer").with("loadBalancerClass", "x.dev/lb").with("externalTrafficPolicy", "Local");
    let mut object = manifest.port(80).port(81).created(registry);
    object["status"] =
        json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}, "conditions": []});
    object
}

fn remove(spec: &mut Value, fields: &[&str]) {
    for field in fields {
        spec.as_object_mut().expect("an object").remove(*field);
    }
}

#[test]
fn what_a_manifest_leaves_out_is_carried_over() {
    let registry = ServiceRegistry::default();
    let old = load_balancer(&registry);
    let new = changed(&registry, &old, |spec| {
        remove(spec, &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"]);
        spec["ports"] = json!([{"name": "p80", "port": 8080, "targetPort": 80}, {"name": "p81", "port": 81}]);
    })
    .expect("a good update");
    let mut expected = old.clone();
    expected["spec"]["ports"][0]["port"] = json!(8080);
    assert_eq!(new, expected);
    assert_eq!(registry.in_use(), (1, 3));
}

#[test]
fn the_status_and_only_the_spec_changes() {
    let registry = ServiceRegistry::default();
    let old = load_balancer(&registry);
    let mut new = old.clone();
    new["status"] = json!({"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}});
    registry.prepare_update(&old, &mut new).expect("a good update");
    assert_eq!(new, old);
}

#[test]
fn to_cluster_ip_and_back() {
    let registry = ServiceRegistry::default();
    let old = load_balancer(&registry);
    let plain = changed(&registry, &old, |spec| spec["type"] = json!("ClusterIP")).expect("a good update");
    for field in
        ["loadBalancerClass", "allocateLoadBalancerNodePorts", "healthCheckNodePort", "externalTrafficPolicy"]
    {
        assert_eq!(plain["spec"][field], Value::Null, "{field}");
    }
    assert_eq!(plain["spec"]["ports"][0]["nodePort"], Value::Null);
    assert_eq!(plain["status"], json!({"loadBalancer": {}, "conditions": []}));
    assert_eq!(plain["spec"]["clusterIP"], old["spec"]["clusterIP"]);
    assert_eq!(registry.in_use(), (1, 0));
    let back = changed(&registry, &plain, |spec| {
        spec["type"] = json!("LoadBalancer");
        spec["loadBalancerClass"] = json!("other.dev/lb");
    })
    .expect("a class may be set with the type");
    assert_eq!(back["spec"]["ports"][1]["nodePort"], 30090);
    assert_eq!(registry.in_use(), (1, 2));
}

#[test]
fn to_external_name_and_back() {
    let registry = ServiceRegistry::default();
    let old = load_balancer(&registry);
    let named = changed(&registry, &old, |spec| {
        spec["type"] = json!("ExternalName");
        spec["externalName"] = json!("example.com");
    })
    .expect("a good update");
    assert_eq!(registry.in_use(), (0, 0));
    assert_eq!((&named["spec"]["clusterIPs"], &named["spec"]["ipFamilies"]), (&Value::Null, &Value::Null));
    let back = changed(&registry, &named, |spec| spec["type"] = json!("ClusterIP")).expect("a good update");
    assert_eq!(back["spec"]["clusterIPs"], json!(["10.96.1.2"]));
    assert_eq!(registry.in_use(), (1, 0));
}

#[test]
fn leaving_local_gives_the_health_check_port_back_and_coming_back_takes_one() {
    let registry = ServiceRegistry::default();
    let old = load_balancer(&registry);
    let cluster =
        changed(&registry, &old, |spec| spec["externalTrafficPolicy"] = json!("Cluster")).expect("good");
    assert_eq!((&cluster["spec"]["healthCheckNodePort"], registry.in_use().1), (&Value::Null, 2));
    let chosen = changed(&registry, &cluster, |spec| {
        spec["externalTrafficPolicy"] = json!("Local");
        spec["healthCheckNodePort"] = json!(30500);
    })
    .expect("a port may be chosen on the way to Local");
    assert_eq!((&chosen["spec"]["healthCheckNodePort"], registry.in_use().1), (&json!(30500), 3));
}

#[rstest]
#[case::kept(|_: &mut Value| {}, [Some(30086), Some(30087)], 2)]
#[case::zeroed(|ports: &mut Value| { ports[0]["nodePort"] = json!(0); ports[1]["nodePort"] = json!(0); }, [None, None], 0)]
#[case::one_left_out(|ports: &mut Value| remove(&mut ports[1], &["nodePort"]), [Some(30086), None], 1)]
fn switching_allocation_off(
    #[case] change: fn(&mut Value),
    #[case] expected: [Option<i64>; 2],
    #[case] in_use: usize,
) {
    let registry = ServiceRegistry::default();
    let old = service("LoadBalancer").port(80).port(81).created(&registry);
    let new = changed(&registry, &old, |spec| {
        spec["allocateLoadBalancerNodePorts"] = json!(false);
        change(&mut spec["ports"]);
    })
    .expect("a good update");
    let ports = [new["spec"]["ports"][0]["nodePort"].as_i64(), new["spec"]["ports"][1]["nodePort"].as_i64()];
    assert_eq!((ports, registry.in_use().1), (expected, in_use));
    let on =
        changed(&registry, &new, |spec| spec["allocateLoadBalancerNodePorts"] = json!(true)).expect("good");
    assert!(on["spec"]["ports"].as_array().expect("a list").iter().all(|port| port["nodePort"].is_i64()));
}

#[test]
fn added_and_removed_ports() {
    let registry = ServiceRegistry::default();
    let old = service("NodePort").port(80).port(81).created(&registry);
    let new = changed(&registry, &old, |spec| {
        spec["ports"] = json!([{"name": "p81", "port": 81}, {"name": "p82", "port": 82}]);
    })
    .expect("a good update");
    assert_eq!(new["spec"]["ports"][0]["nodePort"], 30087);
    assert_eq!(new["spec"]["ports"][1]["nodePort"], 30088);
    assert_eq!(registry.in_use().1, 2);
}

#[test]
fn swapped_node_ports_are_not_given_out_twice() {
    let registry = ServiceRegistry::default();
    let old = service("NodePort").port(80).port(81).created(&registry);
    let new = changed(&registry, &old, |spec| {
        spec["ports"] = json!([{"name": "p81", "port": 81, "nodePort": 30086}, {"name": "p80", "port": 80}]);
    })
    .expect("a good update");
    assert_eq!(new["spec"]["ports"][0]["nodePort"], 30086);
    assert_eq!(new["spec"]["ports"][1]["nodePort"], 30088, "its own was handed to the other port");
    assert_eq!(registry.in_use().1, 2);
}

#[test]
fn upgrade_and_downgrade_of_families() {
    let registry = ServiceRegistry::default();
    let old = service("ClusterIP").port(80).created(&registry);
    let dual =
        changed(&registry, &old, |spec| spec["ipFamilyPolicy"] = json!("PreferDualStack")).expect("good");
    assert_eq!(dual["spec"]["clusterIPs"], json!(["10.96.1.1", "fd00:10:96::101"]));
    assert_eq!(registry.in_use().0, 2);
    let single =
        changed(&registry, &dual, |spec| spec["ipFamilyPolicy"] = json!("SingleStack")).expect("good");
    assert_eq!(
        (&single["spec"]["clusterIPs"], &single["spec"]["ipFamilies"]),
        (&json!(["10.96.1.1"]), &json!(["IPv4"]))
    );
    assert_eq!(registry.in_use().0, 1);
}

#[rstest]
#[case::wish_in_range("fd00:10:96::77", None)]
#[case::wish_out_of_range(
    "fd01::1",
    Some(
        "spec.clusterIPs: Invalid value: [\"10.96.1.1\",\"fd01::1\"]: failed to allocate IP fd01::1: the provided IP (fd01::1) is not in the valid range. The range of valid IPs is fd00:10:96::/112"
    )
)]
fn a_chosen_secondary(#[case] wanted: &str, #[case] refusal: Option<&str>) {
    let registry = ServiceRegistry::default();
    let old = service("ClusterIP").port(80).created(&registry);
    let answer = changed(&registry, &old, |spec| {
        spec["ipFamilyPolicy"] = json!("RequireDualStack");
        spec["clusterIPs"] = json!(["10.96.1.1", wanted]);
    });
    match refusal {
        None => assert_eq!(answer.expect("a good update")["spec"]["clusterIPs"][1], wanted),
        Some(text) => assert_eq!(causes(&answer.unwrap_err()), [text]),
    }
    assert_eq!(registry.in_use().0, 1 + usize::from(refusal.is_none()));
}

#[test]
fn an_update_that_is_not_stored_can_be_taken_back() {
    let registry = ServiceRegistry::default();
    let old = load_balancer(&registry);
    let new = changed(&registry, &old, |spec| {
        spec["type"] = json!("NodePort");
        spec["ipFamilyPolicy"] = json!("RequireDualStack");
        spec["ports"] = json!([{"name": "q", "port": 9}]);
    })
    .expect("a good update");
    registry.undo_update(&old, &new);
    assert_eq!(registry.in_use(), (1, 3));
    let wanted = old["spec"]["ports"][0]["nodePort"].clone();
    let thief = service("NodePort").raw_port(json!({"port": 1, "nodePort": wanted}));
    assert_eq!(thief.create(&registry).unwrap_err().code, 422);
}

#[test]
fn a_refused_update_changes_nothing() {
    let registry = ServiceRegistry::default();
    let old = load_balancer(&registry);
    let mut new = old.clone();
    new["spec"]["ports"][0]["nodePort"] = json!(30999);
    new["spec"]["loadBalancerClass"] = json!("other");
    let before = new.clone();
    registry.prepare_update(&old, &mut new).unwrap_err();
    assert_eq!((new, registry.in_use()), (before, (1, 3)));
}
