//! Requested addresses.

use landfall_core::ids::ProviderName;
use landfall_core::model::Member;
use landfall_core::provider::Provider as _;
use landfall_core::testing::{group, member};
use rstest::rstest;

use crate::support::*;

const METALLB: &str = "metallb.io/loadBalancerIPs";

#[rstest]
#[case::core(|m: Member| m.requesting(&["192.0.2.9"]))]
#[case::metallb(|m: Member| m.annotated(METALLB, " 192.0.2.9 "))]
#[case::legacy(|m: Member| m.annotated("metallb.universe.tf/loadBalancerIPs", "192.0.2.9"))]
#[case::agreeing(|m: Member| m.requesting(&["192.0.2.9"]).annotated(METALLB, "192.0.2.9"))]
fn a_requested_address_is_given(#[case] ask: fn(Member) -> Member) {
    assert_eq!(get(&fed(&[pool("a", &["192.0.2.0/24"])]), &with("web", ask)), "192.0.2.9");
}

#[rstest]
#[case::contradicting(|m: Member| m.requesting(&["192.0.2.9"]).annotated(METALLB, "192.0.2.8"), "ConflictingValues", "must be equal to spec.loadBalancerIP")]
#[case::prefixes(|m: Member| m.annotated(METALLB, "192.0.2.8").annotated("metallb.universe.tf/loadBalancerIPs", "192.0.2.9"), "ConflictingValues", "metallb.universe.tf/loadBalancerIPs")]
#[case::two_of_one_family(|m: Member| m.annotated(METALLB, "192.0.2.8,192.0.2.9"), "InvalidValue", "at most one IPv4 address")]
#[case::word(|m: Member| m.annotated(METALLB, "home"), "InvalidValue", "\"home\" is not an IP address")]
#[case::empty(|m: Member| m.annotated(METALLB, ""), "InvalidValue", "must list one IP address")]
#[case::family(|m: Member| m.requesting(&["2001:db8::9"]), "FamilyMismatch", "is an IPv6 address, but spec.ipFamilies is [IPv4]")]
fn an_unreadable_request_is_refused(
    #[case] ask: fn(Member) -> Member,
    #[case] category: &str,
    #[case] message: &str,
) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let lb = with("web", ask);
    says(&refused(&provider, &lb), &[category, "rejected", message]);
    assert!(provider.validate(&lb).iter().all(|refusal| refusal.member.is_some()));
}

#[test]
fn an_address_of_no_pool_is_refused() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let text = refused(&provider, &with("web", |m| m.requesting(&["198.51.100.1"])));
    says(&text, &["AddressNotInPool rejected", "198.51.100.1", "known pools: a"]);
}

#[test]
fn an_avoided_address_is_refused() {
    let mut spec = pool("a", &["192.0.2.0/26"]);
    spec.avoid_network_and_broadcast = true;
    let provider = fed(&[spec]);
    for address in ["192.0.2.0", "192.0.2.63"] {
        let text = refused(&provider, &with("web", |m| m.requesting(&[address])));
        says(&text, &["AddressNotAllowed rejected", address, "pool a", "avoidNetworkAndBroadcast"]);
    }
}

#[test]
fn an_address_of_a_pool_that_is_not_open_is_refused() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"]), pool("b", &["198.51.100.0/24"])]);
    let lb = with("web", |m| m.requesting(&["198.51.100.7"]).annotated("metallb.io/address-pool", "a"));
    says(
        &refused(&provider, &lb),
        &["AddressNotAllowed rejected", "198.51.100.7", "pool b is not one of those asked for (a)"],
    );
}

#[test]
fn a_pool_without_auto_assign_serves_requests() {
    let mut spec = pool("a", &["192.0.2.0/24"]);
    spec.auto_assign = false;
    assert_eq!(get(&fed(&[spec]), &with("web", |m| m.requesting(&["192.0.2.7"]))), "192.0.2.7");
}

#[rstest]
#[case::deleting(true, &["192.0.2.0/24"], "is being deleted")]
#[case::broken(false, &["192.0.2.0/24", "x"], "until it is put right")]
fn a_pool_that_gives_nothing_gives_nothing_on_request(
    #[case] deleting: bool,
    #[case] addresses: &[&str],
    #[case] why: &str,
) {
    let mut spec = pool("a", addresses);
    spec.deleting = deleting;
    let provider = restarted(&[spec], &[with("old", |m| m.showing(&["192.0.2.1"]))]);
    let ask = |name| with(name, |m| m.requesting(&[if name == "old" { "192.0.2.1" } else { "192.0.2.7" }]));
    says(&refused(&provider, &ask("new")), &["AddressNotAllowed rejected", "pool a", why]);
    assert_eq!(get(&provider, &ask("old")), "192.0.2.1");
}

#[test]
fn an_address_that_another_holds_is_had_as_soon_as_it_is_free() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    assert_eq!(get(&provider, &web("first")), "192.0.2.0");
    let second = with("second", |m| m.requesting(&["192.0.2.0"]));
    says(
        &refused(&provider, &second),
        &["AddressInUse quota", "192.0.2.0", "pool a", "held by default/first"],
    );
    release(&provider, &web("first"));
    assert_eq!(get(&provider, &second), "192.0.2.0");
}

#[test]
fn a_changed_request_moves_and_frees_the_old_address() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    assert_eq!(get(&provider, &web("web")), "192.0.2.0");
    let moved = with("web", |m| m.requesting(&["192.0.2.9"]).showing(&["192.0.2.0"]));
    assert_eq!(
        plan(&provider, &moved).lines().skip(1).collect::<Vec<_>>(),
        [
            "  + address 192.0.2.9",
            "      pool: a",
            "      family: IPv4",
            "      ports: 80/TCP",
            "  - address 192.0.2.0"
        ]
    );
    assert_eq!(get(&provider, &moved), "192.0.2.9");
    assert_eq!(
        (counts(&provider, "a"), get(&provider, &web("next"))),
        ("1/256 0/0".into(), "192.0.2.0".into())
    );
    assert_eq!(get(&provider, &web("web")), "192.0.2.9", "taking the request back changes nothing");
}

#[test]
fn a_request_that_cannot_be_had_leaves_the_address_alone() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    assert_eq!(get(&provider, &web("web")), "192.0.2.0");
    refused(&provider, &with("web", |m| m.requesting(&["198.51.100.1"])));
    assert_eq!(held(&provider), ["web=192.0.2.0"]);
}

#[test]
fn the_younger_member_is_refused_if_two_ask_for_different_addresses() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let one = member("one").requesting(&["192.0.2.1"]);
    let two = member("two").born(5).annotated(METALLB, "192.0.2.2");
    let lb = group(ProviderName::Metal, "g", vec![one, two]);
    let refusals = provider.validate(&lb);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    says(&refusals[0].to_string(), &["192.0.2.2", "default/one", "is older"]);
    assert_eq!(refusals[0].member.as_ref().unwrap().name, "two");
    says(&refused(&provider, &lb), &["ConflictingValues rejected"]);
}

#[rstest]
#[case(METALLB)]
#[case("metallb.universe.tf/loadBalancerIPs")]
fn a_conflict_of_requests_names_the_annotation_that_was_set(#[case] key: &str) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let two = member("two").born(5).annotated(key, "192.0.2.2");
    let refusals = provider.validate(&group(
        ProviderName::Metal,
        "g",
        vec![member("one").requesting(&["192.0.2.1"]), two],
    ));
    assert_eq!(refusals.iter().map(|r| r.field.as_str()).collect::<Vec<_>>(), [key]);
}
