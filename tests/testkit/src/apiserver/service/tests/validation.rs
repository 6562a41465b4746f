//! The refusals of the API, path and text.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const LB_ONLY: &str = "Forbidden: may only be used when `type` is 'LoadBalancer'";

fn on_create(manifest: Manifest) -> Vec<String> {
    let registry = ServiceRegistry::default();
    let error = manifest.create(&registry).unwrap_err();
    assert_eq!((error.code, registry.in_use()), (422, (0, 0)));
    causes(&error)
}

#[rstest]
#[case::class_on_node_port(service("NodePort").with("loadBalancerClass", "a/b").port(80),
    format!("spec.loadBalancerClass: {LB_ONLY}"))]
#[case::allocate_on_node_port(service("NodePort").with("allocateLoadBalancerNodePorts", true).port(80),
    format!("spec.allocateLoadBalancerNodePorts: {LB_ONLY}"))]
#[case::ranges_on_cluster_ip(service("ClusterIP").with("loadBalancerSourceRanges", json!(["10.0.0.0/8"])).port(80),
    format!("spec.LoadBalancerSourceRanges: {LB_ONLY}"))]
#[case::ranges_annotation_on_cluster_ip(
    service("ClusterIP").annotated("service.beta.kubernetes.io/load-balancer-source-ranges", "10.0.0.0/8").port(80),
    format!("metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: {LB_ONLY}"))]
#[case::no_ports(service("ClusterIP"), "spec.ports: Required value")]
#[case::headless_load_balancer(service("LoadBalancer").with("clusterIP", "None").port(80),
    "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services")]
#[case::headless_node_port(service("NodePort").with("clusterIP", "None").port(80),
    "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services")]
#[case::same_name(service("ClusterIP").port(80).raw_port(json!({"name": "p80", "port": 81})),
    "spec.ports[1].name: Duplicate value: \"p80\"")]
#[case::no_name(service("ClusterIP").port(80).raw_port(json!({"port": 81})), "spec.ports[1].name: Required value")]
#[case::same_port(service("ClusterIP").port(80).raw_port(json!({"name": "b", "port": 80})),
    r#"spec.ports[1]: Duplicate value: {"AppProtocol":null,"Name":"","NodePort":0,"Port":80,"Protocol":"TCP","TargetPort":0}"#)]
#[case::node_port_on_cluster_ip(service("ClusterIP").raw_port(json!({"port": 80, "nodePort": 30001})),
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'")]
#[case::health_check_without_local(service("LoadBalancer").with("healthCheckNodePort", 30500).port(80),
    "spec.healthCheckNodePort: Invalid value: 30500: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")]
#[case::policy_on_cluster_ip(service("ClusterIP").with("externalTrafficPolicy", "Local").port(80),
    "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services")]
#[case::unknown_policy(service("LoadBalancer").with("externalTrafficPolicy", "Global").port(80),
    "spec.externalTrafficPolicy: Unsupported value: \"Global\": supported values: \"Cluster\", \"Local\"")]
#[case::unknown_internal_policy(service("LoadBalancer").with("internalTrafficPolicy", "Global").port(80),
    "spec.internalTrafficPolicy: Unsupported value: \"Global\": supported values: \"Cluster\", \"Local\"")]
#[case::unknown_type(service("Magic").port(80),
    "spec.type: Unsupported value: \"Magic\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"")]
#[case::unknown_affinity(service("ClusterIP").with("sessionAffinity", "Cookie").port(80),
    "spec.sessionAffinity: Unsupported value: \"Cookie\": supported values: \"ClientIP\", \"None\"")]
#[case::affinity_of_zero(
    service("ClusterIP").with("sessionAffinity", "ClientIP").with("sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 0}})).port(80),
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400")]
#[case::affinity_too_long(
    service("ClusterIP").with("sessionAffinity", "ClientIP").with("sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 86401}})).port(80),
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400")]
#[case::unknown_protocol(service("ClusterIP").raw_port(json!({"port": 80, "protocol": "HTTP"})),
    "spec.ports[0].protocol: Unsupported value: \"HTTP\": supported values: \"SCTP\", \"TCP\", \"UDP\"")]
#[case::port_out_of_range(service("ClusterIP").raw_port(json!({"port": 70000, "targetPort": 1})),
    "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive")]
#[case::target_name(service("ClusterIP").raw_port(json!({"port": 80, "targetPort": "a--b"})),
    "spec.ports[0].targetPort: Invalid value: \"a--b\": must not contain consecutive hyphens")]
