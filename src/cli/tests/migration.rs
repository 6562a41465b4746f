//! The walk from the AWS Load Balancer Controller to Landfall with the old address, step by step as `docs/aws.md` tells
//! it, on what that controller leaves in an account and in the cluster.

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

use k8s_openapi::api::core::v1::Service;
use landfall_aws::api::Tags;
use landfall_aws::api::elb::{
    AddressType, Elb, GroupTargets, HealthCheck, ListenerSpec, LoadBalancer, NewListener, NewLoadBalancer,
    NewTargetGroup, NlbProtocol, SubnetMapping, Target, TargetGroup,
};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};
use scene::Scene;
use serde_json::{Value, json};

/// The controller's name in its tags, classes and finalizers.
const CLASS: &str = "service.k8s.aws/nlb";
const NODE_PORT: u16 = 30_080;

/// Its tags on one of its things.
fn tags(resource: &str) -> Tags {
    let pairs = [
        ("elbv2.k8s.aws/cluster", "prod"),
        ("service.k8s.aws/stack", "default/web"),
        ("service.k8s.aws/resource", resource),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Its load balancer and target group for the Service `default/web`.
async fn left_by_the_other(scene: &Scene) -> (LoadBalancer, TargetGroup) {
    let (vpc, subnets, nodes) = scene.network().await;
    let mapping = |subnet| SubnetMapping {
        subnet,
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    };
    let balancer = NewLoadBalancer {
        name: "k8s-default-web-0a1b2c3d4e".to_owned(),
        scheme: Scheme::Internal,
        address_type: AddressType::Ipv4,
        subnets: subnets.into_iter().map(mapping).collect(),
        security_groups: Vec::new(),
        source_nat: false,
        tags: tags("LoadBalancer"),
    };
    let balancer = scene.elb.create_balancer(&balancer).await.unwrap();
    let health = HealthCheck {
        protocol: HealthProtocol::Tcp,
        port: None,
        path: None,
        codes: None,
        interval: 10,
        timeout: 10,
        healthy: 3,
        unhealthy: 3,
    };
    let group = NewTargetGroup {
        name: "k8s-default-web-5f6a7b8c9d".to_owned(),
        protocol: NlbProtocol::Tcp,
        port: NODE_PORT,
        vpc,
        targets: GroupTargets::Instance,
        family: IpFamily::V4,
        health,
        tags: tags("default/web:80"),
    };
    let group = scene.elb.create_group(&group).await.unwrap();
    let target = |id| Target { id, port: NODE_PORT, zone: None };
    let targets: Vec<Target> = nodes.into_iter().map(target).collect();
    scene.elb.register(&group.arn, &targets).await.unwrap();
    let spec = ListenerSpec {
        protocol: Some(NlbProtocol::Tcp),
        forward: Some(group.arn.clone()),
        certificate: None,
        ssl_policy: None,
        alpn: None,
    };
    let listener = NewListener { balancer: balancer.arn.clone(), port: 80, spec, tags: tags("80") };
    scene.elb.create_listener(&listener).await.unwrap();
    (balancer, group)
}

/// The Service as it is with the other controller.
fn before() -> Value {
    let prefix = "service.beta.kubernetes.io/aws-load-balancer-";
    json!({"apiVersion": "v1", "kind": "Service",
           "metadata": {"name": "web", "namespace": "default", "finalizers": ["service.k8s.aws/resources"],
                        "annotations": {format!("{prefix}type"): "external",
                                        format!("{prefix}nlb-target-type"): "instance",
                                        format!("{prefix}scheme"): "internal",
                                        format!("{prefix}disable-nlb-sg"): "true"}},
           "spec": {"type": "LoadBalancer", "loadBalancerClass": CLASS, "selector": {"app": "web"},
                    "ports": [{"name": "main", "port": 80, "nodePort": NODE_PORT}]}})
}

/// Its twin, with what belongs to one alone left out.
fn twin(arn: &str) -> Value {
    let mut twin = before();
    twin["metadata"]["name"] = json!("web-lf");
    twin["metadata"].as_object_mut().unwrap().remove("finalizers");
    twin["metadata"]["annotations"]["landfall.dev/adopt"] = json!(arn);
    twin["spec"]["loadBalancerClass"] = json!("landfall.dev/aws");
    twin["spec"]["ports"][0].as_object_mut().unwrap().remove("nodePort");
    twin
}

fn programmed(service: &Service) -> Option<(&str, &str, &str)> {
    let conditions = service.status.as_ref()?.conditions.as_ref()?;
    let it = conditions.iter().find(|condition| condition.type_ == "landfall.dev/Programmed")?;
    Some((&it.status, &it.reason, &it.message))
}

/// The listener's target group.
async fn forwards(scene: &Scene) -> Option<String> {
    let account = scene.account().await;
    assert_eq!((account.balancers.len(), account.listeners.len()), (1, 1), "{account:?}");
    account.listeners[0].spec.forward.as_ref().map(ToString::to_string)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_balancer_of_the_other_controller_keeps_its_address() {
    let scene = Scene::new().await;
    let (balancer, theirs) = left_by_the_other(&scene).await;
    scene.stage.create::<Service>(scene.stage.services(), before()).await;
    let child = scene.controller();

    // 1. The twin, and its plan; nothing is agreed to.
    scene.stage.create::<Service>(scene.stage.services(), twin(balancer.arn.as_str())).await;
    let asks = |service: Option<&Service>| {
        service.and_then(programmed).is_some_and(|(_, reason, _)| reason == "AdoptionNeedsConfirmation")
    };
    let asking = scene.stage.service_until("web-lf", "the plan", asks).await.unwrap();
    let (_, _, plan) = programmed(&asking).unwrap();
    assert!(plan.contains("k8s-default-web-0a1b2c3d4e:80"), "the plan names what changes: {plan}");
    assert_eq!(scene.proxy.writes(), 0, "{:?}", scene.proxy.calls());
    let word = plan.split('"').nth(1).unwrap();

    // 3. Agreed: the same address, our target group, and theirs as it was.
    scene
        .stage
        .patch("web-lf", json!({"metadata": {"annotations": {"landfall.dev/adopt-confirm": word}}}))
        .await;
    let serves = |service: Option<&Service>| service.and_then(programmed).is_some_and(|it| it.0 == "True");
    scene.stage.service_until("web-lf", "the address", serves).await.unwrap();
    assert_eq!(scene.named("web-lf").await.1, balancer.dns_name);
    assert_ne!(forwards(&scene).await, Some(theirs.arn.to_string()));
    assert_eq!(scene.elb.target_health(&theirs.arn).await.unwrap().len(), 3);

    // 4. Its marks come off, and ours stay.
    let listener = scene.account().await.listeners.remove(0);
    let keys: Vec<String> = tags("").into_keys().collect();
    for arn in [balancer.arn.as_str(), listener.arn.as_str()] {
        scene.elb.remove_tags(&[arn.to_owned()], &keys).await.unwrap();
    }
    // 5. The old Service goes without its finalizer, and we have no part in it.
    scene.stage.patch("web", json!({"metadata": {"finalizers": null}})).await;
    scene.stage.delete("web").await;
    let confirmed = scene.stage.services().get("web-lf").await.unwrap();
    assert!(programmed(&confirmed).is_some_and(|it| it.0 == "True"));
    let marks = scene.elb.tags(&[balancer.arn.to_string()]).await.unwrap().remove(0).1;
    assert!(keys.iter().all(|key| !marks.contains_key(key)), "{marks:?}");
    assert!(marks.contains_key("landfall.dev/adopted"), "{marks:?}");

    // Later the twin goes: what was theirs is theirs again.
    scene.stage.delete("web-lf").await;
    let left = scene.account().await;
    assert_eq!(forwards(&scene).await, Some(theirs.arn.to_string()));
    assert_eq!((left.groups.len(), left.guards.len()), (1, 0), "{left:?}");
    let tags = scene.elb.tags(&[balancer.arn.to_string(), listener.arn.to_string()]).await.unwrap();
    assert!(tags.iter().all(|(_, tags)| tags.is_empty()), "nothing of ours stays: {tags:?}");
    assert_eq!(scene.stage.terminate(child).await, Some(0), "{}", scene.stage.log());
}
