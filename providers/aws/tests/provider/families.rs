//! A load balancer gets IPv6 or gives it up in place, with whatever depends on that in an order that AWS takes.

use std::time::Duration;

use crate::stage::{AWS, Stage, nodes, registered, service, web};
use landfall_aws::account::Freshness;
use landfall_aws::api::elb::{ListenerSpec, NlbProtocol};
use landfall_aws::api::{Action, Tags};
use landfall_aws::pace::Limits;
use landfall_core::error::ErrorClass;
use landfall_core::model::{DesiredLb, FamilyPolicy};
use landfall_core::net::IpFamily::{self, V4, V6};
use landfall_core::net::Protocol::{self, Tcp, Udp};
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{FakeAws, Fault};
use rstest::rstest;
use tokio::time::{Instant, sleep};

fn serving(families: &[IpFamily], ports: &[(Protocol, u16)]) -> DesiredLb {
    let policy = match families {
        [_] => FamilyPolicy::SingleStack,
        _ => FamilyPolicy::RequireDualStack,
    };
    web().with(|member| member.listening(ports).stack(families, policy))
}

async fn fresh(desired: &DesiredLb) -> Vec<String> {
    let stage = Stage::new();
    stage.converge(desired).await;
    stage.picture()
}

const MIXED: &[(Protocol, u16)] = &[(Tcp, 80), (Udp, 53), (Tcp, 443)];

#[rstest]
#[case::primary_ipv4(&[V4, V6], &[V4], MIXED, MIXED)]
#[case::primary_ipv6(&[V6, V4], &[V4], MIXED, MIXED)]
#[case::udp_alone(&[V4, V6], &[V4], &[(Udp, 53)], &[(Udp, 53)])]
#[case::tcp_and_udp_of_one_number(&[V4, V6], &[V4], &[(Tcp, 53), (Udp, 53)], &[(Tcp, 53), (Udp, 53)])]
#[case::udp_goes_with_ipv6(&[V6, V4], &[V4], MIXED, &[(Tcp, 53)])]
#[case::udp_comes_with_ipv4(&[V6, V4], &[V4], &[(Tcp, 80)], MIXED)]
#[case::another_port(&[V4, V6], &[V4], &[(Udp, 53)], &[(Udp, 54)])]
#[tokio::test(start_paused = true)]
async fn ipv6_comes_and_goes_with_udp_in_place(
    #[case] families: &[IpFamily],
    #[case] others: &[IpFamily],
    #[case] ports: &[(Protocol, u16)],
    #[case] other_ports: &[(Protocol, u16)],
) {
    let (one, other) = (serving(families, ports), serving(others, other_ports));
    for (from, to) in [(&one, &other), (&other, &one)] {
        let stage = Stage::new();
        let before = stage.converge(from).await.ingress;
        assert_eq!(stage.converge(to).await.ingress, before);
        assert_eq!(stage.picture(), fresh(to).await);
        assert_eq!(stage.aws.count(Action::CreateLoadBalancer), 1);
        assert!(stage.restarted().provider.plan(to).await.unwrap().is_empty());
    }
}

