//! Forwarding rules.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::resources::chunks::chunks;

/// Protocol, ports and family of each rule, in a fixed order.
fn shapes(wanted: &Wanted) -> Vec<String> {
    let text = |rule: &ForwardingRuleWish| {
        let it = &rule.it;
        let ports = if it.all_ports == Some(true) { "all".to_owned() } else { it.ports.join(",") };
        format!("{} {} {ports}", rule.family, it.ip_protocol.clone().unwrap_or_default())
    };
    let mut shapes: Vec<String> = wanted.forwarding_rules.iter().map(text).collect();
    shapes.sort();
    shapes
}

#[rstest]
#[case::one(tcp([80]), &["IPv4 TCP 80"])]
#[case::five(tcp(1..=5), &["IPv4 TCP 1,2,3,4,5"])]
#[case::six(tcp(1..=6), &["IPv4 TCP 1,2,3,4,5", "IPv4 TCP 6"])]
#[case::mixed(vec![(TCP, 53), (UDP, 53)], &["IPv4 TCP 53", "IPv4 UDP 53"])]
fn external_rules_list_ports(#[case] ports: Vec<(Protocol, u16)>, #[case] want: &[&str]) {
    assert_eq!(shapes(&graph(&web(|it| it.listening(&ports)))), want);
}

#[rstest]
#[case::one(tcp([80]), &["IPv4 TCP 80"])]
#[case::five(tcp(1..=5), &["IPv4 TCP 1,2,3,4,5"])]
#[case::six(tcp(1..=6), &["IPv4 TCP all"])]
#[case::udp(vec![(UDP, 53)], &["IPv4 UDP 53"])]
#[case::mixed(vec![(TCP, 53), (UDP, 53)], &["IPv4 L3_DEFAULT all"])]
fn an_internal_address_has_one_rule(#[case] ports: Vec<(Protocol, u16)>, #[case] want: &[&str]) {
    assert_eq!(shapes(&graph(&web(|it| internal(it).listening(&ports)))), want);
}

#[test]
fn each_family_has_rules_of_its_own() {
    let wanted = graph(&web(dual));
    assert_eq!(shapes(&wanted), ["IPv4 TCP 80", "IPv6 TCP 80"]);
    let of = |family| wanted.forwarding_rules.iter().find(|rule| rule.family == family).unwrap();
    let (four, six) = (&of(IpFamily::V4).it, &of(IpFamily::V6).it);
    assert_eq!((four.subnetwork.clone(), four.ip_version.as_deref()), (None, Some("IPV4")));
    assert_eq!((six.subnetwork.clone(), six.ip_version.as_deref()), (Some(subnet("six")), Some("IPV6")));
    assert_eq!(four.backend_service, six.backend_service);
    assert_eq!((four.network.as_ref(), six.network.as_ref()), (None, None), "external rules have none");
}

#[test]
fn an_internal_rule_says_network_subnet_and_who_reaches_it() {
    let key = "networking.gke.io/internal-load-balancer-allow-global-access";
    let wanted = graph(&web(|it| internal(it).annotated(key, "true")));
    let it = &wanted.forwarding_rules[0].it;
    assert_eq!(it.network, Some(facts(1).network.url()));
    assert_eq!(it.subnetwork, Some(subnet("nodes")));
    assert_eq!(it.allow_global_access, Some(true));
}

#[test]
fn a_further_port_gets_a_rule_of_its_own() {
    let before = graph(&web(|it| it.listening(&tcp([80, 443]))));
    let known = Facts { rules: made(&before), ..facts(3) };
    let after = graph_in(&web(|it| it.listening(&tcp([80, 443, 22]))), &known);
    assert_eq!(shapes(&after), ["IPv4 TCP 22", "IPv4 TCP 80,443"]);
    assert!(after.forwarding_rules.contains(&before.forwarding_rules[0]), "the rule that is there stays");
}

#[test]
fn a_rule_that_loses_a_port_is_replaced() {
    let before = graph(&web(|it| it.listening(&tcp([80, 443]))));
    let known = Facts { rules: made(&before), ..facts(3) };
    let after = graph_in(&web(|it| it.listening(&tcp([80]))), &known);
    assert_eq!(shapes(&after), ["IPv4 TCP 80"]);
    assert_ne!(after.forwarding_rules[0].it.name, before.forwarding_rules[0].it.name);
}

