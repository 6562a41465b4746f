//! What runs cost, in calls.

use crate::stage::{Stage, nodes, service, web};
use landfall_aws::api::{Action, Category};
use landfall_core::model::DesiredLb;
use landfall_core::net::Protocol;
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{FakeAws, Quota};

const MANY: usize = 1_000;

fn calls_of(aws: &FakeAws, since: usize) -> Vec<Action> {
    aws.journal()[since..].iter().map(|call| call.action).collect()
}

fn elb(actions: &[Action]) -> usize {
    actions.iter().filter(|action| action.service() == "elasticloadbalancing").count()
}

/// A process that has listed the account and knows the network, with another load balancer served already.
async fn warm() -> Stage {
    let stage = Stage::new();
    stage.converge(&service("first").on(nodes(3))).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn making_one_with_one_port_takes_ten_calls_at_most() {
    let stage = warm().await;
    let before = stage.aws.calls();
    stage.ensure(&web()).await;
    let calls = calls_of(&stage.aws, before);
    println!("create: {} calls: {calls:?}", calls.len());
    assert!(calls.len() <= 10, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn deleting_takes_three_calls_and_two_per_port_at_most() {
    for ports in 1..=3u16 {
        let stage = warm().await;
        let listening: Vec<_> = (0..ports).map(|port| (Protocol::Tcp, 80 + port)).collect();
        let desired = web().with(|member| member.listening(&listening));
        stage.converge(&desired).await;
        let before = stage.aws.calls();
        stage.provider.release(&desired.id).await.unwrap();
        let calls = calls_of(&stage.aws, before);
        println!("delete with {ports} ports: {} calls: {calls:?}", calls.len());
        assert!(calls.len() <= 3 + 2 * usize::from(ports), "{calls:?}");
    }
}

fn many() -> Vec<DesiredLb> {
    (0..MANY).map(|n| service(&format!("svc-{n}")).on(nodes(3))).collect()
}

async fn with_many() -> (Stage, Vec<DesiredLb>) {
    let aws = FakeAws::new();
    aws.set_quota(Quota::Balancers, MANY);
    let (stage, all) = (Stage::on(aws), many());
    for desired in &all {
        stage.ensure(desired).await;
    }
    (stage, all)
}

#[tokio::test(start_paused = true)]
async fn looking_at_a_thousand_that_are_as_wanted_costs_little_more_than_the_lists() {
    let (stage, all) = with_many().await;
    // The first checks of what was just registered are asked for once.
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    for desired in &all {
        stage.converge(desired).await;
    }
    // By a process that starts anew, and by one that goes on when its lists are too old.
    let restarted = stage.restarted();
    tokio::time::sleep(std::time::Duration::from_mins(11)).await;
    for (stage, round) in [(restarted, "after a restart"), (stage, "later")] {
        let before = stage.aws.calls();
        for desired in &all {
            let outcome = stage.ensure(desired).await;
            assert_eq!(outcome.steps, []);
        }
        let calls = calls_of(&stage.aws, before);
        println!("sweep of {MANY} {round}: {} ELBv2 calls, {} in all", elb(&calls), calls.len());
        assert!(elb(&calls) <= 120, "{} ELBv2 calls", elb(&calls));
        assert_eq!(calls.iter().filter(|action| action.is_write()).count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_more_is_one_registration_per_target_group_and_nothing_else() {
    let (stage, all) = with_many().await;
    let before = stage.aws.calls();
    for desired in &all {
        stage.ensure(&desired.clone().on(nodes(4))).await;
    }
    let calls = calls_of(&stage.aws, before);
    let registrations = calls.iter().filter(|action| **action == Action::RegisterTargets).count();
    let others: Vec<_> =
        calls.iter().filter(|action| action.category() != Category::ElbRegistration).collect();
    println!("a node more with {MANY}: {registrations} registrations, besides {others:?}");
    assert_eq!(registrations, MANY);
    assert_eq!(others, [&Action::DescribeInstances], "the node is read once");
}
