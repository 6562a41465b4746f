//! Addresses.

use rstest::rstest;

use super::*;
use crate::api::types::{Address, AddressType, Purpose};

fn chosen(wanted: &Wanted, family: IpFamily) -> (&Address, bool) {
    let wish = wanted.addresses.iter().find(|wish| wish.family == family).unwrap();
    match &wish.source {
        AddressSource::Chosen { reservation, keep, .. } => (reservation, *keep),
        AddressSource::Given { .. } => panic!("given"),
    }
}

#[rstest]
#[case::one(tcp([80]), false)]
#[case::two_rules(tcp(1..=6), true)]
#[case::mixed(vec![(TCP, 53), (UDP, 53)], true)]
fn an_external_address_is_reserved_while_several_rules_use_it(
    #[case] ports: Vec<(Protocol, u16)>,
    #[case] keep: bool,
) {
    let wanted = graph(&web(|it| it.listening(&ports)));
    let (address, kept) = chosen(&wanted, IpFamily::V4);
    assert_eq!(kept, keep);
    assert_eq!(address.address_type, Some(AddressType::External));
    assert_eq!((address.network_tier.as_deref(), address.subnetwork.as_ref()), (Some("PREMIUM"), None));
}

#[test]
fn one_that_was_asked_for_has_rules_of_its_own() {
    let wanted = graph(&web(|it| it.requesting(&["192.0.2.7"])));
    let AddressSource::Chosen { asked, .. } = &wanted.addresses[0].source else { panic!("given") };
    assert_eq!(*asked, Some("192.0.2.7".parse().unwrap()));
    let plain = graph(&web(|it| it));
    assert_ne!(wanted.forwarding_rules[0].it.name, plain.forwarding_rules[0].it.name);
}

#[rstest]
#[case::asked_for_what_it_has(&[], &["192.0.2.7"], true)]
#[case::asked_for_another(&[], &["192.0.2.8"], false)]
#[case::no_longer_asked_for(&["192.0.2.7"], &[], true)]
fn a_rule_that_has_the_address_keeps_its_name(
    #[case] before: &[&str],
    #[case] after: &[&str],
    #[case] stays: bool,
) {
    let mut rules = made(&graph(&web(|it| it.requesting(before))));
    for rule in &mut rules {
        rule.ip_address = Some("192.0.2.7".to_owned());
    }
    let name = rules[0].name.clone();
    let wanted = graph_in(&web(|it| it.requesting(after)), &Facts { rules, ..facts(3) });
    assert_eq!(wanted.forwarding_rules[0].it.name == name, stays);
}

#[test]
fn an_external_ipv6_address_is_a_prefix_of_a_subnet() {
    let wanted = graph(&web(dual));
    let (six, kept) = chosen(&wanted, IpFamily::V6);
    assert!(!kept);
    assert_eq!((six.prefix_length, six.ipv6_endpoint_type.as_deref()), (Some(96), Some("NETLB")));
    assert_eq!((six.subnetwork.clone(), six.ip_version.as_deref()), (Some(subnet("six")), Some("IPV6")));
}

#[rstest]
#[case::lone(false, Purpose::GceEndpoint)]
#[case::group(true, Purpose::SharedVip)]
fn an_internal_address_is_for_one_rule_or_for_several(#[case] shared: bool, #[case] purpose: Purpose) {
    let members = vec![internal(member("web"))];
    let desired = if shared { group(ProviderName::Gcp, "key", members) } else { web(internal) };
    let wanted = graph(&desired);
    let (address, kept) = chosen(&wanted, IpFamily::V4);
    assert_eq!((address.purpose.clone(), kept), (Some(purpose), shared));
    assert_eq!(address.subnetwork, Some(subnet("nodes")));
    assert_eq!(address.network_tier, None, "internal addresses have none to choose");
}

#[test]
fn rules_of_members_that_are_refused_at_the_moment_use_it_too() {
    let members = || vec![member("one").born(1), member("two").born(2).listening(&tcp([81]))];
    let before = graph(&group(ProviderName::Gcp, "key", members()));
    let mut left = members();
    let retained = left.remove(0).as_ref();
    let known = Facts { rules: made(&before), ..facts(3) };
    let after = graph_in(&group(ProviderName::Gcp, "key", left).retaining(retained.clone()), &known);
    assert!(chosen(&after, IpFamily::V4).1);
    assert_eq!(after.retained, BTreeSet::from([retained]));
}

#[test]
fn a_reservation_of_the_user_is_used_as_it_is() {
    let reference = region().at(Kind::Address, "mine");
    let given = (reference.clone(), "192.0.2.7".parse().unwrap());
    let known = Facts { addresses: BTreeMap::from([(IpFamily::V4, given)]), ..facts(3) };
    let wanted = graph_in(&web(|it| it), &known);
    let address = "192.0.2.7".parse().unwrap();
    assert_eq!(wanted.addresses[0].source, AddressSource::Given { reference, address });
}
