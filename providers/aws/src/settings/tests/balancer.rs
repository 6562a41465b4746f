use super::*;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/old/0123456789abcdef";
const MOTO: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/old/0123456789abcdef";

#[rstest]
#[case::name(&[("name", "shop-front")], "name", json!("shop-front"))]
#[case::name_longest(&[("name", "a2345678901234567890123456789012")], "name", json!("a2345678901234567890123456789012"))]
#[case::scheme_internal(&[("scheme", "internal")], "scheme", json!("internal"))]
#[case::scheme_public(&[("scheme", "internet-facing")], "scheme", json!("internet-facing"))]
#[case::internal_true(&[("internal", "true")], "scheme", json!("internal"))]
#[case::internal_false(&[("internal", "0")], "scheme", json!("internet-facing"))]
#[case::both_agree(&[("internal", "false"), ("scheme", "internet-facing")], "scheme", json!("internet-facing"))]
#[case::ipv4(&[("ip-address-type", "ipv4")], "address_type", json!("ipv4"))]
#[case::dualstack(&[("ip-address-type", "dualstack")], "address_type", json!("dualstack"))]
#[case::subnets(&[("subnets", "subnet-0a, private b")], "subnets", json!(["subnet-0a", "private b"]))]
#[case::allocations(
    &[("scheme", "internet-facing"), ("eip-allocations", "eipalloc-0a,eipalloc-0b")],
    "allocations",
    json!(["eipalloc-0a", "eipalloc-0b"])
)]
#[case::private(
    &[("subnets", "subnet-0a,subnet-0b"), ("private-ipv4-addresses", "10.0.0.4,10.0.1.4")],
    "private_ipv4",
    json!(["10.0.0.4", "10.0.1.4"])
)]
#[case::ipv6(
    &[("ip-address-type", "dualstack"), ("ipv6-addresses", "2001:db8::4")],
    "ipv6",
    json!(["2001:db8::4"])
)]
#[case::source_nat(
    &[("ip-address-type", "dualstack"), ("enable-prefix-for-ipv6-source-nat", "on")],
    "source_nat",
    json!(true)
)]
#[case::source_nat_off(&[("enable-prefix-for-ipv6-source-nat", "off")], "source_nat", json!(false))]
#[case::source_nat_prefixes(
    &[
        ("ip-address-type", "dualstack"),
        ("enable-prefix-for-ipv6-source-nat", "on"),
        ("source-nat-ipv6-prefixes", "auto_assigned, 2001:db8:0:0:1::/80,auto_assigned"),
    ],
    "source_nat_prefixes",
    json!(["auto_assigned", "2001:db8:0:0:1::/80", "auto_assigned"])
)]
#[case::attributes(
    &[("attributes", "deletion_protection.enabled=TRUE,dns_record.client_routing_policy=availability_zone_affinity")],
    "attributes",
    json!({"deletion_protection.enabled": "true", "dns_record.client_routing_policy": "availability_zone_affinity"})
)]
#[case::other_attributes(
    &[("ip-address-type", "dualstack"),
      ("attributes", "secondary_ips.auto_assigned.per_subnet=7,zonal_shift.config.enabled=true,ipv6.deny_all_igw_traffic=f")],
    "attributes",
    json!({
        "secondary_ips.auto_assigned.per_subnet": "7",
        "zonal_shift.config.enabled": "true",
        "ipv6.deny_all_igw_traffic": "false",
    })
)]
#[case::logs(
    &[("access-log-enabled", "true"), ("access-log-s3-bucket-name", "logs"), ("access-log-s3-bucket-prefix", "web")],
    "attributes",
    json!({"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs", "access_logs.s3.prefix": "web"})
)]
#[case::logs_mixed(
    &[("access-log-enabled", "true"), ("attributes", "access_logs.s3.enabled=true,access_logs.s3.bucket=logs")],
    "attributes",
    json!({"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs"})
)]
#[case::cross_zone(
    &[("cross-zone-load-balancing-enabled", "t")],
    "attributes",
    json!({"load_balancing.cross_zone.enabled": "true"})
)]
#[case::capacity(&[("minimum-load-balancer-capacity", "CapacityUnits=5000")], "capacity", json!(5000))]
#[case::no_capacity(&[("minimum-load-balancer-capacity", "CapacityUnits=0")], "capacity", json!(null))]
#[case::groups(
    &[("security-groups", "sg-0a,edge")],
    "security",
    json!({"Given": {"groups": ["sg-0a", "edge"], "backend": false}})
)]
#[case::groups_and_backend(
    &[("security-groups", "sg-0a"), ("manage-backend-security-group-rules", "true")],
    "security",
    json!({"Given": {"groups": ["sg-0a"], "backend": true}})
)]
#[case::no_backend(
    &[("manage-backend-security-group-rules", "false")],
    "security",
    json!({"Managed": {"backend": false}})
)]
#[case::no_groups(&[("disable-nlb-sg", "true")], "security", json!("None"))]
#[case::groups_after_all(&[("disable-nlb-sg", "false")], "security", json!({"Managed": {"backend": true}}))]
#[case::private_link_on(&[("inbound-sg-rules-on-private-link-traffic", "on")], "private_link_rules", json!(true))]
#[case::private_link_off(&[("inbound-sg-rules-on-private-link-traffic", "off")], "private_link_rules", json!(false))]
#[case::tags(
    &[("additional-resource-tags", "team=shop,path=/a=b:c@e,kubernetes.io/cluster/x=owned,empty=")],
    "tags",
    json!({"team": "shop", "path": "/a=b:c@e", "kubernetes.io/cluster/x": "owned", "empty": ""})
)]
#[case::adopt(&[(ADOPT, ARN)], "adopt", json!(ARN))]
#[case::adopt_other_kind(&[(ADOPT, MOTO)], "adopt", json!(MOTO))]
#[case::adopt_same_name(&[(ADOPT, ARN), ("name", "old")], "name", json!("old"))]
#[case::confirm(&[(ADOPT, ARN), (ADOPT_CONFIRM, "0a1b")], "adopt_confirm", json!("0a1b"))]
fn good(#[case] pairs: Pairs<'_>, #[case] field: &str, #[case] want: Value) {
    assert_eq!(at(&web(pairs), &format!("/balancer/{field}")), want);
}

