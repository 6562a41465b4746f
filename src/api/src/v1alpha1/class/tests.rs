use std::collections::BTreeMap;

use landfall_core::error::Category;
use landfall_core::params::aws::{HealthCheckParams, HealthProtocol, Publish, Scheme, TargetType};
use landfall_core::params::gcp;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::v1alpha1::testing::{defaulted, refusals};

fn manifest(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "LoadBalancerClass",
        "metadata": {"name": name, "generation": 3},
        "spec": spec,
    })
}

/// A class as the API server hands it out.
fn class(spec: &Value) -> LoadBalancerClass {
    serde_json::from_value(defaulted::<LoadBalancerClass>(&manifest("gold", spec))).unwrap()
}

fn problem() -> Problem {
    Problem {
        category: Category::new("ProviderNotEnabled"),
        message: "start with --providers metal".to_owned(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[rstest]
#[case::bare("gold", json!({"provider": "aws"}))]
#[case::own_block("gold", json!({"provider": "metal", "metal": {"addressPools": ["lan"]}}))]
#[case::own_block_empty("gold", json!({"provider": "metal", "metal": {}}))]
#[case::aws_block("gold", json!({"provider": "aws", "aws": {"scheme": "internet-facing", "targetType": "ip"}}))]
#[case::gcp_block("gold", json!({"provider": "gcp", "gcp": {"scheme": "Internal", "logging": {"enabled": true}}}))]
#[case::provider_name("metal", json!({"provider": "metal"}))]
#[case::longest_name(&"x".repeat(63), json!({"provider": "gcp"}))]
fn classes_are_accepted(#[case] name: &str, #[case] spec: Value) {
    assert_eq!(refusals::<LoadBalancerClass>(&manifest(name, &spec), None), [""; 0]);
}

#[rstest]
#[case::foreign_block(
    "gold",
    json!({"provider": "aws", "metal": {}}),
    "spec: metal may only be given if provider is metal"
)]
#[case::foreign_aws_block(
    "gold",
    json!({"provider": "metal", "aws": {}}),
    "spec: aws may only be given if provider is aws"
)]
#[case::foreign_gcp_block(
    "gold",
    json!({"provider": "metal", "gcp": {}}),
    "spec: gcp may only be given if provider is gcp"
)]
#[case::name_of_another_provider(
    "aws",
    json!({"provider": "metal"}),
    ": a class with the name of a provider must name this provider"
)]
#[case::long_name(&"x".repeat(64), json!({"provider": "metal"}), ": the name must have at most 63 characters")]
#[case::selector(
    "gold",
    json!({"provider": "metal", "allowedNamespaces": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
    "spec.allowedNamespaces.matchExpressions[0]: values must be given for In and NotIn, and for these only"
)]
fn classes_are_refused(#[case] name: &str, #[case] spec: Value, #[case] refusal: &str) {
    assert_eq!(refusals::<LoadBalancerClass>(&manifest(name, &spec), None), [refusal]);
}

#[rstest]
#[case::parameters(json!({"provider": "metal", "metal": {"addressPools": ["lan"]}, "default": true}), &[])]
#[case::provider(json!({"provider": "gcp"}), &["spec.provider: provider cannot be changed; create another class"])]
fn changes(#[case] spec: Value, #[case] expected: &[&str]) {
    let old = manifest("gold", &json!({"provider": "metal"}));
    assert_eq!(refusals::<LoadBalancerClass>(&manifest("gold", &spec), Some(&old)), expected);
}

#[test]
fn defaults_are_filled_in_by_the_schema_and_by_us_alike() {
    let bare = manifest("gold", &json!({"provider": "metal"}));
    let ours: LoadBalancerClass = serde_json::from_value(bare.clone()).unwrap();
    let servers: LoadBalancerClass = serde_json::from_value(defaulted::<LoadBalancerClass>(&bare)).unwrap();
    assert_eq!(ours, servers);
    let mut expected = Class::built_in(ProviderName::Metal).unwrap();
    expected.name = ClassName::new("gold").unwrap();
    expected.built_in = false;
    assert_eq!(Class::try_from(&ours), Ok(expected));
}

