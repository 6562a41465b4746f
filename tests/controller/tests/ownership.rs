//! Whose a Service is: by class, by default mode, or not ours at all.

use std::sync::Arc;
use std::time::Duration;

use landfall_api::names::{FINALIZER, UPSTREAM_FINALIZER};
use landfall_controller::Config;
use landfall_controller_tests::{MEMORY, METAL, class, pool, ports, run, run_embedded, service};
use landfall_core::ids::ClassName;
use landfall_core::report::{ACCEPTED, PROGRAMMED, conditions, shown};
use landfall_metal::MetalProvider;
use rstest::rstest;
use serde_json::{Value, json};

/// A Service without a class.
fn classless(name: &str) -> Value {
    service(name, METAL, &json!({"spec": {"loadBalancerClass": null}}))
}

/// The condition `Ready` of a class or pool object, as status, reason and message.
fn ready(object: Option<&Value>) -> (String, String, String) {
    let all =
        object.and_then(|object| object["status"]["conditions"].as_array().cloned()).unwrap_or_default();
    let found = all.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"), text("message"))
}

#[rstest]
#[case::built_in_metal(METAL)]
#[case::built_in_cloud(MEMORY)]
#[case::by_object("landfall.dev/gold")]
fn a_service_is_served_by_the_class_it_names(#[case] name: &str) {
    run("class", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        rig.create(class("gold", "metal", &json!({}))).await;
        let controller = rig.start();
        rig.create(service("web", name, &json!({}))).await;
        rig.address("web").await;
        let message = rig.condition("web", ACCEPTED, "True", "Accepted").await;
        assert!(message.contains(name), "{message}");
        controller.stop().await;
    });
}

#[test]
fn services_without_a_class_are_served_by_the_default_flag_with_the_upstream_finalizer() {
    run("flag", |rig| async move {
        rig.node("n1").await;
        let memory = ClassName::new("memory").unwrap();
        let controller =
            rig.start_with(Config { default_class: Some(memory), ..rig.config() }, rig.providers());
        rig.create(classless("web")).await;
        rig.address("web").await;
        assert_eq!(rig.get("web").await.metadata.finalizers.unwrap(), [UPSTREAM_FINALIZER]);
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        assert_eq!(rig.cloud.objects(), []);
        controller.stop().await;
    });
}

#[test]
fn services_without_a_class_are_served_by_the_class_with_spec_default() {
    run("default", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(classless("web")).await;
        rig.quiet().await;
        assert_eq!(shown(&rig.get("web").await), [], "nobody serves it yet");
        rig.create(class("everyday", "metal", &json!({"spec": {"default": true}}))).await;
        rig.address("web").await;
        assert_eq!(rig.get("web").await.metadata.finalizers.unwrap(), [UPSTREAM_FINALIZER]);
        controller.stop().await;
    });
}

#[test]
fn of_two_default_classes_the_first_by_name_counts_and_the_other_is_told() {
    run("rivals", |rig| async move {
        for name in ["b", "a"] {
            rig.create(class(name, "metal", &json!({"spec": {"default": true}}))).await;
        }
        let controller = rig.start();
        rig.eventually("the rival is reported", async || {
            ready(rig.read("LoadBalancerClass", "b").await.as_ref()).1 == "RivalDefault"
        })
        .await;
        let (status, _, message) = ready(rig.read("LoadBalancerClass", "b").await.as_ref());
        assert!(status == "False" && message.contains("get a:"), "{status} {message}");
        assert_eq!(ready(rig.read("LoadBalancerClass", "a").await.as_ref()).0, "True");
        rig.delete("LoadBalancerClass", "a").await;
        rig.eventually("the other takes over", async || {
            ready(rig.read("LoadBalancerClass", "b").await.as_ref()).0 == "True"
        })
        .await;
        controller.stop().await;
    });
}

#[test]
fn an_unknown_class_is_told_once_and_served_when_it_comes() {
    run_embedded("unknown", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", "landfall.dev/gold", &json!({}))).await;
        let message = rig.condition("web", ACCEPTED, "False", "UnknownClass").await;
        assert!(message.contains("\"gold\"") && message.contains("metal"), "{message}");
        rig.condition("web", PROGRAMMED, "False", "NotAccepted").await;
        tokio::time::sleep(rig.config().resync * 3).await;
        let service = rig.get("web").await;
        assert_eq!(service.metadata.finalizers, None, "nothing was made, so nothing is to be cleaned up");
        assert_eq!(rig.reasons("web").await, ["SyncLoadBalancerFailed"]);
        rig.create(class("gold", "metal", &json!({}))).await;
        rig.address("web").await;
        rig.condition("web", ACCEPTED, "True", "Accepted").await;
        assert_eq!(rig.reasons("web").await, ["SyncLoadBalancerFailed", "EnsuredLoadBalancer"]);
        controller.stop().await;
    });
}

#[test]
fn a_service_of_an_unknown_class_can_be_deleted_and_never_says_that_a_load_balancer_went() {
    run("unknown", |rig| async move {
        let controller = rig.start();
        rig.create(service("web", "landfall.dev/gold", &json!({}))).await;
        rig.condition("web", ACCEPTED, "False", "UnknownClass").await;
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        rig.quiet().await;
        assert_eq!(rig.reasons("web").await, ["SyncLoadBalancerFailed"]);
        controller.stop().await;
    });
}

