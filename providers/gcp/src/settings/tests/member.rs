use super::*;

const INTERNAL: (&str, &str) = (TYPE, "Internal");
const STRONG: (&str, &str) = (STRONG_AFFINITY, "enabled");

fn local(pairs: Pairs<'_>) -> DesiredLb {
    web(pairs).with(|member| member.local(32_000))
}

#[rstest]
#[case::tcp(&[(Protocol::Tcp, 80)], "TCP", 30)]
#[case::udp(&[(Protocol::Udp, 53)], "UDP", 0)]
#[case::both(&[(Protocol::Tcp, 53), (Protocol::Udp, 53)], "UNSPECIFIED", 0)]
fn the_protocol_decides_about_draining(
    #[case] ports: &[(Protocol, u16)],
    #[case] want: &str,
    #[case] seconds: u32,
) {
    let desired = web(&[]).with(|member| member.listening(ports));
    assert_eq!(at(&desired, "/web/protocol"), json!(want));
    assert_eq!(at(&desired, "/web/draining_seconds"), json!(seconds));
    let asked = web(&[(DRAINING, "120")]).with(|member| member.listening(ports));
    assert_eq!(at(&asked, "/web/draining_seconds"), json!(120));
}

#[rstest]
#[case::none(web(&[]), "NONE")]
#[case::client(sticky(10_800, &[]), "CLIENT_IP")]
#[case::client_said(sticky(10_800, &[(AFFINITY, "ClientIp")]), "CLIENT_IP")]
#[case::protocol(sticky(10_800, &[(AFFINITY, "ClientIpProto")]), "CLIENT_IP_PROTO")]
#[case::ports(sticky(10_800, &[(AFFINITY, "ClientIpPortProto")]), "CLIENT_IP_PORT_PROTO")]
#[case::internal(sticky(10_800, &[INTERNAL, (AFFINITY, "ClientIpNoDestination")]), "CLIENT_IP_NO_DESTINATION")]
fn affinities(#[case] desired: DesiredLb, #[case] want: &str) {
    assert_eq!(at(&desired, "/web/affinity"), json!(want));
    assert_eq!(at(&desired, "/web/tracking"), Value::Null);
    assert_eq!(problems(&desired), []);
}

#[rstest]
#[case::shortest(60)]
#[case::longest(57_600)]
fn strong_affinity_lasts_as_long_as_the_service_says(#[case] seconds: u32) {
    let want =
        json!({"trackingMode": "PER_SESSION", "enableStrongAffinity": true, "idleTimeoutSec": seconds});
    assert_eq!(at(&sticky(seconds, &[STRONG]), "/web/tracking"), want);
}

#[test]
fn strong_affinity_and_persistence_go_together() {
    let tracking = at(&sticky(60, &[STRONG, (PERSISTENCE, "NeverPersist")]), "/web/tracking");
    assert_eq!(tracking["enableStrongAffinity"], json!(true));
    assert_eq!(tracking["connectionPersistenceOnUnhealthyBackends"], json!("NEVER_PERSIST"));
}

#[rstest]
#[case::draining("/web/draining_seconds", web(&[(DRAINING, "0")]), json!(0))]
#[case::draining_longest("/web/draining_seconds", web(&[(DRAINING, "3600")]), json!(3600))]
#[case::always("/web/tracking", web(&[(PERSISTENCE, "AlwaysPersist")]),
    json!({"connectionPersistenceOnUnhealthyBackends": "ALWAYS_PERSIST"}))]
#[case::by_protocol("/web/tracking", web(&[(PERSISTENCE, "DefaultForProtocol")]), Value::Null)]
#[case::weighted("/web/weighted", local(&[(WEIGHTED, "pods-per-node")]), json!(true))]
#[case::weighted_internal("/web/weighted", local(&[INTERNAL, (WEIGHTED, "pods-per-node")]), json!(true))]
#[case::zone("/web/zonal_affinity", web(&[INTERNAL, (ZONAL_AFFINITY, "SpillCrossZone")]),
    json!("ZONAL_AFFINITY_SPILL_CROSS_ZONE"))]
