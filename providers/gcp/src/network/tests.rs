//! What is read of the network, how often, and what comes of it. Single wishes are in the golden tests.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::error::{Classified, ErrorClass};
use landfall_core::ids::ProviderName;
use landfall_core::model::{NodeSet, NodeTarget};
use landfall_core::testing::lb;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::api::error::Failure;
use crate::api::{Answer, ApiError, Compute, Kind, Method, Operation, OperationRef, Page, RequestId, Verb};
use crate::calls::Calls;
use crate::client::Client;
use crate::error::GcpError;
use crate::observer::Unobserved;
use crate::pace::Limits;
use crate::settings;

/// Compute Engine with some resources by path of their list, to be read only.
#[derive(Default)]
struct Project {
    resources: Mutex<HashMap<String, Vec<Value>>>,
    calls: Mutex<Vec<String>>,
    broken: Mutex<bool>,
}

impl Project {
    fn add(&self, list: &str, item: Value) {
        self.resources.lock().unwrap().entry(list.to_owned()).or_default().push(item);
    }

    fn add_instance(&self, zone: &str, name: &str, status: &str) {
        let list = format!("projects/p/zones/{zone}/instances");
        let interface = json!({ "network": "projects/p/global/networks/net", "networkIP": "10.0.0.2",
            "subnetwork": "projects/p/regions/r/subnetworks/nodes" });
        self.add(
            &list,
            json!({ "name": name, "status": status, "networkInterfaces": [interface],
            "metadata": { "items": [{ "key": "startup-script", "value": "x".repeat(1_000) }] } }),
        );
    }

    fn breaks(&self, broken: bool) {
        *self.broken.lock().unwrap() = broken;
    }

    /// The calls made since this was asked last.
    fn calls(&self) -> Vec<String> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.sort();
        calls
    }

    fn read(&self, method: Method, list: &str, told: String) -> Answer<Vec<Value>> {
        self.calls.lock().unwrap().push(told);
        if *self.broken.lock().unwrap() {
            return Err(ApiError { method, kind: Failure::NoAnswer { reason: "reset".to_owned() } });
        }
        Ok(self.resources.lock().unwrap().get(list).cloned().unwrap_or_default())
    }
}

#[async_trait]
impl Compute for Project {
    async fn list(&self, place: &Place, kind: Kind, _: Option<&str>, _: Option<&str>) -> Answer<Page<Value>> {
        let list = format!("{place}/{}", kind.collection());
        self.read(Method::new(kind, Verb::List), &list, format!("list {list}")).map(Page::last)
    }

    async fn get(&self, what: &Reference) -> Answer<Value> {
        let method = Method::new(what.kind, Verb::Get);
        let list = format!("{}/{}", what.place, what.kind.collection());
        let found = self.read(method, &list, format!("get {what}"))?;
        found.into_iter().find(|item| item["name"] == what.name.as_str()).ok_or_else(|| {
            let (reason, message) = ("notFound".to_owned(), String::new());
            ApiError { method, kind: Failure::Answered { reason, message, status: 404, operation: None } }
        })
    }

    async fn insert(&self, what: &Reference, _: Value, _: RequestId) -> Answer<Operation> {
        panic!("{what} is inserted by a read")
    }

    async fn change(&self, what: &Reference, _: Verb, _: Value, _: RequestId) -> Answer<Operation> {
        panic!("{what} is changed by a read")
    }

    async fn delete(&self, what: &Reference, _: RequestId) -> Answer<Operation> {
        panic!("{what} is deleted by a read")
    }

    async fn members(&self, what: &Reference, _: Verb, _: Value, _: Option<&str>) -> Answer<Page<Value>> {
        panic!("members of {what} are not needed")
    }

    async fn operation(&self, operation: &OperationRef) -> Answer<Operation> {
        panic!("{} is none of ours", operation.name)
    }
}

struct World {
    project: Arc<Project>,
    client: Client,
    cache: NetworkCache,
}

