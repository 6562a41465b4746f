//! A load balancer gets IPv6 or gives it up in place, with whatever depends on that in an order that AWS takes.

use crate::stage::{AWS, Stage, web};
use landfall_aws::api::Action;
use landfall_aws::api::elb::NlbProtocol;
use landfall_core::model::{DesiredLb, FamilyPolicy};
use landfall_core::net::IpFamily::{self, V4, V6};
use landfall_core::net::Protocol::{self, Tcp, Udp};
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::Fault;
use rstest::rstest;

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

/// The shape may be refused for long, for instance while an endpoint service uses a zone.
#[rstest]
#[case::rejected("InvalidConfigurationRequest")]
#[case::throttled("Throttling")]
#[tokio::test(start_paused = true)]
async fn what_is_away_for_a_change_that_aws_refuses_comes_back(#[case] code: &str) {
    let (from, to) = (serving(&[V4, V6], MIXED), serving(&[V4], MIXED));
    let stage = Stage::new();
    stage.converge(&from).await;
    let ports = || {
        let listeners = stage.aws.balancers().remove(0).listeners.into_iter();
        let mut all: Vec<_> = listeners.map(|it| (it.it.port, it.it.spec, it.tags)).collect();
        all.sort_by_key(|(port, ..)| *port);
        all
    };
    let before = ports();
    for _ in 0..3 {
        for action in [Action::SetSubnets, Action::SetIpAddressType] {
            (1..=8).for_each(|call| stage.aws.fault_on(action, call, Fault::code(code)));
        }
        stage.provider.ensure(&to).await.unwrap_err();
        assert_eq!(ports(), before);
    }
    let stage = Stage::on(stage.aws.clone());
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
