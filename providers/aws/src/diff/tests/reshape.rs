//! Another shape that AWS refused.

use std::time::Duration;

use super::*;
use crate::api::elb::GroupTargets;
use crate::observe::RefusedShape;

/// A world in which UDP port 80 is served over IPv6, and the wish to give IPv6 up, which AWS refused.
fn refused(targets: GroupTargets) -> (Wanted, Observed) {
    let mut before = wish();
    (before.groups[0].targets, before.groups[0].protocol) = (targets, NlbProtocol::Udp);
    before.listeners[0].protocol = NlbProtocol::Udp;
    let wanted = before.clone();
    (before.balancer.address_type, before.balancer.source_nat) = (AddressType::Dualstack, true);
    before.groups[0].name = "web-80-v6".to_owned();
    before.groups[0].family = IpFamily::V6;
    before.listeners[0].group = "web-80-v6".to_owned();
    let mut observed = made(&before);
    observed.groups.push(crate::testing::made_group(&wanted.groups[0], &"arn:none".into()));
    observed.groups[1].it.load_balancers.clear();
    observed.refused_shape = Some(RefusedShape { why: "no".to_owned(), left: Duration::from_mins(9) });
    (wanted, observed)
}

#[rstest]
#[case::nodes(GroupTargets::Instance, &["~ target group web-80-v6 | targets: [\"i-2:30080 (n2)\"]"], &[])]
#[case::pods(GroupTargets::Ip, &[], &["web-80-v6"])]
fn what_serves_stays_and_gets_the_targets_that_are_known(
    #[case] targets: GroupTargets,
    #[case] expected: &[&str],
    #[case] unfilled: &[&str],
) {
    let (mut wanted, mut observed) = refused(targets);
    let of_new = observed.groups[1].targets.as_mut().unwrap();
    of_new.insert(target("i-2", 30_080), crate::testing::state(&target("i-2", 30_080), HEALTHY, None));
    wanted.groups[0].registered.insert(target("i-2", 30_080), "n2".to_owned());
    assert_eq!(plan(&wanted, &observed), expected);
    let waiting = waiting_shape(&wanted, &observed, noon()).unwrap();
    assert_eq!((waiting.balancer, waiting.unfilled.as_slice()), ("nlb", unfilled));
    // Without the refusal it is tried.
    observed.refused_shape = None;
    assert!(waiting_shape(&wanted, &observed, noon()).is_none());
    let plan = plan(&wanted, &observed);
    assert!(plan.contains(&"- listener nlb:80".to_owned()), "{plan:?}");
}

#[test]
fn where_no_pod_is_left_none_is_left_of_the_other_family() {
    let (mut wanted, mut observed) = refused(GroupTargets::Ip);
    wanted.groups[0].registered.clear();
    observed.groups[1].targets = Some([].into());
    assert_eq!(plan(&wanted, &observed), ["~ target group web-80-v6 | targets: [\"i-1:30080\"] → (none)"]);
}

#[test]
fn a_listener_that_is_away_is_brought_back_by_the_next_attempt() {
    let (wanted, mut observed) = refused(GroupTargets::Instance);
    observed.balancers[0].details.as_mut().unwrap().listeners.clear();
    observed.groups[0].it.load_balancers.clear();
    assert!(waiting_shape(&wanted, &observed, noon()).is_none());
}

#[test]
fn the_mark_of_what_was_applied_is_not_set_while_the_shape_waits() {
    let (wanted, observed) = refused(GroupTargets::Instance);
    let marks = changes(&wanted, &observed).into_iter().filter_map(|change| match change {
        Change::Tags(retag) => Some(retag.set),
        _ => None,
    });
    assert!(marks.into_iter().all(|set| !set.contains_key(marks::APPLIED)));
}

const HEALTHY: crate::api::elb::HealthState = crate::api::elb::HealthState::Healthy;
