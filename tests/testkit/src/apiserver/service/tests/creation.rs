use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::apiserver::service::{ConfigError, ServiceConfig};

#[test]
fn a_bare_load_balancer_gets_everything() {
    let registry = ServiceRegistry::default();
    let object = service("LoadBalancer").raw_port(json!({"port": 80})).created(&registry);
    assert_eq!(
        object["spec"],
        json!({
            "type": "LoadBalancer", "allocateLoadBalancerNodePorts": true, "clusterIP": "10.96.1.1",
            "clusterIPs": ["10.96.1.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30086}],
        })
    );
    assert_eq!(object["status"], json!({"loadBalancer": {}}));
    assert_eq!(registry.in_use(), (1, 1));
}

#[rstest]
#[case::type_is_cluster_ip(json!({"type": null}), "/type", json!("ClusterIP"))]
#[case::no_affinity_no_config(json!({"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}}), "/sessionAffinityConfig", Value::Null)]
#[case::affinity_of_three_hours(json!({"sessionAffinity": "ClientIP"}), "/sessionAffinityConfig/clientIP/timeoutSeconds", json!(10800))]
#[case::affinity_as_wanted(
    json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}}),
    "/sessionAffinityConfig/clientIP/timeoutSeconds", json!(5))]
#[case::target_port_zero(json!({"ports": [{"port": 80, "targetPort": 0}]}), "/ports/0/targetPort", json!(80))]
#[case::target_port_name(json!({"ports": [{"port": 80, "targetPort": "http"}]}), "/ports/0/targetPort", json!("http"))]
#[case::no_external_policy(json!({}), "/externalTrafficPolicy", Value::Null)]
#[case::external_ips_make_it_external(json!({"externalIPs": ["192.0.2.1"]}), "/externalTrafficPolicy", json!("Cluster"))]
#[case::node_ports_make_it_external(json!({"type": "NodePort"}), "/externalTrafficPolicy", json!("Cluster"))]
#[case::no_allocate_flag(json!({"type": "NodePort"}), "/allocateLoadBalancerNodePorts", Value::Null)]
#[case::empty_values_are_absent(json!({"clusterIP": "", "selector": {}, "externalName": ""}), "/selector", Value::Null)]
#[case::unknown_fields_are_pruned(json!({"flavour": "sweet"}), "/flavour", Value::Null)]
fn defaults(#[case] spec: Value, #[case] pointer: &str, #[case] expected: Value) {
    let mut manifest = service("ClusterIP").with("ports", json!([{"port": 80}])).json();
    json_patch::merge(&mut manifest["spec"], &spec);
    ServiceRegistry::default().prepare_create(&mut manifest).expect("the manifest is good");
    assert_eq!(manifest["spec"].pointer(pointer).cloned().unwrap_or_default(), expected);
}

#[rstest]
#[case::default(json!({}), json!(["10.96.1.1"]), json!(["IPv4"]), "SingleStack")]
#[case::prefer(json!({"ipFamilyPolicy": "PreferDualStack"}), json!(["10.96.1.1", "fd00:10:96::101"]), json!(["IPv4", "IPv6"]), "PreferDualStack")]
#[case::require(json!({"ipFamilyPolicy": "RequireDualStack"}), json!(["10.96.1.1", "fd00:10:96::101"]), json!(["IPv4", "IPv6"]), "RequireDualStack")]
#[case::v6(json!({"ipFamilies": ["IPv6"]}), json!(["fd00:10:96::101"]), json!(["IPv6"]), "SingleStack")]
#[case::v6_first(
    json!({"ipFamilies": ["IPv6"], "ipFamilyPolicy": "PreferDualStack"}),
    json!(["fd00:10:96::101", "10.96.1.1"]), json!(["IPv6", "IPv4"]), "PreferDualStack")]
#[case::chosen(json!({"clusterIP": "10.96.0.9"}), json!(["10.96.0.9"]), json!(["IPv4"]), "SingleStack")]
#[case::chosen_v6(json!({"clusterIP": "fd00:10:96::9"}), json!(["fd00:10:96::9"]), json!(["IPv6"]), "SingleStack")]
#[case::chosen_half(
    json!({"clusterIP": "10.96.0.9", "ipFamilyPolicy": "RequireDualStack"}),
    json!(["10.96.0.9", "fd00:10:96::101"]), json!(["IPv4", "IPv6"]), "RequireDualStack")]