#[rstest]
#[case::name_long(&[("name", "a23456789012345678901234567890123")], "name", "1 to 32")]
#[case::name_empty(&[("name", "")], "name", "1 to 32")]
#[case::name_characters(&[("name", "a_b")], "name", "letters, digits and -")]
#[case::name_dash(&[("name", "a-")], "name", "either end")]
#[case::name_internal(&[("name", "internal-a")], "name", "internal-")]
#[case::scheme(&[("scheme", "Internal")], "scheme", "internal or internet-facing")]
#[case::internal(&[("internal", "0.0.0.0/0")], "internal", "true or false")]
#[case::schemes(&[("internal", "true"), ("scheme", "internet-facing")], "internal", "contradicts aws-load-balancer-scheme")]
#[case::address_type(&[("ip-address-type", "ipv6")], "ip-address-type", "ipv4 or dualstack")]
#[case::subnets_empty(&[("subnets", " ,")], "subnets", "at least one")]
#[case::subnets_twice(&[("subnets", "subnet-0a,subnet-0a")], "subnets", "twice")]
#[case::subnets_id(&[("subnets", "subnet-XY")], "subnets", "subnet-0123456789abcdef0")]
#[case::allocation(
    &[("scheme", "internet-facing"), ("eip-allocations", "203.0.113.4")],
    "eip-allocations",
    "eipalloc-0123456789abcdef0"
)]
#[case::allocation_internal(&[("eip-allocations", "eipalloc-0a")], "eip-allocations", "\"internal\" (the default)")]
#[case::allocation_count(
    &[("scheme", "internet-facing"), ("subnets", "a,b"), ("eip-allocations", "eipalloc-0a")],
    "eip-allocations",
    "1 are given for 2"
)]
#[case::private(&[("private-ipv4-addresses", "10.0.0.400")], "private-ipv4-addresses", "IPv4 address")]
#[case::private_family(&[("private-ipv4-addresses", "2001:db8::1")], "private-ipv4-addresses", "IPv4 address")]
#[case::private_public(
    &[("scheme", "internet-facing"), ("private-ipv4-addresses", "10.0.0.4")],
    "private-ipv4-addresses",
    "internal load balancer"
)]
#[case::private_count(
    &[("subnets", "a"), ("private-ipv4-addresses", "10.0.0.4,10.0.1.4")],
    "private-ipv4-addresses",
    "2 are given for 1"
)]
#[case::ipv6(&[("ip-address-type", "dualstack"), ("ipv6-addresses", "10.0.0.1")], "ipv6-addresses", "IPv6 address")]
#[case::ipv6_alone(&[("ipv6-addresses", "2001:db8::4")], "ipv6-addresses", "dualstack")]
#[case::ipv6_count(
    &[("ip-address-type", "dualstack"), ("subnets", "a,b"), ("ipv6-addresses", "2001:db8::4")],
    "ipv6-addresses",
    "1 are given for 2"
)]
#[case::source_nat(&[("enable-prefix-for-ipv6-source-nat", "true")], "enable-prefix-for-ipv6-source-nat", "on or off")]
#[case::source_nat_ipv4(&[("enable-prefix-for-ipv6-source-nat", "on")], "enable-prefix-for-ipv6-source-nat", "dualstack")]
#[case::prefixes_without_nat(
    &[("ip-address-type", "dualstack"), ("source-nat-ipv6-prefixes", "auto_assigned")],
    "source-nat-ipv6-prefixes",
    "enable-prefix-for-ipv6-source-nat: on"
)]
#[case::prefix_length(
    &[
        ("ip-address-type", "dualstack"),
        ("enable-prefix-for-ipv6-source-nat", "on"),
        ("source-nat-ipv6-prefixes", "2001:db8::/64"),
    ],
    "source-nat-ipv6-prefixes",
    "length 80"
)]
#[case::prefix_count(
    &[
        ("ip-address-type", "dualstack"),
        ("subnets", "a"),
        ("enable-prefix-for-ipv6-source-nat", "on"),
        ("source-nat-ipv6-prefixes", "auto_assigned,auto_assigned"),
    ],
    "source-nat-ipv6-prefixes",
    "2 are given for 1"
)]
#[case::attribute_map(&[("attributes", "deletion_protection.enabled")], "attributes", "no value")]
#[case::attribute_unknown(
    &[("attributes", "deletion_protection=true")],
    "attributes",
    "did you mean deletion_protection.enabled"
)]
#[case::attribute_of_alb(&[("attributes", "idle_timeout.timeout_seconds=60")], "attributes", "no such attribute")]
#[case::attribute_boolean(&[("attributes", "zonal_shift.config.enabled=on")], "attributes", "true or false")]
#[case::attribute_of_dualstack(
    &[("attributes", "ipv6.deny_all_igw_traffic=true")],
    "attributes",
    "\"ipv4\" (the default): it needs a dualstack load balancer"
)]
#[case::attribute_word(
    &[("attributes", "dns_record.client_routing_policy=any")],
    "attributes",
    "partial_availability_zone_affinity or availability_zone_affinity"
)]
#[case::attribute_number(&[("attributes", "secondary_ips.auto_assigned.per_subnet=8")], "attributes", "0 to 7")]
#[case::logs(&[("access-log-enabled", "yes")], "access-log-enabled", "true or false")]
#[case::logs_without_bucket(&[("access-log-enabled", "true")], "access-log-enabled", "access_logs.s3.bucket")]
#[case::logs_contradict(
    &[("access-log-enabled", "false"), ("attributes", "access_logs.s3.enabled=true,access_logs.s3.bucket=logs")],
    "access-log-enabled",
    "contradicts"
)]
#[case::bucket(&[("access-log-s3-bucket-name", "My_Bucket")], "access-log-s3-bucket-name", "S3 bucket")]
#[case::bucket_short(&[("access-log-s3-bucket-name", "ab")], "access-log-s3-bucket-name", "3 to 63")]
#[case::prefix(&[("access-log-s3-bucket-prefix", "/web")], "access-log-s3-bucket-prefix", "begin or end with /")]
#[case::prefix_reserved(&[("access-log-s3-bucket-prefix", "a/AWSLogs")], "access-log-s3-bucket-prefix", "AWSLogs")]
#[case::cross_zone(&[("cross-zone-load-balancing-enabled", "")], "cross-zone-load-balancing-enabled", "true or false")]
#[case::cross_zone_contradicts(
    &[("cross-zone-load-balancing-enabled", "true"), ("attributes", "load_balancing.cross_zone.enabled=false")],
    "cross-zone-load-balancing-enabled",
    "contradicts"
)]
#[case::capacity(&[("minimum-load-balancer-capacity", "5000")], "minimum-load-balancer-capacity", "CapacityUnits=N")]
#[case::capacity_key(&[("minimum-load-balancer-capacity", "Units=5")], "minimum-load-balancer-capacity", "CapacityUnits=N")]
#[case::capacity_number(
    &[("minimum-load-balancer-capacity", "CapacityUnits=-5")],
    "minimum-load-balancer-capacity",
    "whole number"
)]
#[case::groups_empty(&[("security-groups", "")], "security-groups", "at least one")]
#[case::group_id(&[("security-groups", "sg-x")], "security-groups", "sg-0123456789abcdef0")]
#[case::backend(&[("manage-backend-security-group-rules", "on")], "manage-backend-security-group-rules", "true or false")]
#[case::private_link(
    &[("inbound-sg-rules-on-private-link-traffic", "true")],
    "inbound-sg-rules-on-private-link-traffic",
    "on or off"
)]
#[case::no_groups(&[("disable-nlb-sg", "yes")], "disable-nlb-sg", "true or false")]
#[case::no_groups_and_groups(&[("disable-nlb-sg", "true"), ("security-groups", "a")], "security-groups", "contradicts")]
#[case::no_groups_and_backend(
    &[("disable-nlb-sg", "true"), ("manage-backend-security-group-rules", "true")],
    "manage-backend-security-group-rules",
    "contradicts"
)]
#[case::no_groups_and_link(
    &[("disable-nlb-sg", "true"), ("inbound-sg-rules-on-private-link-traffic", "off")],
    "inbound-sg-rules-on-private-link-traffic",
    "contradicts"
)]
#[case::tag_map(&[("additional-resource-tags", "team")], "additional-resource-tags", "no value")]
#[case::tag_mark(&[("additional-resource-tags", "landfall.dev/cluster=x")], "additional-resource-tags", "mark")]
#[case::tag_reserved(&[("additional-resource-tags", "AWS:x=y")], "additional-resource-tags", "reserved")]
#[case::tag_comma(&[("additional-resource-tags", r"a=b\,c")], "additional-resource-tags", "does not fit")]
#[case::tag_character(&[("additional-resource-tags", "a=b#c")], "additional-resource-tags", "does not fit")]
#[case::adopt(&[(ADOPT, "my-nlb")], ADOPT, "must be the ARN")]
#[case::adopt_group(
    &[(ADOPT, "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123")],
    ADOPT,
    "must be the ARN"
)]
#[case::adopt_classic(
    &[(ADOPT, "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/a")],
    ADOPT,
    "must be the ARN"
)]
#[case::adopt_other_name(&[(ADOPT, ARN), ("name", "new")], "name", "keeps its name")]
#[case::confirm(&[(ADOPT, ARN), (ADOPT_CONFIRM, " ")], ADOPT_CONFIRM, "fingerprint")]
fn bad(#[case] pairs: Pairs<'_>, #[case] field: &str, #[case] word: &str) {
    assert_refused(&web(pairs), field, word);
}

