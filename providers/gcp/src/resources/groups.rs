//! Groups of nodes, and which of them serve a member.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use landfall_core::error::Category;
use landfall_core::model::{MemberRef, TrafficPolicy};
use landfall_core::outcome::Problem;
use landfall_core::params::gcp::{Backends, Scheme};

use super::model::{Cell, Facts, GroupWish};
use super::shards::{self, SHARD_NODES, Shard};
use super::{Inputs, Served};
use crate::api::types::Endpoint;
use crate::api::{Kind, Place, Reference, Scope};
use crate::{marks, names};

/// Instances that an instance group holds at most.
const INSTANCES: usize = 1_000;

/// Groups that a backend service has at most.
const GROUPS: usize = 50;

/// Names of nodes by place.
type Places<'a> = BTreeMap<Cell, Vec<&'a str>>;

/// Nodes that an external load balancer takes at most behind one backend service of network endpoint groups.
const EXTERNAL_NODES: usize = 3_000;

/// The groups of a load balancer.
#[derive(Debug)]
pub(super) struct Groups {
    /// Over how many shards the nodes are spread.
    pub(super) shards: usize,
    /// All of them.
    pub(super) wishes: Vec<GroupWish>,
    /// Those that all members are served by.
    shared: Vec<Reference>,
    /// Those that one member is served by instead.
    own: BTreeMap<MemberRef, Vec<Reference>>,
}

impl Groups {
    /// The groups that serve a member.
    pub(super) fn behind(&self, member: &MemberRef) -> &[Reference] {
        self.own.get(member).unwrap_or(&self.shared)
    }
}

/// The groups that the members need.
pub(super) fn of(inputs: &Inputs<'_>, members: &[Served<'_>], problems: &mut Vec<Problem>) -> Groups {
    let places = places(inputs.facts);
    if inputs.facts.nodes.is_empty() {
        problems.push(no_nodes(inputs));
    }
    let mut groups = match inputs.settings.balancer.backends {
        Backends::NetworkEndpointGroup => endpoint_groups(inputs, members, &places, problems),
        Backends::InstanceGroup => instance_groups(inputs, &places, problems),
    };
    problems.extend(limit(&mut groups));
    groups.wishes.sort_by(|a, b| a.reference.cmp(&b.reference));
    groups
}

/// The nodes by place. A place that had nodes stays, without any.
fn places(facts: &Facts) -> Places<'_> {
    let mut places: Places<'_> = facts.cells.iter().map(|cell| (cell.clone(), Vec::new())).collect();
    for (name, node) in &facts.nodes {
        if let Scope::Zone(zone) = &node.instance.place.scope {
            let cell = Cell { zone: zone.clone(), subnetwork: node.subnetwork.clone() };
            places.entry(cell).or_default().push(name);
        }
    }
    places
}

