//! `landfall controller` as a process against an API server over HTTP: from the first Service to the end by SIGTERM.

#![cfg(feature = "metal")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests may"
)]

mod program;
mod stage;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::Api;
use kube::runtime::wait::await_condition;
use landfall_api::names::LEASE_NAME;
use landfall_api::v1alpha1::AddressPool;
use serde_json::{Value, json};
use stage::Stage;
use tokio::process::Command;

fn address(service: &Service) -> Option<&str> {
    let ingress = service.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref()?;
    ingress.first()?.ip.as_deref()
}

fn has_address(service: Option<&Service>) -> bool {
    service.and_then(address).is_some()
}

fn pool() -> Value {
    json!({"apiVersion": "landfall.dev/v1alpha1", "kind": "AddressPool", "metadata": {"name": "public"},
           "spec": {"addresses": ["192.0.2.16/28"]}})
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
           "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/metal",
                    "selector": {"app": name}, "ports": [{"port": 80}]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_gets_its_address_and_sigterm_releases_the_lease() {
    let stage = Stage::new().await;
    let client = stage.backend.admin();
    stage.create::<AddressPool>(Api::all(client.clone()), pool()).await;
    stage.create::<Service>(Api::default_namespaced(client.clone()), service("web")).await;
    let child = stage.controller(&["--providers", "metal", "--log-format", "json"]);

    let web = stage.service_until("web", "an address", has_address).await.unwrap();
    assert_eq!(address(&web), Some("192.0.2.16"));
    let lease: Api<Lease> = Api::namespaced(client, "default");
    let holder = |lease: &Lease| lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
    let held = lease.get(LEASE_NAME).await.unwrap();
    assert!(holder(&held).is_some_and(|name| !name.is_empty()), "held while it runs: {held:?}");

    assert_eq!(stage.terminate(child).await, Some(0), "{}", stage.log());
    let freed = lease.get(LEASE_NAME).await.unwrap();
    assert_eq!(holder(&freed).unwrap_or_default(), "", "released: {freed:?}");
    for line in stage.log().lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_cannot_read_the_cluster_leaves_the_lease_to_others() {
    let stage = Stage::with("").await;
    let client = stage.backend.admin();
    let child = stage.controller(&["--providers", "metal"]);
    stage.logged("the API server does not know AddressPool").await;
    let lease: Api<Lease> = Api::namespaced(client.clone(), "default");
    assert_eq!(lease.get_opt(LEASE_NAME).await.unwrap(), None);

    for definition in landfall_api::all_crds() {
        stage.create::<CustomResourceDefinition>(Api::all(client.clone()), json!(definition)).await;
    }
    let exists = |lease: Option<&Lease>| lease.is_some();
    stage.within("the lease", async { await_condition(lease, LEASE_NAME, exists).await.unwrap() }).await;
    assert_eq!(stage.terminate(child).await, Some(0), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_against_the_cluster_tells_what_the_controller_then_does() {
    let stage = Stage::new().await;
    let client = stage.backend.admin();
    stage.create::<AddressPool>(Api::all(client.clone()), pool()).await;
    let child = stage.controller(&["--leader-elect=false"]);
    stage.create::<Service>(Api::default_namespaced(client.clone()), service("first")).await;
    stage.service_until("first", "the first address", has_address).await;

    let file = stage.directory.path().join("second.json");
    std::fs::write(&file, service("second").to_string()).unwrap();
    let (kubeconfig, file) = (stage.kubeconfig(), file.display().to_string());
    let plan = || {
        let args = ["plan", "--kubeconfig", &kubeconfig, "-o", "json", "-f", &file];
        Command::from(program::command(&args)).output()
    };
    let before: Value =
        serde_json::from_slice(&stage.within("a plan", plan()).await.unwrap().stdout).unwrap();
    let planned = before["loadBalancers"][0]["ingress"][0]["ip"]["ip"].as_str().unwrap();

    stage.create::<Service>(Api::default_namespaced(client), service("second")).await;
    let second = stage.service_until("second", "the second address", has_address).await.unwrap();
    assert_eq!(address(&second), Some(planned), "as planned");
    let after: Value = serde_json::from_slice(&stage.within("a plan", plan()).await.unwrap().stdout).unwrap();
    assert_eq!(after["summary"], json!({"changes": 0, "unchanged": 1, "refused": 0, "notServed": 0}));
    assert_eq!(stage.terminate(child).await, Some(0), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_told_in_one_line() {
    let stage = Stage::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (kubeconfig, taken) = (stage.kubeconfig(), taken.local_addr().unwrap().to_string());
    let args = ["controller", "--kubeconfig", &kubeconfig, "--admin-addr", &taken];
    let run = Command::from(program::command(&args)).kill_on_drop(true).output();
    let run: program::Run = stage.within("the end", run).await.unwrap().into();
    assert_eq!((run.code, run.stderr.lines().count()), (1, 1), "{}", run.stderr);
    assert!(run.stderr.contains(&taken) && run.stderr.contains("--admin-addr"), "{}", run.stderr);
}
