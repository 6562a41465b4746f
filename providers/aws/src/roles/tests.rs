use super::*;
use crate::api::elb::BalancerState;
use crate::testing::{made, member, noon, subnet, wish};

/// A world with a load balancer of another scheme, which therefore has another name.
fn replaced() -> (Wanted, Observed) {
    let mut old = wish();
    old.balancer.name = "old".to_owned();
    let mut new = wish();
    new.balancer.scheme = landfall_core::params::aws::Scheme::InternetFacing;
    new.groups[0].name = "web-80-new".to_owned();
    new.listeners[0].group = "web-80-new".to_owned();
    (new, made(&old))
}

#[test]
fn one_of_another_scheme_is_a_predecessor_and_serves_until_its_successor_does() {
    let (new, mut observed) = replaced();
    let roles = Roles::of(&new, &observed, noon());
    assert!(roles.current.is_none() && !roles.handover.is_ready());
    assert_eq!(roles.handover.serving.unwrap().it.name, "old");
    let mut successor = made(&new).balancers.remove(0);
    successor.it.state = BalancerState::Provisioning;
    observed.balancers.push(successor);
    let roles = Roles::of(&new, &observed, noon());
    assert_eq!(roles.handover.serving.unwrap().it.name, "old");
    assert!(!roles.handover.is_ready());
    observed.balancers[1].it.state = BalancerState::ActiveImpaired("no room".to_owned());
    assert!(Roles::of(&new, &observed, noon()).handover.is_ready());
    observed.balancers[0].tags.extend(marks::superseded(noon()));
    let roles = Roles::of(&new, &observed, noon());
    assert_eq!(roles.handover.serving.unwrap().it.name, "nlb");
    assert!(roles.handover.is_done());
}

#[test]
fn a_member_whose_wish_is_refused_keeps_the_load_balancer_that_it_is_on() {
    let (mut new, observed) = replaced();
    new.retained.insert(member("web"));
    let roles = Roles::of(&new, &observed, noon());
    assert!(roles.held);
    assert_eq!(roles.current.unwrap().it.name, "old");
}

#[test]
fn security_groups_cannot_be_added_to_one_that_was_made_without() {
    let wanted = wish();
    let mut observed = made(&wanted);
    observed.balancers[0].it.security_groups.clear();
    assert!(Roles::of(&wanted, &observed, noon()).current.is_none());
}

#[test]
fn a_name_that_was_asked_for_does_not_tell_its_fixed_addresses() {
    let mut wanted = wish();
    wanted.balancer.beside = Some("nlb-2".to_owned());
    let observed = made(&wanted);
    assert!(Roles::of(&wanted, &observed, noon()).current.is_some());
    wanted.balancer.subnets[0].allocation = Some("eipalloc-1".to_owned());
    assert!(Roles::of(&wanted, &observed, noon()).current.is_none());
    wanted.balancer.subnets = vec![subnet("a"), subnet("b")];
    assert!(Roles::of(&wanted, &observed, noon()).current.is_some(), "subnets come and go in place");
}

#[test]
fn one_that_was_given_back_plays_no_part() {
    let wanted = wish();
    let mut observed = made(&wanted);
    observed.balancers[0].tags.clear();
    let roles = Roles::of(&wanted, &observed, noon());
    assert!(roles.current.is_none() && roles.predecessors.is_empty());
}
