//! Several Services on one load balancer.

use std::time::Duration;

use landfall_controller_tests::{MEMORY, METAL, Rig, class, pool, ports, run, run_embedded, service, shared};
use landfall_core::annotations::{ADDRESSES, SHARE};
use landfall_core::error::ErrorClass;
use landfall_core::report::{ACCEPTED, PROGRAMMED, shown};
use landfall_memory::cloud::{Fault, Kind, Operation};
use rstest::rstest;
use serde_json::{Value, json};

async fn prepared(rig: &Rig) {
    rig.node("n1").await;
    rig.create(pool("public", &["192.0.2.0/28"])).await;
}

/// Older and younger by more than the second that creation times are counted in.
async fn later() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

fn share(key: &Value) -> Value {
    json!({"metadata": {"annotations": {SHARE: key}}})
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn members_have_one_address_until_the_last_one_goes(#[case] class: &str) {
    run("share", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        for (name, port) in [("a", 80), ("b", 81), ("c", 82)] {
            rig.create(shared(name, class, "k", &[port])).await;
        }
        let address = rig.address("a").await;
        assert_eq!(rig.address("b").await, address);
        assert_eq!(rig.address("c").await, address);
        rig.quiet().await;
        for name in ["a", "b"] {
            rig.delete("Service", name).await;
            rig.gone(name).await;
            assert_eq!(rig.address("c").await, address);
        }
        rig.quiet().await;
        if class == MEMORY {
            assert_eq!((rig.cloud.balancers().len(), rig.cloud.listeners().len()), (1, 1));
        }
        rig.delete("Service", "c").await;
        rig.gone("c").await;
        assert_eq!(rig.cloud.objects(), []);
        rig.create(service("next", METAL, &json!({"spec": {"loadBalancerIP": "192.0.2.0"}}))).await;
        assert_eq!(rig.address("next").await, "192.0.2.0");
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn on_a_collision_the_older_keeps_the_port_and_the_younger_is_told_by_whom(#[case] class: &str) {
    run("collide", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(shared("z-old", class, "k", &[80])).await;
        let address = rig.address("z-old").await;
        later().await;
        rig.create(shared("a-young", class, "k", &[80])).await;
        let message = rig.condition("a-young", ACCEPTED, "False", "PortConflict").await;
        assert!(message.contains("80/TCP is held by") && message.contains("z-old"), "{message}");
        assert_eq!(shown(&rig.get("a-young").await), []);
        rig.condition("z-old", PROGRAMMED, "True", "Programmed").await;
        rig.delete("Service", "z-old").await;
        assert_eq!(rig.address("a-young").await, address, "the group keeps its address");
        rig.condition("a-young", ACCEPTED, "True", "Accepted").await;
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_member_with_a_typing_error_keeps_its_listeners(#[case] class: &str) {
    run_embedded("typo", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(shared("a", class, "k", &[80])).await;
        rig.create(shared("b", class, "k", &[81])).await;
        let address = rig.address("a").await;
        rig.address("b").await;
        rig.quiet().await;
        let writes = rig.cloud.writes();
        rig.patch("Service", "b", "", &json!({"metadata": {"annotations": {ADDRESSES: "192.0.2"}}})).await;
        let message = rig.condition("b", ACCEPTED, "False", "InvalidValue").await;
        assert!(message.contains(ADDRESSES) && message.contains("\"192.0.2\""), "{message}");
        tokio::time::sleep(rig.config().resync * 2).await;
        assert_eq!(rig.cloud.writes(), writes, "nothing changed in the cloud");
        assert_eq!(rig.address("b").await, address);
        // The others go on changing meanwhile.
        rig.patch("Service", "a", "", &json!({"spec": {"ports": ports(&[80, 8080])}})).await;
        rig.quiet().await;
        if class == MEMORY {
            assert_eq!(rig.cloud.listeners().len(), 3);
        }
        controller.stop().await;
    });
}

#[test]
fn on_metal_a_service_keeps_its_address_on_the_way_into_a_group_and_out_of_it() {
    run("move", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(service("filler", METAL, &json!({}))).await;
        rig.create(service("web", METAL, &json!({"spec": {"loadBalancerIP": "192.0.2.5"}}))).await;
        assert_eq!(rig.address("web").await, "192.0.2.5");
        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": null}})).await;
        rig.quiet().await;
        for (key, id) in [(json!("k"), ":share/"), (Value::Null, ":service/")] {
            rig.patch("Service", "web", "", &share(&key)).await;
            let arrived = |s: &k8s_openapi::api::core::v1::Service| {
                let record =
                    s.metadata.annotations.as_ref().map(|all| all["landfall.dev/load-balancer"].clone());
                record.is_some_and(|record| record.contains(id) && !record.contains(','))
            };
            let service = rig.until("web", "arrived", arrived).await;
            assert_eq!(shown(&service)[0].ip.as_deref(), Some("192.0.2.5"));
        }
        rig.quiet().await;
        assert_eq!(rig.reasons("web").await, ["EnsuredLoadBalancer"], "nothing changed for anybody");
        let pool = rig.read("AddressPool", "public").await.unwrap();
        assert_eq!(pool["status"]["used"]["ipv4"], 2, "{pool}");
        controller.stop().await;
    });
}

#[test]
fn on_a_cloud_the_new_load_balancer_serves_before_the_old_one_goes() {
    run_embedded("move", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        let first = rig.address("web").await;
        rig.cloud.set_provisioning_time(Duration::from_mins(2));
        rig.patch("Service", "web", "", &share(&json!("k"))).await;
        rig.eventually("both exist", async || rig.cloud.balancers().len() == 2).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(rig.address("web").await, first, "the old one is shown until the new one serves");
        assert_eq!(rig.cloud.listeners().len(), 2, "and serves");
        tokio::time::sleep(Duration::from_mins(2)).await;
        rig.quiet().await;
        assert_ne!(rig.address("web").await, first);
        assert_eq!(rig.cloud.balancers().len(), 1);
        controller.stop().await;
    });
}

/// While a member is on its way out of a group, looks at the group leave its record and conditions alone.
#[test]
fn changes_in_the_old_group_do_not_call_a_leaving_member_back() {
    run_embedded("leaving", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(shared("stays", MEMORY, "k", &[80])).await;
        rig.create(shared("goes", MEMORY, "k", &[81])).await;
        rig.address("stays").await;
        let first = rig.address("goes").await;
        rig.quiet().await;
        rig.cloud.set_provisioning_time(Duration::from_mins(2));
        rig.patch("Service", "goes", "", &share(&Value::Null)).await;
        rig.eventually("its own one is being made", async || rig.cloud.balancers().len() == 2).await;
        let told = rig.reasons("goes").await.len();
        for round in [8080, 8081, 8082] {
            rig.patch("Service", "stays", "", &json!({"spec": {"ports": ports(&[80, round])}})).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        assert_eq!(rig.address("goes").await, first);
        assert_eq!(rig.reasons("goes").await.len(), told, "{:?}", rig.events("goes").await);
        tokio::time::sleep(Duration::from_mins(3)).await;
        rig.quiet().await;
        assert_ne!(rig.address("goes").await, first);
        assert_eq!((rig.cloud.balancers().len(), rig.cloud.listeners().len()), (2, 3));
        controller.stop().await;
    });
}

/// The wish that the old group cannot serve is for the new load balancer.
#[test]
fn a_leaving_member_is_not_refused_by_the_group_it_leaves() {
    run("refused", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(shared("stays", MEMORY, "k", &[80])).await;
        later().await;
        rig.create(shared("goes", MEMORY, "k", &[81])).await;
        rig.address("goes").await;
        rig.quiet().await;
        rig.cloud.set_provisioning_time(Duration::from_secs(40));
        let both = json!({"metadata": {"annotations": {SHARE: null}}, "spec": {"ports": ports(&[80])}});
        rig.patch("Service", "goes", "", &both).await;
        for _ in 0..60 {
            let conditions = landfall_core::report::conditions(&rig.get("goes").await);
            let accepted = conditions.iter().find(|condition| condition.type_ == ACCEPTED).unwrap();
            assert_eq!(accepted.status, "True", "{}", accepted.message);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        rig.quiet().await;
        rig.condition("goes", PROGRAMMED, "True", "Programmed").await;
        assert_eq!(rig.cloud.balancers().len(), 2);
        controller.stop().await;
    });
}

#[test]
fn an_old_load_balancer_that_cannot_be_deleted_is_no_fault_of_the_new_one() {
    run_embedded("stuck", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        let first = rig.address("web").await;
        for _ in 0..3 {
            rig.cloud.fault_on(Operation::Delete(Kind::Balancer), Fault::Fail(ErrorClass::Denied));
        }
        rig.patch("Service", "web", "", &share(&json!("k"))).await;
        rig.until("web", "moved", |s| shown(s)[0].ip.as_deref() != Some(&first)).await;
        rig.quiet().await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert_eq!(rig.cloud.balancers().len(), 2, "the old one is still there");
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert_eq!(rig.cloud.balancers().len(), 1);
        let reasons = rig.reasons("web").await;
        assert_eq!(
            reasons,
            ["EnsuringLoadBalancer", "EnsuredLoadBalancer", "EnsuringLoadBalancer", "EnsuredLoadBalancer"]
        );
        controller.stop().await;
    });
}

#[test]
fn nobody_leaves_a_cloud_load_balancer_that_cannot_be_changed() {
    run("blocked", |rig| async move {
        prepared(&rig).await;
        let controller = rig.start();
        rig.create(shared("a", MEMORY, "k", &[80])).await;
        rig.create(shared("b", MEMORY, "k", &[81])).await;
        rig.address("a").await;
        rig.address("b").await;
        rig.patch("Service", "b", "", &json!({"metadata": {"annotations": {ADDRESSES: "192.0.2"}}})).await;
        rig.condition("b", ACCEPTED, "False", "InvalidValue").await;
        rig.delete("Service", "a").await;
        let message = rig.condition("a", PROGRAMMED, "False", "GroupRefused").await;
        assert!(message.contains("correct or delete them"), "{message}");
        assert_eq!(rig.cloud.listeners().len(), 2);
        rig.patch("Service", "b", "", &json!({"metadata": {"annotations": {ADDRESSES: null}}})).await;
        rig.gone("a").await;
        assert_eq!(rig.cloud.listeners().len(), 1);
        controller.stop().await;
    });
}

#[rstest]
#[case::nobody("None")]
#[case::everybody("Cluster")]
fn the_class_says_who_may_share(#[case] sharing: &str) {
    run("who", |rig| async move {
        prepared(&rig).await;
        rig.create(class("gold", "metal", &json!({"spec": {"sharing": sharing}}))).await;
        let config = landfall_controller::Config { namespace: None, ..rig.config() };
        let controller = rig.start_with(config, rig.providers());
        let other = rig.backend.namespace("other").await.unwrap();
        rig.create(shared("here", "landfall.dev/gold", "k", &[80])).await;
        let mut there = shared("there", "landfall.dev/gold", "k", &[81]);
        there["metadata"]["namespace"] = json!(other);
        let api = kube::Api::<k8s_openapi::api::core::v1::Service>::namespaced(rig.admin(), &other);
        api.create(&kube::api::PostParams::default(), &serde_json::from_value(there).unwrap()).await.unwrap();
        if sharing == "None" {
            let message = rig.condition("here", ACCEPTED, "False", "SharingNotAllowed").await;
            assert!(message.contains("gold"), "{message}");
        } else {
            let address = rig.address("here").await;
            rig.eventually("both have it", async || {
                shown(&api.get("there").await.unwrap()).first().and_then(|e| e.ip.clone()).as_ref()
                    == Some(&address)
            })
            .await;
        }
        controller.stop().await;
    });
}
