//! The cluster and the network around a wish.
//!
//! The usual world: the project `shop` with the region `europe-west1` and the network `main`. Nodes `n1`, `n2`, `n3` are
//! running instances `gke-n1`, … in the zones `b`, `c` and `d` with the network tags `gke` and `linux`, in the subnet
//! `nodes`. See [`subnets`] and [`addresses`] for what can be named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_core::ids::Uid;
use landfall_core::model::{ExcludedNode, Exclusion, MemberRef, NodeSet, NodeTarget};
use landfall_gcp::api::types::{Address, ForwardingRule, Instance, Subnetwork};
use landfall_gcp::api::{Kind, Place, Reference};
use landfall_gcp::network::Known;
use landfall_gcp::resources::{Cell, Facts};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::input::Input;

const PROJECT: &str = "shop";
const REGION: &str = "europe-west1";

/// How the world differs from the usual one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct World {
    /// How many nodes there are instead of three; further ones are in the zones in turn.
    nodes: Option<u16>,
    /// What is different about single nodes.
    node: BTreeMap<String, NodeChange>,
    /// The network is in the project `host`.
    shared_vpc: bool,
    /// Name of the subnet that was configured.
    subnetwork: Option<String>,
    /// The ports that the load balancer served before: it has the rules for them.
    ports_before: Vec<u16>,
    /// Services that belong to the load balancer and are refused at the moment.
    retained: Vec<String>,
    /// Over how many shards the nodes are spread already.
    shards: Option<usize>,
    /// Letters of zones where the cluster has groups already.
    zones_before: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NodeChange {
    /// `spec.providerID`; empty for none.
    provider_id: Option<String>,
    /// Status of the instance; `unknown` if Compute Engine does not know it.
    status: Option<String>,
    tags: Option<Vec<String>>,
    account: Option<String>,
    network: Option<String>,
    subnetwork: Option<String>,
    /// It is about to be removed.
    draining: bool,
}

impl World {
    fn names(&self) -> impl Iterator<Item = (u16, String)> {
        (1..=self.nodes.unwrap_or(3)).map(|number| (number, format!("n{number}")))
    }

    /// The nodes as Kubernetes knows them.
    pub(crate) fn node_set(&self) -> NodeSet {
        let mut set = NodeSet::default();
        for (number, name) in self.names() {
            let change = self.node.get(&name);
            if change.is_some_and(|change| change.draining) {
                set.excluded.push(ExcludedNode { name, reason: Exclusion::Draining });
                continue;
            }
            let usual = format!("gce://{PROJECT}/{}/gke-{name}", zone(number));
            let provider_id = change.and_then(|change| change.provider_id.clone()).unwrap_or(usual);
            set.eligible.push(NodeTarget {
                provider_id: (!provider_id.is_empty()).then_some(provider_id),
                addresses: Vec::new(),
                zone: Some(zone(number)),
                labels: BTreeMap::new(),
                name,
            });
        }
        set
    }

    /// The members that are retained.
    pub(crate) fn retained(&self) -> Result<Vec<MemberRef>, String> {
        let member = |text: &String| {
            let service: landfall_core::ids::ServiceKey =
                text.parse().map_err(|error: landfall_core::ids::IdError| error.to_string())?;
            let uid = Uid::new(format!("uid-{}", service.name)).map_err(|error| error.to_string())?;
            Ok(MemberRef { service, uid })
        };
        self.retained.iter().map(member).collect()
    }

    /// The forwarding rules that are there.
    pub(crate) fn before(&self, input: &Input) -> Vec<ForwardingRule> {
        if self.ports_before.is_empty() {
            return Vec::new();
        }
        let graph = input.graph_with_ports(&self.ports_before);
        graph
            .map(|graph| graph.forwarding_rules.into_iter().map(|rule| rule.it).collect())
            .unwrap_or_default()
    }

    /// What Compute Engine tells.
    pub(crate) fn known(&self, rules: &[ForwardingRule]) -> Known {
        Known {
            region: Place::region(PROJECT, REGION),
            network: self.network("main"),
            subnetwork: self.subnetwork.clone(),
            instances: self.instances(),
            subnets: self.subnets(),
            addresses: Arc::new(addresses()),
            rules: rules.to_vec(),
        }
    }

    /// Adds how the groups of the cluster are made up.
    pub(crate) fn with_groups(&self, facts: Facts) -> Facts {
        let cell = |letter: &String| Cell {
            zone: format!("{REGION}-{letter}"),
            subnetwork: self.subnet("nodes").url(),
        };
        Facts {
            shards: self.shards.unwrap_or(1),
            cells: self.zones_before.iter().map(cell).collect(),
            ..facts
        }
    }

    fn network(&self, name: &str) -> Reference {
        Place::global(if self.shared_vpc { "host" } else { PROJECT }).at(Kind::Network, name)
    }

    fn subnet(&self, name: &str) -> Reference {
        let project = if self.shared_vpc { "host" } else { PROJECT };
        Place::region(project, REGION).at(Kind::Subnetwork, name)
    }

