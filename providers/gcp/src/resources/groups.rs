//! Groups of nodes, and which of them serve a member.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::error::Category;
use landfall_core::model::TrafficPolicy;
use landfall_core::outcome::Problem;
use landfall_core::params::gcp::{Backends, Scheme};

use super::model::{Cell, Facts, GroupWish};
use super::shards::{self, SHARD_NODES, Shard, Share};
use super::{Inputs, Served};
use crate::api::types::Endpoint;
use crate::api::{Kind, Place, Reference, Scope};
use crate::{marks, names};

/// Instances that an instance group holds at most.
const INSTANCES: usize = 1_000;

/// Groups that a backend service has at most.
const GROUPS: usize = 50;

/// The groups of a load balancer.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// All of them, by zone and name.
    pub(super) wishes: Vec<GroupWish>,
    /// Those that serve members with `externalTrafficPolicy: Cluster`.
    cluster: Vec<Reference>,
    /// Those that serve members with `Local`: any node may run a pod, and health checks find out which do.
    local: Vec<Reference>,
}

impl Groups {
    /// The groups that serve a member.
    pub(super) fn behind(&self, served: &Served<'_>) -> &[Reference] {
        if is_local(served) { &self.local } else { &self.cluster }
    }
}

/// The groups that the members need.
pub(super) fn of(inputs: &Inputs<'_>, members: &[Served<'_>], problems: &mut Vec<Problem>) -> Groups {
    let all = cells(inputs.facts);
    if inputs.facts.nodes.is_empty() {
        problems.push(no_nodes(inputs));
    }
    let mut groups = match inputs.settings.balancer.backends {
        Backends::NetworkEndpointGroup => endpoint_groups(inputs, members, &all),
        Backends::InstanceGroup => instance_groups(inputs, &all, problems),
    };
    problems.extend(untouched(inputs, members));
    problems.extend(limit(&mut groups));
    groups
}

fn is_local(served: &Served<'_>) -> bool {
    matches!(served.member.traffic, TrafficPolicy::Local { .. })
}

/// The nodes by place. A place that had nodes stays, without any.
fn cells(facts: &Facts) -> BTreeMap<Cell, Vec<&str>> {
    let mut cells: BTreeMap<Cell, Vec<&str>> =
        facts.cells.iter().map(|cell| (cell.clone(), Vec::new())).collect();
    for (name, node) in &facts.nodes {
        if let Scope::Zone(zone) = &node.instance.place.scope {
            let cell = Cell { zone: zone.clone(), subnetwork: node.subnetwork.clone() };
            cells.entry(cell).or_default().push(name);
        }
    }
    cells
}

/// Members with policy `Cluster` are served by one shard of the nodes, those with `Local` by all.
fn endpoint_groups(inputs: &Inputs<'_>, members: &[Served<'_>], all: &BTreeMap<Cell, Vec<&str>>) -> Groups {
    let count = shards::shards(inputs.facts.nodes.len(), inputs.facts.shards);
    let own = shards::shard_of(&inputs.desired.id, count);
    let has_local = members.iter().any(is_local);
    let has_cluster = !members.iter().all(is_local);
    let mut groups = Groups::default();
    for index in 0..count {
        let for_cluster = has_cluster && index == own;
        let here = shards::members(all, Shard { index, of: count }, SHARD_NODES);
        for place in all.keys() {
            let share = here.get(place);
            // A node must be behind a backend service once only, so lent ones do not count where all shards serve.
            let for_local = has_local && !share.is_some_and(|share| share.lent);
            if for_cluster || for_local {
                let wish = endpoint_group(inputs, index, place, share);
                groups.cluster.extend(for_cluster.then(|| wish.reference.clone()));
                groups.local.extend(for_local.then(|| wish.reference.clone()));
                groups.wishes.push(wish);
            }
        }
    }
    groups
}

