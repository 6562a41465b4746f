//! Families: which are needed, which are taken, in which order they are published.

use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, FamilyPolicy, IpMode};
use landfall_core::net::{IpFamily, IpFamily::*};
use landfall_core::outcome::{Ingress, Phase};
use landfall_core::pools::AddressBook as _;
use landfall_core::testing::{group, member};
use rstest::rstest;

use crate::support::*;

fn stack(name: &str, families: &[IpFamily], policy: FamilyPolicy) -> DesiredLb {
    with(name, |m| m.stack(families, policy))
}

fn require(name: &str) -> DesiredLb {
    stack(name, &[V4, V6], FamilyPolicy::RequireDualStack)
}

fn prefer(name: &str) -> DesiredLb {
    stack(name, &[V4, V6], FamilyPolicy::PreferDualStack)
}

#[rstest]
#[case(&[V4], FamilyPolicy::SingleStack, "192.0.2.0")]
#[case(&[V6], FamilyPolicy::SingleStack, "2001:db8::")]
#[case(&[V4, V6], FamilyPolicy::RequireDualStack, "192.0.2.0,2001:db8::")]
#[case(&[V6, V4], FamilyPolicy::RequireDualStack, "2001:db8::,192.0.2.0")]
#[case(&[V6, V4], FamilyPolicy::PreferDualStack, "2001:db8::,192.0.2.0")]
#[case(&[V6], FamilyPolicy::PreferDualStack, "2001:db8::")]
fn addresses_follow_the_order_of_families(
    #[case] families: &[IpFamily],
    #[case] policy: FamilyPolicy,
    #[case] got: &str,
) {
    let provider = fed(&[pool("a", &["2001:db8::/64", "192.0.2.0/24"])]);
    assert_eq!(get(&provider, &stack("web", families, policy)), got);
}

#[test]
fn both_families_come_from_one_pool_if_one_has_both() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"]), pool("b", &["198.51.100.0/24", "2001:db8::/64"])]);
    assert_eq!(get(&provider, &require("web")), "198.51.100.0,2001:db8::");
}

#[test]
fn both_families_come_from_two_pools_if_they_must() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"]), pool("b", &["2001:db8::/64"])]);
    assert_eq!(get(&provider, &require("web")), "192.0.2.0,2001:db8::");
}

#[test]
fn a_second_family_comes_from_the_pool_of_the_first() {
    let provider = fed(&[
        pool("a", &["192.0.2.0/24", "2001:db8:a::/64"]),
        pool("b", &["198.51.100.0/24", "2001:db8:b::/64"]),
    ]);
    let asked = |policy| stack("web", &[V4, V6], policy).with(|m| m.requesting(&["198.51.100.7"]));
    assert_eq!(get(&provider, &asked(FamilyPolicy::RequireDualStack)), "198.51.100.7,2001:db8:b::");
}

#[test]
fn require_dual_stack_is_both_or_nothing() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    says(
        &refused(&provider, &require("web")),
        &["PoolExhausted quota", "no IPv6 address", "pool a has no IPv6 addresses"],
    );
    assert_eq!(counts(&provider, "a"), "0/256 0/0");
}

#[test]
fn prefer_dual_stack_takes_what_there_is_and_the_rest_later() {
    let v4 = pool("a", &["192.0.2.0/24"]);
    let provider = fed(std::slice::from_ref(&v4));
    let outcome = ensure(&provider, &prefer("web")).unwrap();
    assert_eq!((ips(&outcome).as_str(), &outcome.phase), ("192.0.2.0", &Phase::Ready));
    assert_eq!(outcome.problems.len(), 1);
    says(&outcome.problems[0].message, &["no IPv6 address yet", "pool a has no IPv6 addresses"]);
    assert_eq!(feed(&provider, &[v4, pool("b", &["2001:db8::/64"])], None), ["web"]);
    let outcome = ensure(&provider, &prefer("web")).unwrap();
    assert_eq!((ips(&outcome).as_str(), outcome.problems.len()), ("192.0.2.0,2001:db8::", 0));
    assert_eq!(provider.restless(), []);
}

#[test]
fn prefer_dual_stack_takes_the_second_family_if_the_first_is_exhausted() {
    let provider = fed(&[pool("a", &["192.0.2.1", "2001:db8::/64"])]);
    get(&provider, &web("other"));
    assert_eq!(get(&provider, &prefer("web")), "2001:db8::");
    release(&provider, &web("other"));
    assert_eq!(get(&provider, &prefer("web")), "192.0.2.1,2001:db8::");
}

#[test]
fn prefer_dual_stack_needs_one_family_at_least() {
    let provider = fed(&[pool("a", &["192.0.2.1", "2001:db8::1"])]);
    get(&provider, &require("other"));
    says(&refused(&provider, &prefer("web")), &["PoolExhausted quota", "no IPv4 and IPv6 address"]);
}

