//! What all calls have in common: pages, tags, request limits, faults, the journal.

use std::time::Duration;

use landfall_aws::api::Action;
use landfall_aws::api::ec2::Ec2;
use landfall_aws::api::elb::{Elb, WhichBalancers, WhichGroups};
use landfall_testkit::aws::fake::{Fault, VPC};
use tokio::time::{Instant, timeout};

use crate::common::*;

#[tokio::test(start_paused = true)]
async fn pages_miss_nothing_when_something_is_deleted_between_them() {
    let aws = aws();
    aws.set_page_size(2);
    for name in ["a", "b", "c", "d", "e"] {
        aws.create_group(&group(name)).await.unwrap();
    }
    let page = |marker: Option<String>| {
        let aws = aws.clone();
        async move { aws.target_groups(&WhichGroups::All, marker.as_deref()).await.unwrap() }
    };
    let first = page(None).await;
    aws.delete_group(&first.items[0].arn).await.unwrap();
    let second = page(first.next.clone()).await;
    let third = page(second.next.clone()).await;
    let names = [first.items, second.items, third.items].concat();
    assert_eq!(names.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    assert_eq!(third.next, None);
}

#[tokio::test(start_paused = true)]
async fn a_page_has_four_hundred_at_most() {
    let aws = aws();
    aws.set_page_size(1_000);
    for number in 0..401 {
        aws.create_group(&group(&format!("g{number}"))).await.unwrap();
    }
    assert_eq!(aws.target_groups(&WhichGroups::All, None).await.unwrap().items.len(), 400);
}

#[tokio::test(start_paused = true)]
async fn tags_are_told_of_twenty_at_once_and_never_of_what_does_not_exist() {
    let (aws, balancer, group) = serving().await;
    let both = [balancer.arn.to_string(), group.arn.to_string()];
    aws.add_tags(&both, &tags(&[("owner", "we"), ("more", "1")])).await.unwrap();
    aws.remove_tags(&both[..1], &["more".to_owned(), "none".to_owned()]).await.unwrap();
    let told = aws.tags(&both).await.unwrap();
    assert_eq!(told[0].1, tags(&[("owner", "we")]));
    assert_eq!(told[1].1, tags(&[("more", "1"), ("owner", "we")]));
    let listener = aws.balancers()[0].listeners[0].it.arn.to_string();
    aws.delete_balancer(&balancer.arn).await.unwrap();
    assert_eq!(code(aws.tags(&both).await), "LoadBalancerNotFound");
    assert_eq!(code(aws.tags(&[listener]).await), "ListenerNotFound");
    assert_eq!(code(aws.tags(&vec![both[1].clone(); 21]).await), "ValidationError");
    let many = (0..49).map(|i| (i.to_string(), String::new())).collect();
    assert_eq!(code(aws.add_tags(&both[1..], &many).await), "TooManyTags");
}

#[tokio::test(start_paused = true)]
async fn requests_are_limited_as_documented() {
    let aws = aws();
    aws.limit_requests();
    for number in 0..10 {
        aws.create_balancer(&balancer(&format!("lb{number}"))).await.unwrap();
    }
    assert_eq!(code(aws.create_balancer(&balancer("more")).await), "Throttling");
    tokio::time::advance(Duration::from_secs(5)).await;
    aws.create_balancer(&balancer("more")).await.unwrap();
    assert_eq!(code(aws.create_balancer(&balancer("most")).await), "Throttling");
    // What the creates took from the account's bucket is back by now.
    for _ in 0..39 {
        aws.load_balancers(&WhichBalancers::All, None).await.unwrap();
    }
    assert_eq!(code(aws.load_balancers(&WhichBalancers::All, None).await), "Throttling");
    assert_eq!(code(aws.create_group(&group("web")).await), "Throttling", "the account's bucket is empty");
    for _ in 0..100 {
        aws.zones().await.unwrap();
    }
    assert_eq!(code(aws.zones().await), "RequestLimitExceeded");
    aws.vpc(&VPC.into()).await.expect("EC2 limits each action by itself");
}

#[tokio::test(start_paused = true)]
async fn faults_hit_the_call_they_are_planned_for_and_only_that() {
    let aws = aws();
    aws.fault_at(2, Fault::code("ValidationError"));
    aws.fault_on(Action::CreateTargetGroup, 2, Fault::LoseAnswer);
    aws.create_group(&group("a")).await.unwrap();
    assert_eq!(code(aws.create_balancer(&balancer("web")).await), "ValidationError");
    assert_eq!(aws.balancers(), [], "a refused call has no effect");
    let lost = aws.create_group(&group("b")).await.unwrap_err();
    assert!(lost.is_in_doubt() && lost.code().is_none());
    assert_eq!(aws.groups().len(), 2, "it took effect all the same");
    aws.fault_at(1, Fault::code("InternalFailure"));
    aws.clear_faults();
    aws.load_balancers(&WhichBalancers::All, None).await.unwrap();
    assert_eq!((aws.calls(), aws.writes(), aws.count(Action::CreateTargetGroup)), (4, 3, 2));
}

#[tokio::test(start_paused = true)]
async fn slow_calls_hanging_calls_and_frozen_calls() {
    let aws = aws();
    aws.fault_at(1, Fault::Delay(Duration::from_secs(2)));
    let start = Instant::now();
    aws.create_group(&group("a")).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    aws.fault_at(1, Fault::Hang);
    assert!(timeout(Duration::from_hours(1), aws.create_group(&group("b"))).await.is_err());
    assert_eq!(aws.groups().len(), 1, "a call that hangs has no effect");
    aws.fault_at(1, Fault::Freeze);
    let new = group("c");
    tokio::select! {
        _ = aws.create_group(&new) => panic!("a frozen call is never answered"),
        () = aws.frozen() => {}
    }
    assert_eq!(aws.groups().len(), 2, "a frozen call took effect");
}

#[tokio::test(start_paused = true)]
async fn the_journal_names_calls_and_what_they_are_about_and_the_console_has_its_own() {
    let aws = aws();
    let console = aws.console();
    aws.fault_at(1, Fault::code("AccessDenied"));
    console.create_balancer(&balancer("theirs")).await.expect("no fault of ours");
    let denied = aws.create_balancer(&balancer("ours")).await;
    assert_eq!(code(denied), "AccessDenied");
    let calls: Vec<_> = aws.journal().into_iter().map(|call| (call.action, call.about)).collect();
    assert_eq!(calls, [(Action::CreateLoadBalancer, vec!["ours".to_owned()])]);
    assert_eq!(aws.balancers()[0].it.name, "theirs");
}
