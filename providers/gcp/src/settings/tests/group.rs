use super::*;

#[rstest]
#[case::older_says(&[(TYPE, "Internal")], &[], "/balancer/scheme", json!("Internal"))]
#[case::younger_says(&[], &[(TYPE, "Internal")], "/balancer/scheme", json!("Internal"))]
#[case::both_say(&[(TYPE, "Internal")], &[(FORMER_TYPE, "internal")], "/balancer/scheme", json!("Internal"))]
#[case::names(&[], &[(ADDRESS_NAMES, "web")], "/balancer/addresses", json!(["web"]))]
#[case::labels_add_up(&[(LABELS, "a=1,b=2")], &[(LABELS, "b=2,c=3")], "/balancer/labels",
    json!({"a": "1", "b": "2", "c": "3"}))]
fn the_oldest_that_says_something_decides(
    #[case] a: Pairs<'_>,
    #[case] b: Pairs<'_>,
    #[case] pointer: &str,
    #[case] want: Value,
) {
    assert_eq!(at(&pair(a, b), pointer), want);
}

#[rstest]
#[case::scheme(&[(TYPE, "External")], &[(TYPE, "Internal")], TYPE)]
#[case::scheme_former(&[(TYPE, "External")], &[(FORMER_TYPE, "Internal")], FORMER_TYPE)]
#[case::names(&[(ADDRESS_NAMES, "a")], &[(ADDRESS_NAMES, "b")], ADDRESS_NAMES)]
#[case::tier(&[(TIER, "Premium")], &[(TIER, "Standard")], TIER)]
#[case::subnet(&[(TYPE, "Internal"), (SUBNET, "a")], &[(INTERNAL_SUBNET, "b")], INTERNAL_SUBNET)]
#[case::global(&[(TYPE, "Internal"), (GLOBAL_ACCESS, "true")], &[(GLOBAL_ACCESS, "false")], GLOBAL_ACCESS)]
#[case::backends(&[(BACKENDS, "InstanceGroup")], &[(BACKENDS, "NetworkEndpointGroup")], BACKENDS)]
#[case::label(&[(LABELS, "a=1")], &[(LABELS, "a=2")], LABELS)]
#[case::zone(&[(TYPE, "External")], &[(ZONAL_AFFINITY, "StayWithinZone")], ZONAL_AFFINITY)]
#[case::zone_of_older(&[(ZONAL_AFFINITY, "Disabled"), (TYPE, "Internal")], &[(STRONG_AFFINITY, "enabled")],
    STRONG_AFFINITY)]
fn the_younger_member_gives_way(#[case] a: Pairs<'_>, #[case] b: Pairs<'_>, #[case] field: &str) {
    let mut desired = pair(a, b);
    for member in &mut desired.members {
        member.affinity = Wish::ClientIp { timeout_seconds: 60 };
    }
    assert_refused(&desired, field, "of default/a, which is older");
    let refusal = &read(&desired).refusals[0];
    assert_eq!(refusal.member.as_ref().map(|key| key.name.as_str()), Some("b"));
    assert_eq!(refusal.category, categories::CONFLICTING_VALUES);
    let alone = DesiredLb { members: vec![desired.members[0].clone()], ..desired };
    assert_eq!(read(&alone).refusals, [], "without the younger member all is well");
}

#[test]
fn a_member_gives_way_to_an_older_one_whose_tier_rules_out_its_family() {
    let mut desired = pair(&[(TIER, "Standard")], &[]);
    desired.members[1].families = vec![V6];
    assert_refused(&desired, "spec.ipFamilies", "premium only");
    assert_eq!(read(&desired).refusals[0].member.as_ref().unwrap().name, "b");
    desired.members[1] = desired.members[1].clone().born(-1);
    assert_refused(&desired, TIER, "premium only");
    assert_eq!(read(&desired).refusals[0].member.as_ref().unwrap().name, "a");
}

#[test]
fn families_are_those_of_all_members_the_oldest_first() {
    let mut desired = pair(&[], &[]);
    desired.members[0].families = vec![V6];
    assert_eq!(at(&desired, "/balancer/families"), json!(["IPv6", "IPv4"]));
    desired.members.reverse();
    assert_eq!(at(&desired, "/balancer/families"), json!(["IPv6", "IPv4"]));
}

#[test]
fn addresses_add_up() {
    let mut desired = pair(&[], &[]);
    desired.members[0] = desired.members[0].clone().requesting(&["192.0.2.1"]);
    desired.members[1] = desired.members[1].clone().requesting(&["192.0.2.1", "2001:db8::1"]);
    assert_eq!(at(&desired, "/balancer/requested"), json!(["192.0.2.1", "2001:db8::1"]));
}

#[test]
fn annotations_about_ports_concern_their_member_only() {
    let reading = read(&pair(&[(DRAINING, "1"), (HEALTH_INTERVAL, "9")], &[(MANAGE_FIREWALL, "false")]));
    assert_eq!(reading.refusals, []);
    let all: Vec<&MemberSettings> = reading.settings.members.values().collect();
    assert_eq!((all[0].draining_seconds, all[1].draining_seconds), (1, 30));
    assert_eq!(
        (&all[0].firewall, &all[1].firewall),
        (&FirewallSettings::Found, &FirewallSettings::Unmanaged)
    );
    assert_ne!(all[0].health, HealthSettings::Shared);
    assert_eq!(all[1].health, HealthSettings::Shared);
}
