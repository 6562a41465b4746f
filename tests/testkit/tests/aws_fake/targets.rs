//! Targets.

use std::time::Duration;

use landfall_aws::api::elb::{
    AddressType, Elb, GroupTargets, HealthState, NewTargetGroup, SubnetChange, Target,
};
use landfall_aws::api::ids::TargetGroupArn;
use landfall_core::net::IpFamily;
use landfall_testkit::aws::fake::{FakeAws, Quota, Timing};
use rstest::rstest;

use crate::common::*;

async fn states(aws: &FakeAws, group: &TargetGroupArn) -> Vec<(String, u16, HealthState, Option<String>)> {
    let states = aws.target_health(group).await.unwrap();
    states.into_iter().map(|one| (one.target.id, one.target.port, one.state, one.reason)).collect()
}

fn is(id: &str, port: u16, state: HealthState, reason: &str) -> (String, u16, HealthState, Option<String>) {
    (id.to_owned(), port, state, Some(reason.to_owned()).filter(|reason| !reason.is_empty()))
}

// `i-0001` is in zone b, `i-0002` in c and `i-0003` in a; `web` is in a and b.

#[tokio::test(start_paused = true)]
async fn a_target_is_an_id_and_a_port() {
    let (aws, _, group) = serving().await;
    aws.register(&group.arn, &[target("i-0001", 80), target("i-0001", 81)]).await.unwrap();
    aws.register(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    let healthy = |port| is("i-0001", port, HealthState::Healthy, "");
    assert_eq!(states(&aws, &group.arn).await, [healthy(80), healthy(81)]);
    aws.deregister(&group.arn, &[target("i-0001", 82)]).await.expect("what is not there is gone");
    let draining = is("i-0001", 80, HealthState::Draining, "Target.DeregistrationInProgress");
    aws.deregister(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    assert_eq!(states(&aws, &group.arn).await, [draining, healthy(81)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_is_initial_then_healthy_and_drains_for_its_delay() {
    let (aws, _, group) = serving().await;
    aws.set_timing(Timing { first_checks: Duration::from_mins(3), ..Timing::default() });
    aws.register(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    let initial = is("i-0001", 80, HealthState::Initial, "Elb.RegistrationInProgress");
    assert_eq!(states(&aws, &group.arn).await, std::slice::from_ref(&initial));
    tokio::time::advance(Duration::from_mins(3)).await;
    assert_eq!(states(&aws, &group.arn).await, [is("i-0001", 80, HealthState::Healthy, "")]);
    aws.deregister(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(states(&aws, &group.arn).await[0].2, HealthState::Draining);
    aws.register(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    assert_eq!(states(&aws, &group.arn).await, [initial], "registered again while it drains");
    let at_once = tags(&[("deregistration_delay.timeout_seconds", "0")]);
    aws.modify_group_attributes(&group.arn, &at_once).await.unwrap();
    aws.deregister(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    assert_eq!(states(&aws, &group.arn).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_target_is_unused_where_no_traffic_can_reach_it() {
    const UNUSED: &str = "Target.NotInUse";
    let (aws, balancer, group) = serving().await;
    let idle = aws.create_group(&crate::common::group("idle")).await.unwrap();
    aws.register(&idle.arn, &[target("i-0001", 80)]).await.unwrap();
    assert_eq!(states(&aws, &idle.arn).await, [is("i-0001", 80, HealthState::Unused, UNUSED)]);
    aws.deregister(&idle.arn, &[target("i-0001", 80)]).await.unwrap();
    assert_eq!(states(&aws, &idle.arn).await, [], "nothing to drain");
    aws.register(&group.arn, &[target("i-0002", 80)]).await.unwrap();
    assert_eq!(states(&aws, &group.arn).await, [is("i-0002", 80, HealthState::Unused, UNUSED)]);
    let subnets = vec![mapping("private-a"), mapping("private-b"), mapping("private-c")];
    let all = SubnetChange { subnets, address_type: AddressType::Ipv4, source_nat: false };
    aws.set_subnets(&balancer.arn, &all).await.unwrap();
    assert_eq!(states(&aws, &group.arn).await, [is("i-0002", 80, HealthState::Healthy, "")]);
    stop(&aws, "i-0002");
    assert_eq!(
        states(&aws, &group.arn).await,
        [is("i-0002", 80, HealthState::Unused, "Target.InvalidState")]
    );
}

#[tokio::test(start_paused = true)]
async fn failing_checks_show() {
    let (aws, _, group) = serving().await;
    aws.register(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    aws.set_unhealthy("i-0001", true);
    assert_eq!(
        states(&aws, &group.arn).await,
        [is("i-0001", 80, HealthState::Unhealthy, "Target.FailedHealthChecks")]
    );
    aws.set_unhealthy("i-0001", false);
    assert_eq!(states(&aws, &group.arn).await[0].2, HealthState::Healthy);
}

#[rstest]
#[case::unknown(target("i-none", 80), "InvalidTarget")]
#[case::stopped(target("i-0002", 80), "InvalidTarget")]
#[case::port(target("i-0003", 0), "ValidationError")]
#[case::zone(Target { zone: Some("all".to_owned()), ..target("i-0003", 80) }, "ValidationError")]
#[tokio::test(start_paused = true)]
async fn one_bad_target_spoils_the_batch(#[case] bad: Target, #[case] expected: &str) {
    let (aws, _, group) = serving().await;
    stop(&aws, "i-0002");
    assert_eq!(code(aws.register(&group.arn, &[target("i-0001", 80), bad]).await), expected);
    assert_eq!(states(&aws, &group.arn).await, []);
    assert_eq!(code(aws.register(&"arn:none".into(), &[target("i-0001", 80)]).await), "TargetGroupNotFound");
}

#[rstest]
#[case::inside("10.0.0.9", None, None)]
#[case::inside_as_if_outside("10.0.0.9", Some("all"), Some("InvalidTarget"))]
#[case::outside("10.1.0.9", Some("all"), None)]
#[case::outside_as_if_inside("10.1.0.9", None, Some("InvalidTarget"))]
#[case::public("192.0.2.9", Some("all"), Some("InvalidTarget"))]
#[case::carrier("100.64.0.9", Some("all"), None)]
#[case::family("2001:db8:1::9", None, Some("InvalidTarget"))]
#[case::no_address("i-0001", None, Some("InvalidTarget"))]
#[tokio::test(start_paused = true)]
async fn addresses_are_of_the_network_or_private(
    #[case] id: &str,
    #[case] zone: Option<&str>,
    #[case] refused: Option<&str>,
) {
    let aws = aws();
    let addresses = NewTargetGroup { targets: GroupTargets::Ip, family: IpFamily::V4, ..group("ip") };
    let made = aws.create_group(&addresses).await.unwrap();
    let target = Target { id: id.to_owned(), port: 80, zone: zone.map(str::to_owned) };
    let answer = aws.register(&made.arn, std::slice::from_ref(&target)).await;
    match refused {
        Some(expected) => assert_eq!(code(answer), expected),
        None => assert_eq!(aws.groups()[0].targets[0].target, target),
    }
}

#[rstest]
#[case::of_group(Quota::TargetsPerGroup)]
#[case::of_balancer(Quota::TargetsPerBalancer)]
#[case::of_zone(Quota::TargetsPerZone)]
#[tokio::test(start_paused = true)]
async fn those_that_drain_do_not_count(#[case] quota: Quota) {
    let (aws, _, group) = serving().await;
    aws.set_quota(quota, 1);
    aws.register(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    // The fourth instance is in the first one's zone.
    assert_eq!(code(aws.register(&group.arn, &[target("i-0004", 80)]).await), "TooManyTargets");
    assert_eq!(states(&aws, &group.arn).await.len(), 1);
    aws.deregister(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    aws.register(&group.arn, &[target("i-0004", 80)]).await.unwrap();
    assert_eq!(states(&aws, &group.arn).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn across_zones_the_quota_of_a_zone_is_that_of_all() {
    let (aws, balancer, group) = serving().await;
    aws.set_quota(Quota::TargetsPerZone, 1);
    aws.register(&group.arn, &[target("i-0001", 80), target("i-0003", 80)]).await.unwrap();
    let cross = tags(&[("load_balancing.cross_zone.enabled", "true")]);
    aws.modify_balancer_attributes(&balancer.arn, &cross).await.unwrap();
    assert_eq!(code(aws.register(&group.arn, &[target("i-0002", 80)]).await), "TooManyTargets");
    let second = aws.create_group(&crate::common::group("second")).await.unwrap();
    aws.register(&second.arn, &[target("i-0002", 80)]).await.unwrap();
    let listener = aws.create_listener(&listener(&balancer.arn, 81, &second.arn)).await;
    assert_eq!(code(listener), "TooManyTargets");
}
