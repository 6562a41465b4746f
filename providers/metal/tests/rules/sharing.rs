//! One address for several load balancers, and groups.

use landfall_core::class::Sharing;
use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, Member};
use landfall_core::net::Protocol;
use landfall_core::pools::AddressBook as _;
use landfall_core::provider::Provider as _;
use landfall_core::testing::{group, member};
use rstest::rstest;

use crate::support::*;

const KEY: &str = "metallb.io/allow-shared-ip";

fn sharer(name: &str, age: i64, port: u16) -> DesiredLb {
    with(name, |m| m.annotated(KEY, "k").born(age).listening(&[(Protocol::Tcp, port)]))
}

#[test]
fn load_balancers_with_one_key_and_different_ports_share() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    assert_eq!(get(&provider, &sharer("one", 1, 80)), "192.0.2.0");
    let other = sharer("two", 2, 81);
    says(&plan(&provider, &other), &["sharedWith: default/one"]);
    assert_eq!(get(&provider, &other), "192.0.2.0");
    assert_eq!(counts(&provider, "a"), "1/256 0/0");
    release(&provider, &sharer("one", 1, 80));
    assert_eq!(counts(&provider, "a"), "1/256 0/0");
    release(&provider, &other);
    assert_eq!(counts(&provider, "a"), "0/256 0/0");
}

#[rstest]
#[case::other_key(|m: Member| m.annotated(KEY, "l"))]
#[case::no_key(|mut m: Member| { m.annotations.clear(); m })]
#[case::same_port(|m: Member| m.listening(&[(Protocol::Tcp, 80)]))]
#[case::local(|m: Member| m.local(30_001))]
fn whoever_does_not_fit_gets_another_address(#[case] change: fn(Member) -> Member) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("one", 1, 80));
    assert_eq!(get(&provider, &sharer("two", 2, 81).with(change)), "192.0.2.1");
}

#[rstest]
#[case::port(|m: Member| m.listening(&[(Protocol::Tcp, 80)]), "both need port 80/TCP")]
#[case::key(|m: Member| m.annotated(KEY, "l"), "do not carry the same metallb.io/allow-shared-ip")]
#[case::local(|m: Member| m.local(30_001), "externalTrafficPolicy")]
fn a_requested_address_that_cannot_be_shared_is_in_use(
    #[case] change: fn(Member) -> Member,
    #[case] why: &str,
) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("one", 1, 80));
    let asking = sharer("two", 2, 81).with(change).with(|m| m.requesting(&["192.0.2.0"]));
    says(&refused(&provider, &asking), &["AddressInUse quota", "held by default/one", why]);
}

#[test]
fn local_services_share_if_they_select_the_same_pods() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let local = |name, age, port, selector: &str| {
        let mut lb = sharer(name, age, port).with(|m| m.local(30_001));
        selector.clone_into(&mut lb.members[0].selector);
        lb
    };
    assert_eq!(get(&provider, &local("one", 1, 80, "app=x")), "192.0.2.0");
    assert_eq!(get(&provider, &local("two", 2, 81, "app=x")), "192.0.2.0");
    assert_eq!(get(&provider, &local("three", 3, 82, "app=y")), "192.0.2.1");
}

#[test]
fn tcp_and_udp_of_one_port_number_share() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("tcp", 1, 53));
    let udp = sharer("udp", 2, 53).with(|m| m.listening(&[(Protocol::Udp, 53)]));
    assert_eq!(get(&provider, &udp), "192.0.2.0");
}

#[test]
fn a_sole_holder_may_change_key_and_ports() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("one", 1, 80));
    let changed = sharer("one", 1, 443).with(|m| m.annotated(KEY, "l"));
    let text = plan(&provider, &changed);
    says(&text, &["~ address 192.0.2.0", "ports: 80/TCP → 443/TCP", "sharingKey: default/k → default/l"]);
    assert_eq!(get(&provider, &changed), "192.0.2.0");
    assert_eq!(get(&provider, &sharer("two", 2, 80)), "192.0.2.1", "the old key is forgotten");
}

#[test]
fn the_younger_moves_if_it_no_longer_fits() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("old", 1, 80));
    get(&provider, &sharer("young", 2, 81));
    assert_eq!(get(&provider, &sharer("young", 2, 80)), "192.0.2.1");
    assert_eq!(held(&provider), ["old=192.0.2.0", "young=192.0.2.1"]);
}

#[test]
fn the_younger_moves_if_the_older_changes() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("old", 1, 80));
    get(&provider, &sharer("young", 2, 81));
    let outcome = ensure_once(&provider, &sharer("old", 1, 81));
    assert_eq!(ips(&outcome), "192.0.2.0");
    says(&outcome.problems[0].message, &["default/young", "has to move"]);
    assert_eq!(held(&provider), ["old=192.0.2.0"], "nobody holds what he may not share");
    let young = sharer("young", 2, 81).with(|m| m.showing(&["192.0.2.0"]));
    assert_eq!(get(&provider, &young), "192.0.2.1");
}

