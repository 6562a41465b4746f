use rstest::rstest;

use super::*;
use crate::testing::{made, made_listener, member, noon, state, target, wish};
use landfall_core::params::aws::Scheme;

fn outcome(wanted: &Wanted, observed: &Observed) -> Outcome {
    of(wanted, observed, Applied::default(), None, noon())
}

#[rstest]
#[case::active(BalancerState::Active, None)]
#[case::provisioning(BalancerState::Provisioning, Some("provisioning"))]
#[case::impaired(BalancerState::ActiveImpaired("full".to_owned()), Some("LoadBalancerImpaired"))]
#[case::failed(BalancerState::Failed("no".to_owned()), Some("LoadBalancerFailed"))]
fn the_state_is_the_phase(#[case] state: BalancerState, #[case] expected: Option<&str>) {
    let mut observed = made(&wish());
    observed.balancers[0].it.state = state;
    let word = match outcome(&wish(), &observed).phase {
        Phase::Ready => None,
        Phase::Provisioning { poll } => {
            assert_eq!(poll, POLL);
            Some("provisioning".to_owned())
        }
        Phase::Degraded { category, .. } => Some(category.as_str().to_owned()),
    };
    assert_eq!(word.as_deref(), expected);
}

#[rstest]
#[case(Publish::Created, &["nlb.example"])]
#[case(Publish::Active, &[])]
fn the_host_name_is_told_when_the_user_wants_it(#[case] publish: Publish, #[case] expected: &[&str]) {
    let mut wanted = wish();
    wanted.balancer.publish = publish;
    let mut observed = made(&wanted);
    observed.balancers[0].it.state = BalancerState::Provisioning;
    let names: Vec<Ingress> = expected.iter().map(|name| Ingress::Hostname((*name).to_owned())).collect();
    assert_eq!(outcome(&wanted, &observed).ingress, names);
    observed.balancers[0].it.state = BalancerState::Active;
    assert_eq!(outcome(&wanted, &observed).ingress.len(), 1);
}

#[test]
fn while_it_is_replaced_the_predecessor_is_told() {
    let mut old = wish();
    old.balancer.name = "old".to_owned();
    let mut new = wish();
    new.balancer.scheme = Scheme::InternetFacing;
    let mut observed = made(&new);
    observed.balancers[0].it.state = BalancerState::Provisioning;
    observed.balancers.extend(made(&old).balancers);
    let outcome = outcome(&new, &observed);
    assert_eq!(outcome.ingress, [Ingress::Hostname("old.example".to_owned())]);
    assert!(matches!(outcome.phase, Phase::Provisioning { .. }));
}

#[test]
fn health_is_counted_and_the_ill_are_named() {
    let mut wanted = wish();
    let ids = ["i-1", "i-2", "i-3", "i-4"];
    wanted.groups[0].registered = ids.map(|id| (target(id, 30_080), format!("node {id}"))).into();
    let mut observed = made(&wanted);
    let states = [
        (HealthState::Healthy, None),
        (HealthState::Initial, Some("Elb.InitialHealthChecking")),
        (HealthState::Unhealthy, Some("Target.Timeout")),
        (HealthState::Draining, Some("Target.DeregistrationInProgress")),
    ];
    let each = ids.iter().zip(states).map(|(id, (health, reason))| {
        let target = target(id, 30_080);
        (target.clone(), state(&target, health, reason))
    });
    observed.groups[0].targets = Some(each.collect());
    let told = outcome(&wanted, &observed).targets;
    let mut expected = TargetHealth::none(member("web").service, wanted.listeners[0].serves[0]);
    (expected.healthy, expected.unknown) = (1, 1);
    expected.unhealthy =
        vec![UnhealthyTarget { target: "node i-3".to_owned(), reason: Some("Target.Timeout".to_owned()) }];
    assert_eq!(told, [expected]);
}

#[test]
fn targets_that_nobody_read_are_not_told() {
    let mut observed = made(&wish());
    observed.groups[0].targets = None;
    assert_eq!(outcome(&wish(), &observed).targets, []);
    let mut observed = made(&wish());
    observed.stale = observed.groups.iter().map(|group| group.it.arn.clone()).collect();
    assert_ne!(outcome(&wish(), &made(&wish())).targets, []);
    assert_eq!(outcome(&wish(), &observed).targets, [], "nor those that somebody read long ago");
}

#[test]
fn a_port_that_a_refused_member_holds_is_a_problem_of_the_other() {
    let mut wanted = wish();
    wanted.retained.insert(member("api"));
    let mut observed = made(&wanted);
    let mut theirs = made_listener(&wanted.listeners[0]);
    theirs.tags = marks::of_member(&crate::testing::cluster(), &wanted.lb, &member("api"));
    observed.balancers[0].details.as_mut().unwrap().listeners = vec![theirs];
    let problems = outcome(&wanted, &observed).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].category, categories::PORT_CONFLICT);
    assert!(problems[0].message.contains("default/api"), "{}", problems[0].message);
}

#[test]
fn what_was_postponed_is_looked_at_soon() {
    let applied = Applied { postponed: true, ..Applied::default() };
    let later = Some(Duration::from_hours(1));
    assert_eq!(of(&wish(), &made(&wish()), applied, later, noon()).look_again, Some(SOON));
}

#[test]
fn groups_from_before_a_take_over_are_told_where_ranges_are_asked_for() {
    let mut wanted = wish();
    let mut observed = made(&wanted);
    wanted.balancer.adopt = Some(observed.balancers[0].it.arn.clone());
    assert_eq!(outcome(&wanted, &observed).problems, []);
    observed.balancers[0].it.security_groups.push("sg-theirs".into());
    let problems = outcome(&wanted, &observed).problems;
    assert!(problems.len() == 1 && problems[0].message.contains("sg-theirs"), "{problems:?}");
    wanted.frontend.as_mut().unwrap().rules = [crate::testing::rule("web", 80, "0.0.0.0/0")].into();
    assert_eq!(outcome(&wanted, &observed).problems, [], "everybody may connect");
}

#[test]
fn what_aws_did_not_take_is_tried_again_later() {
    let problem = Problem { member: None, port: None, category: Category::new("X"), message: String::new() };
    let applied = Applied { problems: vec![problem], ..Applied::default() };
    assert_eq!(of(&wish(), &made(&wish()), applied, None, noon()).look_again, Some(LATER));
}
