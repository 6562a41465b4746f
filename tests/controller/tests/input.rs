//! Wishes that cannot be served are refused with field, value and what is accepted; odd ones are served.

use landfall_controller_tests::{MEMORY, METAL, Rig, pool, run, service};
use landfall_core::annotations::{ADDRESSES, SHARE, TARGETS};
use landfall_core::report::{ACCEPTED, shown};
use rstest::rstest;
use serde_json::{Value, json};

async fn prepared(rig: &Rig) {
    rig.node("n1").await;
    rig.create(pool("public", &["192.0.2.0/28", "2001:db8::/120"])).await;
}

fn annotated(key: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {key: value}}})
}

#[rstest]
#[case::addresses(METAL, annotated(ADDRESSES, "192.0.2.300"), "InvalidValue", &["192.0.2.300", ADDRESSES])]
#[case::family(METAL, annotated(ADDRESSES, "2001:db8::1"), "ConflictingValues", &["2001:db8::1", "spec.ipFamilies"])]
#[case::two(METAL, annotated(ADDRESSES, "192.0.2.1,192.0.2.2"), "InvalidValue", &["at most one IPv4"])]
#[case::share(METAL, annotated(SHARE, "not a key"), "InvalidValue", &["not a key", SHARE])]
#[case::targets(MEMORY, annotated(TARGETS, "clouds"), "InvalidValue", &["clouds", "nodes or pods"])]
#[case::node_ports(MEMORY, json!({"spec": {"allocateLoadBalancerNodePorts": false}}), "NoNodePort", &["spec.ports[0].nodePort", "allocateLoadBalancerNodePorts"])]
fn a_wish_that_cannot_be_served_is_refused_with_field_and_value_and_accepted_once_corrected(
    #[case] class: &str,
    #[case] wrong: Value,
    #[case] reason: &str,
    #[case] words: &[&str],
) {
    run("wrong", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(service("web", class, &wrong)).await;
        let message = rig.condition("web", ACCEPTED, "False", reason).await;
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        assert_eq!(shown(&rig.get("web").await), []);
        assert_eq!(rig.cloud.objects(), []);
        let right =
            json!({"metadata": {"annotations": null}, "spec": {"allocateLoadBalancerNodePorts": true}});
        rig.patch("Service", "web", "", &right).await;
        rig.address("web").await;
        rig.condition("web", ACCEPTED, "True", "Accepted").await;
        controller.stop().await;
    });
}

#[test]
fn metal_needs_no_node_ports() {
    run("ports", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({"spec": {"allocateLoadBalancerNodePorts": false}}))).await;
        let address = rig.address("web").await;
        rig.patch("Service", "web", "", &json!({"spec": {"allocateLoadBalancerNodePorts": true}})).await;
        rig.quiet().await;
        assert_eq!(rig.address("web").await, address);
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_dual_stack_service_gets_an_address_of_each_family(#[case] class: &str) {
    run("dual", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(service("web", class, &json!({"spec": {"ipFamilyPolicy": "RequireDualStack"}}))).await;
        let service = rig.until("web", "had two addresses", |s| shown(s).len() == 2).await;
        let families: Vec<bool> = shown(&service)
            .iter()
            .map(|entry| entry.ip.as_deref().unwrap_or_default().contains(':'))
            .collect();
        assert_eq!(families, [false, true], "in the order of spec.ipFamilies");
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_huge_service_is_served_and_its_conditions_stay_readable(#[case] class: &str) {
    run("huge", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        // As much as the API server takes: 256 KiB of annotations, in values and in keys under our own prefix.
        let mut annotations = serde_json::Map::new();
        annotations.insert("example.com/blob".into(), json!("x".repeat(150_000)));
        for n in 0..500 {
            annotations.insert(format!("landfall.dev/unknown-{n}"), json!("y".repeat(100)));
        }
        let ports: Value =
            (1..=200).map(|n| json!({"name": format!("p{n}"), "port": n, "protocol": "TCP"})).collect();
        let huge = json!({"metadata": {"annotations": annotations}, "spec": {"ports": ports}});
        rig.create(service("web", class, &huge)).await;
        rig.address("web").await;
        rig.quiet().await;
        let conditions = landfall_core::report::conditions(&rig.get("web").await);
        assert!(conditions.iter().all(|condition| condition.message.len() <= 1_024));
        assert_eq!(
            rig.reasons("web").await.iter().filter(|reason| *reason == "UnknownAnnotation").count(),
            1
        );
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        controller.stop().await;
    });
}