#[test]
fn an_evicted_load_balancer_is_named_at_the_next_change_of_pools() {
    let provider = fed(&[pool("a", &["192.0.2.0"])]);
    get(&provider, &sharer("old", 1, 80));
    get(&provider, &sharer("young", 2, 81));
    ensure_once(&provider, &sharer("old", 1, 81));
    let young = sharer("young", 2, 81).with(|m| m.showing(&["192.0.2.0"]));
    says(
        &refused(&provider, &young),
        &["PoolExhausted quota", "has to leave 192.0.2.0 (held by default/old: both need port 81/TCP)"],
    );
    assert_eq!(feed(&provider, &[pool("a", &["192.0.2.0-192.0.2.1"])], None), ["young"]);
    assert_eq!(get(&provider, &young), "192.0.2.1");
}

fn ensure_once(provider: &landfall_metal::MetalProvider, lb: &DesiredLb) -> landfall_core::outcome::Outcome {
    now(provider.ensure(lb)).unwrap()
}

#[rstest]
#[case::mixed("app=one", true, false, "spec.externalTrafficPolicy")]
#[case::mixed_the_other_way("app=one", false, true, "spec.externalTrafficPolicy")]
#[case::two_selectors("app=two", true, true, "spec.selector")]
#[case::no_selectors("", true, true, "spec.selector")]
fn members_of_a_group_must_be_served_by_the_same_nodes(
    #[case] selector: &str,
    #[case] first: bool,
    #[case] second: bool,
    #[case] field: &str,
) {
    let local = |m: Member, yes: bool| if yes { m.local(30_001) } else { m };
    let one = local(member("one"), first);
    let mut two = local(member("two").born(5).listening(&[(Protocol::Tcp, 81)]), second);
    selector.clone_into(&mut two.selector);
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let refusals = provider.validate(&group(ProviderName::Metal, "g", vec![one, two]));
    assert_eq!(refusals.len(), 1);
    assert_eq!((refusals[0].field.as_str(), refusals[0].category.as_str()), (field, "TrafficPolicyConflict"));
    assert_eq!(refusals[0].member.as_ref().unwrap().name, "two");
    says(&refusals[0].message, &["default/one is older"]);
}

#[test]
fn a_local_group_with_one_selector_is_served() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let one = member("one").local(30_001);
    let mut two = member("two").born(5).local(30_002).listening(&[(Protocol::Tcp, 81)]);
    two.selector.clone_from(&one.selector);
    assert_eq!(get(&provider, &group(ProviderName::Metal, "g", vec![one, two])), "192.0.2.0");
}

#[test]
fn a_group_shares_with_others_only_if_all_members_permit_it() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("other", 1, 8080));
    let one = member("one").annotated(KEY, "k");
    let two = member("two").born(5).listening(&[(Protocol::Tcp, 81)]);
    let outcome =
        ensure(&provider, &group(ProviderName::Metal, "g", vec![one.clone(), two.clone()])).unwrap();
    assert_eq!(ips(&outcome), "192.0.2.1");
    says(&outcome.problems[0].message, &["every member of the group"]);
    let both = group(ProviderName::Metal, "g", vec![one, two.annotated(KEY, "k")]);
    assert_eq!(get(&provider, &both), "192.0.2.1", "permission to share moves nobody");
    release(&provider, &both);
    assert_eq!(get(&provider, &both), "192.0.2.0");
}

#[test]
fn the_ports_of_a_member_that_is_refused_for_now_stay_taken() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let one = member("one").annotated(KEY, "k");
    let two = member("two").born(5).annotated(KEY, "k").listening(&[(Protocol::Tcp, 81)]);
    get(&provider, &group(ProviderName::Metal, "g", vec![one.clone(), two.clone()]));
    let smaller = group(ProviderName::Metal, "g", vec![one]).retaining(two.as_ref());
    assert_eq!(get(&provider, &smaller), "192.0.2.0");
    assert_eq!(get(&provider, &sharer("other", 9, 81)), "192.0.2.1", "81/TCP is still taken");
}

#[rstest]
#[case::namespace(Sharing::Namespace, "192.0.2.1")]
#[case::cluster(Sharing::Cluster, "192.0.2.0")]
fn the_class_says_whether_a_key_reaches_across_namespaces(#[case] sharing: Sharing, #[case] got: &str) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("one", 1, 80).sharing(sharing));
    assert_eq!(get(&provider, &sharer("elsewhere/two", 2, 81).sharing(sharing)), got);
}

#[test]
fn a_request_across_namespaces_is_told_which_class_it_needs() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("one", 1, 80));
    let asking = sharer("elsewhere/two", 2, 81).with(|m| m.requesting(&["192.0.2.0"]));
    says(&refused(&provider, &asking), &["AddressInUse", "held by default/one", "spec.sharing: Cluster"]);
}

#[rstest]
#[case(KEY)]
#[case("metallb.universe.tf/allow-shared-ip")]
fn a_class_without_sharing_refuses_the_key(#[case] key: &str) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let lb = with("one", |m| m.annotated(key, "k")).sharing(Sharing::None);
    let refusals = provider.validate(&lb);
    assert_eq!(refusals.len(), 1);
    assert_eq!((refusals[0].field.as_str(), refusals[0].value.as_str()), (key, "k"));
    says(&refused(&provider, &lb), &["SharingNotAllowed rejected", "class metal", "Namespace or Cluster"]);
}

