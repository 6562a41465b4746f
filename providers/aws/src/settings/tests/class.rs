use super::*;

fn of_class(desired: DesiredLb, change: impl FnOnce(&mut AwsParams)) -> DesiredLb {
    let mut params = AwsParams::default();
    change(&mut params);
    desired.params(ClassParams::Aws(Box::new(params)))
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

fn map(pairs: Pairs<'_>) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

type Change = fn(&mut AwsParams);

#[rstest]
#[case::scheme(|p: &mut AwsParams| p.scheme = Some(Scheme::InternetFacing), "/balancer/scheme", json!("internet-facing"),
    ("scheme", "internal"), json!("internal"))]
#[case::subnets(|p: &mut AwsParams| p.subnets = texts(&["a", "b"]), "/balancer/subnets", json!(["a", "b"]),
    ("subnets", "c"), json!(["c"]))]
#[case::targets(|p: &mut AwsParams| p.target_type = Some(TargetType::Ip), "/web/targets", json!("ip"),
    ("nlb-target-type", "instance"), json!("instance"))]
#[case::groups(|p: &mut AwsParams| p.security_groups = texts(&["edge"]), "/balancer/security",
    json!({"Given": {"groups": ["edge"], "backend": false}}),
    ("disable-nlb-sg", "true"), json!("None"))]
#[case::backend(|p: &mut AwsParams| p.manage_backend_rules = Some(false), "/balancer/security",
    json!({"Managed": {"backend": false}}),
    ("manage-backend-security-group-rules", "true"), json!({"Managed": {"backend": true}}))]
#[case::attributes(|p: &mut AwsParams| p.attributes = map(&[("load_balancing.cross_zone.enabled", "T")]),
    "/balancer/attributes", json!({"load_balancing.cross_zone.enabled": "true"}),
    ("cross-zone-load-balancing-enabled", "false"), json!({"load_balancing.cross_zone.enabled": "false"}))]
#[case::group_attributes(|p: &mut AwsParams| p.target_group_attributes = map(&[("stickiness.enabled", "true")]),
    "/web/listeners/0/group_attributes", json!({"stickiness.enabled": "true"}),
    ("target-group-attributes", "stickiness.enabled=false"), json!({"stickiness.enabled": "false"}))]
#[case::labels(|p: &mut AwsParams| p.target_node_labels = map(&[("role", "edge")]),
    "/web/node_labels", json!({"role": "edge"}),
    ("target-node-labels", "pool"), json!({"pool": null}))]
#[case::tags(|p: &mut AwsParams| p.tags = map(&[("team", "a")]), "/balancer/tags", json!({"team": "a"}),
    ("additional-resource-tags", "team=b,x=y"), json!({"team": "b", "x": "y"}))]
fn an_annotation_overrides_the_class(
    #[case] change: Change,
    #[case] pointer: &str,
    #[case] want: Value,
    #[case] annotation: (&str, &str),
    #[case] overridden: Value,
) {
    assert_eq!(at(&of_class(web(&[]), change), pointer), want);
    assert_eq!(at(&of_class(web(&[annotation]), change), pointer), overridden);
}

#[test]
fn the_class_names_targets_policy_and_publication() {
    let member = web(&[]).members.remove(0);
    let pods = AwsParams { target_type: Some(TargetType::Ip), ..AwsParams::default() };
    assert_eq!(target_kind(&ClassParams::Aws(Box::new(pods)), &member), TargetKind::Endpoints);
    let cert = "arn:aws:acm:eu-west-1:123456789012:certificate/0a";
    let desired = of_class(web(&[("ssl-cert", cert)]), |params| {
        params.ssl_policy = Some("Strict".to_owned());
        params.publish = Some(Publish::Active);
    });
    assert_eq!(at(&desired, "/web/listeners/0/tls/policy"), json!("Strict"));
    assert_eq!(at(&desired, "/balancer/publish"), json!("Active"));
}

