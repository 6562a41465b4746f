//! What a Service shows: one write per change, nothing of others touched, restored when it is damaged.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use landfall_controller_tests::stub::Mood;
use landfall_controller_tests::{MEMORY, METAL, Stub, pool, ports, run, run_embedded, service, shared};
use landfall_core::annotations::IP_MODE;
use landfall_core::report::{ACCEPTED, PROGRAMMED, conditions, shown};
use rstest::rstest;
use serde_json::{Value, json};

const STATUS: &str = "services/status";

fn address_patch(ip: &str) -> Value {
    json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}})
}

fn shows(service: &Service, ip: &str) -> bool {
    shown(service).first().and_then(|entry| entry.ip.as_deref()) == Some(ip)
}

#[test]
fn on_metal_finalizer_address_and_conditions_are_one_write() {
    run("one", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        assert_eq!(rig.tap.writes_to(STATUS), 1);
        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": "192.0.2.9"}})).await;
        rig.until("web", "moved", |s| shows(s, "192.0.2.9")).await;
        rig.quiet().await;
        assert_eq!(rig.tap.writes_to(STATUS), 2);
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        assert_eq!(rig.tap.writes_to(STATUS), 3);
        controller.stop().await;
    });
}

#[rstest]
#[case::at_once(Duration::ZERO, 2)]
#[case::after_a_while(Duration::from_secs(30), 3)]
fn on_a_cloud_the_finalizer_is_one_write_more_and_progress_another(
    #[case] takes: Duration,
    #[case] writes: usize,
) {
    run("two", |rig| async move {
        rig.node("n1").await;
        rig.cloud.set_provisioning_time(takes);
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        rig.quiet().await;
        assert_eq!(rig.tap.writes_to(STATUS), writes);
        // Ports change the cloud, but nothing that the Service shows.
        rig.patch("Service", "web", "", &json!({"spec": {"ports": ports(&[80, 443])}})).await;
        rig.eventually("both ports are served", async || rig.cloud.listeners().len() == 2).await;
        rig.quiet().await;
        assert_eq!(rig.tap.writes_to(STATUS), writes);
        controller.stop().await;
    });
}