fn endpoint_group(inputs: &Inputs<'_>, index: usize, cell: &Cell, share: Option<&Share<'_>>) -> GroupWish {
    let nodes = share.map(|share| share.nodes.as_slice()).unwrap_or_default();
    let scheme = inputs.settings.balancer.scheme;
    let name = names::shared_endpoints(inputs.cluster, scheme, &cell.subnetwork, index);
    let members = nodes.iter().filter_map(|name| {
        let node = inputs.facts.nodes.get(*name)?;
        let instance = node.instance.name.clone();
        Some((Endpoint { instance, ip_address: Some(node.address.to_string()) }, (*name).to_owned()))
    });
    GroupWish {
        reference: zone(inputs, cell).at(Kind::EndpointGroup, name),
        description: marks::shared_nodes(inputs.cluster, index),
        network: inputs.facts.network.url(),
        subnetwork: cell.subnetwork.clone(),
        members: members.collect(),
        shared: true,
    }
}

/// One group per place, for all members of all load balancers.
fn instance_groups(
    inputs: &Inputs<'_>,
    all: &BTreeMap<Cell, Vec<&str>>,
    problems: &mut Vec<Problem>,
) -> Groups {
    let mut groups = Groups::default();
    for (cell, nodes) in all {
        if nodes.len() > INSTANCES {
            problems.push(too_many_instances(cell, nodes.len()));
        }
        let kept = shards::best_first(nodes.clone(), 0).into_iter().take(INSTANCES);
        let members = kept.filter_map(|name| {
            let instance = inputs.facts.nodes.get(name)?.instance.name.clone();
            Some((Endpoint { instance, ip_address: None }, name.to_owned()))
        });
        let name = names::shared_instances(inputs.cluster, &cell.subnetwork);
        groups.wishes.push(GroupWish {
            reference: zone(inputs, cell).at(Kind::InstanceGroup, name),
            description: marks::shared_nodes(inputs.cluster, 0),
            network: inputs.facts.network.url(),
            subnetwork: cell.subnetwork.clone(),
            members: members.collect(),
            shared: true,
        });
    }
    groups.cluster = groups.wishes.iter().map(|wish| wish.reference.clone()).collect();
    groups.local.clone_from(&groups.cluster);
    groups
}

fn zone(inputs: &Inputs<'_>, cell: &Cell) -> Place {
    Place::zone(inputs.facts.region.project.clone(), cell.zone.clone())
}

/// Leaves out what is more than a backend service takes: groups without nodes first, then those of the fewest nodes.
fn limit(groups: &mut Groups) -> Option<Problem> {
    let asked = groups.cluster.len().max(groups.local.len());
    if asked <= GROUPS {
        return None;
    }
    let size: BTreeMap<Reference, usize> =
        groups.wishes.iter().map(|wish| (wish.reference.clone(), wish.members.len())).collect();
    let mut left_out = 0;
    for list in [&mut groups.cluster, &mut groups.local] {
        list.sort_by_key(|group| (std::cmp::Reverse(size.get(group).copied()), group.clone()));
        let beyond = list.split_off(GROUPS.min(list.len()));
        left_out += beyond.iter().filter(|group| size.get(*group).is_some_and(|size| *size > 0)).count();
    }
    let used: BTreeSet<&Reference> = groups.cluster.iter().chain(&groups.local).collect();
    groups.wishes.retain(|wish| used.contains(&wish.reference));
    (left_out > 0).then(|| Problem {
        member: None,
        port: None,
        category: Category::new("TooManyGroups"),
        message: format!(
            "the nodes of {left_out} of {asked} groups get no traffic: nodes in one zone and one subnet are a group, \
             and a backend service has at most {GROUPS}; use fewer subnets"
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
fn untouched(inputs: &Inputs<'_>, members: &[Served<'_>]) -> Option<Problem> {
    let balancer = &inputs.settings.balancer;
    let nodes = inputs.facts.nodes.len();
    let has_all = balancer.backends == Backends::InstanceGroup || members.iter().any(is_local);
    (balancer.scheme == Scheme::Internal && has_all && nodes > SHARD_NODES).then(|| Problem {
        member: None,
        port: None,
        category: Category::new("TooManyNodes"),
        message: format!(
            "of the cluster's {nodes} nodes, Google sends traffic of an internal load balancer to {SHARD_NODES} that it \
             chooses; use network endpoint groups and externalTrafficPolicy: Cluster, or label nodes to be left out"
        ),
    })
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