#[test]
fn too_many_tags_are_refused() {
    let tags: Vec<String> = (0..45).map(|i| format!("k{i}=v")).collect();
    let key = "additional-resource-tags";
    assert_refused(&web(&[(key, &tags.join(","))]), key, "45 tags: at most 44");
    assert_eq!(refused(&web(&[(key, &tags[..44].join(","))])), []);
}

fn stack(families: &[IpFamily], policy: FamilyPolicy, pairs: Pairs<'_>) -> DesiredLb {
    web(pairs).with(|member| member.stack(families, policy))
}

#[rstest]
#[case::ipv4(&[IpFamily::V4], FamilyPolicy::SingleStack, &[], "ipv4")]
#[case::ipv6(&[IpFamily::V6], FamilyPolicy::SingleStack, &[], "dualstack")]
#[case::both(&IpFamily::BOTH, FamilyPolicy::PreferDualStack, &[], "dualstack")]
#[case::prefers_both(&IpFamily::BOTH, FamilyPolicy::PreferDualStack, &[("ip-address-type", "ipv4")], "ipv4")]
#[case::more_than_needed(&[IpFamily::V4], FamilyPolicy::SingleStack, &[("ip-address-type", "dualstack")], "dualstack")]
fn families_decide_the_address_type(
    #[case] families: &[IpFamily],
    #[case] policy: FamilyPolicy,
    #[case] pairs: Pairs<'_>,
    #[case] want: &str,
) {
    assert_eq!(at(&stack(families, policy, pairs), "/balancer/address_type"), json!(want));
}

