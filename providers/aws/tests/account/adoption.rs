//! Load balancers to be taken over.

use landfall_aws::api::Tags;
use landfall_aws::api::elb::Elb;
use landfall_aws::api::ids::LoadBalancerArn;
use landfall_aws::error::AwsError;
use landfall_aws::marks;
use landfall_core::ids::ClusterId;
use rstest::rstest;

use crate::world::{World, cluster, lb, new_balancer, wanted};

/// A load balancer with these tags, and the wish to take it over.
async fn existing(world: &World, tags: Tags) -> (LoadBalancerArn, landfall_aws::resources::Wanted) {
    let mut balancer = wanted(9).balancer;
    balancer.tags = tags;
    let arn = world.aws.console().create_balancer(&new_balancer(&balancer)).await.unwrap().arn;
    let mut wish = wanted(1);
    wish.balancer.adopt = Some(arn.clone());
    (arn, wish)
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_over_is_seen_with_all_details() {
    let world = World::new();
    let (arn, wish) = existing(&world, Tags::new()).await;
    let look = world.look(&wish).await.unwrap();
    let [balancer] = look.observed.balancers.as_slice() else { panic!("{look:?}") };
    assert_eq!(balancer.it.arn, arn);
    assert!(balancer.details.is_some());
    assert!(look.observed.foreign.is_empty());
    // Once it has the marks it comes from the snapshot.
    let mut observed = look.observed.clone();
    observed.balancers[0].tags = marks::of_lb(&cluster(), &wish.lb);
    world.account.open(&wish.lb).settle(&observed);
    let before = world.elb_calls();
    assert_eq!(world.look(&wish).await.unwrap().observed.balancers[0].it.arn, arn);
    assert_eq!(world.elb_calls(), before);
}

#[rstest]
#[case::another_of_ours(marks::of_lb(&cluster(), &lb(7)), "belongs to aws:service/default/web-7/uid-7 of this cluster")]
#[case::another_cluster(marks::of_lb(&ClusterId::new("other").unwrap(), &lb(1)), "of another cluster")]
#[tokio::test(start_paused = true)]
async fn what_belongs_to_somebody_cannot_be_taken_over(#[case] tags: Tags, #[case] reason: &str) {
    let world = World::new();
    let (_, wish) = existing(&world, tags).await;
    let error = world.look(&wish).await.unwrap_err();
    assert!(matches!(error, AwsError::NotAdoptable { .. }), "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[tokio::test(start_paused = true)]
async fn only_network_load_balancers_of_the_network_can_be_taken_over() {
    let world = World::new();
    let (arn, mut wish) = existing(&world, Tags::new()).await;
    wish.vpc = "vpc-other".into();
    let error = world.look(&wish).await.unwrap_err();
    assert!(error.to_string().contains("vpc-other"), "{error}");
    wish.vpc = wanted(1).vpc;
    world.aws.set_balancer_kind(&arn, "application");
    let error = world.look(&wish).await.unwrap_err();
    assert!(error.to_string().contains("application"), "{error}");
    wish.balancer.adopt = Some(LoadBalancerArn::new(arn.as_str().replace("lb-9", "lb-8")));
    let error = world.look(&wish).await.unwrap_err();
    assert!(error.to_string().contains("no such load balancer"), "{error}");
}
