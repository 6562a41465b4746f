//! Looking at many load balancers that are as wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use landfall_aws::account::Freshness;
use landfall_aws::api::Action;
use landfall_aws::api::elb::{BalancerState, Elb};
use landfall_aws::inventory::inventory;
use landfall_aws::resources::Wanted;
use landfall_testkit::aws::fake::Fault;
use tokio::time::{Instant, advance};

use crate::world::{World, lb, new_balancer, wanted};

async fn with(count: usize) -> (World, Vec<Wanted>) {
    let world = World::new();
    let wishes: Vec<Wanted> = (0..count).map(wanted).collect();
    for wish in &wishes {
        world.make(wish).await;
    }
    (world, wishes)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_cost_no_more_than_the_lists_also_after_a_restart() {
    let (world, wishes) = with(1000).await;
    for world in [&world, &world.restarted()] {
        for wish in &wishes {
            let look = world.look(wish).await.unwrap();
            assert_eq!(look.observed.balancers[0].it.name, wish.balancer.name);
            assert_eq!(look.observed.groups[0].it.name, wish.groups[0].name);
            assert_eq!(look.observed.balancers[0].details, None);
            assert!(look.observed.foreign.is_empty());
        }
        assert_eq!(world.count(Action::DescribeLoadBalancers), 3);
        assert_eq!(world.count(Action::DescribeTargetGroups), 3);
        assert_eq!(world.count(Action::DescribeTags), 100);
        assert_eq!(world.elb_calls(), 106);
    }
}

#[tokio::test(start_paused = true)]
async fn lists_are_read_again_when_they_are_old() {
    let (world, wishes) = with(1).await;
    for (minutes, lists) in [(0, 1), (9, 1), (1, 2), (9, 2)] {
        advance(Duration::from_mins(minutes)).await;
        world.look(&wishes[0]).await.unwrap();
        assert_eq!(world.count(Action::DescribeLoadBalancers), lists);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_all_are_verified_one_after_the_other() {
    let (world, wishes) = with(40).await;
    let start = Instant::now();
    let mut reads = Vec::new();
    while start.elapsed() < Duration::from_secs(170) {
        for wish in &wishes {
            let before = world.elb_calls();
            world.look(wish).await.unwrap();
            reads.push((start.elapsed(), world.elb_calls() - before));
        }
        advance(Duration::from_secs(1)).await;
    }
    let health = world.count(Action::DescribeTargetHealth);
    assert!((40..=80).contains(&health), "targets first, then once more with the details: {health}");
    assert_eq!(world.count(Action::DescribeListeners), 40);
    let burst = (1..170).map(|second| {
        let within = |at: &Duration| at.as_secs() >= second && at.as_secs() < second + 10;
        reads.iter().filter(|(at, _)| within(at)).map(|(_, calls)| calls).sum::<usize>()
    });
    assert!(burst.clone().max() <= Some(60), "{:?} calls within ten seconds", burst.max());
}

#[tokio::test(start_paused = true)]
async fn whoever_looks_is_told_when_to_verify() {
    let (world, wishes) = with(1).await;
    let mut look = world.look(&wishes[0]).await.unwrap();
    assert_eq!(look.observed.groups[0].targets, None);
    assert_eq!(look.look_again, Some(Freshness::default().targets_apart));
    advance(look.look_again.unwrap()).await;
    look = world.look(&wishes[0]).await.unwrap();
    assert_eq!(look.observed.groups[0].targets.as_ref().map(BTreeMap::len), Some(2));
    let apart = look.look_again.unwrap();
    assert!(apart < Freshness::default().details_apart);
    advance(apart).await;
    look = world.look(&wishes[0]).await.unwrap();
    let details = look.observed.balancers[0].details.as_ref().unwrap();
    assert_eq!(details.listeners[0].it.port, 80);
    assert_eq!(
        look.look_again,
        Some(Freshness::default().health_slow.saturating_sub(apart)),
        "the health of targets is asked for slowly, from when it was read"
    );
}

#[tokio::test(start_paused = true)]
async fn many_who_look_at_once_wait_for_one_reader() {
    let (world, wishes) = with(50).await;
    world.aws.fault_on(Action::DescribeTargetGroups, 1, Fault::Delay(Duration::from_secs(5)));
    let looks = join_all(wishes.iter().map(|wish| world.look(wish))).await;
    assert!(looks.iter().all(|look| look.as_ref().unwrap().observed.balancers.len() == 1));
    assert_eq!(world.elb_calls(), 1 + 1 + 5);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_fails_all_and_the_next_reads_again() {
    let (world, wishes) = with(50).await;
    world.aws.fault_on(Action::DescribeLoadBalancers, 1, Fault::Delay(Duration::from_secs(5)));
    world.aws.fault_on(Action::DescribeTags, 3, Fault::code("InternalFailure"));
    let looks = join_all(wishes.iter().map(|wish| world.look(wish))).await;
    assert!(looks.iter().all(|look| look.as_ref().unwrap_err().code() == Some("InternalFailure")));
    assert_eq!(world.elb_calls(), 1 + 1 + 3);
    assert_eq!(world.look(&wishes[0]).await.unwrap().observed.balancers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_between_list_and_tags_fails_nobody() {
    let (world, wishes) = with(30).await;
    world.aws.fault_on(Action::DescribeTargetGroups, 1, Fault::Delay(Duration::from_secs(5)));
    let console = world.aws.console();
    let delete = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let balancer = world.aws.balancers()[7].it.clone();
        console.delete_balancer(&balancer.arn).await.unwrap();
        balancer.name
    };
    let (look, deleted) = tokio::join!(world.look(&wishes[0]), delete);
    assert_eq!(look.unwrap().observed.balancers.len(), 1);
    let listed = inventory(&world.client(), &world.account).await.unwrap();
    assert!(listed.iter().all(|owned| owned.resource.name != deleted));
    assert_eq!(listed.len(), 59);
}

#[tokio::test(start_paused = true)]
async fn those_that_are_being_set_up_are_described_together() {
    let world = World::new();
    world.aws.slow_down(Duration::from_secs(95));
    let wishes: Vec<Wanted> = (0..15).map(wanted).collect();
    for wish in &wishes {
        world.make(wish).await;
    }
    for wish in &wishes {
        let look = world.look(wish).await.unwrap();
        assert!(look.look_again.unwrap() <= Duration::from_secs(10));
    }
    let lists = world.count(Action::DescribeLoadBalancers);
    for _ in 0..10 {
        advance(Duration::from_secs(10)).await;
        join_all(wishes.iter().map(|wish| world.look(wish))).await;
    }
    assert_eq!(world.count(Action::DescribeLoadBalancers) - lists, 10);
    let look = world.look(&wishes[3]).await.unwrap();
    assert_eq!(look.observed.balancers[0].it.state, BalancerState::Active);
}

#[tokio::test(start_paused = true)]
async fn always_means_always() {
    let world = World::with(Freshness::always());
    let wish = wanted(1);
    world.make(&wish).await;
    for times in 1..3 {
        let look = world.look(&wish).await.unwrap();
        assert!(look.observed.balancers[0].details.is_some());
        assert!(look.observed.groups[0].targets.is_some());
        assert_eq!(world.count(Action::DescribeLoadBalancers), times);
        assert_eq!(world.count(Action::DescribeListeners), times);
    }
}

#[tokio::test(start_paused = true)]
async fn the_inventory_is_read_freshly() {
    let (world, wishes) = with(2).await;
    world.look(&wishes[0]).await.unwrap();
    world.make(&wanted(2)).await;
    let mut stranger = wanted(3).balancer;
    stranger.tags.clear();
    world.aws.console().create_balancer(&new_balancer(&stranger)).await.unwrap();
    let all = inventory(&world.client(), &world.account).await.unwrap();
    let names: Vec<&str> = all.iter().map(|owned| owned.resource.name.as_str()).collect();
    assert_eq!(names, ["lb-0", "lf-tg-0", "lb-1", "lf-tg-1", "lb-2", "lf-tg-2"]);
    assert_eq!(all[2].mark.lb, lb(1));
    assert!(all[2].created.is_some());
    assert_eq!(all[3].mark.member.as_ref().map(|member| member.service.name.as_str()), Some("web-1"));
}
