//! A zone's subnet becomes another one: in place where another zone serves meanwhile, else by a successor.

use std::time::Duration;

use crate::stage::{AWS, Stage, is_told, nodes, registered, web};
use landfall_aws::api::Action;
use landfall_core::model::DesiredLb;
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{Fault, Timing};
use rstest::rstest;
use tokio::time::Instant;

const BEFORE: &str = "private-a,private-b,private-c";

fn annotated(desired: DesiredLb, key: &str, value: &str) -> DesiredLb {
    desired.with(|member| member.annotated(&format!("{AWS}{key}"), value))
}

fn in_subnets(names: &str) -> DesiredLb {
    annotated(web(), "subnets", names)
}

/// The names of the subnets of the only load balancer.
fn subnets(stage: &Stage) -> String {
    let [balancer] = stage.aws.balancers().try_into().unwrap();
    let ids = balancer.it.zones.iter().map(|zone| zone.subnet.as_str().trim_start_matches("subnet-"));
    ids.collect::<Vec<_>>().join(",")
}

#[rstest]
#[case::one("public-a,private-b,private-c")]
#[case::two("public-a,public-b,private-c")]
#[case::one_and_another_zone_goes("public-a,private-b")]
#[tokio::test(start_paused = true)]
async fn zones_are_left_and_entered_again_where_another_serves(#[case] to: &str) {
    let stage = Stage::new();
    let before = stage.converge(&in_subnets(BEFORE)).await.ingress;
    let plan = stage.provider.plan(&in_subnets(to)).await.unwrap().to_string();
    assert!(plan.contains("outOfService") && plan.contains("eu-central-1a: its address"), "{plan}");
    let outcome = stage.converge(&in_subnets(to)).await;
    assert_eq!(outcome.ingress, before);
    assert_eq!(subnets(&stage), to);
    assert_eq!(stage.aws.count(Action::SetSubnets), 2);
    assert!(stage.restarted().provider.plan(&in_subnets(to)).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_aws_takes_its_time_to_leave_is_entered_later() {
    let stage = Stage::new();
    stage.aws.set_timing(Timing { zone_release: Duration::from_mins(3), ..Timing::default() });
    stage.converge(&in_subnets(BEFORE)).await;
    let to = "public-a,private-b,private-c";
    let outcome = stage.ensure(&in_subnets(to).on(nodes(4))).await;
    assert!(is_told(&outcome, "SubnetsNotChanged"), "{:?}", outcome.problems);
    assert_eq!(subnets(&stage), "private-b,private-c");
    assert!(stage.aws.groups().iter().all(|group| registered(group).len() == 4), "the rest goes on");
    // A process that starts anew has no health to watch that would have it look sooner.
    let stage = stage.restarted();
    let (began, mut outcome) = (Instant::now(), stage.ensure(&in_subnets(to).on(nodes(4))).await);
    while !outcome.problems.is_empty() {
        tokio::time::sleep(outcome.look_again.unwrap()).await;
        outcome = stage.ensure(&in_subnets(to).on(nodes(4))).await;
    }
    assert_eq!(subnets(&stage), to);
    let took = began.elapsed();
    assert!((Duration::from_mins(3)..=Duration::from_mins(4)).contains(&took), "{took:?}");
}

#[rstest]
#[case::fails(Fault::code("InternalFailure"))]
#[case::its_answer_is_lost(Fault::LoseAnswer)]
#[tokio::test(start_paused = true)]
async fn a_process_that_dies_between_leaves_no_zone_behind(
    #[values(1, 2)] call: usize,
    #[case] fault: Fault,
) {
    let stage = Stage::new();
    stage.converge(&in_subnets(BEFORE)).await;
    let to = in_subnets("public-a,private-b,private-c");
    stage.aws.fault_on(Action::SetSubnets, call, fault);
    stage.provider.ensure(&to).await.unwrap_err();
    let stage = stage.restarted();
    stage.converge(&to).await;
    assert_eq!(subnets(&stage), "public-a,private-b,private-c");
}

#[tokio::test(start_paused = true)]
async fn where_no_zone_serves_meanwhile_a_successor_does() {
    let stage = Stage::new();
    stage.aws.slow_down(Duration::from_mins(2));
    let before = stage.converge(&in_subnets("private-a,private-b")).await.ingress;
    let to = in_subnets("public-a,public-b");
    let outcome = stage.ensure(&to).await;
    assert_eq!(outcome.ingress, before, "the old one serves meanwhile");
    assert_eq!(stage.aws.balancers().len(), 2);
    let stage = stage.restarted();
    let after = stage.outlast(&to).await;
    assert_ne!(after.ingress, before);
    assert_eq!((subnets(&stage).as_str(), stage.aws.count(Action::SetSubnets)), ("public-a,public-b", 0));
    // From then on its subnets come and go in place, and its name stays.
    let names = || stage.aws.balancers().iter().map(|it| it.it.name.clone()).collect::<Vec<_>>();
    let name = names();
    let more = stage.converge(&in_subnets("public-a,private-b,private-c")).await;
    assert_eq!((more.ingress, names()), (after.ingress, name));
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_back_in_time_gets_the_old_one_back() {
    let stage = Stage::new();
    let from = in_subnets("private-a,private-b");
    let before = stage.converge(&from).await.ingress;
    tokio::time::sleep(Duration::from_mins(5)).await;
    let between = stage.converge(&in_subnets("public-a,public-b")).await.ingress;
    assert_ne!(between, before);
    assert_eq!(stage.outlast(&from).await.ingress, before);
    assert_eq!(subnets(&stage), "private-a,private-b");
    assert_eq!(stage.aws.count(Action::CreateLoadBalancer), 2);
}

#[tokio::test(start_paused = true)]
async fn a_given_name_keeps_a_successor_away_and_somebody_is_told() {
    let stage = Stage::new();
    stage.converge(&annotated(in_subnets("private-a,private-b"), "name", "shop")).await;
    let to = annotated(in_subnets("public-a,public-b"), "name", "shop").on(nodes(4));
    let outcome = stage.converge(&to).await;
    let told = outcome.problems.iter().find(|problem| problem.category.as_str() == "SubnetsNotChanged");
    assert!(told.is_some_and(|problem| problem.message.contains("eu-central-1a")), "{:?}", outcome.problems);
    assert!(stage.aws.groups().iter().all(|group| registered(group).len() == 4), "the rest goes on");
    assert_eq!(stage.aws.count(Action::SetSubnets), 0);
    // As the message says: another name, or one zone that stays for the time.
    let outcome = stage.outlast(&annotated(in_subnets("public-a,public-b"), "name", "new")).await;
    assert!(!is_told(&outcome, "SubnetsNotChanged"));
    assert_eq!(subnets(&stage), "public-a,public-b");
}