#[rstest]
#[case::ipv6(&[IpFamily::V6], FamilyPolicy::SingleStack)]
#[case::both(&IpFamily::BOTH, FamilyPolicy::RequireDualStack)]
fn ipv4_alone_does_not_serve_ipv6(#[case] families: &[IpFamily], #[case] policy: FamilyPolicy) {
    let desired = stack(families, policy, &[("ip-address-type", "ipv4")]);
    assert_refused(&desired, "ip-address-type", "needs dualstack");
}

#[test]
fn udp_over_ipv6_turns_source_nat_on() {
    let dual = |port, pairs| {
        serving(&[port], pairs).with(|m| m.stack(&IpFamily::BOTH, FamilyPolicy::PreferDualStack))
    };
    assert_eq!(at(&dual((Protocol::Udp, 53), &[]), "/balancer/source_nat"), json!(true));
    assert_eq!(at(&dual((Protocol::Tcp, 53), &[]), "/balancer/source_nat"), json!(false));
    assert_eq!(at(&serving(&[(Protocol::Udp, 53)], &[]), "/balancer/source_nat"), json!(false));
    let off = "enable-prefix-for-ipv6-source-nat";
    assert_refused(&dual((Protocol::Udp, 53), &[(off, "off")]), off, "needs it on");
}

