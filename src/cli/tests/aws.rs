//! `landfall controller --providers aws` as a process, against moto behind the testkit's proxy and the embedded API
//! server, from the seed of `localstack/` to an account without a trace of us.

#![cfg(feature = "aws")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests may"
)]

mod program;
mod scene;
mod stage;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Service;
use landfall_aws::api::Action;
use landfall_aws::api::elb::TargetGroup;
use landfall_core::params::aws::HealthProtocol;
use scene::Scene;
use serde_json::{Value, json};

/// The attribute that is asked for by annotation.
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

fn service(name: &str, port: u16, annotations: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
           "metadata": {"name": name, "namespace": "default", "annotations": annotations},
           "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/aws",
                    "selector": {"app": name}, "ports": [{"name": "main", "port": port}]}})
}

fn node_ports(service: &Service) -> BTreeSet<u16> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports.filter_map(|port| u16::try_from(port.node_port?).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_lives_its_life_on_aws_and_leaves_no_trace() {
    let scene = Scene::new().await;
    let wish = service("web", 80, &json!({}));
    let plan = scene.plan(&wish).await;
    assert!(plan.contains("+ load balancer "), "{plan}");
    assert!(scene.proxy.total() > 0 && scene.proxy.writes() == 0, "a plan only reads");

    let child = scene.controller();
    scene.stage.create::<Service>(scene.stage.services(), wish.clone()).await;
    let (web, hostname) = scene.named("web").await;
    let made = scene.until("three targets", |account| account.targets.len() == 3).await;
    let [balancer] = &made.balancers[..] else { panic!("{:?}", made.balancers) };
    assert_eq!(hostname, balancer.dns_name);
    assert_eq!(balancer.zones.len(), 3, "one subnet per zone");
    assert_eq!(made.listeners.iter().map(|listener| listener.port).collect::<Vec<_>>(), [80]);
    let ports: BTreeSet<u16> = made.targets.iter().map(|(_, port)| *port).collect();
    assert_eq!(ports, node_ports(&web));
    assert_eq!(made.guards.len(), 2, "one for clients, one for the nodes to let in");
    assert!(!made.node_guard.ingress.is_empty(), "the nodes let the load balancer in");
    let plan = scene.plan(&wish).await;
    assert!(plan.contains("nothing to do"), "{plan}");

    changes(&scene).await;

    scene.stage.delete("web").await;
    let left = scene.account().await;
    assert!(left.is_clean(), "{left:?}");
    assert_eq!(scene.proxy.count(Action::CreateLoadBalancer), 1, "one load balancer for the whole life");
    assert_eq!(scene.stage.terminate(child).await, Some(0), "{}", scene.stage.log());
}

/// A node, a port, an annotation and the traffic policy change one after the other, and AWS follows.
async fn changes(scene: &Scene) {
    scene.seed(4).await;
    scene.until("the fourth node", |account| account.targets.len() == 4).await;

    let two = json!([{"name": "main", "port": 80}, {"name": "https", "port": 443}]);
    scene.stage.patch("web", json!({"spec": {"ports": two}})).await;
    scene
        .until("the second port", |account| account.listeners.len() == 2 && account.targets.len() == 8)
        .await;

    let key = "service.beta.kubernetes.io/aws-load-balancer-attributes";
    for (value, wanted) in [(json!(format!("{CROSS_ZONE}=true")), "true"), (Value::Null, "false")] {
        scene.stage.patch("web", json!({"metadata": {"annotations": {key: value}}})).await;
        scene.attribute(CROSS_ZONE, wanted).await;
    }

    scene.stage.patch("web", json!({"spec": {"externalTrafficPolicy": "Local"}})).await;
    let web = scene.stage.services().get("web").await.unwrap();
    let port = web.spec.unwrap().health_check_node_port.and_then(|port| u16::try_from(port).ok());
    assert!(port.is_some());
    let follows =
        |group: &TargetGroup| (group.health.protocol, group.health.port) == (HealthProtocol::Http, port);
    scene.until("the health check", |account| account.groups.iter().all(follows)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_shares_a_load_balancer_and_a_restart_changes_nothing() {
    let scene = Scene::new().await;
    let child = scene.controller();
    let share = json!({"landfall.dev/share": "front"});
    let mut hostnames = BTreeSet::new();
    for (name, port) in [("plain", 80), ("secure", 443)] {
        scene.stage.create::<Service>(scene.stage.services(), service(name, port, &share)).await;
        hostnames.insert(scene.named(name).await.1);
    }
    assert_eq!(hostnames.len(), 1, "{hostnames:?}");
    let both = |account: &scene::Account| account.listeners.len() == 2 && account.targets.len() == 6;
    let made = scene.until("both ports", both).await;
    assert_eq!(made.balancers.len(), 1, "{:?}", made.balancers);
    assert_eq!(scene.stage.terminate(child).await, Some(0), "{}", scene.stage.log());

    scene.proxy.clear();
    let child = scene.controller();
    scene.stage.looked(1).await;
    assert!(scene.proxy.total() > 0, "it has asked AWS");
    assert_eq!(scene.proxy.writes(), 0, "{:?}", scene.proxy.calls());

    scene.stage.delete("plain").await;
    let one = scene.account().await;
    assert_eq!((one.balancers.len(), one.listeners.len(), one.groups.len()), (1, 1, 1), "{one:?}");
    assert_eq!(one.listeners[0].port, 443, "of the one that stays");
    scene.stage.delete("secure").await;
    let left = scene.account().await;
    assert!(left.is_clean(), "{left:?}");
    assert_eq!(scene.stage.terminate(child).await, Some(0), "{}", scene.stage.log());
}
