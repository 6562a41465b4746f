use proptest::prelude::*;

use super::super::keys::{ALL, LISTENER_ATTRIBUTES, PORT_GROUP_ATTRIBUTES};
use super::*;

/// Any known key, patterns with odd suffixes, and keys that nobody knows.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..ALL.len()).prop_map(|index| ALL[index].name.to_owned()),
        1 => "[A-Z0-9_-]{0,8}".prop_map(|suffix| format!("{LISTENER_ATTRIBUTES}{suffix}")),
        1 => "[0-9a-z-]{0,6}".prop_map(|suffix| format!("{PORT_GROUP_ATTRIBUTES}{suffix}")),
        1 => "[a-z-]{0,12}".prop_map(|suffix| format!("{PREFIX}{suffix}")),
        1 => Just(ADOPT.to_owned()),
        1 => Just(TARGETS.to_owned()),
    ]
}

/// Arbitrary text, and text of the shapes that annotations have.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any::<String>(),
        3 => "[a-z0-9=,.:/*\\\\ -]{0,24}",
        1 => Just("true".to_owned()),
        1 => Just("on".to_owned()),
        1 => Just("a=b,c=d".to_owned()),
        1 => Just("80,443".to_owned()),
    ]
}

fn annotations() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(key(), value(), 0..12)
}

fn ports() -> impl Strategy<Value = Vec<(Protocol, u16)>> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::Sctp)];
    prop::collection::vec((protocol, prop_oneof![Just(80), Just(443), any::<u16>()]), 0..4)
}

fn lb() -> impl Strategy<Value = DesiredLb> {
    let member = (annotations(), ports()).prop_map(|(annotations, ports)| {
        let mut member = testing::member("web").listening(&ports);
        member.annotations = annotations;
        member
    });
    prop::collection::vec(member, 1..4).prop_map(|members| {
        let named = members.into_iter().zip(0_i64..).map(|(member, index)| {
            let Member { service, uid, .. } = testing::member(&format!("m{index}"));
            Member { service, uid, ..member }.born(index)
        });
        testing::group(ProviderName::Aws, "front", named.collect())
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_refusal_can_be_acted_on(desired in lb()) {
        let reading = read(&desired);
        prop_assert_eq!(reading.settings.members.len(), desired.members.len());
        for refusal in &reading.refusals {
            prop_assert!(!refusal.message.is_empty() && !refusal.field.is_empty());
            prop_assert!(refusal.member.is_some(), "no class parameter is set, so each is about a member: {}", refusal);
        }
        for member in &desired.members {
            target_kind(&ClassParams::Defaults, member);
        }
    }

    #[test]
    fn the_order_of_members_does_not_matter(desired in lb()) {
        let mut turned = desired.clone();
        turned.members.reverse();
        prop_assert_eq!(read(&desired), read(&turned));
    }

    #[test]
    fn refused_members_leave_a_group_that_can_be_served(mut desired in lb()) {
        // As the controller does it: those refused are taken out until nobody is.
        for _ in 0..4 {
            let refusals = read(&desired).refusals;
            let refused = |member: &Member| refusals.iter().any(|one| one.member.as_ref() == Some(&member.service));
            let before = desired.members.len();
            desired.members.retain(|member| !refused(member));
            prop_assert!(refusals.is_empty() || desired.members.len() < before);
        }
        prop_assert!(desired.members.is_empty() || read(&desired).refusals.is_empty());
    }

    #[test]
    fn without_refusals_every_port_is_served_once(desired in lb()) {
        let reading = read(&desired);
        if reading.refusals.is_empty() {
            for member in &desired.members {
                let settings = &reading.settings.members[&member.service];
                let mut served: Vec<_> = settings.listeners.iter().flat_map(|one| one.serves.clone()).collect();
                let mut wanted: Vec<_> = member.ports().collect();
                served.sort_unstable();
                wanted.sort_unstable();
                prop_assert_eq!(served, wanted);
            }
        }
    }
}