fn health(params: &mut AwsParams) {
    params.health_check = Some(HealthCheckParams {
        protocol: Some(HealthProtocol::Http),
        port: Some("tcp-80".to_owned()),
        path: Some("/ok".to_owned()),
        success_codes: Some("200".to_owned()),
        interval_seconds: Some(20),
        timeout_seconds: Some(5),
        healthy_threshold: Some(4),
        unhealthy_threshold: Some(5),
    });
}

#[test]
fn the_class_shapes_health_checks_and_each_field_can_be_overridden() {
    let want = json!({"protocol": "HTTP", "port": 30080, "path": "/ok", "codes": "200", "interval": 20, "timeout": 5,
        "healthy": 4, "unhealthy": 5});
    assert_eq!(at(&of_class(web(&[]), health), "/web/listeners/0/health"), want);
    let tcp = [
        ("healthcheck-protocol", "tcp"),
        ("healthcheck-interval", "5"),
        ("healthcheck-port", "traffic-port"),
    ];
    let want = json!({"protocol": "TCP", "port": null, "path": null, "codes": null, "interval": 5, "timeout": 5,
        "healthy": 4, "unhealthy": 5});
    assert_eq!(at(&of_class(web(&tcp), health), "/web/listeners/0/health"), want);
    let unnamed = of_class(serving(&[(Protocol::Tcp, 81)], &[]), health);
    let refusals = read(&unnamed).refusals;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0].field, "LoadBalancerClass.spec.aws.healthCheck.port");
    assert!(refusals[0].member.is_some(), "another Service of the class may have the port");
}

#[rstest]
#[case::subnet_empty(|p: &mut AwsParams| p.subnets = texts(&[""]), "subnets[0]", "empty")]
#[case::subnet_twice(|p: &mut AwsParams| p.subnets = texts(&["a", "a"]), "subnets[1]", "twice")]
#[case::group(|p: &mut AwsParams| p.security_groups = texts(&["sg-?"]), "securityGroups[0]", "sg-0123")]
#[case::attribute(|p: &mut AwsParams| p.attributes = map(&[("cross_zone", "true")]), "attributes", "no such attribute")]
#[case::logs(|p: &mut AwsParams| p.attributes = map(&[("access_logs.s3.enabled", "true")]), "attributes", "bucket")]
#[case::group_attribute(
    |p: &mut AwsParams| p.target_group_attributes = map(&[("stickiness.enabled", "x")]),
    "targetGroupAttributes",
    "true or false"
)]
#[case::draining(
    |p: &mut AwsParams| p.target_group_attributes =
        map(&[("target_health_state.unhealthy.draining_interval_seconds", "30")]),
    "targetGroupAttributes",
    "connection_termination.enabled=false"
)]
#[case::policy(|p: &mut AwsParams| p.ssl_policy = Some("a b".to_owned()), "sslPolicy", "security policy")]
#[case::label(|p: &mut AwsParams| p.target_node_labels = map(&[("a", "-")]), "targetNodeLabels", "cannot be a label")]
#[case::tag(|p: &mut AwsParams| p.tags = map(&[("aws:x", "y")]), "tags", "reserved")]
#[case::tags(|p: &mut AwsParams| p.tags = (0..45).map(|i| (format!("k{i}"), String::new())).collect(), "tags", "at most 44")]
#[case::health_range(
    |p: &mut AwsParams| p.health_check = Some(HealthCheckParams { interval_seconds: Some(4), ..Default::default() }),
    "healthCheck.intervalSeconds",
    "5 to 300"
)]
#[case::health_timeout(
    |p: &mut AwsParams| p.health_check = Some(HealthCheckParams { timeout_seconds: Some(11), ..Default::default() }),
    "healthCheck.timeoutSeconds",
    "at most the interval, which is 10 seconds"
)]
#[case::health_port(
    |p: &mut AwsParams| p.health_check = Some(HealthCheckParams { port: Some("0".to_owned()), ..Default::default() }),
    "healthCheck.port",
    "1 to 65535"
)]
#[case::health_path(
    |p: &mut AwsParams| p.health_check = Some(HealthCheckParams { path: Some("/x".to_owned()), ..Default::default() }),
    "healthCheck.path",
    "HTTP or HTTPS"
)]
fn a_mistake_of_the_class_refuses_all(#[case] change: Change, #[case] path: &str, #[case] word: &str) {
    let refusals = read(&of_class(web(&[]), change)).refusals;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0].member, None);
    assert_eq!(refusals[0].field, format!("LoadBalancerClass.spec.aws.{path}"));
    assert!(refusals[0].message.contains(word), "{}", refusals[0]);
}

