use rstest::rstest;

use super::*;

const OF: Thing<'static> = Thing::new("SecurityGroup", "sg-1");

fn rule(allow: Allow, source: Source, description: &str) -> Rule {
    Rule { allow, source, description: description.to_owned() }
}

fn v4(text: &str) -> Source {
    Source::V4(text.parse().unwrap())
}

#[rstest]
#[case(rule(Allow::Tcp(80, 80), v4("0.0.0.0/0"), "landfall.dev/member=a/b"))]
#[case(rule(Allow::Udp(0, 65535), Source::V6("2001:db8::/32".parse().unwrap()), ""))]
#[case(rule(Allow::Icmp(3, 4), v4("10.0.0.0/8"), ""))]
#[case(rule(Allow::Icmpv6(2, 0), Source::V6("::/0".parse().unwrap()), "mtu"))]
#[case(rule(Allow::Tcp(30000, 32767), Source::Group("sg-2".into()), "nodes"))]
#[case(rule(Allow::Tcp(443, 443), Source::PrefixList("pl-1".to_owned()), ""))]
#[case(rule(Allow::Other("-1".to_owned(), -1, -1), v4("10.0.0.0/8"), ""))]
fn a_rule_comes_back_as_it_went(#[case] rule: Rule) {
    assert_eq!(flatten(OF, permission(&rule)), Ok(vec![rule]));
}

#[test]
fn a_permission_with_many_sources_is_many_rules() {
    let permission = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(80)
        .to_port(81)
        .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").description("a").build())
        .ip_ranges(IpRange::builder().cidr_ip("10.1.0.0/16").build())
        .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-2").user_id("1").build())
        .build();
    let allow = Allow::Tcp(80, 81);
    let wanted = vec![
        rule(allow.clone(), v4("10.0.0.0/8"), "a"),
        rule(allow.clone(), v4("10.1.0.0/16"), ""),
        rule(allow, Source::Group("sg-2".into()), ""),
    ];
    assert_eq!(flatten(OF, permission), Ok(wanted));
}

#[rstest]
#[case("tcp", Some(-1), Some(-1), Allow::Other("tcp".to_owned(), -1, -1))]
#[case("-1", None, None, Allow::Other("-1".to_owned(), -1, -1))]
#[case("50", None, None, Allow::Other("50".to_owned(), -1, -1))]
#[case("icmp", None, None, Allow::Icmp(-1, -1))]
fn what_we_never_make_is_kept_apart(
    #[case] protocol: &str,
    #[case] from: Option<i32>,
    #[case] to: Option<i32>,
    #[case] wanted: Allow,
) {
    assert_eq!(allow(protocol.to_owned(), from, to), wanted);
}

#[rstest]
#[case(IpPermission::builder().build())]
#[case(IpPermission::builder().ip_protocol("tcp").ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/99").build()).build())]
#[case(IpPermission::builder().ip_protocol("tcp").user_id_group_pairs(UserIdGroupPair::builder().build()).build())]
fn what_cannot_be_read_is_an_error(#[case] permission: IpPermission) {
    assert!(flatten(OF, permission).is_err());
}
