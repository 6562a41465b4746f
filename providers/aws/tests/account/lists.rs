//! Lists that fail in the middle, and tags that AWS tells late.

use std::time::Duration;

use landfall_aws::api::Action;
use landfall_aws::api::elb::Elb;
use landfall_aws::inventory::inventory;
use landfall_aws::resources::Wanted;
use landfall_testkit::aws::fake::{Fault, LateTags};
use rstest::rstest;
use tokio::time::{advance, timeout};

use crate::world::{World, make_group, new_balancer, wanted};

const LISTS: [Action; 3] =
    [Action::DescribeLoadBalancers, Action::DescribeTargetGroups, Action::DescribeTags];

/// Fifty load balancers on pages of ten: five pages of each list, and five requests about tags.
async fn fifty() -> (World, Wanted) {
    let world = World::new();
    world.aws.set_page_size(10);
    for n in 0..50 {
        world.make(&wanted(n)).await;
    }
    (world, wanted(7))
}

fn counts(world: &World) -> [usize; 3] {
    LISTS.map(|action| world.count(action))
}

#[rstest]
#[case::load_balancers(Action::DescribeLoadBalancers, [6, 5, 5])]
#[case::target_groups(Action::DescribeTargetGroups, [5, 6, 5])]
#[case::tags(Action::DescribeTags, [5, 5, 6])]
#[tokio::test(start_paused = true)]
async fn lists_that_are_throttled_in_the_middle_go_on_there(
    #[case] action: Action,
    #[case] expected: [usize; 3],
    #[values(Some(Fault::code("Throttling")), Some(Fault::LoseAnswer), None)] fault: Option<Fault>,
) {
    let (world, wish) = fifty().await;
    // Without a fault: whoever reads is dropped.
    let dropped = fault.is_none();
    world.aws.fault_on(action, 4, fault.unwrap_or(Fault::Hang));
    let first = timeout(Duration::from_secs(1), world.look(&wish)).await;
    assert_eq!(first.is_err(), dropped);
    assert!(first.is_err() || first.unwrap().is_err());
    advance(Duration::from_secs(10)).await;
    assert_eq!(world.look(&wish).await.unwrap().observed.balancers.len(), 1);
    assert_eq!(counts(&world), expected);
    assert_eq!(world.look(&wanted(49)).await.unwrap().observed.groups.len(), 1);
    assert_eq!(counts(&world), expected);
}

#[tokio::test(start_paused = true)]
async fn lists_that_were_begun_long_ago_are_begun_anew() {
    let (world, wish) = fifty().await;
    world.aws.fault_on(Action::DescribeTags, 1, Fault::code("Throttling"));
    world.look(&wish).await.unwrap_err();
    advance(Duration::from_mins(6)).await;
    world.look(&wish).await.unwrap();
    assert_eq!(counts(&world), [10, 10, 6]);
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_know_what_is_there_now_does_not_go_on_with_older_lists() {
    let (world, wish) = fifty().await;
    world.aws.fault_on(Action::DescribeTags, 1, Fault::code("Throttling"));
    world.look(&wish).await.unwrap_err();
    world.make(&wanted(50)).await;
    let all = inventory(&world.client(), &world.account).await.unwrap();
    assert_eq!(all.len(), 102);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_not_gone_on_with() {
    let (world, wish) = fifty().await;
    world.aws.fault_on(Action::DescribeTags, 1, Fault::code("Throttling"));
    world.look(&wish).await.unwrap_err();
    world.account.forget();
    world.look(&wish).await.unwrap();
    assert_eq!(counts(&world), [10, 10, 6]);
}

#[tokio::test(start_paused = true)]
async fn tags_are_read_only_of_what_can_be_ours() {
    let world = World::new();
    let mut theirs = wanted(1).groups[0].clone();
    theirs.name = "k8s-web".to_owned();
    let theirs = make_group(&world.aws.console(), &theirs).await;
    world.make(&wanted(2)).await;
    world.look(&wanted(2)).await.unwrap();
    let journal = world.aws.journal();
    let asked = journal.iter().filter(|call| call.action == Action::DescribeTags);
    let asked: Vec<&String> = asked.flat_map(|call| &call.about).collect();
    assert!(asked.iter().all(|arn| **arn != theirs.arn.to_string()), "{asked:?}");
    assert_eq!(asked.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_leaves_something_out_is_none() {
    let (world, wish) = fifty().await;
    let arn = world.aws.balancers().into_iter().find(|it| it.it.name == "lb-7").unwrap().it.arn;
    world.aws.tell_tags_late(arn.as_str(), Some(LateTags::LeftOut));
    let error = world.look(&wish).await.unwrap_err();
    assert!(error.to_string().contains("DescribeTags"), "{error}");
    world.aws.tell_tags_late(arn.as_str(), None);
    assert_eq!(world.look(&wish).await.unwrap().observed.balancers.len(), 1);
    // Nor does it make something vanish that was there.
    world.aws.tell_tags_late(arn.as_str(), Some(LateTags::LeftOut));
    advance(Duration::from_mins(11)).await;
    world.look(&wish).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn tags_that_come_late_make_nobody_a_stranger_for_longer() {
    let world = World::new();
    let (wish, other) = (wanted(1), wanted(2));
    world.look(&other).await.unwrap();
    let entry = world.account.open(&wish.lb);
    let console = world.aws.console();
    let balancer = console.create_balancer(&new_balancer(&wish.balancer)).await.unwrap();
    let group = make_group(&console, &wish.groups[0]).await;
    for arn in [balancer.arn.as_str(), group.arn.as_str()] {
        world.aws.tell_tags_late(arn, Some(LateTags::Empty));
    }
    drop(entry);
    assert_eq!(
        world.look(&wish).await.unwrap().observed.foreign.len(),
        2,
        "nothing tells that they are ours"
    );
    for arn in [balancer.arn.as_str(), group.arn.as_str()] {
        world.aws.tell_tags_late(arn, None);
    }
    advance(Duration::from_secs(5)).await;
    let observed = world.look(&wish).await.unwrap().observed;
    assert_eq!((observed.foreign.len(), observed.balancers.len(), observed.groups.len()), (0, 1, 1));
    let before = world.elb_calls();
    world.look(&wish).await.unwrap();
    assert_eq!(world.elb_calls(), before);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_has_the_tags_read_of_what_may_be_ours() {
    let world = World::new();
    let (wish, other) = (wanted(1), wanted(2));
    let group = make_group(&world.aws.console(), &wish.groups[0]).await;
    world.aws.tell_tags_late(group.arn.as_str(), Some(LateTags::Empty));
    world.look(&other).await.unwrap();
    world.aws.tell_tags_late(group.arn.as_str(), None);
    drop(world.account.open(&wish.lb));
    assert_eq!(world.look_for_release(&wish.lb).await.observed.groups.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tags_of_another_cluster_are_read_once() {
    let world = World::new();
    let (wish, mut theirs) = (wanted(1), wanted(2).groups[0].clone());
    theirs.tags.insert("landfall.dev/cluster".to_owned(), "another".to_owned());
    make_group(&world.aws.console(), &theirs).await;
    world.look(&wish).await.unwrap();
    for _ in 0..4 {
        drop(world.account.open(&wish.lb));
        world.look(&wish).await.unwrap();
    }
    assert_eq!((world.count(Action::DescribeTargetGroups), world.count(Action::DescribeTags)), (5, 1));
}
