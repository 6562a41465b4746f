//! Operations that take longer than anybody waits for them.

use std::time::Duration;

use landfall_core::error::ErrorClass;
use landfall_core::model::{DesiredLb, Member};
use landfall_core::net::Protocol;
use landfall_core::outcome::Phase;
use landfall_core::provider::Provider as _;
use landfall_gcp::api::{Kind, Method, Reference, Verb};
use landfall_testkit::gcp::fake::{Fault, PROJECT};
use rstest::rstest;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::stage::{Stage, ips, nodes, service, web};

/// How long an operation takes here: longer than it is followed, and than a lost answer is in doubt.
const LONG: Duration = Duration::from_mins(5);

const fn insert(kind: Kind) -> Method {
    Method::new(kind, Verb::Insert)
}

/// The name of the operation that a text is about.
fn operation(text: &str) -> String {
    let at = text.find("operation-").unwrap_or_else(|| panic!("no operation is named: {text}"));
    text[at..].chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect()
}

/// A Service that has something of its own of each kind: with more ports than a forwarding rule takes, its address is
/// reserved, and with its policy its nodes are checked for it alone.
fn with_all_of_its_own() -> DesiredLb {
    let ports: Vec<_> = (1..=7).map(|port| (Protocol::Tcp, port)).collect();
    web().with(|it: Member| it.listening(&ports).local(31000))
}

#[rstest]
#[case::address(Kind::Address, true)]
#[case::backend_service(Kind::BackendService, true)]
#[case::firewall(Kind::Firewall, true)]
#[case::forwarding_rule(Kind::ForwardingRule, true)]
#[case::health_check(Kind::HealthCheck, true)]
#[case::shared_group(Kind::EndpointGroup, false)]
#[tokio::test(start_paused = true)]
async fn what_is_made_late_does_not_stay_behind(#[case] kind: Kind, #[case] beside_others: bool) {
    let (stage, desired) = (Stage::new(), with_all_of_its_own());
    if beside_others {
        stage.ensure(&service("other")).await;
    }
    stage.gcp.fault_on(insert(kind), 1, Fault::LateInsert(LONG));
    let begun = Instant::now();
    let error = stage.provider.ensure(&desired).await.unwrap_err();
    let running = operation(&error.explain());
    // It is deleted meanwhile.
    let mut told = 0;
    while let Err(error) = stage.provider.release(&desired.id).await {
        let ErrorClass::Waiting { poll } = error.class() else { panic!("{}", error.explain()) };
        told += usize::from(error.explain().contains(&running));
        assert!(begun.elapsed() < LONG * 2, "{}", error.explain());
        sleep(poll).await;
    }
    assert!(begun.elapsed() >= LONG, "released after {:?}", begun.elapsed());
    assert!(told > 5, "{running} was named {told} times");
    if beside_others {
        stage.release(&service("other").id).await;
    }
    sleep(LONG).await;
    assert_eq!(stage.gcp.leaks(), []);
}

/// The controller bounds the time of a look.
#[tokio::test(start_paused = true)]
async fn the_operation_of_a_change_that_was_given_up_is_known() {
    let stage = Stage::new();
    stage.ensure(&service("other")).await;
    stage.gcp.fault_on(insert(Kind::Firewall), 1, Fault::LateInsert(LONG));
    assert!(timeout(Duration::from_secs(20), stage.provider.ensure(&web())).await.is_err());
    sleep(Duration::from_mins(1)).await;
    let error = stage.provider.release(&web().id).await.unwrap_err();
    assert_eq!(error.category().as_str(), "OperationRunning", "{}", error.explain());
    stage.release(&web().id).await;
    sleep(LONG).await;
    stage.release(&service("other").id).await;
    assert_eq!(stage.gcp.leaks(), []);
}

/// Neither for the load balancer that began it nor for others that need the same.
#[tokio::test(start_paused = true)]
async fn what_is_still_being_made_is_not_made_again() {
    let stage = Stage::new();
    stage.gcp.fault_on(insert(Kind::EndpointGroup), 1, Fault::LateInsert(LONG));
    let begun = Instant::now();
    let all = [web(), service("other")];
    stage.provider.ensure(&all[0]).await.unwrap_err();
    let looks = Method::new(Kind::EndpointGroup, Verb::GetOperation);
    let before = stage.gcp.count(looks);
    let (mut waits, mut asked) = (0, 0);
    while begun.elapsed() < LONG {
        for desired in &all {
            let error = stage.provider.ensure(desired).await.unwrap_err();
            assert_eq!(error.category().as_str(), "OperationRunning", "{}", error.explain());
            waits += 1;
        }
        sleep(Duration::from_secs(15)).await;
        asked = stage.gcp.count(looks) - before;
    }
    assert!(waits > 20 && asked <= waits, "{asked} questions in {waits} looks");
    for desired in &all {
        stage.converge(desired).await;
    }
    assert_eq!(stage.gcp.count(insert(Kind::EndpointGroup)), 3, "one per zone");
}

/// Without the permission nobody could ever tell that it has ended.
#[tokio::test(start_paused = true)]
async fn an_operation_that_may_not_be_read_holds_nothing_up() {
    let stage = Stage::new();
    stage.gcp.set_strict(false);
    stage.gcp.forbid(PROJECT, Method::new(Kind::Firewall, Verb::GetOperation), true);
    stage.gcp.fault_on(insert(Kind::Firewall), 1, Fault::SlowOperation(LONG * 10));
    let begun = Instant::now();
    stage.provider.ensure(&web()).await.unwrap_err();
    stage.release(&web().id).await;
    assert!(begun.elapsed() < LONG, "held up for {:?}", begun.elapsed());
    assert_eq!(stage.gcp.leaks(), []);
}

