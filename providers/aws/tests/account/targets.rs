//! What is known about registered targets.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_aws::account::Freshness;
use landfall_aws::api::Action;
use landfall_aws::api::elb::{Elb, HealthState};
use landfall_aws::resources::Wanted;
use landfall_testkit::aws::fake::Timing;
use tokio::time::{Instant, advance};

use crate::world::{World, target, wanted};

#[tokio::test(start_paused = true)]
async fn after_a_restart_targets_are_read_when_the_wish_changes() {
    let world = World::new();
    let mut wish = wanted(1);
    world.make(&wish).await;
    assert_eq!(world.look(&wish).await.unwrap().observed.groups[0].targets, None);
    wish.groups[0].registered.insert(target("i-0009"), "i-0009".to_owned());
    let look = world.look(&wish).await.unwrap();
    assert_eq!(look.observed.groups[0].targets.as_ref().map(BTreeMap::len), Some(2));
    assert_eq!(look.observed.balancers[0].details, None, "nodes are no reason to read anything else");
    assert_eq!(world.count(Action::DescribeTargetHealth), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_targets_of_few_load_balancers_are_read_at_the_first_look() {
    let world = World::with(Freshness { few: 2, ..Freshness::default() });
    for (number, expected) in [(1, Some(2)), (2, Some(2)), (3, None)] {
        world.make(&wanted(number)).await;
        let look = world.restarted().look(&wanted(1)).await.unwrap();
        assert_eq!(look.observed.groups[0].targets.as_ref().map(BTreeMap::len), expected, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn health_is_asked_for_with_growing_pauses_until_the_first_checks_are_through() {
    let world = World::new();
    world.aws.set_timing(Timing { first_checks: Duration::from_secs(100), ..Timing::default() });
    let mut wish = wanted(1);
    world.make(&wish).await;
    wish.groups[0].registered.clear();
    world.look(&wish).await.unwrap();
    wish.groups[0].registered = wanted(1).groups[0].registered.clone();
    let start = Instant::now();
    let mut asked = Vec::new();
    let mut last = world.count(Action::DescribeTargetHealth);
    loop {
        let look = world.look(&wish).await.unwrap();
        let count = world.count(Action::DescribeTargetHealth);
        if count > last {
            asked.push(start.elapsed().as_secs());
            last = count;
        }
        let states = look.observed.groups[0].targets.clone().unwrap();
        if states.values().all(|state| state.state == HealthState::Healthy) {
            assert_eq!(look.look_again, Some(Freshness::default().health_slow));
            break;
        }
        advance(look.look_again.unwrap()).await;
    }
    // At the first look, at 0.4 s and 4 s for the verification after the start, and 15, 30 and 60 s after each other.
    assert_eq!(asked, [0, 0, 4, 15, 45, 105]);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_back_is_known_without_reading() {
    let world = World::new();
    let mut wish = wanted(1);
    world.make(&wish).await;
    advance(Duration::from_secs(1)).await;
    world.look(&wish).await.unwrap();
    wish.groups[0].registered.insert(target("i-0009"), "i-0009".to_owned());
    let mut observed = world.look(&wish).await.unwrap().observed;
    let group = observed.groups[0].it.arn.clone();
    world.aws.console().register(&group, &[target("i-0009")]).await.unwrap();
    let mut states = world.aws.console().target_health(&group).await.unwrap();
    let targets = states.drain(..).map(|state| (state.target.clone(), state)).collect();
    observed.groups[0].targets = Some(targets);
    world.account.open(&wish.lb).complete(&observed);
    let before = world.elb_calls();
    let look = world.look(&wish).await.unwrap();
    assert_eq!(look.observed.groups[0].targets.as_ref().map(BTreeMap::len), Some(3));
    assert_eq!(world.elb_calls(), before);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fails_later_is_noticed_and_one_that_recovers_too() {
    let world = World::new();
    let wish = wanted(1);
    world.make(&wish).await;
    for healthy in [true, false, true] {
        world.aws.set_unhealthy("i-0003", !healthy);
        let begun = Instant::now();
        while state_of(&world, &wish).await != Some(healthy) {
            assert!(begun.elapsed() <= Duration::from_mins(16), "{:?}", begun.elapsed());
            advance(Duration::from_secs(10)).await;
        }
    }
}

/// Whether the target is known to be healthy.
async fn state_of(world: &World, wish: &Wanted) -> Option<bool> {
    let observed = world.look(wish).await.unwrap().observed;
    let state = observed.groups[0].targets.as_ref()?.get(&target("i-0003"))?.state;
    Some(state == HealthState::Healthy)
}

#[tokio::test(start_paused = true)]
async fn health_that_was_read_long_ago_is_stale() {
    let apart = Duration::from_hours(4);
    let world = World::with(Freshness { health_apart: apart, few: 9, ..Freshness::default() });
    for n in 1..=2 {
        world.make(&wanted(n)).await;
    }
    // The first look, and the verification after the start.
    for _ in 0..2 {
        world.look(&wanted(2)).await.unwrap();
        assert!(world.look(&wanted(1)).await.unwrap().observed.stale.is_empty());
        advance(Duration::from_secs(10)).await;
    }
    advance(Freshness::default().health_told + Duration::from_secs(1)).await;
    let observed = world.look(&wanted(1)).await.unwrap().observed;
    assert_eq!(observed.stale.iter().collect::<Vec<_>>(), [&observed.groups[0].it.arn]);
}
