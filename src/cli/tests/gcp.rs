//! `landfall controller --providers gcp` as a process, against the fake Compute Engine over HTTP and the embedded API
//! server, from the first Service to a project without a trace of us.

#![cfg(feature = "gcp")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests may"
)]

mod program;
mod project;
mod stage;

use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use landfall_gcp::api::{Compute, Kind, Place, RequestId};
use landfall_testkit::gcp::fake::{PROJECT, REGION};
use project::Project;
use rstest::rstest;
use serde_json::{Value, json};

const ACCEPTED: &str = "landfall.dev/Accepted";
const PROGRAMMED: &str = "landfall.dev/Programmed";
const TYPE: &str = "networking.gke.io/load-balancer-type";
const NAMED: &str = "networking.gke.io/load-balancer-ip-addresses";

/// A Service with these ports, each with its protocol, and with more of a spec.
fn service(name: &str, annotations: &Value, ports: &[(u16, &str)], more: &Value) -> Value {
    let port = |(port, protocol): &(u16, &str)| json!({"name": format!("{}-{port}", protocol.to_lowercase()), "port": port, "protocol": protocol});
    let ports: Vec<Value> = ports.iter().map(port).collect();
    let mut spec = json!({"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/gcp",
                          "selector": {"app": name}, "ports": ports});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"apiVersion": "v1", "kind": "Service",
           "metadata": {"name": name, "namespace": "default", "annotations": annotations}, "spec": spec})
}

fn web() -> Value {
    service("web", &json!({}), &[(80, "TCP")], &json!({}))
}