#[case::app_protocol(service("ClusterIP").raw_port(json!({"port": 80, "appProtocol": "/x"})),
    "spec.ports[0].appProtocol: Invalid value: \"/x\": prefix part must be non-empty")]
#[case::distribution(service("ClusterIP").with("trafficDistribution", "Far").port(80),
    "spec.trafficDistribution: Unsupported value: \"Far\": supported values: \"PreferClose\", \"PreferSameZone\", \"PreferSameNode\"")]
#[case::family_policy(service("ClusterIP").with("ipFamilyPolicy", "Triple").port(80),
    "spec.ipFamilyPolicy: Unsupported value: \"Triple\": supported values: \"PreferDualStack\", \"RequireDualStack\", \"SingleStack\"")]
#[case::two_families_single_stack(service("ClusterIP").with("ipFamilies", json!(["IPv4", "IPv6"])).port(80),
    "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified")]
#[case::families_twice(service("ClusterIP").with("ipFamilies", json!(["IPv4", "IPv4"])).port(80),
    "spec.ipFamilies[1]: Duplicate value: \"IPv4\"")]
#[case::not_an_address(service("ClusterIP").with("clusterIP", "ten").port(80),
    "spec.clusterIPs[0]: Invalid value: \"ten\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
#[case::family_of_address(service("ClusterIP").with("clusterIP", "10.96.0.7").with("ipFamilies", json!(["IPv6"])).port(80),
    "spec.clusterIPs[0]: Invalid value: \"10.96.0.7\": expected an IPv6 value as indicated by `ipFamilies[0]`")]
#[case::plural_alone(service("ClusterIP").with("clusterIPs", json!(["10.96.0.7"])).port(80),
    "spec.clusterIPs: Invalid value: [\"10.96.0.7\"]: must be empty when `clusterIP` is not specified")]
#[case::plural_differs(service("ClusterIP").with("clusterIP", "10.96.0.8").with("clusterIPs", json!(["10.96.0.7"])).port(80),
    "spec.clusterIPs: Invalid value: [\"10.96.0.7\"]: first value must match `clusterIP`")]
#[case::external_name_missing(service("ExternalName"), "spec.externalName: Required value")]
#[case::external_name_with_address(service("ExternalName").with("externalName", "a.b").with("clusterIP", "10.96.0.1"),
    "spec.clusterIPs: Forbidden: may not be set for ExternalName services")]
#[case::external_ip_loopback(service("ClusterIP").with("externalIPs", json!(["127.0.0.1"])).port(80),
    "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)")]
#[case::empty_class(service("LoadBalancer").with("loadBalancerClass", "").port(80),
    "spec.loadBalancerClass: Invalid value: \"\": name part must be non-empty")]
fn refused_on_create(#[case] manifest: Manifest, #[case] expected: impl AsRef<str>) {
    assert_eq!(on_create(manifest)[0], expected.as_ref());
}

#[test]
fn a_node_port_twice_for_one_protocol() {
    // Allocation meets it before validation does.
    let twice = service("NodePort")
        .raw_port(json!({"name": "a", "port": 80, "nodePort": 30001}))
        .raw_port(json!({"name": "b", "port": 81, "nodePort": 30001}));
    assert_eq!(
        on_create(twice),
        ["spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated"]
    );
}

#[test]
fn names_are_dns_labels_that_may_start_with_a_digit() {
    service("ClusterIP").named("1st").port(80).created(&ServiceRegistry::default());
    let causes = on_create(service("ClusterIP").named("First").port(80));
    assert!(
        causes[0].starts_with(
            "metadata.name: Invalid value: \"First\": a lowercase RFC 1123 label must consist of"
        )
    );
}

#[rstest]
#[case::no_mask("10.0.0.0", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
#[case::words("everyone", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
#[case::host_bits("10.0.0.1/8", "must not have bits set beyond the prefix length")]
#[case::leading_zeros("010.0.0.0/8", "must not have leading 0s in IP")]
#[case::leading_zeros_in_length("10.0.0.0/08", "must not have leading 0s in prefix length")]
#[case::mapped("::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address")]
fn source_ranges(#[case] range: &str, #[case] text: &str) {
    let causes = on_create(
        service("LoadBalancer").with("loadBalancerSourceRanges", json!(["0.0.0.0/0", range])).port(80),
    );
    assert_eq!(causes, [format!("spec.LoadBalancerSourceRanges[1]: Invalid value: \"{range}\": {text}")]);
    let key = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let causes = on_create(service("LoadBalancer").annotated(key, &format!("::/0, {range}")).port(80));
    assert_eq!(causes, [format!("metadata.annotations[{key}]: Invalid value: \"{range}\": {text}")]);
}