/// What neither shape has room for is away for a moment, and nothing else is.
#[tokio::test(start_paused = true)]
async fn only_udp_listeners_are_made_anew() {
    let stage = Stage::new();
    stage.converge(&serving(&[V6, V4], MIXED)).await;
    let (listeners, before) = (stage.aws.balancers().remove(0).listeners, stage.aws.calls());
    stage.converge(&serving(&[V4], MIXED)).await;
    let shaping =
        [Action::DeleteListener, Action::SetSubnets, Action::SetIpAddressType, Action::CreateListener];
    let journal = stage.aws.journal();
    let calls: Vec<Action> =
        journal[before..].iter().map(|call| call.action).filter(|action| shaping.contains(action)).collect();
    assert_eq!(calls, [Action::DeleteListener, Action::SetSubnets, Action::CreateListener]);
    for listener in stage.aws.balancers().remove(0).listeners {
        let stays = listeners.iter().any(|before| before.it.arn == listener.it.arn);
        assert_eq!(stays, listener.it.spec.protocol == Some(NlbProtocol::Tcp), "{listener:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_meanwhile_is_followed_by_one_that_goes_on() {
    let (from, to) = (serving(&[V4, V6], MIXED), serving(&[V4], MIXED));
    for action in [Action::DeleteListener, Action::SetSubnets, Action::CreateListener] {
        let stage = Stage::new();
        stage.converge(&from).await;
        stage.aws.fault_on(action, 1, Fault::LoseAnswer);
        stage.provider.ensure(&to).await.unwrap_err();
        let stage = stage.restarted();
        stage.converge(&to).await;
        assert_eq!(stage.picture(), fresh(&to).await, "{action:?}");
    }
}

/// Every listener by its port.
fn ports(stage: &Stage) -> Vec<(u16, ListenerSpec, Tags)> {
    let listeners = stage.aws.balancers().remove(0).listeners.into_iter();
    let mut all: Vec<_> = listeners.map(|it| (it.it.port, it.it.spec, it.tags)).collect();
    all.sort_by_key(|(port, ..)| *port);
    all
}

/// A load balancer that is to lose IPv6, and what it is to become.
async fn about_to_lose_ipv6() -> (Stage, DesiredLb) {
    let stage = Stage::new();
    stage.converge(&serving(&[V4, V6], MIXED)).await;
    (stage, serving(&[V4], MIXED))
}

fn refuse(stage: &Stage, actions: &[Action], code: &str) {
    for action in actions {
        (1..=8).for_each(|call| stage.aws.fault_on(*action, call, Fault::code(code)));
    }
}

const SHAPING: [Action; 2] = [Action::SetSubnets, Action::SetIpAddressType];

/// The shape may be refused for long, for instance while an endpoint service uses a zone.
#[rstest]
#[case::rejected("InvalidConfigurationRequest")]
#[case::throttled("Throttling")]
#[case::in_doubt("InternalFailure")]
#[tokio::test(start_paused = true)]
async fn what_is_away_for_a_change_that_aws_refuses_comes_back(#[case] code: &str) {
    let (stage, to) = about_to_lose_ipv6().await;
    let before = ports(&stage);
    for _ in 0..3 {
        refuse(&stage, &SHAPING, code);
        stage.provider.ensure(&to).await.unwrap_err();
        assert_eq!(ports(&stage), before);
        sleep(Duration::from_hours(2)).await;
    }
    let stage = stage.restarted();
    stage.aws.clear_faults();
    stage.converge(&to).await;
    assert_eq!(stage.picture(), fresh(&to).await);
}

/// The change is refused, and so is what would undo it.
#[rstest]
#[case::rejected("InvalidConfigurationRequest", "denied")]
#[case::quota("TooManyListeners", "quota")]
#[case::throttled("Throttling", "throttled")]
#[case::in_doubt("InternalFailure", "transient")]
#[tokio::test(start_paused = true)]
async fn what_could_not_be_put_back_is_told_and_comes_back_with_the_next_look(
    #[case] code: &str,
    #[case] class: &str,
    #[values(true, false)] restarts: bool,
) {
    let (mut stage, to) = about_to_lose_ipv6().await;
    let before = ports(&stage);
    refuse(&stage, &SHAPING, "InvalidConfigurationRequest");
    refuse(&stage, &[Action::CreateListener], code);
    for _ in 0..2 {
        let error = stage.provider.ensure(&to).await.unwrap_err();
        assert_eq!((error.class().as_str(), error.category().as_str()), (class, "ListenerAway"));
        let told = error.explain();
        assert!(
            told.contains(":53") && told.contains("SetSubnets") && told.contains("CreateListener"),
            "{told}"
        );
        assert_eq!(ports(&stage).len(), before.len() - 1);
        if restarts {
            stage = stage.restarted();
        }
    }
    stage.aws.clear_faults();
    for _ in 0..2 {
        refuse(&stage, &SHAPING, "InvalidConfigurationRequest");
        let error = stage.provider.ensure(&to).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Rejected, "{}", error.explain());
        assert_eq!(ports(&stage), before);
        sleep(Duration::from_hours(2)).await;
    }
    stage.aws.clear_faults();
    stage.converge(&to).await;
    assert_eq!(stage.picture(), fresh(&to).await);
}

/// A flow of UDP ends with its listener, so that does not go at every look.
#[tokio::test(start_paused = true)]
async fn a_shape_that_aws_refuses_for_long_is_tried_ever_less_often() {
    let (stage, to) = about_to_lose_ipv6().await;
    let (before, began) = (ports(&stage), Instant::now());
    let (mut cut, mut left_alone) = (Vec::new(), 0);
    while began.elapsed() < Duration::from_hours(24) {
        stage.aws.clear_faults();
        refuse(&stage, &SHAPING, "InvalidConfigurationRequest");
        let deleted = stage.aws.count(Action::DeleteListener);
        let answer = stage.provider.ensure(&to).await;
        match stage.aws.count(Action::DeleteListener) - deleted {
            0 => {
                let outcome = answer.unwrap();
                let told = outcome.problems.iter().find(|it| it.category.as_str() == "ShapeRefused").unwrap();
                assert!(told.message.contains("InvalidConfigurationRequest"), "{}", told.message);
                // The first look that leaves the shape alone has the rest to do.
                assert!(left_alone == 0 || outcome.steps.is_empty(), "{:?}", outcome.steps);
                left_alone += 1;
            }
            1 => {
                answer.unwrap_err();
                cut.push(began.elapsed().as_secs() / 60);
            }
            more => panic!("{more} listeners went"),
        }
        assert_eq!(ports(&stage), before);
        sleep(Duration::from_mins(10)).await;
    }
    assert_eq!(cut, [0, 10, 30, 70, 150, 310, 630, 990, 1_350]);
    // Who asks for something else and comes back to it is not held to that.
    stage.converge(&serving(&[V4, V6], MIXED)).await;
    stage.aws.clear_faults();
    stage.converge(&to).await;
    assert_eq!(stage.picture(), fresh(&to).await);
}

/// The rest of the wish does not wait for the shape.
#[tokio::test(start_paused = true)]
async fn nodes_come_and_go_behind_a_port_whose_shape_is_refused() {
    let (mut stage, to) = about_to_lose_ipv6().await;
    let key = format!("{AWS}attributes");
    let to = to.with(|member| member.annotated(&key, "load_balancing.cross_zone.enabled=true"));
    for (count, restarts) in [(4, false), (2, false), (5, true), (3, false)] {
        if restarts {
            stage = stage.restarted();
        }
        stage.aws.clear_faults();
        refuse(&stage, &SHAPING, "InvalidConfigurationRequest");
        stage.provider.ensure(&to.clone().on(nodes(count))).await.ok();
        for group in stage.aws.groups() {
            assert_eq!(registered(&group).len(), usize::from(count), "{}", group.it.name);
        }
    }
    assert_eq!(stage.aws.balancers()[0].attributes["load_balancing.cross_zone.enabled"], "true");
    assert_eq!(ports(&stage).len(), 3);
}

/// Turns for shapes can be minutes away, and no listener goes before its turn is there.
#[tokio::test(start_paused = true)]
async fn nothing_goes_for_a_change_whose_turn_is_far_away() {
    let (from, to) = (serving(&[V4, V6], MIXED), serving(&[V4], MIXED));
    let stage = Stage::paced(FakeAws::new(), Freshness::default(), &Limits::documented());
    stage.converge(&from).await;
    for n in 0.. {
        if stage.provider.ensure(&service(&format!("svc-{n}"))).await.is_err() {
            break;
        }
    }
    let before = stage.aws.calls();
    let error = stage.provider.ensure(&to).await.unwrap_err();
    assert_eq!(error.category().as_str(), "ApiPaced", "{}", error.explain());
    stage.converge(&to).await;
    let shaping = [&SHAPING[..], &[Action::DeleteListener, Action::CreateListener]].concat();
    let journal = stage.aws.journal();
    let made = journal[before..].iter().map(|call| call.action).filter(|action| shaping.contains(action));
    let made: Vec<Action> = made.collect();
    assert_eq!(made, [Action::DeleteListener, Action::SetSubnets, Action::CreateListener]);
}

/// Whatever is refused besides, ports do not wait for it.
#[tokio::test(start_paused = true)]
async fn listeners_come_back_before_anything_else_is_tried() {
    let (stage, to) = about_to_lose_ipv6().await;
    let key = format!("{AWS}attributes");
    let to = to.with(|member| member.annotated(&key, "load_balancing.cross_zone.enabled=true"));
    refuse(&stage, &[Action::ModifyLoadBalancerAttributes], "InvalidConfigurationRequest");
    stage.provider.ensure(&to).await.unwrap_err();
    assert_eq!(ports(&stage).iter().map(|(port, ..)| *port).collect::<Vec<_>>(), [53, 80, 443]);
    stage.aws.clear_faults();
    stage.converge(&to).await;
    assert_eq!(stage.picture(), fresh(&to).await);
}

#[tokio::test(start_paused = true)]
async fn an_attribute_of_ipv6_is_set_while_there_is_ipv6() {
    let annotated = |key: &str, value: &str| web().with(|m| m.annotated(&format!("{AWS}{key}"), value));
    let plain = annotated("attributes", "load_balancing.cross_zone.enabled=true");
    let open =
        annotated("attributes", "load_balancing.cross_zone.enabled=true,ipv6.deny_all_igw_traffic=false")
            .with(|member| member.annotated(&format!("{AWS}ip-address-type"), "dualstack"));
    let stage = Stage::new();
    for desired in [&plain, &open, &plain, &open] {
        stage.converge(desired).await;
        assert_eq!(stage.picture(), fresh(desired).await);
        assert!(stage.restarted().provider.plan(desired).await.unwrap().is_empty());
    }
    assert_eq!(stage.aws.count(Action::CreateLoadBalancer), 1);
}
