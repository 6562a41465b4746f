//! Events tell what changed, once, in the words operators know.

use std::time::Duration;

use landfall_controller_tests::{MEMORY, METAL, pool, run, run_embedded, service, shared};
use landfall_core::error::ErrorClass;
use landfall_core::report::{ACCEPTED, PROGRAMMED};
use landfall_memory::cloud::{Fault, Kind, Operation};
use landfall_testkit::apiserver::{Fault as ApiFault, Matcher};
use rstest::rstest;
use serde_json::json;

#[test]
fn the_story_of_a_service_on_metal() {
    run("metal", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/30"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        rig.address("web").await;
        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": "192.0.2.3"}})).await;
        rig.until("web", "moved", |s| landfall_core::report::shown(s)[0].ip.as_deref() == Some("192.0.2.3"))
            .await;
        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": "203.0.113.1"}})).await;
        rig.condition("web", PROGRAMMED, "False", "AddressNotInPool").await;
        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": null}})).await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        let events = rig.events("web").await;
        let notes: Vec<String> =
            events.into_iter().map(|(reason, note)| format!("{reason} {note}")).collect();
        let heads = [
            "EnsuredLoadBalancer Ensured load balancer: 192.0.2.0",
            "EnsuredLoadBalancer Ensured load balancer: 192.0.2.3",
            "SyncLoadBalancerFailed AddressNotInPool: ",
            "EnsuredLoadBalancer Ensured load balancer: 192.0.2.3",
            "DeletingLoadBalancer Deleting load balancer",
            "DeletedLoadBalancer Deleted load balancer",
        ];
        assert_eq!(notes.len(), heads.len(), "{notes:#?}");
        assert!(notes.iter().zip(heads).all(|(note, head)| note.starts_with(head)), "{notes:#?}");
        controller.stop().await;
    });
}

#[test]
fn the_story_of_a_service_on_a_cloud_that_fails_for_a_while() {
    run_embedded("cloud", |rig| async move {
        rig.node("n1").await;
        for _ in 0..3 {
            rig.cloud.fault_on(Operation::Create(Kind::Balancer), Fault::Fail(ErrorClass::Transient));
        }
        rig.cloud.set_provisioning_time(Duration::from_secs(20));
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        tokio::time::sleep(Duration::from_mins(2)).await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert_eq!(
            rig.reasons("web").await,
            ["EnsuringLoadBalancer", "SyncLoadBalancerFailed", "EnsuredLoadBalancer"],
            "one warning for one reason, none for polling"
        );
        controller.stop().await;
    });
}

#[test]
fn a_short_failure_of_a_served_service_is_no_news() {
    run("short", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.address("web").await;
        rig.cloud
            .fault_on(Operation::List(Kind::Balancer), Fault::Fail(ErrorClass::Throttled { after: None }));
        rig.patch("Service", "web", "", &json!({"spec": {"sessionAffinity": "ClientIP"}})).await;
        rig.quiet().await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert_eq!(rig.reasons("web").await, ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
        controller.stop().await;
    });
}

#[test]
fn nothing_is_repeated_after_restarts_and_over_resyncs() {
    run_embedded("restart", |rig| async move {
        // No node, a typing error, an unknown class, an exhausted pool: everything that is worth a warning.
        rig.create(pool("public", &["192.0.2.7"])).await;
        let mut controller = rig.start();
        rig.create(service(
            "cloud",
            MEMORY,
            &json!({"metadata": {"annotations": {"landfall.dev/shared": "k"}}}),
        ))
        .await;
        rig.create(service("first", METAL, &json!({}))).await;
        rig.address("first").await;
        rig.create(service("second", METAL, &json!({}))).await;
        rig.create(service("lost", "landfall.dev/gold", &json!({}))).await;
        rig.address("cloud").await;
        rig.condition("second", PROGRAMMED, "False", "PoolExhausted").await;
        rig.condition("lost", ACCEPTED, "False", "UnknownClass").await;
        rig.quiet().await;
        let mut told = rig.reasons("cloud").await;
        told.sort();
        let known =
            ["EnsuredLoadBalancer", "EnsuringLoadBalancer", "UnAvailableLoadBalancer", "UnknownAnnotation"];
        assert_eq!(told, known);
        let events = rig.tap.writes_to("events");
        for _ in 0..3 {
            tokio::time::sleep(rig.config().resync * 2).await;
            controller.stop().await;
            controller = rig.start();
            rig.quiet().await;
        }
        assert_eq!(rig.tap.writes_to("events"), events);
        controller.stop().await;
    });
}

#[test]
fn a_deletion_that_takes_restarts_is_told_once() {
    run_embedded("stuck", |rig| async move {
        rig.node("n1").await;
        let mut controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.address("web").await;
        for _ in 0..1_000 {
            rig.cloud.fault_on(Operation::Delete(Kind::Balancer), Fault::Fail(ErrorClass::Denied));
        }
        rig.delete("Service", "web").await;
        rig.condition("web", PROGRAMMED, "False", "AccessDenied").await;
        for _ in 0..2 {
            controller.stop().await;
            controller = rig.start();
            rig.quiet().await;
        }
        rig.cloud.clear_faults();
        tokio::time::sleep(Duration::from_mins(6)).await;
        rig.gone("web").await;
        let all = [
            "EnsuringLoadBalancer",
            "EnsuredLoadBalancer",
            "DeletingLoadBalancer",
            "SyncLoadBalancerFailed",
            "DeletedLoadBalancer",
        ];
        assert_eq!(rig.reasons("web").await, all);
        controller.stop().await;
    });
}

#[test]
fn a_cluster_without_usable_nodes_is_told_and_recovers() {
    run("nodes", |rig| async move {
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.address("web").await;
        let message = rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert!(message.contains("no available nodes"), "{message}");
        rig.node("n1").await;
        rig.until("web", "recovered", |s| {
            landfall_core::report::conditions(s).iter().all(|c| !c.message.contains("no available nodes"))
        })
        .await;
        let all = ["EnsuringLoadBalancer", "UnAvailableLoadBalancer", "EnsuredLoadBalancer"];
        let mut reasons = rig.reasons("web").await;
        reasons.sort();
        let mut all = all.map(str::to_owned);
        all.sort();
        assert_eq!(reasons, all);
        controller.stop().await;
    });
}

#[test]
fn members_of_a_group_are_told_one_by_one() {
    run("group", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(shared("a", METAL, "k", &[80])).await;
        rig.address("a").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        rig.create(shared("b", METAL, "k", &[80])).await;
        rig.condition("b", ACCEPTED, "False", "PortConflict").await;
        rig.quiet().await;
        assert_eq!(rig.reasons("a").await, ["EnsuredLoadBalancer"]);
        assert_eq!(rig.reasons("b").await, ["SyncLoadBalancerFailed"]);
        controller.stop().await;
    });
}

#[rstest]
#[case::refused(ApiFault::unavailable())]
#[case::lost(ApiFault::Drop)]
#[case::slow(ApiFault::Delay(Duration::from_mins(10)))]
fn events_that_cannot_be_written_disturb_nothing(#[case] fault: ApiFault) {
    run_embedded("fail", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        rig.embedded().hooks().inject(Matcher::writes().kind("Event"), fault.clone(), u64::MAX);
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        rig.address("web").await;
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        assert_eq!(rig.reasons("web").await, [""; 0]);
        controller.stop().await;
    });
}
