//! The resource graph: what a load balancer consists of, as values of the API.
//!
//! Names are deterministic, and so are the URLs made of them: resources refer to each other before they exist. Only the
//! address may be unknown; what needs it says so by its family and gets it when it is applied.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::ids::LbId;
use landfall_core::model::MemberRef;
use landfall_core::net::IpFamily;
use landfall_core::outcome::Problem;
use serde::Serialize;

use crate::api::types::{Address, BackendService, Endpoint, Firewall, ForwardingRule, HealthCheck};
use crate::api::{Place, Reference};

/// Everything that a load balancer takes. Every resource has its marks in its description.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wanted {
    /// Whose it is.
    pub lb: LbId,
    /// Addresses, one per family, primary first.
    pub addresses: Vec<AddressWish>,
    /// Health checks, those shared by all load balancers of the cluster included.
    pub health_checks: Vec<HealthCheckWish>,
    /// Groups of nodes, those shared by all load balancers of the cluster included.
    pub groups: Vec<GroupWish>,
    /// Backend services, one per member, by name.
    pub backend_services: Vec<BackendServiceWish>,
    /// Firewall rules, those shared by all load balancers of the cluster included.
    pub firewalls: Vec<FirewallWish>,
    /// Forwarding rules, by name.
    pub forwarding_rules: Vec<ForwardingRuleWish>,
    /// Members whose resources stay as they are.
    pub retained: BTreeSet<MemberRef>,
    /// What the operator should know although the rest works.
    pub problems: Vec<Problem>,
}

/// An address wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddressWish {
    /// Its family.
    pub family: IpFamily,
    /// Where it comes from.
    pub source: AddressSource,
}

/// Where an address comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum AddressSource {
    /// A reserved address of the user, which is never changed and never given back.
    Given {
        /// The reservation.
        reference: Reference,
        /// The address.
        address: IpAddr,
    },
    /// The one that the forwarding rules have, else one that Google gives.
    Chosen {
        /// Where that reservation is: next to the forwarding rules.
        #[serde(skip)]
        reference: Reference,
        /// How it is reserved under our mark, while a forwarding rule is replaced or several use it. The field `address`
        /// is filled in when it is applied.
        reservation: Box<Address>,
        /// Whether it stays reserved: several forwarding rules use it.
        keep: bool,
        /// The address that was asked for.
        asked: Option<IpAddr>,
    },
}

/// A health check wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthCheckWish {
    /// The resource.
    pub it: HealthCheck,
    /// Where it is, and its name.
    pub reference: Reference,
    /// Whether all load balancers of the cluster use it.
    pub shared: bool,
}

/// A group of nodes wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupWish {
    /// Where it is, its kind ([`Kind::EndpointGroup`](crate::api::Kind) or [`Kind::InstanceGroup`](crate::api::Kind))
    /// and its name.
    pub reference: Reference,
    /// Its description: our marks.
    pub description: String,
    /// URL of its network.
    pub network: String,
    /// URL of the subnet of its nodes.
    pub subnetwork: String,
    /// Its members, each with the node's name. Endpoints of instance groups have no address.
    #[serde(serialize_with = "members_as_list")]
    pub members: BTreeMap<Endpoint, String>,
    /// Whether all load balancers of the cluster use it.
    pub shared: bool,
}

/// A backend service wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackendServiceWish {
    /// The resource; fields that are `None` have their default.
    pub it: BackendService,
    /// Where it is, and its name.
    pub reference: Reference,
    /// Whose it is.
    pub member: MemberRef,
}

/// A firewall rule wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirewallWish {
    /// The resource. The address of `towards` is its destination range, filled in when it is applied.
    pub it: Firewall,
    /// Where it is (in the network's project), and its name.
    pub reference: Reference,
    /// The family of the load balancer's address that it leads to; `None` for health checks, which ask the nodes.
    pub towards: Option<IpFamily>,
    /// Whose it is; `None` if all load balancers of the cluster use it.
    pub member: Option<MemberRef>,
    /// Without nodes nothing tells which instances it is for: one that is there keeps its targets, and none is made.
    pub keeps_targets: bool,
}

/// A forwarding rule wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForwardingRuleWish {
    /// The resource. The address is filled in when it is applied.
    pub it: ForwardingRule,
    /// Where it is, and its name, which changes with everything that cannot be changed in place.
    pub reference: Reference,
    /// The family of its address.
    pub family: IpFamily,
    /// Whose it is.
    pub member: MemberRef,
}

/// What is known about project, network and nodes: read before the graph is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Where load balancers are made.
    pub region: Place,
    /// The network.
    pub network: Reference,
    /// The subnets that addresses come from, by family; without one where none is needed.
    pub subnets: BTreeMap<IpFamily, SubnetFact>,
    /// Reserved addresses of the user that were asked for, by family, and their reservations.
    pub addresses: BTreeMap<IpFamily, (Reference, IpAddr)>,
    /// Nodes that can be members of groups, by name.
    pub nodes: BTreeMap<String, NodeFact>,
    /// Forwarding rules of this load balancer that are there.
    pub rules: Vec<ForwardingRule>,
    /// Over how many shards the nodes of the cluster are spread now; 1 if there is none.
    pub shards: usize,
    /// Where the cluster has groups of nodes. They stay backends although their last node went, so that a zone that
    /// empties and fills again does not concern each load balancer.
    pub cells: BTreeSet<Cell>,
    /// What the operator should know: nodes that cannot be members, why an address was passed over.
    pub problems: Vec<Problem>,
}

/// Where the nodes of one group are: all in one zone and one subnet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Name of the zone.
    pub zone: String,
    /// URL of the subnet.
    pub subnetwork: String,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetFact {
    /// The subnet.
    pub reference: Reference,
    /// Its ranges.
    pub ranges: Vec<IpNet>,
    /// Its IPv6 addresses can be reached by everybody.
    pub external_ipv6: bool,
}

/// A node as a virtual machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFact {
    /// The instance.
    pub instance: Reference,
    /// URL of the subnet of its first interface.
    pub subnetwork: String,
    /// IPv4 address of its first interface.
    pub address: IpAddr,
    /// Its network tags.
    pub tags: BTreeSet<String>,
    /// Its service account.
    pub service_account: Option<String>,
}

fn members_as_list<S: serde::Serializer>(
    members: &BTreeMap<Endpoint, String>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let text = |(endpoint, node): (&Endpoint, &String)| match &endpoint.ip_address {
        Some(address) => format!("{} {address} ({node})", endpoint.instance),
        None => format!("{} ({node})", endpoint.instance),
    };
    to.collect_seq(members.iter().map(text))
}