/// The groups of the shard that serves the load balancer. Where that has but a part of the nodes, members with
/// `externalTrafficPolicy: Local` have groups of their own, of the nodes with pods.
fn endpoint_groups(
    inputs: &Inputs<'_>,
    members: &[Served<'_>],
    places: &Places<'_>,
    problems: &mut Vec<Problem>,
) -> Groups {
    let count = shards::shards(inputs.facts.nodes.len(), inputs.facts.shards);
    let is_own = |served: &&Served<'_>| count > 1 && is_local(served);
    let mut groups = Groups { shards: count, wishes: Vec::new(), shared: Vec::new(), own: BTreeMap::new() };
    for served in members.iter().filter(is_own) {
        let wishes = own_groups(inputs, served, places, problems);
        let references = wishes.iter().map(|wish| wish.reference.clone()).collect();
        groups.own.insert(served.member.as_ref(), references);
        groups.wishes.extend(wishes);
    }
    if groups.own.len() < members.len() {
        let wishes = shared_groups(inputs, count, places);
        groups.shared = wishes.iter().map(|wish| wish.reference.clone()).collect();
        groups.wishes.extend(wishes);
    }
    groups
}

fn is_local(served: &Served<'_>) -> bool {
    matches!(served.member.traffic, TrafficPolicy::Local { .. })
}

fn shared_groups(inputs: &Inputs<'_>, count: usize, places: &Places<'_>) -> Vec<GroupWish> {
    let index = shards::shard_of(&inputs.desired.id, count);
    let chosen = shards::members(places, Shard { index, of: count }, SHARD_NODES);
    let scheme = inputs.settings.balancer.scheme;
    let wishes = places.keys().map(|cell| GroupWish {
        description: marks::shared_nodes(inputs.cluster, index),
        shared: true,
        ..endpoint_group(
            inputs,
            cell,
            names::shared_endpoints(inputs.cluster, scheme, &cell.subnetwork, index),
            chosen.get(cell).map(Vec::as_slice).unwrap_or_default(),
        )
    });
    wishes.collect()
}

/// A group at each place: pods may move there, and then it is the group that changes and not the backend service.
fn own_groups(
    inputs: &Inputs<'_>,
    served: &Served<'_>,
    places: &Places<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<GroupWish> {
    let member = served.member.as_ref();
    let pods = served.member.listeners.iter().flat_map(|listener| &listener.endpoints);
    let with_pods: BTreeSet<&str> = pods.filter_map(|pod| pod.node.as_deref()).collect();
    let serving: Places<'_> = places
        .iter()
        .map(|(cell, nodes)| {
            let serving = nodes.iter().copied().filter(|node| with_pods.contains(node));
            (cell.clone(), serving.collect())
        })
        .collect();
    let scheme = inputs.settings.balancer.scheme;
    let most = if scheme == Scheme::Internal { SHARD_NODES } else { EXTERNAL_NODES };
    let chosen = shards::members(&serving, Shard { index: 0, of: 1 }, most);
    let asked: usize = serving.values().map(Vec::len).sum();
    problems.extend((asked > most).then(|| too_many_nodes(&member, asked, most)));
    let wishes = places.keys().map(|cell| GroupWish {
        description: marks::of_member(inputs.cluster, &inputs.desired.id, &member),
        shared: false,
        ..endpoint_group(
            inputs,
            cell,
            inputs.names().endpoints(&member, scheme, &cell.subnetwork),
            chosen.get(cell).map(Vec::as_slice).unwrap_or_default(),
        )
    });
    wishes.collect()
}

/// A network endpoint group of these nodes, without marks.
fn endpoint_group(inputs: &Inputs<'_>, cell: &Cell, name: String, nodes: &[&str]) -> GroupWish {
    let members = nodes.iter().filter_map(|name| {
        let node = inputs.facts.nodes.get(*name)?;
        let instance = node.instance.name.clone();
        Some((Endpoint { instance, ip_address: Some(node.address.to_string()) }, (*name).to_owned()))
    });
    GroupWish {
        reference: zone(inputs, cell).at(Kind::EndpointGroup, name),
        description: String::new(),
        network: inputs.facts.network.url(),
        subnetwork: cell.subnetwork.clone(),
        members: members.collect(),
        shared: false,
    }
}

/// One group per place, for all members of all load balancers.
fn instance_groups(inputs: &Inputs<'_>, places: &Places<'_>, problems: &mut Vec<Problem>) -> Groups {
    let all = inputs.facts.nodes.len();
    if inputs.settings.balancer.scheme == Scheme::Internal && all > SHARD_NODES {
        problems.push(untouched(all));
    }
    let wishes = places.iter().map(|(cell, nodes)| {
        if nodes.len() > INSTANCES {
            problems.push(too_many_instances(cell, nodes.len()));
        }
        let kept = shards::best_first(nodes.clone(), 0).into_iter().take(INSTANCES);
        let members = kept.filter_map(|name| {
            let instance = inputs.facts.nodes.get(name)?.instance.name.clone();
            Some((Endpoint { instance, ip_address: None }, name.to_owned()))
        });
        let name = names::shared_instances(inputs.cluster, &cell.subnetwork);
        GroupWish {
            reference: zone(inputs, cell).at(Kind::InstanceGroup, name),
            description: marks::shared_nodes(inputs.cluster, 0),
            network: inputs.facts.network.url(),
            subnetwork: cell.subnetwork.clone(),
            members: members.collect(),
            shared: true,
        }
    });
    let wishes: Vec<GroupWish> = wishes.collect();
    let shared = wishes.iter().map(|wish| wish.reference.clone()).collect();
    Groups { shards: 1, wishes, shared, own: BTreeMap::new() }
}

fn zone(inputs: &Inputs<'_>, cell: &Cell) -> Place {
    Place::zone(inputs.facts.region.project.clone(), cell.zone.clone())
}

/// Leaves out what is more than a backend service takes: groups without nodes first, then those of the fewest nodes.
fn limit(groups: &mut Groups) -> Option<Problem> {
    let sizes: BTreeMap<Reference, usize> =
        groups.wishes.iter().map(|wish| (wish.reference.clone(), wish.members.len())).collect();
    let size = |group: &Reference| sizes.get(group).copied().unwrap_or_default();
    let (mut asked, mut left_out) = (0, BTreeSet::new());
    for list in std::iter::once(&mut groups.shared).chain(groups.own.values_mut()) {
        asked = asked.max(list.len());
        list.sort_by_key(|group| (Reverse(size(group)), group.clone()));
        left_out.extend(list.split_off(GROUPS.min(list.len())));
        list.sort_unstable();
    }
    groups.wishes.retain(|wish| !left_out.contains(&wish.reference));
    left_out.retain(|group| size(group) > 0);
    (!left_out.is_empty()).then(|| Problem {
        member: None,
        port: None,
        category: Category::new("TooManyGroups"),
        message: format!(
            "the nodes of {} of {asked} groups get no traffic: nodes in one zone and one subnet are a group, and a \
             backend service has at most {GROUPS}; use fewer subnets",
            left_out.len()
        ),
    })
}

fn no_nodes(inputs: &Inputs<'_>) -> Problem {
    let nodes = &inputs.desired.nodes;
    let why = if !nodes.eligible.is_empty() {
        "none is an instance that Compute Engine knows"
    } else if nodes.excluded.is_empty() {
        "the cluster has no nodes"
    } else {
        "all nodes are excluded by their label, about to be removed by an autoscaler, or being deleted"
    };
    Problem {
        member: None,
        port: None,
        category: Category::new("NoTargets"),
        message: format!("no node takes its traffic: {why}"),
    }
}

/// Tells that Google leaves nodes out of what an internal load balancer has.
fn untouched(nodes: usize) -> Problem {
    Problem {
        member: None,
        port: None,
        category: Category::new("TooManyNodes"),
        message: format!(
            "of the cluster's {nodes} nodes, Google sends traffic of an internal load balancer with instance groups to \
             {SHARD_NODES} that it chooses; use network endpoint groups, or label nodes to be left out"
        ),
    }
}

fn too_many_nodes(member: &MemberRef, nodes: usize, most: usize) -> Problem {
    Problem {
        member: Some(member.service.clone()),
        port: None,
        category: Category::new("TooManyNodes"),
        message: format!(
            "the pods on {} of {nodes} nodes get no traffic: a load balancer of this scheme takes {most} nodes; use \
             externalTrafficPolicy: Cluster, or run the pods on fewer nodes",
            nodes - most
        ),
    }
}

fn too_many_instances(cell: &Cell, nodes: usize) -> Problem {
    Problem {
        member: None,
        port: None,
        category: Category::new("TooManyNodes"),
        message: format!(
            "{} of {nodes} nodes in zone {} get no traffic: an instance group holds at most {INSTANCES}; use network \
             endpoint groups",
            nodes - INSTANCES,
            cell.zone
        ),
    }
}