/// Lists may tell a resource while the operation that makes it runs, and an operation that fails takes it away again.
#[tokio::test(start_paused = true)]
async fn what_serves_stays_until_its_successor_is_made_for_sure() {
    let (stage, inside) = (
        Stage::new(),
        web().with(|it: Member| it.annotated("networking.gke.io/load-balancer-type", "Internal")),
    );
    // Or it lacks something meanwhile.
    stage.gcp.take_labels_on_insert(true);
    let before = ips(&stage.ensure(&web()).await);
    let old = stage.only(Kind::ForwardingRule);
    stage.gcp.fault_on(insert(Kind::ForwardingRule), 1, Fault::SlowOperation(LONG));
    let begun = Instant::now();
    let error = stage.provider.ensure(&inside).await.unwrap_err();
    let running = operation(&error.explain());
    while begun.elapsed() + Duration::from_secs(30) < LONG {
        sleep(Duration::from_secs(15)).await;
        let error = stage.provider.ensure(&inside).await.unwrap_err();
        assert!(error.explain().contains(&running), "{}", error.explain());
        assert_eq!(stage.made(Kind::ForwardingRule).len(), 2);
        let rules = stage.made(Kind::Firewall);
        let lets_in = |it: &Value| it["destinationRanges"][0] == before[0].to_string();
        assert!(rules.iter().any(lets_in), "its clients are not let in: {rules:?}");
    }
    let is_new = |it: &&Reference| it.kind == Kind::ForwardingRule && it.name != old["name"];
    assert!(stage.gcp.remove(stage.gcp.leaks().iter().find(is_new).unwrap()));
    sleep(LONG).await;
    assert_eq!(stage.only(Kind::ForwardingRule)["IPAddress"], before[0].to_string());
    assert_ne!(ips(&stage.converge(&inside).await), before);
    assert_eq!(stage.made(Kind::ForwardingRule).len(), 1);
    stage.release(&inside.id).await;
    assert_eq!(stage.gcp.leaks(), []);
}

/// A Service does not wait for what only changes nodes of groups that serve.
#[tokio::test(start_paused = true)]
async fn nodes_that_come_slowly_hold_up_neither_an_address_nor_a_release() {
    let stage = Stage::new();
    stage.ensure(&web()).await;
    let attach = Method::new(Kind::EndpointGroup, Verb::AttachEndpoints);
    stage.gcp.fault_on(attach, 1, Fault::SlowOperation(LONG));
    let other = service("other").on(nodes(9));
    for _ in 0..3 {
        let outcome = stage.ensure(&other).await;
        assert_eq!((outcome.phase, outcome.ingress.len()), (Phase::Ready, 1));
        assert!(outcome.look_again.is_some_and(|pause| pause <= Duration::from_secs(10)));
        sleep(Duration::from_secs(10)).await;
    }
    stage.provider.release(&other.id).await.unwrap();
    stage.release(&web().id).await;
    sleep(LONG).await;
    assert_eq!(stage.gcp.leaks(), []);
}

#[tokio::test(start_paused = true)]
async fn looks_at_operations_do_not_wait_for_each_other() {
    let (stage, other) = (Stage::new(), service("other"));
    stage.ensure(&service("first")).await;
    let kinds = [Kind::Firewall, Kind::BackendService];
    for (kind, desired) in kinds.into_iter().zip([&web(), &other]) {
        stage.gcp.fault_on(insert(kind), 1, Fault::LateInsert(LONG));
        stage.provider.ensure(desired).await.unwrap_err();
    }
    sleep(Duration::from_secs(10)).await;
    let look = Method::new(Kind::Firewall, Verb::GetOperation);
    stage.gcp.fault_on(look, 1, Fault::Delay(Duration::from_secs(20)));
    let web = web();
    let quick = timeout(Duration::from_secs(5), stage.provider.ensure(&other));
    let (slow, quick) = tokio::join!(stage.provider.ensure(&web), quick);
    assert_eq!(slow.unwrap_err().category().as_str(), "OperationRunning");
    assert_eq!(quick.unwrap().unwrap_err().category().as_str(), "OperationRunning");
}

/// Google refuses to tell, for another reason than a lack of permissions.
#[tokio::test(start_paused = true)]
async fn an_operation_that_cannot_be_asked_for_holds_nothing_up_for_ever() {
    let stage = Stage::new();
    stage.gcp.set_strict(false);
    let look = Method::new(Kind::Firewall, Verb::GetOperation);
    for number in 1..=500 {
        stage.gcp.fault_on(look, number, Fault::refuse(400, "invalid"));
    }
    stage.gcp.fault_on(insert(Kind::Firewall), 1, Fault::SlowOperation(LONG * 20));
    let begun = Instant::now();
    stage.provider.ensure(&web()).await.unwrap_err();
    // Neither is that of the deletion.
    let mut asked = 0;
    while let Err(error) = stage.provider.release(&web().id).await {
        assert!(begun.elapsed() < LONG * 8, "{}", error.explain());
        asked += 1;
        sleep(Duration::from_secs(15)).await;
    }
    assert!(asked > 5, "it may be told yet");
}
