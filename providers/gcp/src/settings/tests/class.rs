use super::*;

type Change = fn(&mut GcpParams);

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

fn label(params: &mut GcpParams, key: &str, value: &str) {
    params.labels.insert(key.to_owned(), value.to_owned());
}

fn health(params: &mut GcpParams, change: impl FnOnce(&mut HealthCheckParams)) {
    change(params.health_check.get_or_insert_default());
}

fn client(pairs: Pairs<'_>) -> DesiredLb {
    sticky(10_800, pairs).with(|member| member.local(32_000))
}

#[rstest]
#[case::scheme(|p: &mut GcpParams| p.scheme = Some(Scheme::Internal), "/balancer/scheme", json!("Internal"),
    (TYPE, "External"), json!("External"))]
#[case::tier(|p: &mut GcpParams| p.network_tier = Some(NetworkTier::Standard), "/balancer/tier", json!("Standard"),
    (TIER, "Premium"), json!("Premium"))]
#[case::backends(|p: &mut GcpParams| p.backends = Some(Backends::InstanceGroup), "/balancer/backends",
    json!("InstanceGroup"), (BACKENDS, "NetworkEndpointGroup"), json!("NetworkEndpointGroup"))]
#[case::labels(|p: &mut GcpParams| label(p, "team", "a"), "/balancer/labels", json!({"team": "a"}),
    (LABELS, "team=b,x=y"), json!({"team": "b", "x": "y"}))]
#[case::affinity(|p: &mut GcpParams| p.session_affinity = Some(Affinity::ClientIpProto), "/web/affinity",
    json!("CLIENT_IP_PROTO"), (AFFINITY, "ClientIp"), json!("CLIENT_IP"))]
#[case::draining(|p: &mut GcpParams| p.connection_draining_seconds = Some(5), "/web/draining_seconds", json!(5),
    (DRAINING, "6"), json!(6))]
#[case::persistence(|p: &mut GcpParams| p.connection_persistence = Some(Persistence::NeverPersist), "/web/tracking",
    json!({"connectionPersistenceOnUnhealthyBackends": "NEVER_PERSIST"}),
    (PERSISTENCE, "DefaultForProtocol"), Value::Null)]
#[case::logging(|p: &mut GcpParams| p.logging = Some(LoggingParams { enabled: true, sample_percent: Some(50) }),
    "/web/logging", json!({"enable": true, "sampleRate": 0.5}), (LOGGING, "0"), Value::Null)]
#[case::logging_all(|p: &mut GcpParams| p.logging = Some(LoggingParams { enabled: true, sample_percent: None }),
    "/web/logging/sampleRate", json!(1.0), (LOGGING, "25"), json!(0.25))]
#[case::no_logging(|p: &mut GcpParams| p.logging = Some(LoggingParams { enabled: false, sample_percent: Some(50) }),
    "/web/logging/sampleRate", Value::Null, (LOGGING, "25"), json!(0.25))]
#[case::firewall(|p: &mut GcpParams| p.manage_firewall = Some(false), "/web/firewall", json!("Unmanaged"),
    (MANAGE_FIREWALL, "true"), json!("Found"))]
#[case::tags(|p: &mut GcpParams| p.target_tags = texts(&["node"]), "/web/firewall", json!({"Tags": ["node"]}),
    (TARGET_ACCOUNTS, "a@b.c"), json!({"ServiceAccounts": ["a@b.c"]}))]
#[case::accounts(|p: &mut GcpParams| p.target_service_accounts = texts(&["a@b.c"]), "/web/firewall",
    json!({"ServiceAccounts": ["a@b.c"]}), (TARGET_TAGS, "node"), json!({"Tags": ["node"]}))]
fn an_annotation_overrides_the_class(
    #[case] change: Change,
    #[case] pointer: &str,
    #[case] want: Value,
    #[case] annotation: (&str, &str),
    #[case] overridden: Value,
) {
    assert_eq!(at(&of_class(client(&[]), change), pointer), want);
    assert_eq!(at(&of_class(client(&[annotation]), change), pointer), overridden);
}

#[rstest]
#[case::global(|p: &mut GcpParams| p.global_access = Some(true), "/balancer/global_access", json!(true), json!(false))]
#[case::subnet(|p: &mut GcpParams| p.subnetwork = Some("edge".to_owned()), "/balancer/subnetwork",
    json!("edge"), Value::Null)]
#[case::tier(|p: &mut GcpParams| p.network_tier = Some(NetworkTier::Standard), "/balancer/tier",
    json!("Premium"), json!("Standard"))]
#[case::zone(|p: &mut GcpParams| p.zonal_affinity = Some(ZonalAffinity::StayWithinZone), "/web/zonal_affinity",
    json!("ZONAL_AFFINITY_STAY_WITHIN_ZONE"), Value::Null)]
fn what_the_class_says_holds_for_the_scheme_that_has_it(
    #[case] change: Change,
    #[case] pointer: &str,
    #[case] internal: Value,
    #[case] external: Value,
) {
    let desired = |scheme| of_class(client(&[(TYPE, scheme)]), change);
    assert_eq!(at(&desired("Internal"), pointer), internal);
    assert_eq!(at(&desired("External"), pointer), external);
    assert_eq!(problems(&desired("Internal")), []);
}

