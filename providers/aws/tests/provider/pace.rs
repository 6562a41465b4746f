//! Many who want something while AWS throttles everybody.

use std::time::Duration;

use futures::future::join_all;
use landfall_aws::account::Freshness;
use landfall_aws::api::Action;
use landfall_aws::pace::Limits;
use landfall_core::error::ErrorClass;
use landfall_core::model::DesiredLb;
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{FakeAws, Fault};
use tokio::time::{Instant, sleep};

use crate::stage::{Stage, nodes, service};

/// Asks until it is served; tells how often it was sent away.
async fn served(stage: &Stage, desired: &DesiredLb) -> usize {
    for sent_away in 0..50 {
        let begun = Instant::now();
        let answer = stage.provider.ensure(desired).await;
        assert!(begun.elapsed() < Duration::from_secs(100), "{:?}", begun.elapsed());
        let Err(error) = answer else { return sent_away };
        let poll = match error.class() {
            ErrorClass::Waiting { poll } if error.category().as_str() == "ApiPaced" => poll,
            ErrorClass::Throttled { .. } => Duration::from_secs(5),
            _ => panic!("{}", error.explain()),
        };
        sleep(poll).await;
    }
    panic!("is never served");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_long_and_what_was_never_sent_is_not_in_doubt() {
    let aws = FakeAws::new();
    let stage = Stage::paced(aws, Freshness::default(), &Limits::documented());
    served(&stage, &service("first").on(nodes(3))).await;
    let lists = stage.aws.count(Action::DescribeLoadBalancers);
    // One change in 3.3 s is allowed after these.
    for _ in 0..4 {
        stage.aws.fault_on(Action::CreateTargetGroup, 1, Fault::code("Throttling"));
        stage.provider.ensure(&service("throttled").on(nodes(3))).await.unwrap_err();
        sleep(Duration::from_secs(3)).await;
    }
    let all: Vec<DesiredLb> = (0..16).map(|n| service(&format!("svc-{n}")).on(nodes(3))).collect();
    let sent_away = join_all(all.iter().map(|desired| served(&stage, desired))).await;
    assert!(sent_away.iter().any(|times| *times > 0), "{sent_away:?}");
    assert_eq!(stage.aws.balancers().len(), 17);
    assert_eq!(stage.aws.count(Action::DescribeLoadBalancers), lists, "nothing was in doubt");
}
