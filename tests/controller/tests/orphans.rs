//! What carries our marks and belongs to nobody: told always, removed only when that was asked for, and never too early.
#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use landfall_controller::Config;
use landfall_controller_tests::stub::Mood;
use landfall_controller_tests::{MEMORY, Rig, Running, Stub, pool, run, run_embedded, service};
use serde_json::json;

/// Leaves a load balancer behind whose Service was removed by force while nobody looked.
async fn orphan(rig: &Rig) {
    rig.node("n1").await;
    let controller = rig.start();
    rig.create(service("lost", MEMORY, &json!({}))).await;
    rig.create(service("kept", MEMORY, &json!({}))).await;
    rig.address("lost").await;
    rig.address("kept").await;
    controller.stop().await;
    rig.patch("Service", "lost", "", &json!({"metadata": {"finalizers": null}})).await;
    rig.delete("Service", "lost").await;
    rig.gone("lost").await;
}

fn collecting(rig: &Rig) -> Config {
    Config { collect_orphans: true, ..rig.config() }
}

/// The gauge of orphans of the memory provider.
fn reported(controller: &Running) -> bool {
    let text = controller.metrics.encode().expect("metrics");
    text.lines()
        .any(|line| line.starts_with("landfall_orphans{") && line.contains("memory") && line.ends_with(" 1"))
}

#[test]
fn an_orphan_is_reported_and_left_alone_unless_asked_otherwise() {
    run_embedded("report", |rig| async move {
        orphan(&rig).await;
        let controller = rig.start();
        tokio::time::sleep(Duration::from_hours(12)).await;
        assert!(reported(&controller));
        assert_eq!(rig.cloud.balancers().len(), 2);
        controller.stop().await;
    });
}

#[test]
fn an_orphan_is_collected_after_the_grace_period_and_not_before() {
    run_embedded("collect", |rig| async move {
        orphan(&rig).await;
        let controller = rig.start_with(collecting(&rig), rig.providers());
        let config = rig.config();
        tokio::time::sleep(config.orphan_grace).await;
        assert_eq!(rig.cloud.balancers().len(), 2, "it was first seen at the first resync");
        tokio::time::sleep(config.resync * 3).await;
        assert_eq!(rig.cloud.balancers().len(), 1);
        rig.address("kept").await;
        controller.stop().await;
    });
}

#[test]
fn nothing_is_an_orphan_before_every_store_is_complete() {
    run_embedded("early", |rig| async move {
        orphan(&rig).await;
        rig.tap.cut(Some("services"));
        let calls = rig.cloud.calls();
        let controller = rig.start_with(collecting(&rig), rig.providers());
        tokio::time::sleep(Duration::from_hours(2)).await;
        assert_eq!(rig.cloud.calls(), calls);
        controller.stop().await;
    });
}

#[test]
fn a_controller_of_one_namespace_collects_nothing_of_others() {
    run_embedded("scope", |rig| async move {
        orphan(&rig).await;
        let elsewhere = rig.backend.namespace("elsewhere").await.unwrap();
        let config = Config { namespace: Some(elsewhere), ..collecting(&rig) };
        let controller = rig.start_with(config, rig.providers());
        tokio::time::sleep(Duration::from_hours(12)).await;
        assert_eq!(rig.cloud.balancers().len(), 2);
        controller.stop().await;
    });
}

#[test]
fn an_inventory_that_fails_is_tried_again_and_one_that_hangs_holds_up_neither_others_nor_the_end() {
    run_embedded("hang", |rig| async move {
        orphan(&rig).await;
        for mood in [Mood::Hang, Mood::Panic] {
            let mut providers = rig.providers();
            providers.push(std::sync::Arc::new(Stub::new(|_| Mood::Fine).with_inventory(mood)));
            let controller = rig.start_with(rig.config(), providers);
            tokio::time::sleep(rig.config().resync * 3).await;
            assert!(reported(&controller), "{mood:?}");
            tokio::time::timeout(Duration::from_secs(30), controller.stop()).await.expect("it stops");
        }
    });
}

#[test]
fn on_metal_there_is_nothing_to_leave_behind() {
    run("metal", |rig| async move {
        rig.create(pool("public", &["192.0.2.7"])).await;
        let controller = rig.start();
        rig.create(service("lost", landfall_controller_tests::METAL, &json!({}))).await;
        rig.address("lost").await;
        controller.stop().await;
        rig.patch("Service", "lost", "", &json!({"metadata": {"finalizers": null}})).await;
        rig.delete("Service", "lost").await;
        let controller = rig.start_with(collecting(&rig), rig.providers());
        rig.create(service("next", landfall_controller_tests::METAL, &json!({}))).await;
        assert_eq!(rig.address("next").await, "192.0.2.7");
        controller.stop().await;
    });
}