    fn instances(&self) -> BTreeMap<Reference, Arc<Instance>> {
        let usual = NodeChange::default();
        let instance = |(number, name): (u16, String)| {
            let change = self.node.get(&name).unwrap_or(&usual);
            let status = change.status.as_deref().unwrap_or("RUNNING");
            let tags = change.tags.clone().unwrap_or_else(|| vec!["linux".to_owned(), "gke".to_owned()]);
            let accounts = change.account.iter().map(|email| json!({ "email": email }));
            let instance = read(json!({
                "name": format!("gke-{name}"),
                "status": status,
                "tags": { "items": tags },
                "serviceAccounts": accounts.collect::<Vec<_>>(),
                "networkInterfaces": [{
                    "network": self.network(change.network.as_deref().unwrap_or("main")).url(),
                    "subnetwork": self.subnet(change.subnetwork.as_deref().unwrap_or("nodes")).url(),
                    "networkIP": format!("10.0.{}.{}", number / 250, number % 250 + 1),
                }],
            }));
            let reference = Place::zone(PROJECT, zone(number)).at(Kind::Instance, format!("gke-{name}"));
            (status != "unknown").then(|| (reference, Arc::new(instance)))
        };
        self.names().filter_map(instance).collect()
    }

    /// `nodes` has external IPv6 addresses, `inside` internal ones, `plain` none; `elsewhere` is in another network and
    /// `proxies` for other load balancers.
    fn subnets(&self) -> BTreeMap<Reference, Arc<Subnetwork>> {
        let subnet = |name: &str, network: &str, more: Value| {
            let mut all =
                json!({ "name": name, "network": self.network(network).url(), "purpose": "PRIVATE" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            (self.subnet(name), Arc::new(read(all)))
        };
        BTreeMap::from([
            subnet(
                "nodes",
                "main",
                json!({ "ipCidrRange": "10.0.0.0/16", "stackType": "IPV4_IPV6",
                "ipv6AccessType": "EXTERNAL", "externalIpv6Prefix": "2600:1900:4010:1::/64" }),
            ),
            subnet(
                "inside",
                "main",
                json!({ "ipCidrRange": "10.8.0.0/20", "stackType": "IPV4_IPV6",
                "ipv6AccessType": "INTERNAL", "internalIpv6Prefix": "fd20:1:2:3::/64" }),
            ),
            subnet("plain", "main", json!({ "ipCidrRange": "10.9.0.0/20", "stackType": "IPV4_ONLY" })),
            subnet("elsewhere", "other", json!({ "ipCidrRange": "10.10.0.0/20" })),
            subnet(
                "proxies",
                "main",
                json!({ "ipCidrRange": "10.11.0.0/20", "purpose": "REGIONAL_MANAGED_PROXY" }),
            ),
        ])
    }
}

/// Reserved addresses. Those whose names begin with `used` have users.
fn addresses() -> Vec<Address> {
    let subnet = |name: &str| Place::region(PROJECT, REGION).at(Kind::Subnetwork, name).url();
    let users = |user: &str| json!([format!("projects/{PROJECT}/zones/{REGION}-b/instances/{user}")]);
    let external = |name: &str, address: &str, tier: &str| {
        json!({ "name": name, "address": address, "addressType": "EXTERNAL", "networkTier": tier,
            "ipVersion": "IPV4", "status": "RESERVED" })
    };
    let internal = |name: &str, address: &str, purpose: &str| {
        json!({ "name": name, "address": address, "addressType": "INTERNAL", "purpose": purpose,
            "subnetwork": subnet("nodes"), "status": "RESERVED" })
    };
    let mut used = external("used", "203.0.113.30", "PREMIUM");
    used["users"] = users("bastion");
    let six = |name: &str, address: &str, endpoint: &str| {
        json!({ "name": name, "address": address, "addressType": "EXTERNAL", "ipVersion": "IPV6", "prefixLength": 96,
            "ipv6EndpointType": endpoint, "networkTier": "PREMIUM", "subnetwork": subnet("nodes") })
    };
    let mut far = internal("inside-inside", "10.8.0.9", "GCE_ENDPOINT");
    far["subnetwork"] = json!(subnet("inside"));
    let all = [
        external("premium", "203.0.113.10", "PREMIUM"),
        external("standard", "203.0.113.20", "STANDARD"),
        used,
        six("six", "2600:1900:4010:1:8000::", "NETLB"),
        six("six-vm", "2600:1900:4010:1:9000::", "VM"),
        internal("inside", "10.0.0.50", "GCE_ENDPOINT"),
        internal("inside-shared", "10.0.0.51", "SHARED_LOADBALANCER_VIP"),
        internal("inside-psc", "10.0.0.52", "PRIVATE_SERVICE_CONNECT"),
        far,
    ];
    all.into_iter().map(read).collect()
}

fn zone(number: u16) -> String {
    let letter = ["b", "c", "d"][usize::from((number - 1) % 3)];
    format!("{REGION}-{letter}")
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// The names of what can be asked for are told apart.
#[test]
fn names_are_unique() {
    let all = addresses();
    let names: BTreeSet<&String> = all.iter().map(|address| &address.name).collect();
    assert_eq!(names.len(), all.len());
}