fn world(config: NetworkConfig) -> World {
    let project = Arc::new(Project::default());
    project.add_instance("r-a", "i1", "RUNNING");
    project.add_instance("r-b", "i2", "RUNNING");
    project.add(
        "projects/p/regions/r/subnetworks",
        json!({ "name": "nodes", "network": "projects/p/global/networks/net", "ipCidrRange": "10.0.0.0/16" }),
    );
    let calls = Calls::new(project.clone(), &Limits::none(), Arc::new(Unobserved));
    World { project, client: Client::new(&Arc::new(calls), "default/web"), cache: NetworkCache::new(config) }
}

fn node(name: &str, provider_id: &str) -> NodeTarget {
    NodeTarget {
        name: name.to_owned(),
        provider_id: Some(provider_id.to_owned()),
        addresses: Vec::new(),
        zone: None,
        labels: BTreeMap::new(),
    }
}

/// A wish on nodes with these instances: `n1` on the first one, and so on.
fn web(instances: &[&str], annotations: &[(&str, &str)]) -> DesiredLb {
    let nodes = instances.iter().enumerate();
    let eligible = nodes.map(|(number, id)| node(&format!("n{}", number + 1), id)).collect();
    let add =
        |member, (key, value): &(&str, &str)| landfall_core::model::Member::annotated(member, key, value);
    lb(ProviderName::Gcp, "web")
        .on(Arc::new(NodeSet { eligible, excluded: Vec::new() }))
        .with(|member| annotations.iter().fold(member, add))
}

const BOTH: [&str; 2] = ["gce://p/r-a/i1", "gce://p/r-b/i2"];
const INTERNAL: (&str, &str) = ("networking.gke.io/load-balancer-type", "Internal");

impl World {
    async fn gather(&self, desired: &DesiredLb) -> Result<Facts, GcpError> {
        gather(&self.client, &self.cache, desired, &settings::read(desired).settings, &[]).await
    }
}

