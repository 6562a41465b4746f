//! What is refused, with which category, about which field.

use landfall_core::annotations::TARGETS;
use landfall_core::error::Category;
use landfall_core::ids::ProviderName;
use landfall_core::params::ClassParams;
use landfall_core::params::metal::MetalParams;
use landfall_core::testing;
use rstest::rstest;

use super::*;
use crate::MemoryProvider;

fn wish() -> DesiredLb {
    testing::lb(ProviderName::Memory, "web")
}

fn group(change: impl Fn(Member) -> Member) -> DesiredLb {
    let younger = testing::member("b").listening(&[(Protocol::Tcp, 81)]).born(1);
    testing::group(ProviderName::Memory, "front", vec![testing::member("a"), change(younger)])
}

#[test]
fn good_wishes_are_not_refused() {
    assert_eq!(validate(&MemoryProvider::all(), &wish()), []);
    assert_eq!(validate(&MemoryProvider::all(), &group(|m| m)), []);
}

#[rstest]
#[case::no_ports(wish().with(|m| m.listening(&[])), categories::NO_PORTS, "spec.ports")]
#[case::targets(wish().with(|m| m.annotated(TARGETS, "Pods")), categories::INVALID_VALUE, TARGETS)]
#[case::node_port(
    wish().with(|mut m| { m.listeners[0].node_port = None; m }),
    categories::NO_NODE_PORT,
    "spec.ports[0].nodePort"
)]
#[case::address_family(
    wish().with(|m| m.requesting(&["2001:db8::1"])),
    categories::CONFLICTING_VALUES,
    "spec.loadBalancerIP"
)]
#[case::class(
    wish().params(ClassParams::Metal(MetalParams::default())),
    categories::CONFLICTING_VALUES,
    "spec.loadBalancerClass"
)]
#[case::port_taken(group(|m| m.listening(&[(Protocol::Tcp, 80)])), categories::PORT_CONFLICT, "spec.ports[0]")]
fn a_mistake_is_refused(#[case] desired: DesiredLb, #[case] category: Category, #[case] field: &str) {
    let refusals = validate(&MemoryProvider::all(), &desired);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!((refusals[0].category, refusals[0].field.as_str()), (category, field));
}

#[rstest]
#[case::sharing(|c: &mut Capabilities| c.sharing = false, group(|m| m), annotations::SHARE)]
#[case::protocols(
    |c: &mut Capabilities| c.protocols = vec![Protocol::Tcp],
    wish().with(|m| m.listening(&[(Protocol::Udp, 53)])),
    "spec.ports[0].protocol"
)]
#[case::mixed(
    |c: &mut Capabilities| c.mixed_protocols = false,
    wish().with(|m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Udp, 53)])),
    "spec.ports[1]"
)]
#[case::same_port(
    |c: &mut Capabilities| c.same_port_protocols = false,
    wish().with(|m| m.listening(&[(Protocol::Tcp, 53), (Protocol::Udp, 53)])),
    "spec.ports[1]"
)]
#[case::two_families(
    |c: &mut Capabilities| c.dual_stack = false,
    wish().with(|m| m.stack(&IpFamily::BOTH, FamilyPolicy::RequireDualStack)),
    "spec.ipFamilyPolicy"
)]
#[case::other_family(
    |c: &mut Capabilities| c.dual_stack = false,
    group(|m| m.stack(&[IpFamily::V6], FamilyPolicy::SingleStack)),
    "spec.ipFamilies"
)]
#[case::addresses(
    |c: &mut Capabilities| c.requested_addresses = false,
    wish().with(|m| m.requesting(&["192.0.2.1"])),
    "spec.loadBalancerIP"
)]
fn what_a_lesser_provider_cannot_do_is_refused(
    #[case] lessen: fn(&mut Capabilities),
    #[case] desired: DesiredLb,
    #[case] field: &str,
) {
    let mut capabilities = MemoryProvider::all();
    assert_eq!(validate(&capabilities, &desired), []);
    lessen(&mut capabilities);
    let refusals = validate(&capabilities, &desired);
    assert_eq!(refusals.iter().map(|refusal| refusal.field.as_str()).collect::<Vec<_>>(), [field]);
}

#[test]
fn the_younger_member_gives_way() {
    let mode = |mode| {
        move |mut m: Member| {
            m.ip_mode = Some(mode);
            m
        }
    };
    let desired = group(|m| mode(IpMode::Proxy)(m.requesting(&["192.0.2.2"])));
    let desired = desired.with(|m| mode(IpMode::Vip)(m.requesting(&["192.0.2.1"])));
    let refusals = validate(&MemoryProvider::all(), &desired);
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    assert!(refusals.iter().all(|refusal| refusal.member.as_ref() == Some(&desired.members[1].service)));
}

#[test]
fn every_reason_is_told_at_once() {
    let desired = wish().with(|m| {
        let mut member = m.annotated(TARGETS, "?").requesting(&["2001:db8::1"]);
        member.listeners.clear();
        member
    });
    assert_eq!(validate(&MemoryProvider::all(), &desired).len(), 3);
}