/// What the forwarding rules of an address take: protocol and ports of each, in order.
fn listening(project: &Project, address: IpAddr) -> Vec<String> {
    let taken = |rule: &Value| {
        let ports: Vec<&str> =
            rule["ports"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let ports = if rule["allPorts"] == true { "all".to_owned() } else { ports.join(",") };
        format!("{} {ports}", rule["IPProtocol"].as_str().unwrap())
    };
    let mut taken: Vec<String> = project.rules(address).iter().map(taken).collect();
    taken.sort();
    taken
}

/// The firewall rules for clients: those that let them to an address.
fn doors(project: &Project) -> Vec<Value> {
    let rules = project.made(Kind::Firewall).into_iter();
    rules.filter(|rule| rule["destinationRanges"].is_array()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_lives_its_life_on_gcp_and_leaves_no_trace() {
    let project = Project::new().await;
    let plan = project.plan(&web()).await;
    assert!(plan.contains("+ forwarding-rule "), "{plan}");
    assert!(project.gcp.calls() > 0 && project.gcp.writes() == 0, "a plan only reads");

    let child = project.controller();
    project.create(web()).await;
    let address = project.address("web").await;
    assert_eq!(listening(&project, address), ["TCP 80"]);
    assert_eq!(project.members(), ["node-0", "node-1", "node-2"]);
    let [door] = &doors(&project)[..] else { panic!("{:?}", doors(&project)) };
    assert_eq!(door["destinationRanges"], json!([address.to_string()]));
    assert_eq!(door["sourceRanges"], json!(["0.0.0.0/0"]));
    let plan = project.plan(&web()).await;
    assert!(plan.contains("nothing to do"), "{plan}");

    changes(&project, address).await;

    project.stage.delete("web").await;
    assert_eq!(project.gcp.leaks(), []);
    assert_eq!(project.gcp.absent_deletes(), 0, "it deletes what it knows to be there");
    assert_eq!(project.stage.terminate(child).await, Some(0), "{}", project.stage.log());
}

/// Nodes, ports and source ranges change one after the other, and GCP follows.
async fn changes(project: &Project, address: IpAddr) {
    project.add_node(3).await;
    project.until("the fourth node", |project| project.members().len() == 4).await;
    project.remove_node(0).await;
    project.until("three nodes", |project| project.members() == ["node-1", "node-2", "node-3"]).await;

    let first = project.rules(address).remove(0);
    let two = json!([{"name": "tcp-80", "port": 80}, {"name": "tcp-443", "port": 443}]);
    project.stage.patch("web", json!({"spec": {"ports": two}})).await;
    let both = |project: &Project| listening(project, address) == ["TCP 443", "TCP 80"];
    project.until("the second port", both).await;
    let stays = project.rules(address).iter().any(|rule| rule["id"] == first["id"]);
    assert!(stays, "what was there is not interrupted: {:#?}", project.rules(address));
    project.stage.patch("web", json!({"spec": {"ports": [{"name": "tcp-443", "port": 443}]}})).await;
    let secure = |project: &Project| listening(project, address) == ["TCP 443"];
    project.until("the second port alone", secure).await;

    let office = json!(["192.0.2.0/24"]);
    project.stage.patch("web", json!({"spec": {"loadBalancerSourceRanges": office}})).await;
    let only_office = |project: &Project| {
        matches!(&doors(project)[..], [door] if door["sourceRanges"] == office
            && door["allowed"] == json!([{"IPProtocol": "tcp", "ports": ["443"]}]))
    };
    project.until("the office alone", only_office).await;
    assert_eq!(project.address("web").await, address, "one address for the whole life");
}

#[rstest]
#[case::internal(
    service("it", &json!({TYPE: "Internal"}), &[(80, "TCP")], &json!({})), &[("10.0.", "TCP 80")], "INTERNAL"
)]
#[case::dual_stack(
    service("it", &json!({}), &[(80, "TCP")],
            &json!({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]})),
    &[("", "TCP 80"), ("2600:1900:", "TCP 80")], "EXTERNAL"
)]
#[case::mixed(
    service("it", &json!({}), &[(53, "TCP"), (53, "UDP")], &json!({})), &[("", "TCP 53 + UDP 53")], "EXTERNAL"
)]
#[case::internal_mixed(
    service("it", &json!({TYPE: "Internal"}), &[(53, "TCP"), (53, "UDP")], &json!({})),
    &[("10.0.", "L3_DEFAULT all")], "INTERNAL"
)]
#[case::many_ports(
    service("it", &json!({}), &[(1, "TCP"), (2, "TCP"), (3, "TCP"), (4, "TCP"), (5, "TCP"), (6, "TCP")], &json!({})),
    &[("", "TCP 1,2,3,4,5 + TCP 6")], "EXTERNAL"
)]
#[case::instance_groups_and_no_node_ports(
    service("it", &json!({"landfall.dev/gcp-backends": "InstanceGroup"}), &[(80, "TCP")],
            &json!({"allocateLoadBalancerNodePorts": false})),
    &[("", "TCP 80")], "EXTERNAL"
)]
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_load_balancer_comes_and_goes(
    #[case] wish: Value,
    #[case] wanted: &[(&str, &str)],
    #[case] scheme: &str,
) {
    let project = Project::new().await;
    let child = project.controller();
    project.create(wish).await;
    let addresses = project.addresses("it", wanted.len()).await;
    for (address, (begin, rules)) in addresses.iter().zip(wanted) {
        assert!(address.to_string().starts_with(begin), "{addresses:?}");
        assert_eq!(listening(&project, *address).join(" + "), *rules);
    }
    assert_eq!(project.members(), ["node-0", "node-1", "node-2"]);
    let schemes =
        project.made(Kind::ForwardingRule).into_iter().map(|rule| rule["loadBalancingScheme"].clone());
    assert!(schemes.into_iter().all(|it| it == scheme));
    project.stage.delete("it").await;
    assert_eq!(project.gcp.leaks(), []);
    assert_eq!(project.stage.terminate(child).await, Some(0), "{}", project.stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_address_is_used_by_its_name_and_stays() {
    let project = Project::new().await;
    let reserved = Place::region(PROJECT, REGION).at(Kind::Address, "front");
    let body = json!({"name": "front", "addressType": "EXTERNAL"});
    project.gcp.console().insert(&reserved, body, RequestId::new(1)).await.unwrap();
    let address = project.gcp.read(&reserved).unwrap()["address"].clone();
    // Here operations go on after the answer, as they do at Google.
    project.gcp.set_operation_time(Duration::from_millis(20));
    let child = project.controller();
    project.create(service("web", &json!({NAMED: "front"}), &[(80, "TCP")], &json!({}))).await;
    assert_eq!(project.address("web").await.to_string(), address);
    project.stage.delete("web").await;
    assert_eq!(project.gcp.leaks(), [reserved], "it is not ours");
    assert_eq!(project.stage.terminate(child).await, Some(0), "{}", project.stage.log());
}

#[rstest]
#[case::external("External")]
#[case::internal("Internal")]
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_shares_an_address_and_a_killed_controller_changes_nothing(#[case] scheme: &str) {
    let project = Project::new().await;
    let mut child = project.controller();
    let share = json!({"landfall.dev/share": "front", TYPE: scheme});
    for (name, port) in [("plain", 80), ("secure", 443)] {
        project.create(service(name, &share, &[(port, "TCP")], &json!({}))).await;
    }
    let (plain, secure) = (project.address("plain").await, project.address("secure").await);
    assert_eq!(plain, secure);
    assert_eq!(listening(&project, plain), ["TCP 443", "TCP 80"]);
    let before = project.gcp.leaks();
    child.kill().await.unwrap();

    let (calls, writes) = (project.gcp.calls(), project.gcp.writes());
    let child = project.controller();
    project.stage.looked(1).await;
    assert!(project.gcp.calls() > calls, "it has asked GCP");
    assert_eq!(project.gcp.writes(), writes, "{:#?}", project.gcp.journal().split_off(calls));
    assert_eq!(project.gcp.leaks(), before);

    project.stage.delete("plain").await;
    assert_eq!(listening(&project, secure), ["TCP 443"], "of the one that stays");
    assert_eq!(project.address("secure").await, secure);
    project.stage.delete("secure").await;
    assert_eq!(project.gcp.leaks(), []);
    assert_eq!(project.stage.terminate(child).await, Some(0), "{}", project.stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_told_and_takes_nothing_down() {
    let project = Project::new().await;
    let child = project.controller();
    project.create(web()).await;
    let address = project.address("web").await;
    project.condition("web", ACCEPTED, "True", "").await;
    let writes = project.gcp.writes();

    let tier = "cloud.google.com/network-tier";
    project.stage.patch("web", json!({"metadata": {"annotations": {tier: "Gold"}}})).await;
    let told = project.condition("web", ACCEPTED, "False", tier).await;
    for word in [tier, "Gold", "Premium", "Standard"] {
        assert!(told.contains(word), "{word} is missing in: {told}");
    }
    assert_eq!(project.address("web").await, address);
    assert_eq!(project.gcp.writes(), writes, "it stays as it is");

    project.stage.patch("web", json!({"metadata": {"annotations": {tier: null}}})).await;
    project.condition("web", ACCEPTED, "True", "").await;
    project.stage.delete("web").await;
    assert_eq!(project.gcp.leaks(), []);
    assert_eq!(project.stage.terminate(child).await, Some(0), "{}", project.stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_service_is_sent_to_where_its_pods_are() {
    let project = Project::new().await;
    let child = project.controller();
    // kube-proxy says on each node whether there is a pod: here the fake says it for node-0 and node-2.
    for without in ["node-0", "node-2"] {
        project.gcp.set_unhealthy(None, without, true);
    }
    let local = json!({"externalTrafficPolicy": "Local"});
    project.create(service("web", &json!({}), &[(80, "TCP")], &local)).await;
    project.stage.create::<EndpointSlice>(project.slices(), pod_on("node-1")).await;
    project.address("web").await;
    let web = project.stage.services().get("web").await.unwrap();
    let port = web.spec.unwrap().health_check_node_port;
    assert!(port.is_some_and(|port| port > 0));
    let own = |project: &Project| {
        let checks = project.made(Kind::HealthCheck);
        matches!(&checks[..], [check] if check["httpHealthCheck"]["port"] == json!(port))
    };
    project.until("a health check of its own", own).await;
    assert_eq!(project.members(), ["node-0", "node-1", "node-2"]);
    let told = project.condition("web", PROGRAMMED, "True", "1 of 3 targets healthy").await;
    assert!(told.contains("node-0") && told.contains("node-2") && !told.contains("node-1"), "{told}");

    project.stage.patch("web", json!({"spec": {"externalTrafficPolicy": "Cluster"}})).await;
    let shared = |project: &Project| {
        let checks = project.made(Kind::HealthCheck);
        matches!(&checks[..], [check] if check["httpHealthCheck"]["port"] == 10_256)
    };
    project.until("the health check of all", shared).await;
    project.stage.delete("web").await;
    assert_eq!(project.gcp.leaks(), []);
    assert_eq!(project.stage.terminate(child).await, Some(0), "{}", project.stage.log());
}

/// A ready pod of the Service `web` on a node.
fn pod_on(node: &str) -> Value {
    json!({"metadata": {"name": "web-1", "namespace": "default",
                        "labels": {"kubernetes.io/service-name": "web"}},
           "addressType": "IPv4", "ports": [{"name": "tcp-80", "port": 8080, "protocol": "TCP"}],
           "endpoints": [{"addresses": ["10.64.0.5"], "nodeName": node, "conditions": {"ready": true}}]})
}