#[test]
fn stored_source_ranges_stay_acceptable_and_spaces_never_mattered() {
    let registry = ServiceRegistry::default();
    let mut old = service("LoadBalancer")
        .with("loadBalancerSourceRanges", json!([" 10.0.0.0/8 "]))
        .port(80)
        .created(&registry);
    old["spec"]["loadBalancerSourceRanges"] = json!(["10.0.0.1/8"]);
    changed(&registry, &old, |spec| spec["sessionAffinity"] = json!("ClientIP"))
        .expect("the old value is tolerated");
    let added = changed(&registry, &old, |spec| {
        spec["loadBalancerSourceRanges"] = json!(["10.0.0.1/8", "10.0.0.2/8"]);
    });
    assert_eq!(causes(&added.unwrap_err()).len(), 1);
}

fn set(field: &'static str, value: Value) -> impl Fn(&mut Value) {
    move |spec| spec[field] = value.clone()
}

#[rstest]
#[case::class_changed("LoadBalancer", json!({"loadBalancerClass": "a/b"}), set("loadBalancerClass", json!("a/c")),
    "spec.loadBalancerClass: Invalid value: \"a/c\": may not change once set")]
#[case::class_removed("LoadBalancer", json!({"loadBalancerClass": "a/b"}), set("loadBalancerClass", Value::Null),
    "spec.loadBalancerClass: Invalid value: null: may not change once set")]
#[case::class_added("LoadBalancer", json!({}), set("loadBalancerClass", json!("a/c")),
    "spec.loadBalancerClass: Invalid value: \"a/c\": may not change once set")]
#[case::health_check_changed("LoadBalancer", json!({"externalTrafficPolicy": "Local"}), set("healthCheckNodePort", json!(30600)),
    "spec.healthCheckNodePort: Forbidden: field is immutable")]
#[case::cluster_ip_changed("ClusterIP", json!({}), set("clusterIP", json!("10.96.0.77")),
    "spec.clusterIPs[0]: Invalid value: [\"10.96.0.77\"]: may not change once set")]
#[case::to_headless("ClusterIP", json!({}), set("clusterIP", json!("None")),
    "spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set")]
#[case::secondary_ip_dropped("ClusterIP", json!({"ipFamilyPolicy": "PreferDualStack"}), set("clusterIPs", json!(["10.96.1.1"])),
    "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be 'SingleStack' to release the secondary cluster IP")]
#[case::secondary_family_dropped("ClusterIP", json!({"ipFamilyPolicy": "PreferDualStack"}), set("ipFamilies", json!(["IPv4"])),
    "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be 'SingleStack' to release the secondary IP family")]
#[case::primary_family_changed("ClusterIP", json!({}), set("ipFamilies", json!(["IPv6"])),
    "spec.clusterIPs[0]: Invalid value: \"10.96.1.1\": expected an IPv6 value as indicated by `ipFamilies[0]`")]
#[case::ranges_left_behind("LoadBalancer", json!({"loadBalancerSourceRanges": ["10.0.0.0/8"]}), set("type", json!("NodePort")),
    "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'")]
#[case::class_set_while_leaving("LoadBalancer", json!({}), |spec: &mut Value| { spec["type"] = json!("NodePort"); spec["loadBalancerClass"] = json!("n/w"); },
    "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'")]
fn refused_on_update(
    #[case] kind: &str,
    #[case] spec: Value,
    #[case] change: impl Fn(&mut Value),
    #[case] expected: &str,
) {
    let registry = ServiceRegistry::default();
    let mut object = service(kind).port(80).json();
    json_patch::merge(&mut object["spec"], &spec);
    registry.prepare_create(&mut object).expect("the manifest is good");
    let held = registry.in_use();
    let error = changed(&registry, &object, change).unwrap_err();
    assert_eq!((error.code, causes(&error)[0].as_str()), (422, expected));
    assert_eq!(registry.in_use(), held);
}