#[rstest]
#[case::udp(&[(Protocol::Udp, 53)], &[IpFamily::V4, IpFamily::V6], &["ipv6"])]
#[case::merged(&[(Protocol::Tcp, 53), (Protocol::Udp, 53)], &[IpFamily::V4, IpFamily::V6], &["ipv6"])]
#[case::tcp_keeps_the_primary(
    &[(Protocol::Tcp, 80), (Protocol::Udp, 53)],
    &[IpFamily::V4, IpFamily::V6],
    &["ipv4", "ipv6"]
)]
#[case::ipv4_load_balancer(&[(Protocol::Udp, 53)], &[IpFamily::V4], &["ipv4"])]
fn dualstack_forwards_udp_to_ipv6(
    #[case] ports: &[(Protocol, u16)],
    #[case] families: &[IpFamily],
    #[case] want: &[&str],
) {
    let desired = serving(ports, &[]).with(|m| m.stack(families, FamilyPolicy::PreferDualStack));
    let listeners = settings(&desired).members.into_values().next().unwrap().listeners;
    let found: Vec<String> =
        listeners.iter().map(|listener| listener.family.to_string().to_lowercase()).collect();
    assert_eq!(found, want);
}

#[test]
fn udp_on_dualstack_without_ipv6_is_refused() {
    let mut desired = serving(&[(Protocol::Udp, 53)], &[("ip-address-type", "dualstack")]);
    assert_refused(&desired, "spec.ports[0]", "or say ip-address-type: ipv4");
    desired.members[0].families = IpFamily::BOTH.to_vec();
    assert_eq!(refused(&desired), []);
}

