//! A load balancer that was there before is taken over with the operator's consent, and given back.

use std::time::Duration;

use crate::replace::{as_slow_as_aws, until};
use crate::stage::{AWS, Stage, is_told, nodes, service, web};
use landfall_aws::api::ec2::{Ec2 as _, NewSecurityGroup};
use landfall_aws::api::elb::{
    AddressType, Elb as _, GroupTargets, HealthCheck, ListenerSpec, NewListener, NewLoadBalancer,
    NewTargetGroup, NlbProtocol, SubnetMapping,
};
use landfall_aws::api::ids::{LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use landfall_core::annotations::{ADOPT, ADOPT_CONFIRM};
use landfall_core::model::DesiredLb;
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{FakeAws, Timing, VPC};
use rstest::rstest;

/// Somebody's load balancer with a listener on port 80.
async fn theirs(aws: &FakeAws) -> (LoadBalancerArn, TargetGroupArn) {
    theirs_with(aws, Vec::new()).await
}

async fn theirs_with(
    aws: &FakeAws,
    security_groups: Vec<SecurityGroupId>,
) -> (LoadBalancerArn, TargetGroupArn) {
    let console = aws.console();
    let group = NewTargetGroup {
        name: "theirs".to_owned(),
        protocol: NlbProtocol::Tcp,
        port: 8080,
        vpc: VPC.into(),
        targets: GroupTargets::Instance,
        family: IpFamily::V4,
        health: HealthCheck {
            protocol: HealthProtocol::Tcp,
            port: None,
            path: None,
            codes: None,
            interval: 30,
            timeout: 10,
            healthy: 3,
            unhealthy: 3,
        },
        tags: [("owner".to_owned(), "them".to_owned())].into(),
    };
    let group = console.create_group(&group).await.unwrap().arn;
    let subnet = SubnetMapping {
        subnet: "subnet-private-a".into(),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    };
    let balancer = NewLoadBalancer {
        name: "theirs".to_owned(),
        scheme: Scheme::Internal,
        address_type: AddressType::Ipv4,
        subnets: vec![subnet],
        security_groups,
        source_nat: false,
        tags: [("owner".to_owned(), "them".to_owned())].into(),
    };
    let balancer = console.create_balancer(&balancer).await.unwrap().arn;
    let spec = ListenerSpec {
        protocol: Some(NlbProtocol::Tcp),
        forward: Some(group.clone()),
        certificate: None,
        ssl_policy: None,
        alpn: None,
    };
    for port in [80, 443] {
        let spec = spec.clone();
        let new = NewListener { balancer: balancer.clone(), port, spec, tags: [].into() };
        console.create_listener(&new).await.unwrap();
    }
    (balancer, group)
}

fn adopting(arn: &LoadBalancerArn) -> DesiredLb {
    web().with(|member| member.annotated(ADOPT, arn.as_str()))
}

/// The fingerprint that the refusal asks for.
async fn asked(stage: &Stage, desired: &DesiredLb) -> String {
    let error = stage.provider.ensure(desired).await.unwrap_err();
    assert_eq!(error.category().as_str(), "AdoptionNeedsConfirmation", "{}", error.explain());
    let text = error.to_string();
    assert!(text.contains("listener theirs:80"), "the plan is told: {text}");
    text.split('"').nth(1).unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_before_the_operator_agrees_to_the_plan() {
    let stage = Stage::new();
    let (arn, _) = theirs(&stage.aws).await;
    let picture = stage.picture();
    let plan = stage.provider.plan(&adopting(&arn)).await.unwrap();
    assert!(!plan.is_empty());
    asked(&stage, &adopting(&arn)).await;
    let wrong = adopting(&arn).with(|member| member.annotated(ADOPT_CONFIRM, "yes"));
    asked(&stage, &wrong).await;
    assert_eq!(stage.picture(), picture);
    assert_eq!(stage.aws.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_over_is_given_back_as_it_was() {
    let stage = Stage::new();
    let (arn, group) = theirs(&stage.aws).await;
    let before = stage.picture();
    let word = asked(&stage, &adopting(&arn)).await;
    let agreed = adopting(&arn).with(|member| member.annotated(ADOPT_CONFIRM, &word));
    stage.converge(&agreed).await;
    let taken = stage.aws.balancers();
    assert_eq!(taken.len(), 1, "no other is made");
    let forward = |port: u16| {
        let balancer = stage.aws.balancers().remove(0);
        let listener = balancer.listeners.into_iter().find(|it| it.it.port == port).unwrap();
        listener.it.spec.forward.unwrap()
    };
    assert_ne!(forward(80), group);
    assert_eq!(forward(443), group, "listeners that nobody asked for are left alone");
    // A process that starts anew knows it by its marks, and so does the release.
    let stage = stage.restarted();
    stage.converge(&agreed).await;
    stage.release(&agreed.id).await;
    assert_eq!(stage.picture(), before);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_given_back_carries_nothing_of_ours_while_others_go_on() {
    let stage = Stage::new();
    let guard = NewSecurityGroup {
        name: "theirs".to_owned(),
        description: "theirs".to_owned(),
        vpc: VPC.into(),
        tags: [].into(),
    };
    let guard = stage.aws.console().create_security_group(&guard).await.unwrap();
    let (arn, _) = theirs_with(&stage.aws, vec![guard.clone()]).await;
    let before = stage.picture();
    let other = service("other").on(nodes(3));
    stage.converge(&other).await;
    let word = asked(&stage, &adopting(&arn)).await;
    let agreed = adopting(&arn).with(|member| member.annotated(ADOPT_CONFIRM, &word));
    stage.converge(&agreed).await;
    let carried = || {
        let found = stage.aws.balancers().into_iter().find(|it| it.it.arn == arn);
        found.unwrap().it.security_groups
    };
    assert!(carried().len() > 1, "it carries ours");
    stage.release(&agreed.id).await;
    assert_eq!(carried(), [guard]);
    stage.release(&other.id).await;
    assert_eq!(stage.picture(), before);
}

/// Makes their listener on port 80 one for TLS.
async fn with_tls(aws: &FakeAws, group: &TargetGroupArn) {
    let listener = &aws.balancers()[0].listeners.iter().find(|it| it.it.port == 80).unwrap().it.arn.clone();
    let spec = ListenerSpec {
        protocol: Some(NlbProtocol::Tls),
        forward: Some(group.clone()),
        certificate: Some(THEIRS.to_owned()),
        ssl_policy: Some("ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned()),
        alpn: Some("HTTP2Only".to_owned()),
    };
    aws.console().modify_listener(listener, &spec).await.unwrap();
}

const THEIRS: &str = "arn:aws:acm:eu-central-1:123456789012:certificate/theirs";
const OURS: &str = "arn:aws:acm:eu-central-1:123456789012:certificate/ours";

#[tokio::test(start_paused = true)]
async fn certificate_and_policies_are_given_back_too() {
    let stage = Stage::new();
    stage.aws.edit_network(|network| network.certificates.extend([THEIRS, OURS].map(str::to_owned)));
    let (arn, group) = theirs(&stage.aws).await;
    with_tls(&stage.aws, &group).await;
    let spec =
        || stage.aws.balancers()[0].listeners.iter().find(|it| it.it.port == 80).unwrap().it.spec.clone();
    let (before, picture) = (spec(), stage.picture());
    let desired = adopting(&arn).with(|member| {
        member
            .annotated(&format!("{AWS}ssl-cert"), OURS)
            .annotated(&format!("{AWS}ssl-negotiation-policy"), "ELBSecurityPolicy-2016-08")
    });
    let word = asked(&stage, &desired).await;
    let agreed = desired.with(|member| member.annotated(ADOPT_CONFIRM, &word));
    stage.converge(&agreed).await;
    assert_eq!(spec().certificate.as_deref(), Some(OURS));
    assert_ne!((spec().ssl_policy, spec().alpn), (before.ssl_policy.clone(), before.alpn.clone()));
    let stage = stage.restarted();
    stage.release(&agreed.id).await;
    assert_eq!(spec(), before);
    assert_eq!(stage.picture(), picture);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_could_not_be_given_back_is_not_taken() {
    let stage = Stage::new();
    let odd = format!("arn:aws:iam::123456789012:server-certificate/{}", "long/".repeat(50));
    stage.aws.edit_network(|network| network.certificates.extend([THEIRS.to_owned(), odd.clone()]));
    let (arn, group) = theirs(&stage.aws).await;
    with_tls(&stage.aws, &group).await;
    let listener = stage.aws.balancers()[0].listeners.iter().find(|it| it.it.port == 80).unwrap().it.clone();
    let spec = ListenerSpec { certificate: Some(odd), ..listener.spec };
    stage.aws.console().modify_listener(&listener.arn, &spec).await.unwrap();
    let desired = adopting(&arn).with(|member| member.annotated(&format!("{AWS}ssl-cert"), THEIRS));
    let error = stage.provider.ensure(&desired).await.unwrap_err();
    assert_eq!(error.category().as_str(), "NotAdoptable", "{}", error.explain());
    assert!(error.explain().contains("certificate"), "{}", error.explain());
}

#[tokio::test(start_paused = true)]
async fn a_listener_whose_target_group_was_deleted_meanwhile_holds_up_no_release() {
    let stage = Stage::new();
    let (arn, group) = theirs(&stage.aws).await;
    let word = asked(&stage, &adopting(&arn)).await;
    let agreed = adopting(&arn).with(|member| member.annotated(ADOPT_CONFIRM, &word));
    stage.converge(&agreed).await;
    let other =
        stage.aws.balancers()[0].listeners.iter().find(|it| it.it.port == 443).unwrap().it.arn.clone();
    stage.aws.console().delete_listener(&other).await.unwrap();
    stage.aws.console().delete_group(&group).await.unwrap();
    stage.release(&agreed.id).await;
    let left = stage.aws.balancers().remove(0);
    assert_eq!((left.it.arn, left.listeners.len()), (arn, 0));
    assert!(left.tags.keys().all(|key| !key.starts_with("landfall.dev/")), "{:?}", left.tags);
    assert_eq!(stage.aws.groups().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn taking_the_annotation_away_gives_it_back_when_another_serves() {
    let stage = Stage::new();
    let (arn, _) = theirs(&stage.aws).await;
    let before = stage.picture();
    let word = asked(&stage, &adopting(&arn)).await;
    stage.converge(&adopting(&arn).with(|member| member.annotated(ADOPT_CONFIRM, &word))).await;
    stage.converge(&web()).await;
    assert_eq!(stage.aws.balancers().len(), 2);
    stage.release(&web().id).await;
    assert_eq!(stage.picture(), before);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_there_is_refused() {
    let stage = Stage::new();
    let arn = LoadBalancerArn::from(
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/gone/0123456789abcdef",
    );
    let error = stage.provider.ensure(&adopting(&arn)).await.unwrap_err();
    assert_eq!(error.category().as_str(), "NotAdoptable", "{}", error.explain());
}

#[tokio::test(start_paused = true)]
async fn one_that_would_have_to_leave_all_its_zones_keeps_its_subnets() {
    let stage = Stage::new();
    let (arn, _) = theirs(&stage.aws).await;
    let moving = adopting(&arn).with(|member| member.annotated(&format!("{AWS}subnets"), "public-a"));
    let word = asked(&stage, &moving).await;
    let outcome = stage.converge(&moving.with(|member| member.annotated(ADOPT_CONFIRM, &word))).await;
    assert!(is_told(&outcome, "SubnetsNotChanged"), "{:?}", outcome.problems);
    let [balancer] = stage.aws.balancers().try_into().unwrap();
    assert_eq!(balancer.it.zones[0].subnet.as_str(), "subnet-private-a");
}

#[rstest]
#[case::healthy_after_the_first_checks(5, 5)]
#[case::ill_for_long(50, 20)]
#[tokio::test(start_paused = true)]
async fn a_service_that_has_one_of_ours_waits_for_the_health_of_the_one_taken_over(
    #[case] first_checks: u64,
    #[case] minutes: u64,
) {
    let stage = as_slow_as_aws();
    let (arn, _) = theirs(&stage.aws).await;
    let old = stage.converge(&web()).await.ingress;
    tokio::time::sleep(Duration::from_hours(1)).await;
    stage.converge(&web()).await;
    let word = asked(&stage, &adopting(&arn)).await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(asked(&stage, &adopting(&arn)).await, word, "the same plan at any time");
    let first_checks = Duration::from_mins(first_checks);
    stage.aws.set_timing(Timing { first_checks, ..Timing::default() });
    let agreed = adopting(&arn).with(|member| member.annotated(ADOPT_CONFIRM, &word));
    let (_, took) = until(&stage, &agreed, |outcome| outcome.ingress != old).await;
    let expected = Duration::from_mins(minutes);
    assert!((expected..expected + Duration::from_mins(1)).contains(&took), "{took:?}");
    stage.outlast(&agreed).await;
    assert_eq!(stage.aws.balancers().into_iter().map(|it| it.it.arn).collect::<Vec<_>>(), [arn]);
}