#[case::zone_only("/web/zonal_affinity", web(&[INTERNAL, (ZONAL_AFFINITY, "StayWithinZone")]),
    json!("ZONAL_AFFINITY_STAY_WITHIN_ZONE"))]
#[case::no_zone("/web/zonal_affinity", web(&[INTERNAL, (ZONAL_AFFINITY, "Disabled")]), Value::Null)]
#[case::no_zone_external("/web/zonal_affinity", web(&[(ZONAL_AFFINITY, "Disabled")]), Value::Null)]
#[case::logs("/web/logging", web(&[(LOGGING, "100")]), json!({"enable": true, "sampleRate": 1.0}))]
#[case::half_of_the_logs("/web/logging", web(&[(LOGGING, "50")]), json!({"enable": true, "sampleRate": 0.5}))]
#[case::no_logs("/web/logging", web(&[(LOGGING, "0")]), Value::Null)]
#[case::unmanaged("/web/firewall", web(&[(MANAGE_FIREWALL, "false")]), json!("Unmanaged"))]
#[case::managed("/web/firewall", web(&[(MANAGE_FIREWALL, "true")]), json!("Found"))]
#[case::tags("/web/firewall", web(&[(TARGET_TAGS, "node, edge")]), json!({"Tags": ["edge", "node"]}))]
#[case::accounts("/web/firewall", web(&[(TARGET_ACCOUNTS, "nodes@shop.iam.gserviceaccount.com")]),
    json!({"ServiceAccounts": ["nodes@shop.iam.gserviceaccount.com"]}))]
fn good(#[case] pointer: &str, #[case] desired: DesiredLb, #[case] want: Value) {
    assert_eq!(at(&desired, pointer), want);
    assert_eq!(problems(&desired), []);
}

#[rstest]
#[case::weighted(WEIGHTED, "true", "must be pods-per-node")]
#[case::strong(STRONG_AFFINITY, "true", "must be enabled")]
#[case::affinity(AFFINITY, "CLIENT_IP", "ClientIp or ClientIpProto or")]
#[case::persistence(PERSISTENCE, "Always", "DefaultForProtocol or AlwaysPersist or NeverPersist")]
#[case::draining(DRAINING, "3601", "0 to 3600")]
#[case::draining_unit(DRAINING, "30s", "0 to 3600")]
#[case::zone(ZONAL_AFFINITY, "true", "Disabled or SpillCrossZone or StayWithinZone")]
#[case::logging(LOGGING, "101", "0 to 100")]
#[case::logging_text(LOGGING, "true", "0 to 100")]
#[case::manage(MANAGE_FIREWALL, "no", "true or false")]
#[case::tags(TARGET_TAGS, "", "at least one")]
#[case::tag(TARGET_TAGS, "Node", "must be a name")]
#[case::account(TARGET_ACCOUNTS, "nodes", "address of a service account")]
#[case::account_twice(TARGET_ACCOUNTS, "a@b.c,a@b.c", "twice")]
#[case::pods(TARGETS, "pods", "must be nodes")]
#[case::targets(TARGETS, "Nodes", "nodes or pods")]
#[case::adopt(ADOPT, "web", "reserved address")]
#[case::forwarding_rule("networking.gke.io/custom-forwarding-rule", "web", "reserved address")]
fn bad(#[case] key: &str, #[case] value: &str, #[case] word: &str) {
    assert_refused(&local(&[(key, value)]), key, word);
}