#[test]
fn rules_of_another_shape_hold_no_ports() {
    let standard = |it: Member| it.annotated("cloud.google.com/network-tier", "Standard");
    let before = graph(&web(|it| standard(it).listening(&tcp([80, 443]))));
    let known = Facts { rules: made(&before), ..facts(3) };
    let ports = tcp([22, 80, 443]);
    assert_eq!(shapes(&graph_in(&web(|it| it.listening(&ports)), &known)), ["IPv4 TCP 22,80,443"]);
}

#[test]
fn internal_services_that_share_have_ten_rules_at_most() {
    let members: Vec<Member> = (0..4_u16)
        .map(|number| {
            let ports = tcp((0..15).map(|port| 1_000 + number * 100 + port));
            internal(member(&format!("m{number}"))).born(number.into()).listening(&ports)
        })
        .collect();
    let wanted = graph(&group(ProviderName::Gcp, "key", members));
    assert_eq!(wanted.forwarding_rules.len(), 10);
    let told: Vec<String> = wanted.problems.iter().filter_map(|it| Some(it.port?.to_string())).collect();
    assert_eq!(told.len(), 10, "{told:?}");
    assert!(told.contains(&"1305/TCP".to_owned()) && !told.contains(&"1304/TCP".to_owned()), "{told:?}");
    assert!(categories(&wanted).iter().all(|category| *category == "TooManyForwardingRules"));
}

#[test]
fn rules_of_members_that_are_refused_at_the_moment_count() {
    let members = |count: u16| {
        let one = |number: u16| {
            internal(member(&format!("m{number}"))).born(number.into()).listening(&tcp([1_000 + number]))
        };
        (0..count).map(one).collect::<Vec<_>>()
    };
    let mut all = members(11);
    let before = graph(&group(ProviderName::Gcp, "key", members(4)));
    let retained = all.remove(0).as_ref();
    let desired = group(ProviderName::Gcp, "key", all).retaining(retained);
    let after = graph_in(&desired, &Facts { rules: made(&before), ..facts(3) });
    assert_eq!(after.forwarding_rules.len(), 9);
    assert_eq!(categories(&after), ["TooManyForwardingRules"]);
}

proptest! {
    #[test]
    fn all_ports_are_in_one_list_each_and_lists_stay(
        wanted in prop::collection::btree_set(1u16..60, 0..40),
        before in prop::collection::btree_set(1u16..60, 0..40),
    ) {
        let existing: Vec<BTreeSet<u16>> =
            chunks(&before, &[]).into_iter().map(|list| list.into_iter().collect()).collect();
        let lists = chunks(&wanted, &existing);
        let mut all: Vec<u16> = lists.iter().flatten().copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, wanted.iter().copied().collect::<Vec<_>>());
        prop_assert!(lists.iter().all(|list| !list.is_empty() && list.len() <= 5));
        for list in existing.iter().filter(|list| list.is_subset(&wanted)) {
            let stays = lists.iter().any(|it| it.iter().copied().collect::<BTreeSet<_>>() == *list);
            prop_assert!(stays, "{:?} is moved", list);
        }
        // What was made of it is what it becomes again, in any order that rules are made in.
        let half: Vec<BTreeSet<u16>> =
            lists.iter().skip(1).step_by(2).map(|list| list.iter().copied().collect()).collect();
        let sorted = |lists: Vec<Vec<u16>>| lists.into_iter().collect::<BTreeSet<_>>();
        let again = chunks(&wanted, &half);
        if existing.is_empty() {
            prop_assert_eq!(sorted(again), sorted(lists));
        }
    }
}

/// Google takes one of the two, for the rule and for the reservation.
#[test]
fn an_address_of_a_prefix_is_of_no_subnet() {
    let prefix = "projects/p/regions/r/publicDelegatedPrefixes/ours";
    let six = |it: Member| it.stack(&[IpFamily::V6], FamilyPolicy::SingleStack);
    let plain = graph(&web(six));
    assert!(plain.forwarding_rules[0].it.subnetwork.is_some());
    let wanted = graph(&web(|it| six(it).annotated("networking.gke.io/ip-collection-v6", prefix)));
    let rule = &wanted.forwarding_rules[0].it;
    assert!(rule.ip_collection.as_ref().unwrap().ends_with(prefix));
    assert_eq!(rule.subnetwork, None);
    let AddressSource::Chosen { reservation, .. } = &wanted.addresses[0].source else { panic!("{wanted:?}") };
    assert_eq!(reservation.subnetwork, None);
}
