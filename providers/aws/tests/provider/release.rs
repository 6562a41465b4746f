//! Load balancers are removed without a trace, in an order that AWS accepts, and never against a protection.

use std::time::Duration;

use crate::stage::{AWS, Stage, nodes, service, web};
use landfall_aws::api::Action;
use landfall_aws::api::ec2::Ec2 as _;
use landfall_aws::api::elb::Elb as _;
use landfall_core::error::ErrorClass;
use landfall_core::net::Protocol;
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{Fault, Timing};

/// Things take the time that they take in reality.
fn slow() -> Timing {
    Timing {
        provisioning: Duration::from_mins(2),
        group_release: Duration::from_secs(20),
        interface_release: Duration::from_mins(1),
        ..Timing::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_one_takes_the_backend_group_along() {
    let stage = Stage::new();
    let empty = stage.picture();
    let other = service("other").on(nodes(3));
    stage.converge(&web()).await;
    stage.converge(&other).await;
    stage.release(&web().id).await;
    assert!(stage.picture().iter().any(|line| line.contains("backend")), "the other one needs it");
    stage.release(&other.id).await;
    assert_eq!(stage.picture(), empty);
    let before = stage.aws.writes();
    stage.release(&other.id).await;
    assert_eq!(stage.aws.writes(), before, "nothing is left to do");
}

#[tokio::test(start_paused = true)]
async fn the_last_two_go_at_the_same_time_and_take_the_backend_group_along() {
    for pause in [0, 1, 5] {
        let stage = Stage::new();
        let empty = stage.picture();
        let other = service("other").on(nodes(3));
        stage.converge(&web()).await;
        stage.converge(&other).await;
        stage.aws.set_timing(slow());
        let later = async {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            stage.release(&other.id).await;
        };
        let web = web();
        tokio::join!(stage.release(&web.id), later);
        assert_eq!(stage.picture(), empty, "{pause} s apart");
    }
}

/// A sweep reads the account while Services go: what it has read of them before is no longer true at its end.
#[tokio::test(start_paused = true)]
async fn lists_that_were_begun_before_bring_nothing_back() {
    let stage = Stage::new();
    let empty = stage.picture();
    let all: Vec<_> = (0..25).map(|number| service(&format!("web-{number}"))).collect();
    for desired in &all {
        stage.converge(desired).await;
    }
    // The tags of twenty are told, and then nothing for long.
    stage.aws.fault_on(Action::DescribeTags, 2, Fault::Delay(Duration::from_secs(25)));
    let (last, others) = all.split_last().unwrap();
    let go = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for desired in others {
            stage.release(&desired.id).await;
        }
    };
    let (told, ()) = tokio::join!(stage.provider.inventory(), go);
    let strangers = told.unwrap().into_iter().filter(|owned| owned.mark.lb != last.id);
    assert_eq!(strangers.collect::<Vec<_>>(), [], "they are gone");
    stage.release(&last.id).await;
    assert_eq!(stage.picture(), empty, "the backend group goes with the last one");
}

#[tokio::test(start_paused = true)]
async fn a_backend_group_that_nobody_is_left_for_is_told_and_can_be_released() {
    let stage = Stage::new();
    let empty = stage.picture();
    stage.converge(&web()).await;
    let owned = stage.provider.inventory().await.unwrap();
    assert!(owned.iter().all(|owned| owned.mark.lb == web().id), "it is needed: {owned:?}");
    // Somebody deleted the rest by hand.
    let console = stage.aws.console();
    let balancer = stage.aws.balancers().remove(0);
    console.delete_balancer(&balancer.it.arn).await.unwrap();
    console.delete_group(&stage.aws.groups()[0].it.arn).await.unwrap();
    for group in stage.aws.groups_of_rules() {
        if group.tags.contains_key("landfall.dev/load-balancer") {
            console.delete_security_group(&group.id).await.unwrap();
        }
    }
    let stage = stage.restarted();
    let owned = stage.provider.inventory().await.unwrap();
    assert_eq!(owned.len(), 1, "{owned:?}");
    assert_eq!(owned[0].resource.kind, "security group");
    stage.release(&owned[0].mark.lb).await;
    assert_eq!(stage.picture(), empty);
    assert_eq!(stage.provider.inventory().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_hangs_stops_nobody_else() {
    let stage = Stage::new();
    let other = service("other").on(nodes(3));
    stage.converge(&web()).await;
    stage.converge(&other).await;
    stage.aws.fault_on(Action::DeleteLoadBalancer, 1, Fault::Freeze);
    let web = web();
    tokio::select! {
        _ = stage.provider.release(&web.id) => panic!("it hangs"),
        () = async {
            stage.aws.frozen().await;
            stage.converge(&other.clone().on(nodes(4))).await;
            stage.release(&other.id).await;
        } => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubt_about_something_that_never_came_to_be_keeps_nothing() {
    let stage = Stage::new();
    let empty = stage.picture();
    let other = service("other").on(nodes(3));
    stage.converge(&web()).await;
    stage.aws.fault_on(Action::CreateTargetGroup, 1, Fault::Freeze);
    tokio::select! {
        _ = stage.provider.ensure(&other) => panic!("it hangs"),
        () = stage.aws.frozen() => {}
    }
    let error = stage.provider.release(&other.id).await.unwrap_err();
    assert!(matches!(error.class(), ErrorClass::Waiting { .. }), "{}", error.explain());
    stage.release(&other.id).await;
    stage.release(&web().id).await;
    assert_eq!(stage.picture(), empty);
}

#[tokio::test(start_paused = true)]
async fn one_whose_tags_could_not_be_read_after_it_was_made_is_removed() {
    let stage = Stage::new();
    let empty = stage.picture();
    stage.converge(&service("other").on(nodes(3))).await;
    let tags = stage.aws.count(Action::DescribeTags);
    stage.aws.fault_on(Action::DescribeTags, 1, Fault::code("Throttling"));
    stage.provider.ensure(&web()).await.unwrap_err();
    assert_eq!((stage.aws.count(Action::DescribeTags) - tags, stage.aws.balancers().len()), (1, 2));
    stage.release(&web().id).await;
    stage.release(&service("other").id).await;
    assert_eq!(stage.picture(), empty);
}

#[tokio::test(start_paused = true)]
async fn the_backend_group_comes_back_with_the_next_one() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    let picture = stage.picture();
    stage.release(&web().id).await;
    stage.converge(&web()).await;
    assert_eq!(stage.picture(), picture);
}

#[tokio::test(start_paused = true)]
async fn what_aws_has_not_let_go_of_is_named_and_waited_for() {
    let stage = Stage::new();
    let empty = stage.picture();
    stage.aws.set_timing(slow());
    stage.converge(&web()).await;
    let error = stage.provider.release(&web().id).await.unwrap_err();
    assert!(matches!(error.class(), ErrorClass::Waiting { .. }), "{}", error.explain());
    assert!(error.explain().contains("eni-"), "{}", error.explain());
    stage.restarted().release(&web().id).await;
    assert_eq!(stage.picture(), empty);
}

#[tokio::test(start_paused = true)]
async fn it_is_removed_while_it_is_being_set_up() {
    let stage = Stage::new();
    let empty = stage.picture();
    stage.aws.set_timing(slow());
    stage.ensure(&web()).await;
    stage.release(&web().id).await;
    assert_eq!(stage.picture(), empty);
}

#[tokio::test(start_paused = true)]
async fn a_protected_one_is_not_touched_until_the_protection_is_lifted() {
    let stage = Stage::new();
    let empty = stage.picture();
    let key = format!("{AWS}attributes");
    let desired = web().with(|member| member.annotated(&key, "deletion_protection.enabled=true"));
    stage.converge(&desired).await;
    let (picture, before) = (stage.picture(), stage.aws.writes());
    let error = stage.provider.release(&desired.id).await.unwrap_err();
    assert_eq!(error.category().as_str(), "DeletionProtected");
    assert!(error.explain().contains("deletion_protection.enabled"), "{}", error.explain());
    assert_eq!((stage.picture(), stage.aws.writes()), (picture, before));
    let arn = stage.aws.balancers()[0].it.arn.clone();
    let lifted = [("deletion_protection.enabled".to_owned(), "false".to_owned())].into();
    stage.aws.console().modify_balancer_attributes(&arn, &lifted).await.unwrap();
    stage.release(&desired.id).await;
    assert_eq!(stage.picture(), empty);
}

#[tokio::test(start_paused = true)]
async fn one_behind_an_endpoint_service_waits_for_it() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    let arn = stage.aws.balancers()[0].it.arn.clone();
    stage.aws.set_endpoint_service(&arn, true);
    let error = stage.provider.release(&web().id).await.unwrap_err();
    assert!(error.explain().contains("endpoint service"), "{}", error.explain());
    assert_eq!(error.class(), ErrorClass::Waiting { poll: Duration::from_mins(1) }, "somebody has to act");
    stage.aws.set_endpoint_service(&arn, false);
    stage.release(&web().id).await;
}

#[tokio::test(start_paused = true)]
async fn one_whose_marks_somebody_took_off_is_left_alone_and_named() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    let it = stage.aws.balancers()[0].it.clone();
    let ours: Vec<String> = stage.aws.balancers()[0].tags.keys().cloned().collect();
    stage.aws.console().remove_tags(&[it.arn.to_string()], &ours).await.unwrap();
    let error = stage.provider.release(&web().id).await.unwrap_err();
    assert!(matches!(error.class(), ErrorClass::Waiting { .. }), "too soon to tell: {}", error.explain());
    tokio::time::sleep(Duration::from_secs(40)).await;
    let error = stage.provider.release(&web().id).await.unwrap_err();
    assert_eq!(error.category().as_str(), "WaitingForRelease");
    assert!(
        error.explain().contains(&format!("{:?}, which no longer carries", it.name)),
        "{}",
        error.explain()
    );
    let error = stage.provider.release(&web().id).await.unwrap_err();
    assert!(error.explain().contains(&it.name), "it stays named: {}", error.explain());
    assert_eq!((stage.aws.balancers().len(), stage.aws.count(Action::DeleteLoadBalancer)), (1, 0));
    stage.aws.console().delete_balancer(&it.arn).await.unwrap();
    stage.release(&web().id).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_group_whose_marks_somebody_took_off_is_left_alone() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    let group = stage.aws.groups()[0].clone();
    let ours: Vec<String> = group.tags.keys().cloned().collect();
    stage.aws.console().remove_tags(&[group.it.arn.to_string()], &ours).await.unwrap();
    stage.release(&web().id).await;
    assert_eq!((stage.aws.balancers().len(), stage.aws.groups().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_dies_or_fails_at_any_call_is_finished_by_the_next() {
    let desired = web().with(|member| member.listening(&[(Protocol::Tcp, 80), (Protocol::Udp, 53)]));
    let undisturbed = Stage::new();
    let empty = undisturbed.picture();
    undisturbed.converge(&desired).await;
    let before = undisturbed.aws.calls();
    undisturbed.release(&desired.id).await;
    let calls = undisturbed.aws.calls() - before;
    for call in 1..=calls {
        for fault in [Fault::Freeze, Fault::LoseAnswer, Fault::code("InternalFailure")] {
            let stage = Stage::new();
            stage.converge(&desired).await;
            stage.aws.fault_at(call, fault.clone());
            tokio::select! {
                _ = stage.provider.release(&desired.id) => {}
                () = stage.aws.frozen() => {}
            }
            stage.restarted().release(&desired.id).await;
            assert_eq!(stage.picture(), empty, "{fault:?} at call {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_made_one_is_removed() {
    let desired = web();
    let made = Stage::new();
    made.converge(&web()).await;
    for call in 1..=made.aws.calls() {
        let stage = Stage::new();
        let empty = stage.picture();
        stage.aws.fault_at(call, Fault::Freeze);
        tokio::select! {
            _ = stage.provider.ensure(&desired) => {}
            () = stage.aws.frozen() => {}
        }
        stage.release(&web().id).await;
        assert_eq!(stage.picture(), empty, "made up to call {call}");
    }
}