#[rstest]
#[case::weighted_cluster(web(&[(WEIGHTED, "pods-per-node")]), WEIGHTED, "spec.externalTrafficPolicy \"Cluster\"")]
#[case::strong_internal(sticky(60, &[INTERNAL, STRONG]), STRONG_AFFINITY, "only external")]
#[case::strong_none(web(&[STRONG]), STRONG_AFFINITY, "sessionAffinity: ClientIP")]
#[case::strong_ports(sticky(60, &[STRONG, (AFFINITY, "ClientIpPortProto")]), STRONG_AFFINITY, "ClientIpProto")]
#[case::no_destination(sticky(60, &[(AFFINITY, "ClientIpNoDestination")]), AFFINITY, "only internal")]
#[case::zone_external(web(&[(ZONAL_AFFINITY, "StayWithinZone")]), ZONAL_AFFINITY, "only internal")]
#[case::tags_and_accounts(web(&[(TARGET_TAGS, "a"), (TARGET_ACCOUNTS, "a@b.c")]), TARGET_ACCOUNTS, "one of the two")]
fn conflicts(#[case] desired: DesiredLb, #[case] field: &str, #[case] word: &str) {
    assert_refused(&desired, field, word);
    assert_eq!(read(&desired).refusals[0].category, categories::CONFLICTING_VALUES);
}

#[rstest]
#[case::zone(TrafficDistribution::PreferSameZone, &[INTERNAL], json!("ZONAL_AFFINITY_SPILL_CROSS_ZONE"))]
#[case::node(TrafficDistribution::PreferSameNode, &[INTERNAL], Value::Null)]
#[case::annotation(TrafficDistribution::PreferSameZone, &[INTERNAL, (ZONAL_AFFINITY, "Disabled")], Value::Null)]
#[case::external(TrafficDistribution::PreferSameZone, &[], Value::Null)]
fn traffic_distribution_is_zonal_affinity(
    #[case] distribution: TrafficDistribution,
    #[case] pairs: Pairs<'_>,
    #[case] want: Value,
) {
    let desired = web(pairs).with(|member| Member { distribution: Some(distribution), ..member });
    assert_eq!(at(&desired, "/web/zonal_affinity"), want);
    assert_eq!(problems(&desired), [], "it is about traffic within the cluster first");
}

#[test]
fn traffic_distribution_goes_before_the_class() {
    let class =
        of_class(web(&[INTERNAL]), |class| class.zonal_affinity = Some(ZonalAffinity::StayWithinZone));
    assert_eq!(at(&class, "/web/zonal_affinity"), json!("ZONAL_AFFINITY_STAY_WITHIN_ZONE"));
    let asked =
        class.with(|member| Member { distribution: Some(TrafficDistribution::PreferSameZone), ..member });
    assert_eq!(at(&asked, "/web/zonal_affinity"), json!("ZONAL_AFFINITY_SPILL_CROSS_ZONE"));
}

#[rstest]
#[case(59)]
#[case(57_601)]
fn strong_affinity_has_bounds(#[case] seconds: u32) {
    let field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
    assert_refused(&sticky(seconds, &[STRONG]), field, "60 to 57600");
    assert_eq!(at(&sticky(seconds, &[]), "/web/affinity"), json!("CLIENT_IP"));
}

#[test]
fn packets_carry_the_address_of_the_load_balancer() {
    let desired = web(&[]).with(|member| Member { ip_mode: Some(IpMode::Proxy), ..member });
    assert_refused(&desired, "landfall.dev/ip-mode", "must be VIP");
    let fitting = web(&[]).with(|member| Member { ip_mode: Some(IpMode::Vip), ..member });
    assert_eq!(problems(&fitting), []);
}