#[test]
fn nothing_is_lost_when_the_class_of_a_served_service_is_deleted() {
    run("gone", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        rig.create(class("gold", "metal", &json!({}))).await;
        let controller = rig.start();
        rig.create(service("web", "landfall.dev/gold", &json!({}))).await;
        let address = rig.address("web").await;
        rig.delete("LoadBalancerClass", "gold").await;
        rig.condition("web", ACCEPTED, "False", "UnknownClass").await;
        rig.create(service("other", METAL, &json!({}))).await;
        assert_ne!(rig.address("other").await, address);
        assert_eq!(rig.address("web").await, address, "it keeps what it has");
        controller.stop().await;

        let controller = rig.start();
        rig.create(service("third", METAL, &json!({}))).await;
        assert_ne!(rig.address("third").await, address, "also over a restart");
        assert_eq!(rig.address("web").await, address);
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        rig.create(service("fourth", METAL, &json!({"spec": {"loadBalancerIP": address.as_str()}}))).await;
        assert_eq!(rig.address("fourth").await, address);
        controller.stop().await;
    });
}

#[test]
fn a_class_serves_the_namespaces_it_allows_and_follows_their_labels() {
    run("allowed", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let allowed = json!({"spec": {"allowedNamespaces": {"matchLabels": {"team": "shop"}}}});
        rig.create(class("gold", "metal", &allowed)).await;
        let controller = rig.start();
        rig.create(service("web", "landfall.dev/gold", &json!({}))).await;
        let message = rig.condition("web", ACCEPTED, "False", "NamespaceNotAllowed").await;
        assert!(message.contains("allowedNamespaces"), "{message}");
        let label = |value: Value| json!({"metadata": {"labels": {"team": value}}});
        rig.patch("Namespace", &rig.namespace, "", &label(json!("shop"))).await;
        let address = rig.address("web").await;
        rig.condition("web", ACCEPTED, "True", "Accepted").await;
        rig.patch("Namespace", &rig.namespace, "", &label(Value::Null)).await;
        rig.condition("web", ACCEPTED, "False", "NamespaceNotAllowed").await;
        assert_eq!(rig.address("web").await, address, "what it has stays");
        controller.stop().await;
    });
}

#[test]
fn a_class_of_a_provider_that_does_not_run_is_told_and_leaves_everything() {
    run("disabled", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        let address = rig.address("web").await;
        controller.stop().await;
        let before = rig.cloud.calls();

        let controller = rig.start_with(rig.config(), vec![Arc::new(MetalProvider::new())]);
        rig.create(class("cloudy", "aws", &json!({}))).await;
        rig.create(service("new", "landfall.dev/cloudy", &json!({}))).await;
        let message = rig.condition("new", ACCEPTED, "False", "ProviderNotEnabled").await;
        assert!(message.contains("aws") && message.contains("--providers"), "{message}");
        rig.eventually("the class says so too", async || {
            ready(rig.read("LoadBalancerClass", "cloudy").await.as_ref()).1 == "ProviderNotEnabled"
        })
        .await;
        rig.delete("Service", "web").await;
        rig.quiet().await;
        let web = rig.get("web").await;
        assert_eq!(web.metadata.finalizers.as_deref(), Some(&[FINALIZER.to_owned()][..]), "it would leak");
        assert_eq!(shown(&web)[0].ip.as_deref(), Some(address.as_str()));
        assert_eq!(rig.cloud.calls(), before);
        controller.stop().await;

        let controller = rig.start();
        rig.gone("web").await;
        assert_eq!(rig.cloud.objects(), []);
        controller.stop().await;
    });
}

#[test]
fn a_record_copied_from_another_service_gives_no_hold_on_its_load_balancer() {
    run("copied", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        let address = rig.address("web").await;
        // As `kubectl get -o yaml`, a new name and port, and `kubectl create` do it.
        rig.cloud.set_provisioning_time(Duration::from_secs(30));
        let annotations = rig.get("web").await.metadata.annotations;
        let copy = json!({"metadata": {"annotations": annotations}, "spec": {"ports": ports(&[8080])}});
        rig.create(service("copy", MEMORY, &copy)).await;
        rig.patch("Service", "web", "", &json!({"spec": {"sessionAffinity": "ClientIP"}})).await;
        rig.condition("copy", PROGRAMMED, "False", "Provisioning").await;
        assert_eq!(rig.cloud.listeners().len(), 2, "one each");
        let other = rig.address("copy").await;
        assert_ne!(other, address);
        rig.condition("copy", PROGRAMMED, "True", "Programmed").await;
        let copy = rig.get("copy").await;
        assert!(
            conditions(&copy).iter().all(|condition| condition.status == "True"),
            "{:?}",
            conditions(&copy)
        );
        assert_eq!(rig.reasons("copy").await, ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
        rig.delete("Service", "copy").await;
        rig.gone("copy").await;
        assert_eq!(rig.address("web").await, address);
        assert_eq!(rig.cloud.balancers().len(), 1);
        controller.stop().await;
    });
}

#[test]
fn conditions_do_not_outlive_our_part_in_a_service() {
    run("leftover", |rig| async move {
        let controller = rig.start();
        rig.create(service("web", "landfall.dev/missing", &json!({}))).await;
        rig.condition("web", ACCEPTED, "False", "UnknownClass").await;
        let away = json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}});
        rig.patch("Service", "web", "", &away).await;
        rig.until("web", "was left alone", |service| conditions(service).is_empty()).await;
        controller.stop().await;
    });
}