#[rstest]
#[case::namespace(Sharing::Namespace, &["one=192.0.2.0"])]
#[case::cluster(Sharing::Cluster, &["one=192.0.2.0", "two=192.0.2.0"])]
fn a_restart_reads_keys_as_the_class_says(#[case] sharing: Sharing, #[case] holders: &[&str]) {
    let shows =
        |name, age, port| sharer(name, age, port).sharing(sharing).with(|m| m.showing(&["192.0.2.0"]));
    let provider =
        restarted(&[pool("a", &["192.0.2.0/24"])], &[shows("one", 1, 80), shows("elsewhere/two", 2, 81)]);
    assert_eq!(held(&provider), holders);
}

#[test]
fn what_is_shared_stays_shared_over_a_restart_when_the_class_ends_sharing() {
    let shows =
        |name, age, port| sharer(name, age, port).sharing(Sharing::None).with(|m| m.showing(&["192.0.2.0"]));
    let holders = [shows("one", 1, 80), shows("two", 2, 81)];
    let provider = restarted(&[pool("a", &["192.0.2.0/24"])], &holders);
    refused(&provider, &holders[1]);
    assert_eq!(held(&provider), ["one=192.0.2.0", "two=192.0.2.0"], "a refused wish takes nothing away");
}

#[rstest]
#[case::ports(|m: Member| m.listening(&[(Protocol::Tcp, 81)]), "ports: 80/TCP → 81/TCP")]
#[case::key(|m: Member| m.annotated(KEY, "l"), "sharingKey: default/k → default/l")]
#[case::policy(|m: Member| m.local(30_001), "externalTrafficPolicy: Cluster → Local (app=old)")]
fn an_eviction_is_a_step_that_names_who_leaves(#[case] change: fn(Member) -> Member, #[case] what: &str) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("old", 1, 80));
    get(&provider, &sharer("young", 2, 81));
    let changed = sharer("old", 1, 80).with(change);
    says(&plan(&provider, &changed), &["~ address 192.0.2.0", what, "sharedWith: default/young → (none)"]);
    assert_eq!(get(&provider, &changed), "192.0.2.0");
    assert_eq!(provider.restless(), [sharer("young", 2, 81).id]);
}

#[test]
fn another_selector_evicts_a_younger_local_sharer() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let local = |name, age, port, selector: &str| {
        let mut lb = sharer(name, age, port).with(|m| m.local(30_001));
        selector.clone_into(&mut lb.members[0].selector);
        lb
    };
    get(&provider, &local("old", 1, 80, "app=x"));
    get(&provider, &local("young", 2, 81, "app=x"));
    let changed = local("old", 1, 80, "app=y");
    let text = plan(&provider, &changed);
    says(&text, &["externalTrafficPolicy: Local (app=x) → Local (app=y)", "default/young → (none)"]);
    assert_eq!(get(&provider, &changed), "192.0.2.0");
    assert_eq!(held(&provider), ["old=192.0.2.0"]);
}

fn impossible(name: &str, age: i64, ports: &[u16]) -> DesiredLb {
    let ports: Vec<_> = ports.iter().map(|&port| (Protocol::Tcp, port)).collect();
    sharer(name, age, 80).with(|m| m.listening(&ports).requesting(&["203.0.113.1"]))
}

#[test]
fn a_wish_that_cannot_be_had_keeps_its_new_ports_too() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("one", 1, 81));
    refused(&provider, &impossible("one", 1, &[82]));
    assert_eq!(get(&provider, &sharer("new", 9, 82)), "192.0.2.1", "the status shows 192.0.2.0 with 82");
    assert_eq!(get(&provider, &sharer("other", 9, 81)), "192.0.2.1");
    assert_eq!(get(&provider, &sharer("one", 1, 82)), "192.0.2.0");
    assert_eq!(get(&provider, &sharer("late", 9, 81)), "192.0.2.0", "81 is given up with the change");
}

#[test]
fn a_wish_that_cannot_be_had_takes_no_port_from_a_sharer() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &sharer("one", 1, 81));
    get(&provider, &sharer("two", 2, 82));
    refused(&provider, &impossible("one", 1, &[82, 83]));
    assert_eq!(get(&provider, &sharer("two", 2, 82)), "192.0.2.0");
    assert_eq!(get(&provider, &sharer("new", 9, 83)), "192.0.2.1");
}

#[rstest]
#[case(KEY)]
#[case("metallb.universe.tf/allow-shared-ip")]
fn a_conflict_of_keys_names_the_annotation_that_was_set(#[case] key: &str) {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let two = member("two").born(5).annotated(key, "l");
    let lb = group(ProviderName::Metal, "g", vec![member("one").annotated(KEY, "k"), two]);
    let refusals = provider.validate(&lb);
    assert_eq!(refusals.iter().map(|r| r.field.as_str()).collect::<Vec<_>>(), [key]);
}