#[test]
fn parameters_of_another_provider_are_refused() {
    let refusals = read(&web(&[]).params(ClassParams::Metal(MetalParams::default()))).refusals;
    assert_eq!(refusals.len(), 1);
    assert_eq!((refusals[0].member.as_ref(), refusals[0].field.as_str()), (None, "spec.loadBalancerClass"));
}

#[rstest]
#[case::ipv4("ipv4", json!({}))]
#[case::dualstack("dualstack", json!({"ipv6.deny_all_igw_traffic": "false"}))]
fn what_the_class_says_about_ipv6_is_for_dualstack(#[case] kind: &str, #[case] want: Value) {
    let desired = of_class(web(&[("ip-address-type", kind)]), |params| {
        params.attributes = map(&[("ipv6.deny_all_igw_traffic", "false")]);
    });
    assert_eq!(at(&desired, "/balancer/attributes"), want);
}

#[test]
fn what_the_class_asks_for_udp_in_vain_does_not_refuse_udp() {
    let desired = of_class(serving(&[(Protocol::Tcp, 80), (Protocol::Udp, 53)], &[]), |params| {
        params.target_group_attributes = map(&[
            ("preserve_client_ip.enabled", "false"),
            ("target_health_state.unhealthy.connection_termination.enabled", "true"),
        ]);
    });
    let tcp = at(&desired, "/web/listeners/0/group_attributes");
    assert_eq!(tcp["preserve_client_ip.enabled"], json!("false"));
    assert_eq!(at(&desired, "/web/listeners/1/group_attributes"), json!({}));
}

const TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
const DRAINING: &str = "target_health_state.unhealthy.draining_interval_seconds";

#[rstest]
#[case::tcp((Protocol::Tcp, 80), &[], json!({"stickiness.enabled": "true", TERMINATION: "false", DRAINING: "30"}))]
#[case::tls(
    (Protocol::Tcp, 80),
    &[("ssl-cert", "arn:aws:acm:eu-west-1:123456789012:certificate/0a")],
    json!({TERMINATION: "false", DRAINING: "30"})
)]
#[case::udp((Protocol::Udp, 53), &[], json!({"stickiness.enabled": "true"}))]
#[case::terminated_by_annotation(
    (Protocol::Tcp, 80),
    &[("target-group-attributes", "target_health_state.unhealthy.connection_termination.enabled=true")],
    json!({"stickiness.enabled": "true", TERMINATION: "true"})
)]
fn class_attributes_hold_for_the_groups_that_can_have_them(
    #[case] port: (Protocol, u16),
    #[case] pairs: Pairs<'_>,
    #[case] want: Value,
) {
    let desired = of_class(serving(&[port], pairs), |params| {
        params.target_group_attributes =
            map(&[("stickiness.enabled", "true"), (TERMINATION, "false"), (DRAINING, "30")]);
    });
    assert_eq!(at(&desired, "/web/listeners/0/group_attributes"), want);
}

#[test]
fn a_timeout_of_the_class_is_not_cut_to_the_interval_of_a_service() {
    let of = |pairs| {
        of_class(web(pairs), |params| {
            let seconds = HealthCheckParams {
                interval_seconds: Some(30),
                timeout_seconds: Some(20),
                ..HealthCheckParams::default()
            };
            params.health_check = Some(seconds);
        })
    };
    assert_eq!(at(&of(&[]), "/web/listeners/0/health/timeout"), json!(20));
    let short = of(&[("healthcheck-interval", "10")]);
    assert_refused(&short, "healthcheck-interval", "timeoutSeconds \"20\" (the class's)");
    let both = of(&[("healthcheck-interval", "10"), ("healthcheck-timeout", "5")]);
    assert_eq!(at(&both, "/web/listeners/0/health/timeout"), json!(5));
}
