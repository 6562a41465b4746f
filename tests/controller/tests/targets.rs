//! Where the traffic goes: nodes and pods come and go, and only what concerns a load balancer reaches it.

use std::time::Duration;

use landfall_controller_tests::{MEMORY, Rig, endpoints, node, run, service};
use landfall_core::annotations::TARGETS;
use landfall_memory::cloud::Operation;
use rstest::rstest;
use serde_json::{Value, json};

/// What the cloud's only pool sends traffic to.
fn targets(rig: &Rig) -> Vec<String> {
    let Some(pool) = rig.cloud.pools().into_iter().next() else { return Vec::new() };
    rig.cloud.targets(pool.name()).into_iter().map(|target| target.id).collect()
}

async fn until_targets(rig: &Rig, wanted: &[&str]) {
    rig.eventually(&format!("{wanted:?}, last {:?}", targets(rig)), async || targets(rig) == wanted).await;
}

async fn served(rig: &Rig, nodes: &[&str]) -> landfall_controller_tests::Running {
    for name in nodes {
        rig.node(name).await;
    }
    let controller = rig.start();
    rig.create(service("web", MEMORY, &json!({}))).await;
    rig.address("web").await;
    controller
}

#[test]
fn nodes_come_and_go() {
    run("nodes", |rig| async move {
        let controller = served(&rig, &["n1"]).await;
        until_targets(&rig, &["test://n1"]).await;
        rig.node("n2").await;
        until_targets(&rig, &["test://n1", "test://n2"]).await;
        rig.delete("Node", "n1").await;
        until_targets(&rig, &["test://n2"]).await;
        controller.stop().await;
    });
}

#[rstest]
#[case::label(json!({"metadata": {"labels": {"node.kubernetes.io/exclude-from-external-load-balancers": ""}}}))]
#[case::autoscaler(json!({"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}}))]
#[case::karpenter(json!({"spec": {"taints": [{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]}}))]
fn a_node_that_should_get_no_traffic_gets_none_and_may_come_back(#[case] out: Value) {
    run("exclude", |rig| async move {
        let controller = served(&rig, &["n1", "n2"]).await;
        rig.patch("Node", "n1", "", &out).await;
        until_targets(&rig, &["test://n2"]).await;
        rig.patch("Node", "n1", "", &json!({"metadata": {"labels": null}, "spec": {"taints": null}})).await;
        until_targets(&rig, &["test://n1", "test://n2"]).await;
        controller.stop().await;
    });
}

#[test]
fn a_node_that_is_being_deleted_gets_no_more_traffic() {
    run("deleting", |rig| async move {
        let controller = served(&rig, &["n2"]).await;
        rig.create(node("n1", &json!({"metadata": {"finalizers": ["example.com/hold"]}}))).await;
        until_targets(&rig, &["test://n1", "test://n2"]).await;
        rig.delete("Node", "n1").await;
        until_targets(&rig, &["test://n2"]).await;
        rig.patch("Node", "n1", "", &json!({"metadata": {"finalizers": null}})).await;
        controller.stop().await;
    });
}

#[test]
fn a_node_without_provider_id_waits_for_it_and_holds_up_nobody() {
    run("id", |rig| async move {
        rig.create(node("n1", &json!({"spec": {"providerID": null}}))).await;
        let controller = served(&rig, &["n2"]).await;
        until_targets(&rig, &["test://n2"]).await;
        rig.patch("Node", "n1", "", &json!({"spec": {"providerID": "test://n1"}})).await;
        until_targets(&rig, &["test://n1", "test://n2"]).await;
        controller.stop().await;
    });
}

