//! What is not ours, or no longer, is neither changed nor deleted, whatever the lists said minutes ago.

use std::time::Duration;

use crate::replace::until;
use crate::stage::{AWS, Stage, is_told, web};
use landfall_aws::api::Action;
use landfall_aws::api::elb::Elb as _;
use landfall_core::outcome::{Outcome, Phase};
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::LateTags;

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
    let tells = |outcome: &Outcome| {
        let mut messages = outcome.problems.iter().map(|problem| &problem.message);
        messages.any(|text| text.contains("marks") && text.contains(&old.it.name))
    };
    until(&stage, &desired, tells).await;
    // It is told as long as it is so, and nothing is tried that cannot be.
    let writes = stage.aws.writes();
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let outcome = stage.ensure(&desired).await;
        assert!(tells(&outcome) && outcome.phase == Phase::Ready, "{outcome:?}");
        assert!(outcome.look_again >= Some(Duration::from_secs(10)), "{:?}", outcome.look_again);
    }
    assert_eq!(stage.aws.balancers().len(), 2);
    let tried = [Action::DeleteLoadBalancer, Action::DeleteTargetGroup].map(|it| stage.aws.count(it));
    assert_eq!((tried, stage.aws.writes()), ([0, 0], writes));
    assert!(stage.provider.plan(&desired).await.unwrap().is_empty());
    // Whoever has it deletes it, and what it used goes too.
    stage.aws.console().delete_balancer(&old.it.arn).await.unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(!tells(&stage.converge(&desired).await));
    assert_eq!(stage.aws.groups().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_whose_tags_aws_does_not_tell_yet_has_not_lost_them() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    stage.aws.slow_down(Duration::from_mins(2));
    let desired = web().with(|member| member.annotated(&format!("{AWS}scheme"), "internet-facing"));
    stage.ensure(&desired).await;
    let new = stage.aws.balancers().into_iter().find(|it| it.it.scheme.as_str() != "internal").unwrap();
    stage.aws.tell_tags_late(new.it.arn.as_str(), Some(LateTags::Empty));
    // The wish is taken back at once, so the new one never served.
    let outcome = stage.ensure(&web()).await;
    assert!(!is_told(&outcome, "ForeignResource"), "{outcome:?}");
    stage.aws.tell_tags_late(new.it.arn.as_str(), None);
    tokio::time::sleep(outcome.look_again.unwrap()).await;
    stage.converge(&web()).await;
    assert_eq!(stage.aws.balancers().len(), 1);
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