#[test]
fn conditions_carry_reason_message_and_time_and_the_time_moves_with_the_status_only() {
    run("times", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        let service = rig.until("web", "had two conditions", |s| conditions(s).len() == 2).await;
        for condition in conditions(&service) {
            assert_eq!(condition.status, "True");
            assert!(!condition.message.is_empty() && !condition.reason.is_empty());
            assert_eq!(condition.observed_generation, None, "Services have no generation");
        }
        let time = |service: &Service| conditions(service)[1].last_transition_time.clone();
        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": "198.51.100.1"}})).await;
        let bad = rig
            .until("web", "was refused", |s| conditions(s).iter().any(|c| c.reason == "AddressNotInPool"))
            .await;
        assert!(time(&bad) >= time(&service));
        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": "198.51.100.2"}})).await;
        let worse = rig
            .until("web", "named the new one", |s| conditions(s).iter().any(|c| c.message.contains("100.2")))
            .await;
        assert_eq!(time(&worse), time(&bad), "only reason and message are new");
        assert!(shows(&worse, "192.0.2.0"), "it keeps what it has");
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_partial_port_conflict_is_told_per_port_and_the_rest_works(#[case] class: &str) {
    run("ports", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(shared("old", class, "k", &[80, 81])).await;
        let address = rig.address("old").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        rig.create(shared("young", class, "k", &[81, 82])).await;
        let message = rig.condition("young", PROGRAMMED, "True", "PortConflict").await;
        assert!(message.contains("81/TCP") && message.contains("old"), "{message}");
        let entry = shown(&rig.get("young").await).remove(0);
        assert_eq!(entry.ip, Some(address));
        let ports: Vec<_> = entry.ports.unwrap().into_iter().map(|port| (port.port, port.error)).collect();
        assert_eq!(ports, [(82, None), (81, Some("landfall.dev/PortConflict".to_owned()))]);
        assert_eq!(shown(&rig.get("old").await)[0].ports, None);
        rig.delete("Service", "old").await;
        rig.condition("young", PROGRAMMED, "True", "Programmed").await;
        assert_eq!(shown(&rig.get("young").await)[0].ports, None, "the port became free");
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn the_ip_mode_asked_for_is_shown(#[case] class: &str) {
    run("mode", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", class, &json!({}))).await;
        let mode = |s: &Service| shown(s).first().and_then(|entry| entry.ip_mode.clone());
        rig.until("web", "was a VIP", |s| mode(s).as_deref() == Some("VIP")).await;
        rig.create(service("proxied", class, &json!({"metadata": {"annotations": {IP_MODE: "Proxy"}}})))
            .await;
        rig.until("proxied", "was proxied", |s| mode(s).as_deref() == Some("Proxy")).await;
        rig.patch("Service", "web", "", &json!({"metadata": {"annotations": {IP_MODE: "nonsense"}}})).await;
        let message = rig.condition("web", ACCEPTED, "False", "InvalidValue").await;
        assert!(message.contains("nonsense") && message.contains("VIP or Proxy"), "{message}");
        rig.quiet().await;
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_wiped_status_is_restored_with_the_same_address(#[case] class: &str) {
    run("wiped", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", class, &json!({}))).await;
        let address = rig.address("web").await;
        let calls = rig.cloud.calls();
        rig.patch("Service", "web", "status", &json!({"status": {"loadBalancer": null, "conditions": null}}))
            .await;
        rig.until("web", "was restored", |s| shows(s, &address) && conditions(s).len() == 2).await;
        assert_eq!(rig.cloud.calls(), calls, "the cloud need not be asked for that");
        controller.stop().await;
    });
}

#[test]
fn conditions_of_others_are_kept() {
    run("others", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let theirs = json!({"type": "example.com/Ready", "status": "True", "reason": "Fine", "message": "",
                            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        rig.create(service("web", METAL, &json!({}))).await;
        rig.patch("Service", "web", "status", &json!({"status": {"conditions": [theirs]}})).await;
        let controller = rig.start();
        rig.address("web").await;
        rig.patch("Service", "web", "", &json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}}))
            .await;
        let service = rig.until("web", "was let go", |s| s.metadata.finalizers.is_none()).await;
        assert_eq!(json!(conditions(&service)), json!([theirs]));
        controller.stop().await;
    });
}

#[test]
fn a_write_that_meets_a_newer_version_is_done_again_on_it() {
    run("conflict", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        for n in 0..20 {
            let name = format!("web{n}");
            rig.create(service(&name, METAL, &json!({}))).await;
            rig.patch("Service", &name, "", &json!({"metadata": {"labels": {"n": "1"}}})).await;
        }
        for n in 0..16 {
            rig.address(&format!("web{n}")).await;
        }
        let web = rig.get("web0").await;
        assert_eq!(web.metadata.labels.unwrap()["n"], "1");
        controller.stop().await;
    });
}

#[test]
fn an_address_that_somebody_overwrites_once_is_put_back() {
    run("once", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        let address = rig.address("web").await;
        rig.patch("Service", "web", "status", &address_patch("203.0.113.9")).await;
        rig.until("web", "was put back", |s| shows(s, &address)).await;
        controller.stop().await;
    });
}

#[test]
fn two_writers_do_not_fight_for_ever_and_the_operator_is_told() {
    run_embedded("fight", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        let before = rig.tap.writes_to(STATUS);
        let resyncs = 3;
        let end = tokio::time::Instant::now() + rig.config().resync * resyncs;
        while tokio::time::Instant::now() < end {
            if !shows(&rig.get("web").await, "203.0.113.9") {
                rig.patch("Service", "web", "status", &address_patch("203.0.113.9")).await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let writes = rig.tap.writes_to(STATUS) - before;
        assert!(writes <= 6 * (resyncs as usize + 1), "{writes} writes");
        let message = rig.condition("web", PROGRAMMED, "False", "StatusOverwritten").await;
        assert!(message.contains("another controller"), "{message}");
        let told = rig.reasons("web").await.len();
        assert!(told <= 2, "once is enough: {:?}", rig.events("web").await);
        controller.stop().await;
    });
}

#[test]
fn a_host_name_is_shown_as_such() {
    run_embedded("hostname", |rig| async move {
        let controller = rig.start_with(rig.config(), vec![Arc::new(Stub::new(|_| Mood::Fine))]);
        rig.create(service("web", "landfall.dev/aws", &json!({}))).await;
        assert_eq!(rig.address("web").await, "web.example.com");
        let entry = shown(&rig.get("web").await).remove(0);
        assert_eq!((entry.ip, entry.ip_mode), (None, None));
        rig.quiet().await;
        let writes = rig.tap.writes();
        tokio::time::sleep(rig.config().resync * 3).await;
        assert_eq!(rig.tap.written_since(writes), [""; 0]);
        controller.stop().await;
    });
}
