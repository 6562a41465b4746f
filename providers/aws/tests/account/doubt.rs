//! What is known after changes that went well, went wrong, or went away.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_aws::api::elb::Elb;
use landfall_aws::api::{Action, Attributes};
use landfall_aws::marks;
use landfall_aws::observe::{Foreign, Group};
use tokio::time::advance;

use crate::world::{World, lb, make_group, new_balancer, wanted};

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_dropped_leads_to_one_light_listing_and_one_reading() {
    let world = World::new();
    let (wish, other) = (wanted(1), wanted(2));
    world.make(&wish).await;
    world.look(&wish).await.unwrap();
    world.look(&other).await.unwrap();
    drop(world.account.open(&wish.lb));
    let before = world.elb_calls();
    let look = world.look(&wish).await.unwrap();
    assert!(look.observed.balancers[0].details.is_some());
    assert!(look.observed.groups[0].targets.is_some());
    // Two lists; attributes, capacity, listeners, their tags and attributes; attributes and targets of the group.
    assert_eq!(world.elb_calls() - before, 2 + 5 + 2);
    let before = world.elb_calls();
    world.look(&wish).await.unwrap();
    world.look(&other).await.unwrap();
    assert_eq!(world.elb_calls() - before, 0, "the doubt is gone, and was nobody else's");
}

#[tokio::test(start_paused = true)]
async fn what_was_made_half_way_is_found() {
    let world = World::new();
    let wish = wanted(1);
    world.look(&wish).await.unwrap();
    let entry = world.account.open(&wish.lb);
    make_group(&world.aws.console(), &wish.groups[0]).await;
    drop(entry);
    let look = world.look(&wish).await.unwrap();
    assert_eq!(look.observed.groups[0].it.name, "lf-tg-1");
    assert_eq!(look.observed.groups[0].attributes.as_ref().map(BTreeMap::is_empty), Some(false));
    assert_eq!(world.count(Action::DescribeTags), 1, "tags are read of what was not seen before");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_back_counts_more_than_a_list_that_does_not_tell_it_yet() {
    let world = World::new();
    let (wish, other) = (wanted(1), wanted(2));
    let mut observed = world.look(&wish).await.unwrap().observed;
    let group = make_group(&world.aws.console(), &wish.groups[0]).await;
    let tags = wish.groups[0].tags.clone();
    observed.groups.push(Group {
        it: group.clone(),
        tags,
        attributes: Some(Attributes::new()),
        targets: Some(BTreeMap::new()),
    });
    world.account.open(&wish.lb).settle(&observed);
    // Somebody else's doubt has everything listed; the list, as AWS's may, lacks what was just made.
    world.aws.console().delete_group(&group.arn).await.unwrap();
    drop(world.account.open(&other.lb));
    world.look(&other).await.unwrap();
    assert_eq!(world.look(&wish).await.unwrap().observed.groups.len(), 1);
    advance(Duration::from_mins(1)).await;
    drop(world.account.open(&other.lb));
    world.look(&other).await.unwrap();
    assert_eq!(world.look(&wish).await.unwrap().observed.groups.len(), 0, "by now the list tells the truth");
}

#[tokio::test(start_paused = true)]
async fn a_mark_of_another_wish_has_the_details_read_once() {
    let world = World::new();
    let wish = wanted(1);
    world.make(&wish).await;
    let mut changed = wish.clone();
    changed.balancer.attributes.insert("load_balancing.cross_zone.enabled".to_owned(), "true".to_owned());
    let mut observed = world.look(&changed).await.unwrap().observed;
    assert!(observed.balancers[0].details.is_some());
    let before = world.elb_calls();
    world.look(&changed).await.unwrap();
    assert_eq!(world.elb_calls(), before, "they are kept until the mark tells that they are as wanted");
    observed.balancers[0].tags.extend(marks::applied(&changed.fingerprint()));
    world.account.open(&wish.lb).complete(&observed);
    let look = world.look(&changed).await.unwrap();
    assert_eq!(look.observed.balancers[0].details, None);
    assert_eq!(world.elb_calls(), before);
}

#[tokio::test(start_paused = true)]
async fn something_that_is_gone_has_the_rest_compared() {
    let world = World::new();
    let wish = wanted(1);
    world.make(&wish).await;
    assert_eq!(world.look(&wish).await.unwrap().observed.balancers[0].details, None);
    let listener = world.aws.balancers()[0].listeners[0].it.arn.clone();
    world.aws.console().delete_listener(&listener).await.unwrap();
    advance(Duration::from_mins(11)).await;
    let look = world.look(&wish).await.unwrap();
    assert_eq!(look.observed.balancers[0].details.as_ref().map(|details| details.listeners.len()), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_was_deleted_under_us_is_absent_and_no_error() {
    let world = World::new();
    let wish = wanted(1);
    let balancer = world.make(&wish).await;
    world.look(&wish).await.unwrap();
    world.aws.console().delete_balancer(&balancer.arn).await.unwrap();
    let mut changed = wish.clone();
    changed.balancer.attributes.insert("load_balancing.cross_zone.enabled".to_owned(), "true".to_owned());
    let look = world.look(&changed).await.unwrap();
    assert!(look.observed.balancers.is_empty());
    assert_eq!(look.observed.groups.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn names_of_others_are_told_until_they_are_free() {
    let world = World::new();
    let console = world.aws.console();
    let (mut wish, other) = (wanted(1), wanted(2));
    world.make(&other).await;
    wish.groups[0].name = "lf-tg-2".to_owned();
    let mut stranger = wish.balancer.clone();
    stranger.tags.clear();
    let stranger = console.create_balancer(&new_balancer(&stranger)).await.unwrap();
    let foreign = |kind, name: &str, owner| Foreign { kind, name: name.to_owned(), owner };
    let look = world.look(&wish).await.unwrap();
    let balancer = foreign("load balancer", "lb-1", None);
    let group = foreign("target group", "lf-tg-2", Some(lb(2)));
    assert_eq!(look.observed.foreign, [balancer, group.clone()]);
    console.delete_balancer(&stranger.arn).await.unwrap();
    advance(Duration::from_secs(30)).await;
    let look = world.look(&wish).await.unwrap();
    assert_eq!(look.observed.foreign, [group]);
}