#[rstest]
#[case::spec(json!({"spec": 3}))]
#[case::ports(json!({"spec": {"ports": "80"}}))]
#[case::port(json!({"spec": {"ports": [{"port": "80"}]}}))]
#[case::name(json!({"metadata": {"name": 3}}))]
#[case::not_an_object(json!([]))]
fn wrong_types_are_400(#[case] mut object: Value) {
    let good = service("ClusterIP").port(80).created(&ServiceRegistry::default());
    let registry = ServiceRegistry::default();
    if object.is_object() {
        assert_eq!(registry.prepare_update(&good, &mut object.clone()).unwrap_err().code, 400);
        assert_eq!(registry.prepare_create(&mut object).unwrap_err().code, 400);
    } else {
        assert!(registry.prepare_create(&mut object).unwrap_err().code >= 400);
    }
    assert_eq!(registry.in_use(), (0, 0));
}

#[rstest]
#[case::ip_gets_a_mode("LoadBalancer", json!([{"ip": "192.0.2.1"}]), Ok(json!([{"ip": "192.0.2.1", "ipMode": "VIP"}])))]
#[case::proxy_stays("LoadBalancer", json!([{"ip": "192.0.2.1", "ipMode": "Proxy"}]), Ok(json!([{"ip": "192.0.2.1", "ipMode": "Proxy"}])))]
#[case::hostname_has_no_mode("LoadBalancer", json!([{"hostname": "lb.example"}]), Ok(json!([{"hostname": "lb.example"}])))]
#[case::port_errors("LoadBalancer", json!([{"ip": "192.0.2.1", "ipMode": "VIP", "ports": [{"port": 80, "protocol": "TCP", "error": "No"}]}]),
    Ok(json!([{"ip": "192.0.2.1", "ipMode": "VIP", "ports": [{"port": 80, "protocol": "TCP", "error": "No"}]}])))]
#[case::null_clears("LoadBalancer", Value::Null, Ok(Value::Null))]
#[case::empty_clears("ClusterIP", json!([]), Ok(Value::Null))]
#[case::not_a_load_balancer("ClusterIP", json!([{"ip": "192.0.2.1"}]),
    Err("status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"))]
#[case::bad_ip("LoadBalancer", json!([{"hostname": "a"}, {"ip": "192.0.02.1"}]),
    Err("status.loadBalancer.ingress[1].ip: Invalid value: \"192.0.02.1\": must not have leading 0s"))]
#[case::mode_without_ip("LoadBalancer", json!([{"hostname": "a", "ipMode": "VIP"}]),
    Err("status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set"))]
#[case::unknown_mode("LoadBalancer", json!([{"ip": "192.0.2.1", "ipMode": "Bridge"}]),
    Err("status.loadBalancer.ingress[0].ipMode: Unsupported value: \"Bridge\": supported values: \"Proxy\", \"VIP\""))]
#[case::hostname_is_an_ip("LoadBalancer", json!([{"hostname": "192.0.2.1"}]),
    Err("status.loadBalancer.ingress[0].hostname: Invalid value: \"192.0.2.1\": must be a DNS name, not an IP address"))]
fn status(#[case] kind: &str, #[case] ingress: Value, #[case] expected: Result<Value, &str>) {
    let registry = ServiceRegistry::default();
    let old = service(kind).port(80).created(&registry);
    let mut new = old.clone();
    new["spec"]["type"] = json!("NodePort");
    new["metadata"]["finalizers"] = json!(["x/y"]);
    new["status"] = json!({"loadBalancer": {"ingress": ingress}, "conditions": [{"type": "A", "lastTransitionTime": "2026-01-01T00:00:00Z",
        "status": "True", "reason": "R", "message": ""}]});
    let conditions = new["status"]["conditions"].clone();
    let answer = registry.prepare_status(&old, &mut new);
    match expected {
        Ok(ingress) => {
            answer.expect("a good status");
            assert_eq!((&new["status"]["loadBalancer"]["ingress"], &new["spec"]), (&ingress, &old["spec"]));
            assert_eq!(
                (&new["status"]["conditions"], &new["metadata"]["finalizers"]),
                (&conditions, &json!(["x/y"]))
            );
        }
        Err(text) => assert_eq!(causes(&answer.unwrap_err()), [text]),
    }
}

#[test]
fn a_stored_odd_address_stays_acceptable() {
    let registry = ServiceRegistry::default();
    let mut old = service("LoadBalancer").port(80).created(&registry);
    old["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.02.1", "ipMode": "VIP"}]}});
    let mut new = old.clone();
    registry.prepare_status(&old, &mut new).expect("the old value is tolerated");
    assert_eq!(new, old);
}