#[test]
fn udp_without_ipv6_and_a_member_with_it_do_not_share() {
    let mut desired = pair(&[], &[]);
    desired.members[0].listeners = vec![testing::listener(Protocol::Udp, 53)];
    desired.members[1].families = IpFamily::BOTH.to_vec();
    assert_refused(&desired, "spec.ipFamilies", "\"53/UDP\" of default/a, which is older");
    desired.members[0].created = jiff::Timestamp::from_second(2).unwrap();
    assert_refused(&desired, "spec.ports[0]", "\"IPv6\" of default/b, which is older");
}

fn from(ranges: &[&str], pairs: Pairs<'_>) -> DesiredLb {
    web(pairs).with(|mut member| {
        member.sources = SourceRanges::from_ranges(ranges.iter().map(|range| range.parse().unwrap()));
        member.sources_given = true;
        member
    })
}

#[test]
fn ipv6_ranges_without_ipv6_are_told_or_refused() {
    let told = problems(&from(&["192.0.2.0/24", "::/0"], &[]));
    assert_eq!(told.len(), 1);
    assert!(told[0].1.contains("::/0") && told[0].0 == problem::IGNORED, "{told:?}");
    assert_refused(&from(&["2001:db8::/32"], &[]), "spec.loadBalancerSourceRanges", "nobody could connect");
    let annotated = from(&["2001:db8::/32"], &[(SOURCE_RANGES, "2001:db8::/32")]);
    assert_refused(&annotated, SOURCE_RANGES, "nobody could connect");
    let dual = from(&["2001:db8::/32"], &[("ip-address-type", "dualstack")]);
    assert_eq!(problems(&dual), []);
}

#[rstest]
#[case::given(&[("security-groups", "edge")], &[problem::SOURCES])]
#[case::none(&[("disable-nlb-sg", "true")], &[problem::SOURCES])]
#[case::managed(&[], &[])]
#[case::prefix_lists(
    &[("security-groups", "edge"), ("security-group-prefix-lists", "pl-0a")],
    &[problem::SOURCES, problem::SOURCES]
)]
#[case::path_mtu(
    &[("disable-nlb-sg", "true"), ("enable-icmp-for-path-mtu-discovery", "on")],
    &[problem::SOURCES, problem::IGNORED]
)]
fn sources_that_nothing_enforces_are_told(#[case] pairs: Pairs<'_>, #[case] want: &[Category]) {
    let told: Vec<Category> =
        problems(&from(&["192.0.2.0/24"], pairs)).into_iter().map(|(category, _)| category).collect();
    assert_eq!(told, want);
}

#[test]
fn a_confirmation_without_adoption_is_told() {
    let told = problems(&web(&[(ADOPT_CONFIRM, "0a")]));
    assert_eq!(told.len(), 1);
    assert!(told[0].1.contains("landfall.dev/adopt is not given"), "{told:?}");
}
