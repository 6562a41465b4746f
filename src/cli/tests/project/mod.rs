//! A project in the fake Compute Engine, an API server, and what a test does and sees there.

use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, DeleteParams};
use landfall_gcp::api::{Kind, Reference};
use landfall_testkit::gcp::fake::{FakeCompute, NewInstance, PROJECT, REGION, Served};
use serde_json::{Value, json};
use tokio::process::Child;

use crate::stage::Stage;

/// A project, and a controller's surroundings.
pub(crate) struct Project {
    /// The API server, and where the controller runs.
    pub(crate) stage: Stage,
    /// What the controller calls; its journal has nothing but these calls.
    pub(crate) gcp: FakeCompute,
    served: Served,
}

impl Project {
    /// Three zones with a node each, and operations that are done when they are answered.
    pub(crate) async fn new() -> Self {
        let (stage, gcp) = (Stage::new().await, FakeCompute::new());
        gcp.set_operation_time(Duration::ZERO);
        let served = gcp.serve().await.unwrap();
        let project = Self { stage, gcp, served };
        for number in 0..3 {
            project.add_node(number).await;
        }
        project
    }

    /// Adds the instance `node-NUMBER`, if it is not there, as a node.
    pub(crate) async fn add_node(&self, number: usize) {
        self.gcp.add_nodes(number + 1);
        let instance = NewInstance::node(number);
        let provider_id = format!("gce://{PROJECT}/{}/{}", instance.zone, instance.name);
        let node = json!({
            "metadata": {"name": instance.name, "labels": {"topology.kubernetes.io/zone": instance.zone}},
            "spec": {"providerID": provider_id},
            "status": {"conditions": [{"type": "Ready", "status": "True"}],
                       "addresses": [{"type": "InternalIP", "address": instance.address}]},
        });
        self.stage.create(self.nodes(), node).await;
    }

    /// Removes a node from the cluster; its instance stays.
    pub(crate) async fn remove_node(&self, number: usize) {
        let name = NewInstance::node(number).name;
        self.nodes().delete(&name, &DeleteParams::default()).await.unwrap();
    }

    /// Endpoint slices of the namespace `default`.
    pub(crate) fn slices(&self) -> Api<EndpointSlice> {
        Api::default_namespaced(self.stage.backend.admin())
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.stage.backend.admin())
    }

    fn environment(&self) -> [(&'static str, String); 7] {
        [
            ("LANDFALL_PROVIDERS", "gcp".to_owned()),
            ("LANDFALL_CLUSTER_ID", "e2e".to_owned()),
            ("LANDFALL_GCP_ENDPOINT", self.served.endpoint()),
            ("LANDFALL_GCP_PROJECT", PROJECT.to_owned()),
            ("LANDFALL_GCP_REGION", REGION.to_owned()),
            ("LANDFALL_GCP_LIMITS", "none".to_owned()),
            // One that was killed would hold its lease.
            ("LANDFALL_LEADER_ELECT", "false".to_owned()),
        ]
    }

    /// Starts the controller.
    pub(crate) fn controller(&self) -> Child {
        self.stage.controller_with(&[], self.environment())
    }

    /// Asks for a plan for a Service. Returns what it prints.
    pub(crate) async fn plan(&self, service: &Value) -> String {
        self.stage.plan(service, self.environment()).await
    }

    /// Creates a Service.
    pub(crate) async fn create(&self, service: Value) {
        self.stage.create(self.stage.services(), service).await;
    }

    /// Waits until a Service shows that many addresses. Returns them, in its order.
    pub(crate) async fn addresses(&self, name: &str, count: usize) -> Vec<IpAddr> {
        let has = |service: Option<&Service>| service.is_some_and(|service| shown(service).len() == count);
        let service = self.stage.service_until(name, "addresses", has).await.unwrap();
        shown(&service)
    }

    /// Waits until a Service shows one address.
    pub(crate) async fn address(&self, name: &str) -> IpAddr {
        self.addresses(name, 1).await[0]
    }

    /// Waits until a condition of a Service has that status and tells that text. Returns its message.
    pub(crate) async fn condition(&self, name: &str, kind: &str, status: &str, text: &str) -> String {
        let message = |service: &Service| {
            let conditions = service.status.as_ref()?.conditions.iter().flatten();
            let mut of_kind = conditions.filter(|one| one.type_ == kind && one.status == status);
            of_kind.find(|one| one.message.contains(text)).map(|one| one.message.clone())
        };
        let has = |service: Option<&Service>| service.and_then(message).is_some();
        let what = format!("{kind}={status} {text}");
        let service = self.stage.service_until(name, &what, has).await.unwrap();
        message(&service).unwrap()
    }

    /// Waits until the project is so.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let seen = async {
            while !holds(self) {
                ticks.tick().await;
            }
        };
        self.stage.within(what, seen).await;
    }

    /// Everything of a kind that was made over the API.
    pub(crate) fn made(&self, kind: Kind) -> Vec<Value> {
        self.references(kind).iter().filter_map(|what| self.gcp.read(what)).collect()
    }

    /// The forwarding rules of an address.
    pub(crate) fn rules(&self, address: IpAddr) -> Vec<Value> {
        let is_at = |rule: &Value| {
            // IPv6 addresses of forwarding rules are ranges.
            let text = rule["IPAddress"].as_str().unwrap_or_default();
            text.split('/').next().and_then(|text| text.parse().ok()) == Some(address)
        };
        self.made(Kind::ForwardingRule).into_iter().filter(is_at).collect()
    }

    /// The names of the instances in all groups of either kind, in order.
    pub(crate) fn members(&self) -> Vec<String> {
        let groups = [Kind::EndpointGroup, Kind::InstanceGroup].map(|kind| self.references(kind)).concat();
        let mut names: Vec<String> = groups.iter().flat_map(|group| self.gcp.members_of(group)).collect();
        names.sort();
        names
    }

    fn references(&self, kind: Kind) -> Vec<Reference> {
        self.gcp.leaks().into_iter().filter(|what| what.kind == kind).collect()
    }
}

/// The addresses of a Service's status.
fn shown(service: &Service) -> Vec<IpAddr> {
    let ingress = service.status.iter().flat_map(|status| &status.load_balancer);
    let ingress = ingress.flat_map(|balancer| balancer.ingress.iter().flatten());
    ingress.filter_map(|one| one.ip.as_deref()?.parse().ok()).collect()
}