#[test]
fn every_field_reaches_the_core() {
    let object = class(&json!({
        "provider": "metal",
        "metal": {"addressPools": ["lan", "wan"]},
        "default": true,
        "sharing": "Cluster",
        "allowedNamespaces": {"matchLabels": {"team": "shop"}},
    }));
    let expected = Class {
        name: ClassName::new("gold").unwrap(),
        provider: ProviderName::Metal,
        params: ClassParams::Metal(MetalParams { address_pools: vec!["lan".to_owned(), "wan".to_owned()] }),
        default: true,
        sharing: Sharing::Cluster,
        allowed_namespaces: Some(LabelSelector {
            match_labels: Some([("team".to_owned(), "shop".to_owned())].into()),
            match_expressions: None,
        }),
        built_in: false,
    };
    assert_eq!(Class::try_from(&object), Ok(expected));
}

#[test]
fn parameters_of_aws_reach_the_core() {
    let object = class(&json!({
        "provider": "aws",
        "aws": {
            "scheme": "internet-facing",
            "subnets": ["subnet-1"],
            "targetType": "ip",
            "securityGroups": ["sg-1"],
            "manageBackendRules": true,
            "attributes": {"load_balancing.cross_zone.enabled": "true"},
            "targetGroupAttributes": {"deregistration_delay.timeout_seconds": "30"},
            "healthCheck": {"protocol": "HTTP", "port": "8080", "path": "/ok", "successCodes": "200",
                "intervalSeconds": 5, "timeoutSeconds": 2, "healthyThreshold": 3, "unhealthyThreshold": 4},
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "targetNodeLabels": {"role": "edge"},
            "tags": {"team": "shop"},
            "publish": "Active",
        },
    }));
    let text = |value: &str| Some(value.to_owned());
    let pair = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let expected = AwsParams {
        scheme: Some(Scheme::InternetFacing),
        subnets: vec!["subnet-1".to_owned()],
        target_type: Some(TargetType::Ip),
        security_groups: vec!["sg-1".to_owned()],
        manage_backend_rules: Some(true),
        attributes: pair("load_balancing.cross_zone.enabled", "true"),
        target_group_attributes: pair("deregistration_delay.timeout_seconds", "30"),
        health_check: Some(HealthCheckParams {
            protocol: Some(HealthProtocol::Http),
            port: text("8080"),
            path: text("/ok"),
            success_codes: text("200"),
            interval_seconds: Some(5),
            timeout_seconds: Some(2),
            healthy_threshold: Some(3),
            unhealthy_threshold: Some(4),
        }),
        ssl_policy: text("ELBSecurityPolicy-TLS13-1-2-2021-06"),
        target_node_labels: pair("role", "edge"),
        tags: pair("team", "shop"),
        publish: Some(Publish::Active),
    };
    assert_eq!(Class::try_from(&object).unwrap().params, ClassParams::Aws(Box::new(expected)));
}

#[test]
fn parameters_of_gcp_reach_the_core() {
    let object = class(&json!({
        "provider": "gcp",
        "gcp": {
            "scheme": "Internal",
            "subnetwork": "edge",
            "networkTier": "Standard",
            "globalAccess": true,
            "backends": "InstanceGroup",
            "sessionAffinity": "ClientIpNoDestination",
            "connectionDrainingSeconds": 60,
            "connectionPersistence": "NeverPersist",
            "zonalAffinity": "SpillCrossZone",
            "weighted": true,
            "healthCheck": {"protocol": "HTTPS", "port": 8443, "path": "/ok", "intervalSeconds": 5,
                "timeoutSeconds": 2, "healthyThreshold": 3, "unhealthyThreshold": 4},
            "logging": {"enabled": true, "samplePercent": 10},
            "manageFirewall": false,
            "targetTags": ["node"],
            "targetServiceAccounts": ["nodes@shop.iam.gserviceaccount.com"],
            "labels": {"team": "shop"},
        },
    }));
    let expected = gcp::GcpParams {
        scheme: Some(gcp::Scheme::Internal),
        subnetwork: Some("edge".to_owned()),
        network_tier: Some(gcp::NetworkTier::Standard),
        global_access: Some(true),
        backends: Some(gcp::Backends::InstanceGroup),
        session_affinity: Some(gcp::Affinity::ClientIpNoDestination),
        connection_draining_seconds: Some(60),
        connection_persistence: Some(gcp::Persistence::NeverPersist),
        zonal_affinity: Some(gcp::ZonalAffinity::SpillCrossZone),
        weighted: Some(true),
        health_check: Some(gcp::HealthCheckParams {
            protocol: Some(gcp::HealthProtocol::Https),
            port: Some(8443),
            path: Some("/ok".to_owned()),
            interval_seconds: Some(5),
            timeout_seconds: Some(2),
            healthy_threshold: Some(3),
            unhealthy_threshold: Some(4),
        }),
        logging: Some(gcp::LoggingParams { enabled: true, sample_percent: Some(10) }),
        manage_firewall: Some(false),
        target_tags: vec!["node".to_owned()],
        target_service_accounts: vec!["nodes@shop.iam.gserviceaccount.com".to_owned()],
        labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
    };
    assert_eq!(Class::try_from(&object).unwrap().params, ClassParams::Gcp(Box::new(expected)));
}