#[case::headless(json!({"clusterIP": "None", "selector": {"a": "b"}}), json!(["None"]), json!(["IPv4"]), "SingleStack")]
#[case::headless_without_selector(json!({"clusterIP": "None"}), json!(["None"]), json!(["IPv4", "IPv6"]), "RequireDualStack")]
fn families(#[case] spec: Value, #[case] ips: Value, #[case] expected: Value, #[case] policy: &str) {
    let mut manifest = service("ClusterIP").with("selector", json!({"a": "b"})).port(80).json();
    if spec["clusterIP"] == "None" {
        manifest["spec"].as_object_mut().expect("an object").remove("selector");
    }
    json_patch::merge(&mut manifest["spec"], &spec);
    ServiceRegistry::default().prepare_create(&mut manifest).expect("the manifest is good");
    let spec = &manifest["spec"];
    assert_eq!((&spec["clusterIPs"], &spec["ipFamilies"]), (&ips, &expected));
    assert_eq!((&spec["clusterIP"], spec["ipFamilyPolicy"].as_str()), (&ips[0], Some(policy)));
}

#[test]
fn external_names_hold_nothing() {
    let registry = ServiceRegistry::default();
    let object = service("ExternalName").with("externalName", "example.com.").created(&registry);
    assert_eq!(
        object["spec"],
        json!({"type": "ExternalName", "externalName": "example.com.", "sessionAffinity": "None"})
    );
    assert_eq!(registry.in_use(), (0, 0));
}

#[test]
fn a_single_stack_cluster() {
    let config = ServiceConfig { secondary: None, ..ServiceConfig::default() };
    let registry = ServiceRegistry::new(&config).expect("a good configuration");
    let object = service("ClusterIP").with("ipFamilyPolicy", "PreferDualStack").port(80).created(&registry);
    assert_eq!(object["spec"]["ipFamilies"], json!(["IPv4"]));
    for (manifest, expected) in [
        (
            service("ClusterIP").with("ipFamilyPolicy", "RequireDualStack"),
            "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services",
        ),
        (
            service("ClusterIP").with("ipFamilies", json!(["IPv6"])),
            "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
        ),
        (
            service("ClusterIP").with("clusterIP", "fd00::1"),
            "spec.clusterIPs[0]: Invalid value: [\"fd00::1\"]: IPv6 is not configured on this cluster",
        ),
    ] {
        assert_eq!(causes(&manifest.port(80).create(&registry).unwrap_err()), [expected]);
    }
}

#[rstest]
#[case::same_family("10.0.0.0/16", Some("10.1.0.0/16"), (30000, 32767), "must be of the other address family")]
#[case::tiny("10.0.0.0/31", None, (30000, 32767), "at least 4 addresses")]
#[case::descending("10.0.0.0/16", None, (32767, 30000), "ascending")]
#[case::port_zero("10.0.0.0/16", None, (0, 10), "start above 0")]
fn configurations_that_cannot_work(
    #[case] primary: &str,
    #[case] secondary: Option<&str>,
    #[case] ports: (u16, u16),
    #[case] text: &str,
) {
    let net = |text: &str| text.parse().expect("a network");
    let config =
        ServiceConfig { primary: net(primary), secondary: secondary.map(net), node_ports: ports.0..=ports.1 };
    let error: ConfigError = ServiceRegistry::new(&config).unwrap_err();
    assert!(error.to_string().contains(text), "{error}");
}

#[rstest]
#[case::plain(service("ClusterIP"), &[])]
#[case::external_ips(service("ClusterIP").with("externalIPs", json!(["192.0.2.1"])),
    &["spec.externalIPs is deprecated and may no longer be implemented in some clusters"])]
#[case::prefer_close(service("ClusterIP").with("trafficDistribution", "PreferClose"),
    &["spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\""])]
#[case::hints(service("ClusterIP").annotated("service.kubernetes.io/topology-aware-hints", "auto"),
    &["annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead"])]
#[case::headless(service("ClusterIP").with("clusterIP", "None").with("loadBalancerIP", "1.2.3.4").with("sessionAffinity", "ClientIP"),
    &["spec.loadBalancerIP is ignored for headless services", "spec.SessionAffinity is ignored for headless services"])]
#[case::stray_external_name(service("ClusterIP").with("externalName", "example.com"),
    &["spec.externalName is ignored when spec.type is not \"ExternalName\""])]
#[case::external_name(service("ExternalName").with("externalName", "example.com").with("externalIPs", json!(["192.0.2.1"])),
    &["spec.externalIPs is ignored when spec.type is \"ExternalName\""])]
#[case::long_ipv6(service("LoadBalancer").with("loadBalancerIP", "2001:DB8:0::1"),
    &["spec.loadBalancerIP: IPv6 address \"2001:DB8:0::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")"])]
#[case::long_ipv6_range(service("LoadBalancer").with("loadBalancerSourceRanges", json!([" 2001:DB8:0::/64"])),
    &["spec.loadBalancerSourceRanges[0]: IPv6 CIDR value \" 2001:DB8:0::/64\" should be in RFC 5952 canonical format (\"2001:db8::/64\")"])]
fn warnings(#[case] manifest: Manifest, #[case] expected: &[&str]) {
    let mut object = manifest.port(80).json();
    let warnings = ServiceRegistry::default().prepare_create(&mut object).expect("the manifest is good");
    assert_eq!(warnings, expected);
}