#[test]
fn a_heartbeat_causes_nothing() {
    run("beat", |rig| async move {
        let controller = served(&rig, &["n1", "n2"]).await;
        rig.quiet().await;
        let (calls, writes) = (rig.cloud.calls(), rig.tap.writes());
        for beat in 0..20 {
            let ready = json!({"type": "Ready", "status": if beat % 2 == 0 { "False" } else { "True" }, "reason": "x",
                               "message": format!("{beat}"), "lastHeartbeatTime": "2026-01-01T00:00:00Z"});
            rig.patch("Node", "n1", "status", &json!({"status": {"conditions": [ready]}})).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        assert_eq!(rig.cloud.calls(), calls);
        assert_eq!(rig.tap.writes(), writes);
        controller.stop().await;
    });
}

#[test]
fn many_node_events_are_few_provider_writes() {
    run("burst", |rig| async move {
        let controller = served(&rig, &["n0"]).await;
        rig.quiet().await;
        let before = rig.cloud.writes();
        for n in 1..=100 {
            rig.node(&format!("n{n}")).await;
        }
        rig.eventually("all get traffic", async || targets(&rig).len() == 101).await;
        let writes = rig.cloud.writes() - before;
        assert!(writes <= 3, "{writes} writes for 100 nodes");
        let journal = rig.cloud.journal();
        assert!(
            journal[journal.len() - 1..]
                .iter()
                .all(|call| call.operation == Operation::Register || !call.operation.is_write())
        );
        controller.stop().await;
    });
}

fn pods(ready: &[&str], draining: &[&str]) -> Value {
    let slice = endpoints("web-1", "web", &[]);
    let ready = ready.iter().map(|pod| json!({"addresses": [pod], "conditions": {"ready": true}}));
    let draining = draining.iter().map(|pod| {
        json!({"addresses": [pod], "conditions": {"ready": false, "serving": true, "terminating": true}})
    });
    json!({"endpoints": ready.chain(draining).collect::<Vec<_>>(), "ports": slice["ports"]})
}

#[test]
fn pods_get_the_traffic_where_the_service_asks_for_that() {
    run("pods", |rig| async move {
        let controller = rig.start();
        rig.create(endpoints("web-1", "web", &[("10.0.0.1", json!({"ready": true}))])).await;
        rig.create(service("web", MEMORY, &json!({"metadata": {"annotations": {TARGETS: "pods"}}}))).await;
        rig.address("web").await;
        until_targets(&rig, &["10.0.0.1"]).await;
        for (ready, draining, wanted) in [
            (&["10.0.0.1", "10.0.0.2"][..], &[][..], &["10.0.0.1", "10.0.0.2"][..]),
            (&["10.0.0.2"], &["10.0.0.1"], &["10.0.0.2"]),
            (&[], &["10.0.0.2"], &["10.0.0.2"]),
            (&[], &[], &[]),
        ] {
            rig.patch("EndpointSlice", "web-1", "", &pods(ready, draining)).await;
            until_targets(&rig, wanted).await;
        }
        rig.create(endpoints("web-2", "web", &[("10.0.0.9", json!({}))])).await;
        until_targets(&rig, &["10.0.0.9"]).await;
        rig.delete("EndpointSlice", "web-2").await;
        until_targets(&rig, &[]).await;
        rig.node("n1").await;
        rig.patch("Service", "web", "", &json!({"metadata": {"annotations": {TARGETS: null}}})).await;
        until_targets(&rig, &["test://n1"]).await;
        controller.stop().await;
    });
}

#[test]
fn pods_of_services_that_send_traffic_to_nodes_concern_nobody() {
    run("slices", |rig| async move {
        let controller = served(&rig, &["n1"]).await;
        rig.quiet().await;
        let calls = rig.cloud.calls();
        rig.create(endpoints("web-1", "web", &[("10.0.0.1", json!({}))])).await;
        rig.patch("EndpointSlice", "web-1", "", &pods(&["10.0.0.2"], &[])).await;
        rig.delete("EndpointSlice", "web-1").await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(rig.cloud.calls(), calls);
        controller.stop().await;
    });
}

#[test]
fn changes_of_pods_within_a_moment_are_one_look() {
    run("pods", |rig| async move {
        let controller = rig.start();
        rig.create(endpoints("web-1", "web", &[])).await;
        rig.create(service("web", MEMORY, &json!({"metadata": {"annotations": {TARGETS: "pods"}}}))).await;
        rig.address("web").await;
        rig.quiet().await;
        let before = rig.cloud.writes();
        let all: Vec<String> = (1..=50).map(|n| format!("10.0.0.{n}")).collect();
        for count in 1..=50 {
            let ready: Vec<&str> = all[..count].iter().map(String::as_str).collect();
            rig.patch("EndpointSlice", "web-1", "", &pods(&ready, &[])).await;
        }
        rig.eventually("all get traffic", async || targets(&rig).len() == 50).await;
        let writes = rig.cloud.writes() - before;
        assert!(writes <= 3, "{writes} writes for 50 changes");
        controller.stop().await;
    });
}
