//! A Service gets its address, keeps it, and gives it back.

use landfall_api::names::FINALIZER;
use landfall_controller_tests::{MEMORY, METAL, pool, run, run_embedded, service};
use landfall_core::report::{ACCEPTED, PROGRAMMED, conditions, shown};
use serde_json::json;

#[test]
fn create_update_delete_on_metal() {
    run("metal", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        let address = rig.address("web").await;
        assert_eq!(address, "192.0.2.0");
        rig.condition("web", ACCEPTED, "True", "Accepted").await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert_eq!(rig.get("web").await.metadata.finalizers.unwrap(), [FINALIZER]);

        rig.patch("Service", "web", "", &json!({"spec": {"loadBalancerIP": "192.0.2.9"}})).await;
        rig.until("web", "moved", |s| shown(s)[0].ip.as_deref() == Some("192.0.2.9")).await;

        rig.delete("Service", "web").await;
        rig.gone("web").await;
        rig.create(service("again", METAL, &json!({"spec": {"loadBalancerIP": "192.0.2.9"}}))).await;
        assert_eq!(rig.address("again").await, "192.0.2.9", "what was given back is free");
        controller.stop().await;
    });
}

#[test]
fn create_update_delete_on_a_cloud() {
    run("cloud", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.address("web").await;
        assert_eq!(rig.cloud.listeners().len(), 1);
        let ports = json!([{"name": "http", "port": 80}, {"name": "https", "port": 443}]);
        rig.patch("Service", "web", "", &json!({"spec": {"ports": ports}})).await;
        rig.quiet().await;
        assert_eq!(rig.cloud.listeners().len(), 2);
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        assert_eq!(rig.cloud.objects(), []);
        assert_eq!(
            rig.reasons("web").await,
            ["EnsuringLoadBalancer", "EnsuredLoadBalancer", "DeletingLoadBalancer", "DeletedLoadBalancer"]
        );
        controller.stop().await;
    });
}

#[test]
fn foreign_services_are_not_touched() {
    run("foreign", |rig| async move {
        let controller = rig.start();
        rig.create(service("other", "example.com/lb", &json!({}))).await;
        rig.create(service("none", METAL, &json!({"spec": {"loadBalancerClass": null}}))).await;
        rig.create(service(
            "inner",
            METAL,
            &json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}}),
        ))
        .await;
        rig.quiet().await;
        for name in ["other", "none", "inner"] {
            let service = rig.get(name).await;
            assert_eq!(service.metadata.finalizers, None, "{name}");
            assert_eq!(conditions(&service), [], "{name}");
            assert_eq!(rig.events(name).await, [], "{name}");
        }
        controller.stop().await;
    });
}

#[test]
fn an_unchanged_cluster_causes_no_write_over_many_resyncs() {
    run_embedded("quiet", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        for (name, class) in [("a", METAL), ("b", MEMORY), ("c", "landfall.dev/missing")] {
            rig.create(service(name, class, &json!({}))).await;
        }
        rig.address("a").await;
        rig.address("b").await;
        rig.condition("c", ACCEPTED, "False", "UnknownClass").await;
        rig.quiet().await;
        let (writes, cloud) = (rig.tap.writes(), rig.cloud.writes());
        let calls = rig.cloud.calls();
        tokio::time::sleep(rig.config().resync * 20).await;
        assert_eq!(rig.tap.written_since(writes), [""; 0]);
        assert_eq!(rig.cloud.writes(), cloud);
        assert!(rig.cloud.calls() > calls, "it did look");
        controller.stop().await;
    });
}
