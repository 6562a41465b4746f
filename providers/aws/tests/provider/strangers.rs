//! What is not ours, or no longer, is neither changed nor deleted, whatever the lists said minutes ago.

use std::time::Duration;

use crate::stage::{AWS, Stage, web};
use landfall_aws::api::Action;
use landfall_aws::api::elb::Elb as _;
use landfall_core::provider::Provider as _;

#[tokio::test(start_paused = true)]
async fn a_predecessor_that_somebody_made_his_own_is_left_alone_and_told() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    stage.aws.slow_down(Duration::from_mins(2));
    let desired = web().with(|member| member.annotated(&format!("{AWS}scheme"), "internet-facing"));
    stage.ensure(&desired).await;
    let old = stage.aws.balancers().into_iter().find(|it| it.it.scheme.as_str() == "internal").unwrap();
    let ours: Vec<String> = old.tags.keys().cloned().collect();
    stage.aws.console().remove_tags(&[old.it.arn.to_string()], &ours).await.unwrap();
    let mut told = false;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let problems = stage.ensure(&desired).await.problems;
        told |= problems.iter().any(|problem| problem.message.contains(&old.it.name));
    }
    assert!(told);
    assert_eq!((stage.aws.balancers().len(), stage.aws.count(Action::DeleteLoadBalancer)), (2, 0));
    assert!(stage.provider.plan(&desired).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_a_predecessor_carries_that_an_endpoint_service_holds_is_not_tried_all_the_time() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    let old = stage.aws.balancers().remove(0).it;
    stage.aws.set_endpoint_service(&old.arn, true);
    let desired = web().with(|member| member.annotated(&format!("{AWS}disable-nlb-sg"), "true"));
    let mut outcome = stage.ensure(&desired).await;
    for _ in 0..10 {
        tokio::time::sleep(outcome.look_again.unwrap()).await;
        outcome = stage.ensure(&desired).await;
    }
    assert!(outcome.look_again >= Some(Duration::from_mins(5)), "{:?}", outcome.look_again);
    assert!(outcome.problems.iter().any(|problem| problem.message.contains(old.arn.as_str())), "{outcome:?}");
    assert_eq!(stage.aws.count(Action::DeleteSecurityGroup), 0);
    stage.aws.set_endpoint_service(&old.arn, false);
    stage.converge(&desired).await;
    assert_eq!(stage.aws.balancers().len(), 1);
}
