//! The list of actions, which the IAM policy is held against, is exactly what is called: a life of many wishes calls each
//! and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::stage::{AWS, Stage, nodes, service, web};
use landfall_aws::api::Action;
use landfall_core::model::DesiredLb;
use landfall_core::net::Protocol;
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{Quota, Timing};

const CERTIFICATES: [&str; 2] = [
    "arn:aws:acm:eu-central-1:111122223333:certificate/1",
    "arn:aws:acm:eu-central-1:111122223333:certificate/2",
];

fn annotated(pairs: &[(&str, &str)]) -> DesiredLb {
    web().with(|member| {
        pairs.iter().fold(member, |member, (key, value)| member.annotated(&format!("{AWS}{key}"), value))
    })
}

/// Wishes for one Service, of which each takes back what the one before asked for.
fn wishes() -> Vec<DesiredLb> {
    let tls = |certificates: &[&str]| annotated(&[("ssl-cert", &certificates.join(","))]);
    vec![
        web(),
        annotated(&[("attributes", "load_balancing.cross_zone.enabled=true")]),
        annotated(&[("target-group-attributes", "deregistration_delay.timeout_seconds=30")]),
        annotated(&[("listener-attributes.TCP-80", "tcp.idle_timeout.seconds=400")]),
        annotated(&[("additional-resource-tags", "team=a")]),
        annotated(&[("ip-address-type", "dualstack")]),
        annotated(&[("healthcheck-interval", "30")]),
        annotated(&[("minimum-load-balancer-capacity", "CapacityUnits=1000")]),
        annotated(&[("inbound-sg-rules-on-private-link-traffic", "off")]),
        annotated(&[("subnets", "private-a,private-b")]),
        annotated(&[("scheme", "internet-facing")]),
        tls(&CERTIFICATES),
        tls(&CERTIFICATES[..1]),
        web(),
        web().with(|member| member.listening(&[(Protocol::Tcp, 81)])),
        web().on(nodes(4)),
        web(),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_is_called_and_no_other() {
    let stage = Stage::new();
    stage.aws.edit_network(|network| network.certificates.extend(CERTIFICATES.map(str::to_owned)));
    for desired in wishes() {
        stage.converge(&desired).await;
    }
    // Whoever reaches a quota is told its figures.
    stage.aws.set_quota(Quota::Balancers, 1);
    stage.provider.ensure(&service("other").on(nodes(3))).await.unwrap_err();
    stage.release(&service("other").id).await;
    // Whoever waits is told for what.
    stage.aws.set_timing(Timing { interface_release: Duration::from_mins(1), ..Timing::default() });
    stage.release(&web().id).await;
    let called: BTreeSet<Action> = stage.aws.journal().iter().map(|call| call.action).collect();
    let listed: BTreeSet<Action> = Action::ALL.iter().copied().collect();
    assert_eq!(listed.difference(&called).collect::<Vec<_>>(), Vec::<&Action>::new(), "never called");
    assert_eq!(called, listed);
}