#[test]
fn the_class_does_not_ask_for_more_than_the_service_can_have() {
    let class = |desired| {
        of_class(desired, |class| {
            class.weighted = Some(true);
            class.session_affinity = Some(Affinity::ClientIpProto);
        })
    };
    assert_eq!(at(&class(client(&[])), "/web/weighted"), json!(true));
    assert_eq!(at(&class(web(&[])), "/web/weighted"), json!(false), "the policy is Cluster");
    assert_eq!(at(&class(web(&[])), "/web/affinity"), json!("NONE"), "the Service wants no affinity");
}

#[rstest]
#[case::ipv6(of_class(stacked(&[V6], &[]), |p| p.network_tier = Some(NetworkTier::Standard)), "spec.ipFamilies",
    "LoadBalancerClass.spec.gcp.networkTier \"Standard\" (of the class)")]
#[case::affinity(
    of_class(client(&[(TYPE, "External")]), |p| {
        p.scheme = Some(Scheme::Internal);
        p.session_affinity = Some(Affinity::ClientIpNoDestination);
    }),
    TYPE,
    "LoadBalancerClass.spec.gcp.sessionAffinity \"ClientIpNoDestination\" (of the class)"
)]
#[case::global_access(of_class(web(&[(GLOBAL_ACCESS, "true")]), |p| p.scheme = Some(Scheme::External)), GLOBAL_ACCESS,
    "LoadBalancerClass.spec.gcp.scheme \"External\" (of the class)")]
fn a_service_that_cannot_be_what_its_class_says_is_refused(
    #[case] desired: DesiredLb,
    #[case] field: &str,
    #[case] word: &str,
) {
    assert_refused(&desired, field, word);
    assert!(read(&desired).refusals[0].member.is_some());
}

#[rstest]
#[case::subnet(|p: &mut GcpParams| p.subnetwork = Some("a/b".to_owned()), "subnetwork", "must be a name")]
#[case::draining(|p: &mut GcpParams| p.connection_draining_seconds = Some(3601), "connectionDrainingSeconds", "0 to 3600")]
#[case::affinity(|p: &mut GcpParams| p.session_affinity = Some(Affinity::ClientIpNoDestination), "sessionAffinity",
    "scheme Internal")]
#[case::logging(|p: &mut GcpParams| p.logging = Some(LoggingParams { enabled: true, sample_percent: Some(101) }),
    "logging.samplePercent", "0 to 100")]
#[case::tag(|p: &mut GcpParams| p.target_tags = texts(&["Node"]), "targetTags", "must be a name")]
#[case::tag_twice(|p: &mut GcpParams| p.target_tags = texts(&["a", "a"]), "targetTags", "twice")]
#[case::account(|p: &mut GcpParams| p.target_service_accounts = texts(&["nodes"]), "targetServiceAccounts", "address")]
#[case::accounts(
    |p: &mut GcpParams| p.target_service_accounts = (0..11).map(|i| format!("n{i}@b.c")).collect(),
    "targetServiceAccounts",
    "at most 10"
)]
#[case::both(
    |p: &mut GcpParams| (p.target_tags, p.target_service_accounts) = (texts(&["a"]), texts(&["a@b.c"])),
    "targetServiceAccounts",
    "one of the two"
)]
#[case::label(|p: &mut GcpParams| label(p, "Team", "x"), "labels", "lower-case")]
#[case::labels(|p: &mut GcpParams| p.labels = (0..57).map(|i| (format!("k{i}"), String::new())).collect(), "labels", "at most 56")]
#[case::port(|p: &mut GcpParams| health(p, |c| c.port = Some(0)), "healthCheck.port", "1 to 65535")]
#[case::interval(|p: &mut GcpParams| health(p, |c| c.interval_seconds = Some(301)),
    "healthCheck.intervalSeconds", "1 to 300")]
#[case::threshold(|p: &mut GcpParams| health(p, |c| c.healthy_threshold = Some(11)),
    "healthCheck.healthyThreshold", "1 to 10")]
#[case::timeout(
    |p: &mut GcpParams| health(p, |c| (c.timeout_seconds, c.interval_seconds) = (Some(5), Some(4))),
    "healthCheck.timeoutSeconds",
    "at most the interval, which is 4"
)]
#[case::https(|p: &mut GcpParams| health(p, |c| c.protocol = Some(HealthProtocol::Https)),
    "healthCheck.protocol", "does not speak TLS")]
#[case::path(|p: &mut GcpParams| health(p, |c| c.path = Some("/ok".to_owned())), "healthCheck.path",
    "answers on /healthz")]
#[case::path_relative(
    |p: &mut GcpParams| health(p, |c| (c.port, c.path) = (Some(80), Some("ok".to_owned()))),
    "healthCheck.path",
    "begin with /"
)]
#[case::path_tcp(
    |p: &mut GcpParams| health(p, |c| (c.protocol, c.path) = (Some(HealthProtocol::Tcp), Some("/ok".to_owned()))),
    "healthCheck.path",
    "asks for no page"
)]
fn a_mistake_of_the_class_refuses_all(#[case] change: Change, #[case] path: &str, #[case] word: &str) {
    for desired in [of_class(web(&[]), change), of_class(client(&[]), change)] {
        assert_refused(&desired, &format!("LoadBalancerClass.spec.gcp.{path}"), word);
        assert_eq!(read(&desired).refusals[0].member, None);
    }
}

#[test]
fn parameters_of_another_provider_are_refused() {
    let desired = web(&[]).params(ClassParams::Metal(MetalParams::default()));
    assert_refused(&desired, "spec.loadBalancerClass", "has parameters for metal");
    assert_eq!(read(&desired).refusals[0].member, None);
}