#[rstest]
#[case::provider(json!({"provider": "azure"}), "InvalidValue", &["spec.provider: \"azure\"", "aws"])]
#[case::sharing(json!({"provider": "aws", "sharing": "Team"}), "InvalidValue", &["spec.sharing: \"Team\"", "Namespace"])]
#[case::parameter(
    json!({"provider": "metal", "metal": {"racks": 3}}),
    "InvalidValue",
    &["spec.metal: {\"racks\":3}", "unknown field `racks`"]
)]
#[case::aws_parameter(
    json!({"provider": "aws", "aws": {"racks": 3}}),
    "InvalidValue",
    &["spec.aws: {\"racks\":3}", "unknown field `racks`"]
)]
#[case::gcp_parameter(
    json!({"provider": "gcp", "gcp": {"racks": 3}}),
    "InvalidValue",
    &["spec.gcp: {\"racks\":3}", "unknown field `racks`"]
)]
#[case::foreign_gcp_block(
    json!({"provider": "aws", "gcp": {}}),
    "ConflictingValues",
    &["spec.gcp", "another provider than \"aws\""]
)]
#[case::foreign_aws_block(
    json!({"provider": "gcp", "aws": {}}),
    "ConflictingValues",
    &["spec.aws", "another provider than \"gcp\""]
)]
#[case::foreign_block(
    json!({"provider": "aws", "metal": {}}),
    "ConflictingValues",
    &["spec.metal", "another provider than \"aws\""]
)]
#[case::operator(
    json!({"provider": "aws", "allowedNamespaces": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}}),
    "InvalidValue",
    &["spec.allowedNamespaces: \"Gt\"", "DoesNotExist"]
)]
fn what_this_version_cannot_use_is_told(#[case] spec: Value, #[case] reason: &str, #[case] words: &[&str]) {
    let error = Class::try_from(&class(&spec)).unwrap_err();
    let problem = Problem::from(&error);
    assert_eq!(problem.category.as_str(), reason);
    for word in words {
        assert!(problem.message.contains(word), "{word} is not in: {}", problem.message);
    }
}

#[test]
fn a_name_too_long_is_told() {
    let mut object = class(&json!({"provider": "metal"}));
    object.metadata.name = Some("x".repeat(64));
    assert!(matches!(Class::try_from(&object), Err(ClassError::Name(_))));
}

#[test]
fn classes_of_a_newer_version_are_read_and_written_back_whole() {
    let spec = json!({
        "provider": "azure",
        "metal": {"racks": 3},
        "default": false,
        "sharing": "Team",
    });
    let mut newer = spec.clone();
    newer["tier"] = json!("gold");
    let object: LoadBalancerClass = serde_json::from_value(manifest("gold", &newer)).unwrap();
    assert_eq!(serde_json::to_value(&object.spec).unwrap(), spec);
}

#[rstest]
#[case::nothing(2, Ok(()), None)]
#[case::more_users(5, Ok(()), Some(("True", 5, 100)))]
#[case::not_served(2, Err(problem()), Some(("False", 2, 200)))]
fn a_status_is_written_only_if_it_changes(
    #[case] services: i64,
    #[case] verdict: Result<(), Problem>,
    #[case] expected: Option<(&str, i64, i64)>,
) {
    let mut object = class(&json!({"provider": "metal"}));
    object.status = next_class_status(&object, 2, Ok(()), at(100));
    assert_eq!(object.status.as_ref().unwrap().observed_generation, Some(3));
    let next = next_class_status(&object, services, verdict, at(200));
    let seen = next.as_ref().map(|status| {
        let ready = &status.conditions[0];
        (ready.status.as_str(), status.services, ready.last_transition_time.0.as_second())
    });
    assert_eq!(seen, expected);
}