#[test]
fn a_family_that_is_no_longer_asked_for_is_released() {
    let provider = fed(&[pool("a", &["192.0.2.0/24", "2001:db8::/64"])]);
    get(&provider, &require("web"));
    let outcome = ensure(&provider, &web("web")).unwrap();
    assert_eq!((ips(&outcome).as_str(), outcome.steps.len()), ("192.0.2.0", 1));
    assert_eq!(outcome.steps[0].to_string(), "  - address 2001:db8::");
    assert_eq!(held(&provider), ["web=192.0.2.0"]);
}

#[test]
fn a_group_has_every_family_that_a_member_needs() {
    let provider = fed(&[pool("a", &["192.0.2.0/24", "2001:db8::/64"])]);
    let one = member("one");
    let two = member("two").born(5).stack(&[V6], FamilyPolicy::SingleStack);
    assert_eq!(get(&provider, &group(ProviderName::Metal, "g", vec![one, two])), "192.0.2.0,2001:db8::");
}

#[test]
fn a_request_per_family() {
    let provider = fed(&[pool("a", &["192.0.2.0/24", "2001:db8::/64"])]);
    let asked = require("web").with(|m| m.annotated("metallb.io/loadBalancerIPs", "2001:db8::5,192.0.2.5"));
    assert_eq!(get(&provider, &asked), "192.0.2.5,2001:db8::5");
}

#[rstest]
#[case(None, IpMode::Vip)]
#[case(Some(IpMode::Vip), IpMode::Vip)]
#[case(Some(IpMode::Proxy), IpMode::Proxy)]
fn the_ip_mode_is_what_the_service_asks_for(#[case] asked: Option<IpMode>, #[case] mode: IpMode) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let mut lb = web("web");
    lb.members[0].ip_mode = asked;
    let ip = "192.0.2.0".parse().unwrap();
    assert_eq!(ensure(&provider, &lb).unwrap().ingress, [Ingress::Ip { ip, mode }]);
}

#[test]
fn who_lacks_its_second_family_is_restless_until_it_has_it() {
    let provider = fed(&[pool("a", &["192.0.2.0/24", "2001:db8::1"])]);
    let other = stack("other", &[V6], FamilyPolicy::SingleStack);
    get(&provider, &other);
    assert_eq!(get(&provider, &prefer("web")), "192.0.2.0");
    assert_eq!(provider.restless(), [prefer("web").id]);
    release(&provider, &other);
    assert_eq!(get(&provider, &prefer("web")), "192.0.2.0,2001:db8::1");
    assert_eq!(provider.restless(), []);
}

#[test]
fn a_lost_family_that_is_optional_is_left_out_and_told() {
    let v4 = pool("a", &["192.0.2.0/24"]);
    let provider = fed(&[v4.clone(), pool("b", &["2001:db8::/64"])]);
    get(&provider, &prefer("web"));
    feed(&provider, std::slice::from_ref(&v4), None);
    let outcome = ensure(&provider, &prefer("web")).unwrap();
    assert_eq!(ips(&outcome), "192.0.2.0");
    says(
        &outcome.problems[0].message,
        &["no IPv6 address", "had to leave 2001:db8:: (in no AddressPool any more)", "pool a has no IPv6"],
    );
    assert_eq!(outcome.steps.iter().map(ToString::to_string).collect::<Vec<_>>(), ["  - address 2001:db8::"]);
    assert_eq!(provider.restless(), [prefer("web").id]);
}

#[test]
fn an_optional_family_that_another_holds_is_left_out_and_told() {
    let old = stack("old", &[V6], FamilyPolicy::SingleStack).with(|m| m.showing(&["2001:db8::1"]));
    let young = prefer("young").with(|m| m.born(9).showing(&["192.0.2.7", "2001:db8::1"]));
    let provider = restarted(&[pool("a", &["192.0.2.0/24", "2001:db8::1"])], &[old, young.clone()]);
    let outcome = ensure(&provider, &young).unwrap();
    assert_eq!(ips(&outcome), "192.0.2.7");
    says(&outcome.problems[0].message, &["no IPv6 address", "2001:db8::1 (held by default/old"]);
}

#[rstest]
#[case::one_of_two_needed(FamilyPolicy::RequireDualStack, &["192.0.2.0/24"], &["has to leave 2001:db8:: ("])]
#[case::all_of_two(FamilyPolicy::PreferDualStack, &["198.51.100.0/32"], &["leave 192.0.2.0 (", "and 2001:db8:: ("])]
fn a_lost_family_that_cannot_be_left_out_stays(
    #[case] policy: FamilyPolicy,
    #[case] left: &[&str],
    #[case] message: &[&str],
) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"]), pool("b", &["2001:db8::/64"])]);
    let lb = stack("web", &[V4, V6], policy);
    get(&provider, &lb);
    let taken = pool("z", left);
    feed(&provider, std::slice::from_ref(&taken), None);
    if policy == FamilyPolicy::PreferDualStack {
        get(&provider, &web("other"));
    }
    says(&refused(&provider, &lb), message);
    let held = held(&provider);
    assert!(["web=192.0.2.0", "web=2001:db8::"].iter().all(|one| held.iter().any(|held| held == one)));
}
