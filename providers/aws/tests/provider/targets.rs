//! Targets come and go in few calls, and one that AWS refuses costs no other.

use crate::stage::{self, Stage, nodes, web};
use landfall_aws::api::Action;
use landfall_core::model::DesiredLb;
use landfall_testkit::aws::fake::{Fault, Quota};

fn registered(stage: &Stage) -> Vec<String> {
    stage::registered(&stage.aws.groups().remove(0))
}

/// The last of these nodes alone.
fn only_last(count: u16) -> DesiredLb {
    let mut set = (*nodes(count)).clone();
    set.eligible.drain(..usize::from(count) - 1);
    web().on(std::sync::Arc::new(set))
}

#[tokio::test(start_paused = true)]
async fn a_terminated_instance_keeps_no_other_out() {
    let stage = Stage::new();
    stage.converge(&web().on(nodes(8))).await;
    stage.converge(&web().on(nodes(1))).await;
    // The instances are known from before; meanwhile one was terminated.
    stage.aws.edit_network(|network| {
        let instance = network.instances.get_mut(&"i-0005".into()).unwrap();
        instance.state = "terminated".to_owned();
    });
    let outcome = stage.ensure(&web().on(nodes(8))).await;
    assert_eq!(registered(&stage).len(), 7);
    let problem = outcome.problems.iter().find(|problem| problem.message.contains("i-0005")).unwrap();
    assert!(problem.message.contains("n5") && !problem.message.contains("i-0004"), "{}", problem.message);
}

#[tokio::test(start_paused = true)]
async fn a_full_target_group_is_renewed_by_making_room_first() {
    let stage = Stage::new();
    stage.aws.set_quota(Quota::TargetsPerGroup, 1);
    stage.converge(&web().on(nodes(1))).await;
    let outcome = stage.ensure(&only_last(2)).await;
    assert_eq!(registered(&stage), ["i-0002:30080"]);
    assert_eq!(outcome.problems, []);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_left_out_and_told() {
    let stage = Stage::new();
    stage.aws.set_quota(Quota::TargetsPerGroup, 3);
    let outcome = stage.ensure(&web().on(nodes(5))).await;
    assert_eq!(registered(&stage).len(), 3);
    let problem = outcome.problems.iter().find(|it| it.category.as_str() == "QuotaExceeded").unwrap();
    assert!(problem.message.contains("n5"), "{}", problem.message);
}

#[tokio::test(start_paused = true)]
async fn one_target_with_too_many_registrations_keeps_no_other_out() {
    let stage = Stage::new();
    stage.converge(&web().on(nodes(1))).await;
    // Four at once, the first two of them, and the first alone.
    for number in [1, 2, 3] {
        stage.aws.fault_on(Action::RegisterTargets, number, Fault::code("TooManyRegistrationsForTargetId"));
    }
    let outcome = stage.ensure(&web().on(nodes(5))).await;
    assert_eq!(registered(&stage).len(), 4);
    let problem = outcome.problems.iter().find(|it| it.category.as_str() == "QuotaExceeded").unwrap();
    assert!(problem.message.contains("n2") && !problem.message.contains("n3"), "{}", problem.message);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_aws_does_not_know_any_more_holds_up_no_other() {
    let stage = Stage::new();
    stage.converge(&web().on(nodes(5))).await;
    for number in [1, 2, 3] {
        stage.aws.fault_on(Action::DeregisterTargets, number, Fault::code("InvalidTarget"));
    }
    let outcome = stage.ensure(&web().on(nodes(1))).await;
    assert_eq!(stage.aws.count(Action::DeregisterTargets), 5, "four, two, one, one and two");
    assert_eq!(outcome.problems, []);
}

#[tokio::test(start_paused = true)]
async fn a_node_port_changes_in_place() {
    let stage = Stage::new();
    stage.converge(&web().on(nodes(2))).await;
    let moved = web().on(nodes(2)).with(|mut member| {
        member.listeners[0].node_port = Some(31_000);
        member
    });
    let before = stage.aws.writes();
    stage.converge(&moved).await;
    assert_eq!(registered(&stage), ["i-0001:31000", "i-0002:31000"]);
    assert_eq!(stage.aws.writes() - before, 2, "one deregistration and one registration");
}

#[tokio::test(start_paused = true)]
async fn targets_that_are_all_unhealthy_stay() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    for id in ["i-0001", "i-0002", "i-0003"] {
        stage.aws.set_unhealthy(id, true);
    }
    let stage = stage.restarted();
    let outcome = stage.converge(&web()).await;
    assert_eq!(stage.aws.count(Action::DeregisterTargets), 0);
    assert_eq!(registered(&stage).len(), 3);
    assert!(outcome.targets.iter().all(|health| health.healthy == 0), "{:?}", outcome.targets);
}
