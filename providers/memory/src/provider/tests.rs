//! The provider against its cloud, as far as the contract suite does not reach: what is special to this one.

use landfall_core::annotations::TARGETS;
use landfall_core::error::ErrorClass;
use landfall_core::model::TargetKind;
use landfall_core::net::Protocol;
use landfall_core::outcome::{Ingress, Phase, UnhealthyTarget};
use landfall_core::params::ClassParams;
use landfall_core::testing;
use std::time::Duration;

use super::*;
use crate::cloud::{Fault, Health, Kind, Operation};

fn provider(cloud: &Cloud) -> MemoryProvider {
    MemoryProvider::new(ClusterId::new("test").unwrap(), cloud.clone())
}

fn wish() -> DesiredLb {
    testing::lb(ProviderName::Memory, "web").on(testing::nodes(2))
}

#[tokio::test(start_paused = true)]
async fn health_is_told_by_node_name_from_the_first_run_on() {
    let cloud = Cloud::new();
    let reason = Some("connection refused".to_owned());
    cloud.set_health("test:///zone/i-0002", Health { healthy: Some(false), reason: reason.clone() });
    for _ in 0..2 {
        let outcome = provider(&cloud).ensure(&wish()).await.unwrap();
        let health = &outcome.targets[0];
        assert_eq!((outcome.targets.len(), health.healthy, health.unknown), (1, 1, 0));
        assert_eq!(health.unhealthy, [UnhealthyTarget { target: "n2".to_owned(), reason: reason.clone() }]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_without_changes_is_five_reads() {
    let cloud = Cloud::new();
    provider(&cloud).ensure(&wish()).await.unwrap();
    let before = cloud.calls();
    provider(&cloud).ensure(&wish()).await.unwrap();
    assert_eq!(cloud.calls() - before, 5, "four lists and the targets");
}

#[tokio::test(start_paused = true)]
async fn release_waits_for_a_cloud_that_takes_its_time() {
    let cloud = Cloud::new();
    cloud.set_deletion_time(Duration::from_secs(20));
    provider(&cloud).ensure(&wish()).await.unwrap();
    let error = provider(&cloud).release(&wish().id).await.unwrap_err();
    let ErrorClass::Waiting { poll } = error.class() else { panic!("{error}") };
    assert!(poll < Duration::from_secs(20));
    tokio::time::advance(Duration::from_secs(20)).await;
    provider(&cloud).release(&wish().id).await.unwrap();
    assert_eq!(cloud.objects(), []);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_else_has_is_a_conflict_that_names_it() {
    let cloud = Cloud::new();
    let taken = provider(&cloud).ensure(&wish()).await.unwrap().ingress.remove(0);
    let Ingress::Ip { ip, .. } = taken else { panic!("an address is an address") };
    let other = testing::lb(ProviderName::Memory, "other").with(|m| m.requesting(&[&ip.to_string()]));
    let error = provider(&cloud).ensure(&other).await.unwrap_err();
    assert_eq!((error.class(), error.category().as_str()), (ErrorClass::Conflict, "AddressInUse"));
    assert!(error.explain().contains(&ip.to_string()), "{}", error.explain());
}

#[tokio::test(start_paused = true)]
async fn errors_say_what_was_attempted_and_why_it_failed() {
    let cloud = Cloud::new();
    cloud.fault_on(Operation::List(Kind::Pool), Fault::Fail(ErrorClass::Denied));
    let error = provider(&cloud).ensure(&wish()).await.unwrap_err();
    assert_eq!(
        error.explain(),
        "could not list target-pools for memory:service/default/web/uid-default-web: AccessDenied: scripted failure"
    );
    cloud.set_quota(Kind::Balancer, 0);
    let error = provider(&cloud).ensure(&wish()).await.unwrap_err();
    assert_eq!((error.class(), error.category().as_str()), (ErrorClass::Quota, "QuotaExceeded"));
    assert!(error.to_string().starts_with("could not create balancer \"lf-default-web-"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_port_of_a_refused_member_is_not_given_to_another() {
    let cloud = Cloud::new();
    let (a, b) =
        (testing::member("a"), testing::member("b").listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 81)]));
    provider(&cloud).ensure(&testing::group(ProviderName::Memory, "front", vec![a.clone()])).await.unwrap();
    let desired = testing::group(ProviderName::Memory, "front", vec![b]).retaining(a.as_ref());
    let outcome = provider(&cloud).ensure(&desired).await.unwrap();
    assert_eq!(outcome.phase, Phase::Ready);
    let told: Vec<_> =
        outcome.problems.iter().map(|p| (p.category.as_str(), p.port.map(|key| key.port))).collect();
    assert_eq!(told, [("PortConflict", Some(80))]);
    assert_eq!(cloud.listeners().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn targets_follow_the_annotation() {
    let cloud = Cloud::new();
    let kind = |value: &str| {
        provider(&cloud)
            .target_kind(&ClassParams::Defaults, &testing::member("web").annotated(TARGETS, value))
    };
    assert_eq!(
        provider(&cloud).target_kind(&ClassParams::Defaults, &testing::member("web")),
        TargetKind::Nodes
    );
    assert_eq!(kind("nodes"), TargetKind::Nodes);
    assert_eq!(kind("pods"), TargetKind::Endpoints);
}
