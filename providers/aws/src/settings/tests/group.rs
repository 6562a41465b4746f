use super::*;

#[rstest]
#[case::older_says(&[("scheme", "internet-facing")], &[], "/balancer/scheme", json!("internet-facing"))]
#[case::younger_says(&[], &[("scheme", "internet-facing")], "/balancer/scheme", json!("internet-facing"))]
#[case::both_say(&[("scheme", "internal")], &[("internal", "true")], "/balancer/scheme", json!("internal"))]
#[case::attributes_add_up(
    &[("attributes", "zonal_shift.config.enabled=true")],
    &[("attributes", "deletion_protection.enabled=true")],
    "/balancer/attributes",
    json!({"zonal_shift.config.enabled": "true", "deletion_protection.enabled": "true"})
)]
#[case::logs_add_up(
    &[("access-log-enabled", "true")],
    &[("access-log-s3-bucket-name", "logs")],
    "/balancer/attributes",
    json!({"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs"})
)]
#[case::tags_add_up(
    &[("additional-resource-tags", "a=1,b=2")],
    &[("additional-resource-tags", "b=2,c=3")],
    "/balancer/tags",
    json!({"a": "1", "b": "2", "c": "3"})
)]
fn the_oldest_that_says_something_decides(
    #[case] a: Pairs<'_>,
    #[case] b: Pairs<'_>,
    #[case] pointer: &str,
    #[case] want: Value,
) {
    assert_eq!(at(&pair(a, b), pointer), want);
}

#[rstest]
#[case::scheme(&[("scheme", "internal")], &[("scheme", "internet-facing")], "scheme")]
#[case::schemes(&[("scheme", "internal")], &[("internal", "false")], "internal")]
#[case::name(&[("name", "a")], &[("name", "b")], "name")]
#[case::address_type(&[("ip-address-type", "ipv4")], &[("ip-address-type", "dualstack")], "ip-address-type")]
#[case::subnets(&[("subnets", "a")], &[("subnets", "a,b")], "subnets")]
#[case::security(&[("security-groups", "a")], &[("security-groups", "b")], "security-groups")]
#[case::no_groups(&[("disable-nlb-sg", "true")], &[("disable-nlb-sg", "false")], "disable-nlb-sg")]
#[case::groups_and_none(&[("security-groups", "a")], &[("disable-nlb-sg", "true")], "disable-nlb-sg")]
#[case::attribute(
    &[("attributes", "zonal_shift.config.enabled=true")],
    &[("attributes", "zonal_shift.config.enabled=false")],
    "attributes"
)]
#[case::cross_zone(
    &[("attributes", "load_balancing.cross_zone.enabled=true")],
    &[("cross-zone-load-balancing-enabled", "false")],
    "cross-zone-load-balancing-enabled"
)]
#[case::tag(&[("additional-resource-tags", "a=1")], &[("additional-resource-tags", "a=2")], "additional-resource-tags")]
#[case::capacity(
    &[("minimum-load-balancer-capacity", "CapacityUnits=1")],
    &[("minimum-load-balancer-capacity", "CapacityUnits=2")],
    "minimum-load-balancer-capacity"
)]
#[case::fixed_by_older(
    &[("private-ipv4-addresses", "10.0.0.4")],
    &[("scheme", "internet-facing")],
    "scheme"
)]
#[case::fixed_by_younger(
    &[("scheme", "internet-facing")],
    &[("private-ipv4-addresses", "10.0.0.4")],
    "private-ipv4-addresses"
)]
fn the_younger_member_gives_way(#[case] a: Pairs<'_>, #[case] b: Pairs<'_>, #[case] field: &str) {
    let desired = pair(a, b);
    assert_refused(&desired, field, "of default/a, which is older");
    let refusal = &read(&desired).refusals[0];
    assert_eq!(refusal.member.as_ref().map(|key| key.name.as_str()), Some("b"));
    assert_eq!(refusal.category, categories::CONFLICTING_VALUES);
    let alone = DesiredLb { members: vec![desired.members[0].clone()], ..desired };
    assert_eq!(refused(&alone), [], "without the younger member all is well");
}

#[test]
fn a_member_that_needs_ipv6_gives_way_to_an_older_one_that_rules_it_out() {
    let mut desired = pair(&[("ip-address-type", "ipv4")], &[]);
    desired.members[1].families = vec![IpFamily::V6];
    assert_refused(&desired, "spec.ipFamilies", "needs dualstack");
    desired.members[1].created = jiff::Timestamp::from_second(-1).unwrap();
    assert_refused(&desired, "ip-address-type", "needs dualstack");
}

#[test]
fn annotations_about_ports_concern_their_member_only() {
    let settings =
        settings(&pair(&[("healthcheck-interval", "20")], &[(TARGETS, "pods"), ("proxy-protocol", "*")]));
    let all: Vec<&MemberSettings> = settings.members.values().collect();
    assert_eq!((all[0].listeners[0].health.interval, all[1].listeners[0].health.interval), (20, 10));
    assert!(all[0].listeners[0].group_attributes.is_empty());
    assert_eq!(all[1].listeners[0].group_attributes.len(), 1);
    assert_ne!(all[0].targets, all[1].targets);
}

#[rstest]
#[case::same(Protocol::Tcp)]
#[case::other_protocol(Protocol::Udp)]
fn one_number_is_of_one_service(#[case] protocol: Protocol) {
    let mut desired = pair(&[], &[("healthcheck-port", "8080")]);
    desired.members[1].listeners = vec![testing::listener(protocol, 80)];
    assert_refused(&desired, "spec.ports[0]", "Service default/a holds the number");
    assert_eq!(refused(&desired)[0].1, categories::PORT_CONFLICT);
}

#[test]
fn settings_do_not_depend_on_the_order_of_members() {
    let desired =
        pair(&[("scheme", "internal"), ("name", "a")], &[("attributes", "zonal_shift.config.enabled=true")]);
    let mut turned = desired.clone();
    turned.members.reverse();
    assert_eq!(read(&desired), read(&turned));
}
