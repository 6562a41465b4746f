//! Load balancers are made: complete, once, and whatever happens in between.

use std::time::Duration;

use crate::stage::{AWS, Stage, nodes, web};
use landfall_aws::api::elb::{BalancerState, Elb as _, NewLoadBalancer, SubnetMapping};
use landfall_core::outcome::{Ingress, Phase};
use landfall_core::params::aws::Scheme;
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{Fault, Quota};

#[tokio::test(start_paused = true)]
async fn a_service_gets_a_host_name_at_once_and_is_ready_when_it_serves() {
    let stage = Stage::new();
    stage.aws.slow_down(Duration::from_mins(3));
    let outcome = stage.ensure(&web()).await;
    let balancer = stage.aws.balancers().remove(0);
    assert_eq!(outcome.ingress, [Ingress::Hostname(balancer.it.dns_name.clone())]);
    assert_eq!(outcome.phase, Phase::Provisioning { poll: Duration::from_secs(15) });
    tokio::time::sleep(Duration::from_mins(3)).await;
    let outcome = stage.ensure(&web()).await;
    assert_eq!((outcome.phase, outcome.steps), (Phase::Ready, vec![]));
    let group = stage.aws.groups().remove(0);
    assert_eq!(group.targets.len(), 3);
    assert_eq!(balancer.listeners[0].it.spec.forward, Some(group.it.arn));
}

#[tokio::test(start_paused = true)]
async fn the_plan_is_what_is_done_and_reads_only() {
    let stage = Stage::new();
    let plan = stage.provider.plan(&web()).await.unwrap();
    assert_eq!(stage.aws.writes(), 0);
    assert_eq!(stage.ensure(&web()).await.steps, plan.steps);
    assert!(stage.provider.plan(&web()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_after_any_call_is_finished_by_the_next() {
    let desired = web();
    let undisturbed = Stage::new();
    undisturbed.ensure(&desired).await;
    for call in 1..=undisturbed.aws.calls() {
        let stage = Stage::new();
        stage.aws.fault_at(call, Fault::Freeze);
        tokio::select! {
            outcome = stage.provider.ensure(&desired) => panic!("call {call} was never made: {outcome:?}"),
            () = stage.aws.frozen() => {}
        }
        // In the same process, and in one that starts anew.
        stage.converge(&web()).await;
        assert_eq!(stage.picture(), undisturbed.picture(), "after call {call}");
        let stage = stage.restarted();
        stage.converge(&web()).await;
        assert_eq!(stage.picture(), undisturbed.picture(), "after call {call} and a restart");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_or_whose_answer_is_lost_is_made_good() {
    let undisturbed = Stage::new();
    undisturbed.converge(&web()).await;
    let faults = ["Throttling", "InternalFailure", "AccessDenied", "ValidationError"].map(Fault::code);
    for fault in faults.into_iter().chain([Fault::LoseAnswer]) {
        for call in 1..=undisturbed.aws.calls() {
            let stage = Stage::new();
            stage.aws.fault_at(call, fault.clone());
            stage.converge(&web()).await;
            assert_eq!(stage.picture(), undisturbed.picture(), "{fault:?} at call {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_of_somebody_else_with_our_name_and_settings_is_not_taken_for_ours() {
    let named = web().with(|member| member.annotated(&format!("{AWS}name"), "shop"));
    let stage = Stage::new();
    // The snapshot is taken before somebody else makes it.
    stage.ensure(&web()).await;
    let ours = stage.aws.balancers().remove(0).it;
    let mapping = |subnet| SubnetMapping {
        subnet,
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    };
    let theirs = NewLoadBalancer {
        name: "shop".to_owned(),
        scheme: Scheme::Internal,
        address_type: ours.address_type,
        subnets: ours.zones.iter().map(|zone| mapping(zone.subnet.clone())).collect(),
        security_groups: ours.security_groups.clone(),
        source_nat: false,
        tags: [("owner".to_owned(), "somebody".to_owned())].into(),
    };
    stage.aws.console().create_balancer(&theirs).await.unwrap();
    for _ in 0..2 {
        let error = stage.provider.ensure(&named).await.unwrap_err();
        assert_eq!(error.category().as_str(), "ForeignResource", "{}", error.explain());
        assert!(error.to_string().contains("shop"), "{error}");
    }
    let shop = stage.aws.balancers().into_iter().find(|it| it.it.name == "shop").unwrap();
    assert_eq!(shop.tags, theirs.tags, "it is left alone");
    assert!(shop.listeners.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_told_with_its_figures() {
    let stage = Stage::new();
    stage.aws.set_quota(Quota::Balancers, 0);
    let error = stage.provider.ensure(&web()).await.unwrap_err();
    assert_eq!(error.category().as_str(), "QuotaExceeded");
    assert!(error.explain().contains("0 of 0"), "{}", error.explain());
    stage.aws.set_quota(Quota::Balancers, 1);
    stage.converge(&web()).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_aws_could_not_set_up_is_told() {
    let stage = Stage::new();
    stage.ensure(&web().on(nodes(1))).await;
    let arn = stage.aws.balancers()[0].it.arn.clone();
    stage.aws.set_balancer_state(&arn, Some(BalancerState::Failed("no capacity".to_owned())));
    let stage = stage.restarted();
    let outcome = stage.ensure(&web().on(nodes(1))).await;
    assert!(matches!(&outcome.phase, Phase::Degraded { message, .. } if message.contains("no capacity")));
}
