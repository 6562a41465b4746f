//! A load balancer that was there before is taken over with the operator's consent, and given back.

use crate::stage::{Stage, nodes, service, web};
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
use landfall_testkit::aws::fake::{FakeAws, VPC};

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
async fn a_listener_whose_target_group_is_gone_meanwhile_goes_with_ours() {
    let stage = Stage::new();
    let (arn, group) = theirs(&stage.aws).await;
    let word = asked(&stage, &adopting(&arn)).await;
    let agreed = adopting(&arn).with(|member| member.annotated(ADOPT_CONFIRM, &word));
    stage.converge(&agreed).await;
    // What the other controller left: nothing on port 443, and nobody needs the target group any more.
    let console = stage.aws.console();
    let other = stage.aws.balancers().remove(0).listeners.into_iter().find(|it| it.it.port == 443).unwrap();
    console.delete_listener(&other.it.arn).await.unwrap();
    console.delete_group(&group).await.unwrap();
    stage.release(&agreed.id).await;
    let left = stage.aws.balancers();
    assert_eq!((left.len(), left[0].listeners.len()), (1, 0), "it could forward to nothing");
    assert!(stage.aws.groups().is_empty(), "{:?}", stage.picture());
}