#[rstest]
#[case::rbs("cloud.google.com/l4-rbs", "enabled", "Google's controllers")]
#[case::logging("networking.gke.io/l4lb-config", "logs", LOGGING)]
#[case::share("cloud.google.com/load-balancer-backend-share", "true", "of its own")]
#[case::share_alpha("alpha.cloud.google.com/load-balancer-backend-share", "true", "of its own")]
#[case::groups("cloud.google.com/neg", r#"{"exposed_ports": {"80": {}}}"#, "makes its own")]
#[case::affinity(AFFINITY, "ClientIp", "not ClientIP")]
#[case::pools(ADDRESS_POOLS, "lan", "other providers")]
#[case::confirm(ADOPT_CONFIRM, "0a1b", "other providers")]
fn what_has_no_effect_is_told(#[case] key: &str, #[case] value: &str, #[case] word: &str) {
    assert_told(&web(&[(key, value)]), problem::IGNORED, &[key, word]);
}

#[rstest]
#[case::tags(TARGET_TAGS, "node")]
#[case::accounts(TARGET_ACCOUNTS, "a@b.c")]
fn targets_are_for_whoever_makes_firewall_rules(#[case] key: &str, #[case] value: &str) {
    let desired = web(&[(MANAGE_FIREWALL, "false"), (key, value)]);
    assert_told(&desired, problem::IGNORED, &[key, "somebody else"]);
}

#[rstest]
#[case::tier("cloud.google.com/network-teir", TIER)]
#[case::kind("networking.gke.io/load-balancer-typ", TYPE)]
#[case::other_prefix("cloud.google.com/load-balancer-ip-addresses", ADDRESS_NAMES)]
#[case::written_apart("networking.gke.io/weighted-loadbalancing", WEIGHTED)]
#[case::own("landfall.dev/gcp-backend", BACKENDS)]
#[case::own_far_off("landfall.dev/gcp-x", "did you mean")]
fn typing_errors_are_told(#[case] key: &str, #[case] meant: &str) {
    assert_told(&web(&[(key, "x")]), problem::UNKNOWN, &[key, meant]);
}

#[rstest]
#[case("cloud.google.com/backend-config")]
#[case("cloud.google.com/app-protocols")]
#[case("cloud.google.com/neg-status")]
#[case("cloud.google.com/neg")]
#[case("networking.gke.io/backend-service")]
#[case("networking.gke.io/target-pool")]
#[case("networking.gke.io/max-rate-per-endpoint")]
#[case("service.kubernetes.io/tcp-forwarding-rule")]
#[case("service.beta.kubernetes.io/aws-load-balancer-scheme")]
#[case("metallb.io/address-pool")]
fn keys_of_others_are_none_of_our_business(#[case] key: &str) {
    for value in ["", "x", r#"{"ingress": true}"#] {
        assert_eq!(problems(&web(&[(key, value)])), []);
    }
}

#[rstest]
#[case::cluster(&[], None, TargetKind::Nodes)]
#[case::local(&[], Some(32_000), TargetKind::NodesWithEndpoints)]
#[case::instance_groups(&[(BACKENDS, "InstanceGroup")], Some(32_000), TargetKind::Nodes)]
#[case::shared(&[(BACKENDS, "InstanceGroup"), (SHARE, "front")], Some(32_000), TargetKind::NodesWithEndpoints)]
#[case::unreadable(&[(BACKENDS, "x")], Some(32_000), TargetKind::NodesWithEndpoints)]
fn nodes_are_targets(#[case] pairs: Pairs<'_>, #[case] port: Option<u16>, #[case] want: TargetKind) {
    let desired = web(pairs).with(|member| match port {
        Some(port) => member.local(port),
        None => member,
    });
    assert_eq!(target_kind(&ClassParams::Defaults, &desired.members[0]), want);
}

#[test]
fn the_class_has_a_say_about_targets() {
    let desired = of_class(local(&[]), |class| class.backends = Some(Backends::InstanceGroup));
    assert_eq!(target_kind(&desired.params, &desired.members[0]), TargetKind::Nodes);
    let asked = desired.with(|member| member.annotated(BACKENDS, "NetworkEndpointGroup"));
    assert_eq!(target_kind(&asked.params, &asked.members[0]), TargetKind::NodesWithEndpoints);
}