#[tokio::test(start_paused = true)]
async fn zones_are_read_once_for_all() {
    let world = world(NetworkConfig::default());
    for _ in 0..3 {
        let facts = world.gather(&web(&BOTH, &[])).await.unwrap();
        assert_eq!(facts.nodes.keys().collect::<Vec<_>>(), ["n1", "n2"]);
        assert_eq!(facts.region, Place::region("p", "r"));
        assert_eq!(facts.network.to_string(), "projects/p/global/networks/net");
    }
    let zones = ["list projects/p/zones/r-a/instances", "list projects/p/zones/r-b/instances"];
    assert_eq!(world.project.calls(), zones);
    advance(Duration::from_mins(11)).await;
    world.gather(&web(&BOTH, &[])).await.unwrap();
    assert_eq!(world.project.calls(), zones);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_instance_is_told_and_looked_for_once_in_a_while() {
    let world = world(NetworkConfig::default());
    let all = [BOTH[0], BOTH[1], "gce://p/r-a/i3"];
    for _ in 0..3 {
        let facts = world.gather(&web(&all, &[])).await.unwrap();
        assert_eq!(facts.problems[0].category.as_str(), "InstanceNotFound");
        assert!(facts.problems[0].message.contains("n3"));
    }
    assert_eq!(world.project.calls().len(), 2);
    advance(Duration::from_secs(31)).await;
    world.project.add_instance("r-a", "i3", "RUNNING");
    let facts = world.gather(&web(&all, &[])).await.unwrap();
    assert_eq!((facts.nodes.len(), facts.problems.len()), (3, 0));
    assert_eq!(world.project.calls(), ["list projects/p/zones/r-a/instances"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_is_no_answer_and_what_is_still_good_stays() {
    let world = world(NetworkConfig::default());
    world.project.breaks(true);
    let error = world.gather(&web(&BOTH, &[])).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    world.project.breaks(false);
    world.gather(&web(&BOTH, &[])).await.unwrap();
    world.project.breaks(true);
    assert_eq!(world.gather(&web(&BOTH, &[])).await.unwrap().nodes.len(), 2);
    advance(Duration::from_mins(11)).await;
    assert!(world.gather(&web(&BOTH, &[])).await.is_err(), "too old to go by");
}

#[tokio::test(start_paused = true)]
async fn subnets_are_read_where_addresses_come_from_them() {
    let world = world(NetworkConfig::default());
    let facts = world.gather(&web(&BOTH, &[INTERNAL])).await.unwrap();
    assert_eq!(facts.subnets[&landfall_core::net::IpFamily::V4].reference.name, "nodes");
    assert!(world.project.calls().contains(&"get projects/p/regions/r/subnetworks/nodes".to_owned()));
    world.gather(&web(&BOTH, &[INTERNAL])).await.unwrap();
    assert_eq!(world.project.calls(), [""; 0]);
    let key = "networking.gke.io/load-balancer-subnet";
    let error = world.gather(&web(&BOTH, &[INTERNAL, (key, "cellar")])).await.unwrap_err();
    assert_eq!((error.category().as_str(), error.class()), ("SubnetNotFound", ErrorClass::Quota));
}

#[tokio::test(start_paused = true)]
async fn reservations_are_read_for_those_that_ask_for_some() {
    let world = world(NetworkConfig::default());
    let asking = [("networking.gke.io/load-balancer-ip-addresses", "mine")];
    let error = world.gather(&web(&BOTH, &asking)).await.unwrap_err();
    assert_eq!(error.category().as_str(), "AddressNotFound");
    world.project.add("projects/p/regions/r/addresses", json!({ "name": "mine", "address": "192.0.2.9" }));
    assert!(world.gather(&web(&BOTH, &asking)).await.is_err(), "read a moment ago");
    advance(Duration::from_secs(31)).await;
    let facts = world.gather(&web(&BOTH, &asking)).await.unwrap();
    assert_eq!(facts.addresses.len(), 1);
    world.project.calls();
    world.gather(&web(&BOTH, &[])).await.unwrap();
    assert_eq!(world.project.calls(), [""; 0]);
}

#[rstest]
#[case::no_nodes(&[], "RegionNotFound")]
#[case::elsewhere(&["aws:///eu-west-1a/i-1"], "RegionNotFound")]
#[case::two_regions(&["gce://p/r-a/i1", "gce://p/s-a/i2"], "RegionNotFound")]
#[case::two_projects(&["gce://p/r-a/i1", "gce://q/r-a/i2"], "RegionNotFound")]
#[case::unknown_instance(&["gce://p/r-a/i9"], "NetworkNotFound")]
#[tokio::test(start_paused = true)]
async fn what_nodes_do_not_tell_must_be_configured(#[case] instances: &[&str], #[case] category: &str) {
    let world = world(NetworkConfig::default());
    let error = world.gather(&web(instances, &[])).await.unwrap_err();
    assert_eq!(error.category().as_str(), category);
    assert!(error.to_string().contains("--gcp-"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_configured_needs_no_nodes() {
    let config = NetworkConfig {
        project: Some("p".to_owned()),
        region: Some("r".to_owned()),
        network: Some("net".to_owned()),
        network_project: Some("host".to_owned()),
        ..NetworkConfig::default()
    };
    let world = world(config);
    let facts = world.gather(&web(&["gce://p/s-a/i1"], &[])).await.unwrap();
    assert_eq!(facts.network.to_string(), "projects/host/global/networks/net");
    assert_eq!(facts.problems[0].category.as_str(), "NodeInOtherRegion");
    assert_eq!(world.project.calls(), [""; 0], "nodes of other regions are not read");
}

#[tokio::test(start_paused = true)]
async fn load_balancers_stay_where_the_first_nodes_were() {
    let world = world(NetworkConfig::default());
    world.gather(&web(&BOTH, &[])).await.unwrap();
    let facts = world.gather(&web(&["gce://p/s-a/i1"], &[])).await.unwrap();
    assert_eq!(facts.region, Place::region("p", "r"));
    assert_eq!(facts.nodes.len(), 0);
}
