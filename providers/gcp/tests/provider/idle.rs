//! Shared groups that nothing leads to any more.

use std::time::Duration;

use landfall_core::model::DesiredLb;
use landfall_core::provider::Provider as _;
use landfall_gcp::api::{Kind, Method, Place, Verb};
use landfall_testkit::gcp::fake::{Fault, PROJECT, REGION};
use tokio::time::{Instant, sleep};

use crate::stage::{Stage, service, web};

/// An internal Service, whose groups are not those of external ones.
fn inside() -> DesiredLb {
    service("inside").with(|it| it.annotated("networking.gke.io/load-balancer-type", "Internal"))
}

/// Asks at once, and when nothing has used the groups for long.
async fn ensure_twice(stage: &Stage, desired: &DesiredLb) {
    stage.ensure(desired).await;
    sleep(Duration::from_mins(11)).await;
    stage.ensure(desired).await;
}

#[tokio::test(start_paused = true)]
async fn groups_that_nothing_leads_to_go() {
    let stage = Stage::new();
    stage.ensure(&web()).await;
    let before = stage.made(Kind::EndpointGroup);
    stage.ensure(&inside()).await;
    stage.release(&inside().id).await;
    stage.ensure(&web()).await;
    assert_eq!(stage.made(Kind::EndpointGroup).len(), 6, "somebody may come back to them");
    let writes = stage.gcp.writes();
    ensure_twice(&stage, &web()).await;
    assert_eq!((stage.made(Kind::EndpointGroup), stage.gcp.writes()), (before, writes + 3));
    stage.converge(&inside()).await;
    ensure_twice(&stage, &web()).await;
    assert_eq!(stage.made(Kind::EndpointGroup).len(), 6, "they are used");
}

#[tokio::test(start_paused = true)]
async fn groups_that_somebody_else_uses_stay() {
    let stage = Stage::new();
    for desired in [web(), inside()] {
        stage.ensure(&desired).await;
    }
    let theirs = Place::region(PROJECT, REGION).at(Kind::BackendService, "theirs");
    let mut body = stage
        .made(Kind::BackendService)
        .into_iter()
        .find(|it| it["loadBalancingScheme"] == "INTERNAL")
        .unwrap();
    body["name"] = "theirs".into();
    body["description"] = "".into();
    stage.gcp.console().put(&theirs, body).unwrap();
    stage.release(&inside().id).await;
    ensure_twice(&stage, &web()).await;
    assert_eq!(stage.made(Kind::EndpointGroup).len(), 6);
    let writes = stage.gcp.writes();
    for _ in 0..5 {
        stage.ensure(&web()).await;
    }
    assert_eq!(stage.gcp.writes(), writes, "not tried at each look");
    stage.gcp.remove(&theirs);
    ensure_twice(&stage, &web()).await;
    assert_eq!(stage.made(Kind::EndpointGroup).len(), 3);
}

/// Whoever comes to use them while they are about to go finds or makes them.
#[tokio::test(start_paused = true)]
async fn groups_do_not_go_while_somebody_comes_to_use_them() {
    let stage = Stage::new();
    for desired in [web(), inside()] {
        stage.ensure(&desired).await;
    }
    stage.release(&inside().id).await;
    stage.ensure(&web()).await;
    sleep(Duration::from_mins(11)).await;
    let (web, inside) = (web(), inside());
    tokio::join!(stage.ensure(&web), stage.ensure(&inside));
    assert_eq!(stage.made(Kind::EndpointGroup).len(), 6);
    assert_eq!(stage.converge(&inside).await.problems, []);
    for desired in [web, inside] {
        stage.release(&desired.id).await;
    }
    assert_eq!(stage.gcp.leaks(), []);
}

/// Those who do not need the groups that go.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_groups_that_go_slowly() {
    let (stage, long) = (Stage::new(), Duration::from_mins(5));
    for desired in [web(), inside()] {
        stage.ensure(&desired).await;
    }
    stage.release(&inside().id).await;
    stage.ensure(&web()).await;
    sleep(Duration::from_mins(11)).await;
    let delete = Method::new(Kind::EndpointGroup, Verb::Delete);
    stage.gcp.fault_on(delete, 2, Fault::SlowOperation(long));
    let (begun, web, other) = (Instant::now(), web(), service("other"));
    let one = async {
        stage.ensure(&web).await;
        begun.elapsed()
    };
    let another = async {
        sleep(Duration::from_secs(2)).await;
        let begun = Instant::now();
        stage.ensure(&other).await;
        begun.elapsed()
    };
    let (took, waited) = tokio::join!(one, another);
    assert!(took <= Duration::from_secs(20), "it was ready: {took:?}");
    // Its own operations take that long.
    assert!(waited <= Duration::from_secs(15), "{waited:?}");
    assert!(stage.made(Kind::EndpointGroup).len() > 3, "not all have gone yet");
    // Nobody leads to a group that goes.
    let error = stage.provider.ensure(&inside()).await.unwrap_err();
    assert_eq!(error.category().as_str(), "OperationRunning", "{}", error.explain());
    assert!(stage.converge(&inside()).await.problems.is_empty() && begun.elapsed() >= long);
    assert_eq!(stage.made(Kind::EndpointGroup).len(), 6);
}

/// It tries again meanwhile.
#[tokio::test(start_paused = true)]
async fn the_groups_of_a_service_that_fails_stay() {
    let stage = Stage::new();
    stage.ensure(&web()).await;
    let service = Method::new(Kind::BackendService, Verb::Insert);
    for _ in 0..10 {
        stage.gcp.fault_on(service, 1, Fault::refuse(403, "quotaExceeded"));
        stage.provider.ensure(&inside()).await.unwrap_err();
        stage.ensure(&web()).await;
        sleep(Duration::from_mins(4)).await;
    }
    assert_eq!(stage.gcp.count(Method::new(Kind::EndpointGroup, Verb::Insert)), 6);
}
