//! Target groups.

use std::time::Duration;

use landfall_aws::api::elb::{Elb, GroupTargets, NewTargetGroup, NlbProtocol, WhichGroups};
use landfall_core::params::aws::HealthProtocol;
use landfall_testkit::aws::fake::{Quota, Timing};
use rstest::rstest;

use crate::common::*;

#[tokio::test(start_paused = true)]
async fn making_the_same_again_answers_what_exists_and_anything_else_is_a_duplicate() {
    let aws = aws();
    let first = aws.create_group(&group("web")).await.unwrap();
    assert_eq!(first.health.codes.as_deref(), Some("200-399"), "defaults are filled in");
    assert_eq!(aws.create_group(&group("web")).await.unwrap(), first);
    let other = NewTargetGroup { port: 30_081, ..group("web") };
    assert_eq!(code(aws.create_group(&other).await), "DuplicateTargetGroupName");
    aws.set_quota(Quota::Groups, 1);
    assert_eq!(code(aws.create_group(&group("more")).await), "TooManyTargetGroups");
}

#[rstest]
#[case::name(|new: &mut NewTargetGroup| new.name = "a.b".to_owned())]
#[case::port(|new: &mut NewTargetGroup| new.port = 0)]
#[case::network(|new: &mut NewTargetGroup| new.vpc = "vpc-none".into())]
#[case::interval(|new: &mut NewTargetGroup| new.health.interval = 4)]
#[case::timeout(|new: &mut NewTargetGroup| new.health.timeout = 121)]
#[case::timeout_over_interval(|new: &mut NewTargetGroup| new.health.timeout = 11)]
#[case::threshold(|new: &mut NewTargetGroup| new.health.healthy = 11)]
#[case::path(|new: &mut NewTargetGroup| new.health.path = Some("healthz".to_owned()))]
#[case::codes(|new: &mut NewTargetGroup| new.health.codes = Some("99-200".to_owned()))]
#[case::path_for_tcp(|new: &mut NewTargetGroup| new.health.protocol = HealthProtocol::Tcp)]
#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused(#[case] change: fn(&mut NewTargetGroup)) {
    let aws = aws();
    let mut new = group("web");
    change(&mut new);
    assert_eq!(code(aws.create_group(&new).await), "ValidationError");
    assert_eq!(aws.groups(), []);
}

#[tokio::test(start_paused = true)]
async fn it_is_in_use_while_forwarded_to_and_for_a_while_after() {
    let (aws, balancer, group) = serving().await;
    aws.set_timing(Timing { group_release: Duration::from_secs(20), ..Timing::default() });
    assert_eq!(code(aws.delete_group(&group.arn).await), "ResourceInUse");
    aws.delete_balancer(&balancer.arn).await.unwrap();
    assert_eq!(aws.groups()[0].it.load_balancers, []);
    assert_eq!(code(aws.delete_group(&group.arn).await), "ResourceInUse");
    tokio::time::advance(Duration::from_secs(20)).await;
    aws.delete_group(&group.arn).await.unwrap();
    aws.delete_group(&group.arn).await.expect("what does not exist can be deleted");
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_led_elsewhere_lets_it_go() {
    let (aws, _, first) = serving().await;
    let second = aws.create_group(&group("second")).await.unwrap();
    let listener = aws.balancers()[0].listeners[0].it.arn.clone();
    aws.modify_listener(&listener, &tcp(&second.arn)).await.unwrap();
    aws.delete_group(&first.arn).await.unwrap();
    assert_eq!(code(aws.delete_group(&second.arn).await), "ResourceInUse");
    aws.delete_listener(&listener).await.unwrap();
    aws.delete_group(&second.arn).await.unwrap();
    assert_eq!(code(aws.delete_listener(&listener).await), "ListenerNotFound");
}

#[tokio::test(start_paused = true)]
async fn lists_are_by_name_or_load_balancer() {
    let (aws, balancer, used) = serving().await;
    let other = aws.create_balancer(&crate::common::balancer("other")).await.unwrap();
    aws.create_group(&group("unused")).await.unwrap();
    let fake = &aws;
    let of = |arn| async move { fake.target_groups(&WhichGroups::Of(arn), None).await };
    assert_eq!(of(balancer.arn).await.unwrap().items[0].arn, used.arn);
    assert_eq!(of(other.arn).await.unwrap().items, []);
    assert_eq!(code(of("arn:none".into()).await), "LoadBalancerNotFound");
    let named = WhichGroups::Named(vec!["unused".to_owned(), "none".to_owned()]);
    assert_eq!(code(aws.target_groups(&named, None).await), "TargetGroupNotFound");
}

#[rstest]
#[case::instances(NlbProtocol::Tcp, GroupTargets::Instance, "true", "false")]
#[case::addresses(NlbProtocol::Tcp, GroupTargets::Ip, "false", "false")]
#[case::tls(NlbProtocol::Tls, GroupTargets::Ip, "false", "false")]
#[case::udp(NlbProtocol::Udp, GroupTargets::Ip, "true", "true")]
#[case::both(NlbProtocol::TcpUdp, GroupTargets::Instance, "true", "true")]
#[tokio::test(start_paused = true)]
async fn defaults_depend_on_protocol_and_targets(
    #[case] protocol: NlbProtocol,
    #[case] targets: GroupTargets,
    #[case] preserved: &str,
    #[case] terminated: &str,
) {
    let aws = aws();
    let made = aws.create_group(&NewTargetGroup { protocol, targets, ..group("web") }).await.unwrap();
    let attributes = aws.group_attributes(&made.arn).await.unwrap();
    assert_eq!(attributes["preserve_client_ip.enabled"], preserved);
    assert_eq!(attributes["deregistration_delay.connection_termination.enabled"], terminated);
    assert_eq!(attributes["deregistration_delay.timeout_seconds"], "300");
    assert_eq!(attributes["proxy_protocol_v2.enabled"], "false");
}

#[rstest]
#[case::unknown_key(NlbProtocol::Tcp, ("stickiness", "true"), "ValidationError")]
#[case::not_of_nlb(NlbProtocol::Tcp, ("slow_start.duration_seconds", "30"), "ValidationError")]
#[case::range(NlbProtocol::Tcp, ("deregistration_delay.timeout_seconds", "3601"), "ValidationError")]
#[case::preserve_udp(NlbProtocol::Udp, ("preserve_client_ip.enabled", "false"), "InvalidConfigurationRequest")]
#[case::sticky_tls(NlbProtocol::Tls, ("stickiness.enabled", "true"), "InvalidConfigurationRequest")]
#[tokio::test(start_paused = true)]
async fn attributes_are_checked(
    #[case] protocol: NlbProtocol,
    #[case] set: (&str, &str),
    #[case] expected: &str,
) {
    let aws = aws();
    let made = aws.create_group(&NewTargetGroup { protocol, ..group("web") }).await.unwrap();
    let set = tags(&[set]);
    assert_eq!(code(aws.modify_group_attributes(&made.arn, &set).await), expected);
    let delay = tags(&[("deregistration_delay.timeout_seconds", "3600")]);
    aws.modify_group_attributes(&made.arn, &delay).await.unwrap();
}
