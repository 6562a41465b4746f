//! Address pools that are full, appear, change, shrink and go while Services use them, and what pools and classes show.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use landfall_controller_tests::{METAL, Rig, class, pool, run, service};
use landfall_core::report::PROGRAMMED;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Waits until a field of an object's status has this value.
async fn until(rig: &Rig, kind: &str, name: &str, path: &str, wanted: Value) {
    rig.eventually(&format!("{kind} {name} has {path} {wanted}"), async || {
        rig.read(kind, name).await.is_some_and(|object| object["status"].pointer(path) == Some(&wanted))
    })
    .await;
}

/// Message of the condition `Ready` of a pool, once it has this reason.
async fn pool_says(rig: &Rig, name: &str, reason: &str) -> String {
    until(rig, "AddressPool", name, "/conditions/0/reason", json!(reason)).await;
    let object = rig.read("AddressPool", name).await.unwrap();
    object["status"]["conditions"][0]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_full_pool_is_named_and_a_freed_address_goes_to_who_waits() {
    run("full", |rig| async move {
        rig.create(pool("tiny", &["192.0.2.7"])).await;
        let controller = rig.start();
        rig.create(service("first", METAL, &json!({}))).await;
        rig.address("first").await;
        rig.create(service("second", METAL, &json!({}))).await;
        let message = rig.condition("second", PROGRAMMED, "False", "PoolExhausted").await;
        assert!(message.contains("tiny"), "{message}");
        assert_eq!(rig.reasons("second").await, ["SyncLoadBalancerFailed"]);
        rig.delete("Service", "first").await;
        rig.gone("first").await;
        let start = Instant::now();
        assert_eq!(rig.address("second").await, "192.0.2.7");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        controller.stop().await;
    });
}

#[test]
fn a_service_waits_for_a_pool_and_takes_it_when_it_comes_or_grows() {
    run("grow", |rig| async move {
        let controller = rig.start();
        rig.create(service("a", METAL, &json!({}))).await;
        rig.create(service("b", METAL, &json!({}))).await;
        let message = rig.condition("a", PROGRAMMED, "False", "NoAddressPool").await;
        assert!(message.contains("create an AddressPool"), "{message}");
        rig.create(pool("public", &["192.0.2.7"])).await;
        rig.eventually("one is served", async || {
            let mut served = 0;
            for name in ["a", "b"] {
                served += landfall_core::report::shown(&rig.get(name).await).len();
            }
            served == 1
        })
        .await;
        rig.patch("AddressPool", "public", "", &json!({"spec": {"addresses": ["192.0.2.7-192.0.2.8"]}}))
            .await;
        assert_ne!(rig.address("a").await, rig.address("b").await);
        controller.stop().await;
    });
}

#[test]
fn who_has_to_leave_an_address_moves_and_keeps_it_until_there_is_another() {
    run("shrink", |rig| async move {
        rig.create(pool("public", &["192.0.2.7"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        assert_eq!(rig.address("web").await, "192.0.2.7");
        // A /32 elsewhere: the address in use is no longer in the pool.
        rig.patch("AddressPool", "public", "", &json!({"spec": {"addresses": ["192.0.2.9"]}})).await;
        rig.until("web", "moved", |s| landfall_core::report::shown(s)[0].ip.as_deref() == Some("192.0.2.9"))
            .await;
        rig.delete("AddressPool", "public").await;
        rig.quiet().await;
        assert_eq!(rig.address("web").await, "192.0.2.9", "there is nothing better");
        rig.create(pool("other", &["198.51.100.0/30"])).await;
        rig.until("web", "moved again", |s| {
            landfall_core::report::shown(s)[0].ip.as_deref() == Some("198.51.100.0")
        })
        .await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        controller.stop().await;
    });
}

#[test]
fn pools_show_capacity_use_and_rest() {
    run("counts", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/29", "2001:db8::/125"])).await;
        let controller = rig.start();
        until(&rig, "AddressPool", "public", "/capacity/ipv4", json!(8)).await;
        until(&rig, "AddressPool", "public", "/conditions/0/status", json!("True")).await;
        for n in 0..3 {
            rig.create(service(&format!("web{n}"), METAL, &json!({}))).await;
        }
        until(&rig, "AddressPool", "public", "/used/ipv4", json!(3)).await;
        until(&rig, "AddressPool", "public", "/free/ipv4", json!(5)).await;
        until(&rig, "AddressPool", "public", "/free/ipv6", json!(8)).await;
        rig.delete("Service", "web0").await;
        until(&rig, "AddressPool", "public", "/used/ipv4", json!(2)).await;
        controller.stop().await;
    });
}

#[test]
fn pools_that_overlap_or_hold_nonsense_say_so() {
    run("bad", |rig| async move {
        rig.create(pool("a", &["192.0.2.0/28"])).await;
        rig.create(pool("b", &["192.0.2.8/29"])).await;
        rig.create(pool("c", &["192.0.2.200-192.0.2.100"])).await;
        let controller = rig.start();
        let message = pool_says(&rig, "b", "Overlap").await;
        assert!(message.contains('a'), "{message}");
        let message = pool_says(&rig, "c", "InvalidAddresses").await;
        assert!(message.contains("192.0.2.200-192.0.2.100"), "{message}");
        until(&rig, "AddressPool", "a", "/conditions/0/status", json!("True")).await;
        rig.patch("AddressPool", "b", "", &json!({"spec": {"addresses": ["192.0.2.64/29"]}})).await;
        until(&rig, "AddressPool", "b", "/conditions/0/status", json!("True")).await;
        controller.stop().await;
    });
}

#[test]
fn classes_show_how_many_services_use_them() {
    run("users", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        rig.create(class("gold", "metal", &json!({}))).await;
        let controller = rig.start();
        until(&rig, "LoadBalancerClass", "gold", "/conditions/0/status", json!("True")).await;
        for n in 0..3 {
            rig.create(service(&format!("web{n}"), "landfall.dev/gold", &json!({}))).await;
        }
        until(&rig, "LoadBalancerClass", "gold", "/services", json!(3)).await;
        rig.delete("Service", "web1").await;
        until(&rig, "LoadBalancerClass", "gold", "/services", json!(2)).await;
        controller.stop().await;
    });
}
