//! Health checks and groups of nodes.

use std::collections::BTreeSet;

use super::{Diff, fields};
use crate::api::Kind;
use crate::api::types::{Endpoint, EndpointGroup, InstanceGroup};
use crate::change::{Change, Members, Stage, What};
use crate::observe::Thing;
use crate::resources::GroupWish;

/// The type of endpoints that passthrough load balancers take.
const VM_IP: &str = "GCE_VM_IP";

/// Health checks that are missing or differ.
pub(super) fn checks(diff: &Diff<'_>) -> Vec<Change> {
    let wishes = diff.wanted.health_checks.iter();
    let change = wishes.filter_map(|wish| {
        let it = Thing::HealthCheck(wish.it.clone());
        let change = fields::change(diff.observed, Stage::Base, &wish.reference, it)?;
        Some(change.shared(wish.shared))
    });
    change.collect()
}

/// Groups that are missing.
pub(super) fn groups(diff: &Diff<'_>) -> Vec<Change> {
    let missing =
        diff.wanted.groups.iter().filter(|wish| !diff.observed.things.contains_key(&wish.reference));
    let insert = missing.map(|wish| {
        let change = Change::new(Stage::Base, &wish.reference, What::Insert(Box::new(group(wish))));
        change.shared(wish.shared)
    });
    insert.collect()
}

/// Members that groups lack or should not have, but for those that Google does not take. A group whose members are not
/// known is not compared.
pub(super) fn members(diff: &Diff<'_>) -> Vec<Change> {
    let nobody = BTreeSet::new();
    let change = diff.wanted.groups.iter().filter_map(|wish| {
        let there = if diff.observed.things.contains_key(&wish.reference) {
            &**diff.observed.members.get(&wish.reference)?
        } else {
            &nobody
        };
        let mut members = compare(wish, there);
        if let Some(refused) = diff.observed.refused.get(&wish.reference) {
            members.new.retain(|endpoint, _| !refused.contains_key(endpoint));
        }
        let change = Change::new(Stage::Members, &wish.reference, What::Members(members.clone()));
        (!members.is_empty()).then(|| change.shared(wish.shared))
    });
    change.collect()
}

fn compare(wish: &GroupWish, there: &BTreeSet<Endpoint>) -> Members {
    let new = wish.members.iter().filter(|(endpoint, _)| !there.contains(*endpoint));
    let gone = there.iter().filter(|endpoint| !wish.members.contains_key(*endpoint));
    Members {
        new: new.map(|(endpoint, node)| (endpoint.clone(), node.clone())).collect(),
        gone: gone.cloned().collect(),
    }
}

fn group(wish: &GroupWish) -> Thing {
    let (name, description) = (wish.reference.name.clone(), wish.description.clone());
    match wish.reference.kind {
        Kind::InstanceGroup => {
            Thing::InstanceGroup(InstanceGroup { name, description, ..InstanceGroup::default() })
        }
        _ => Thing::EndpointGroup(EndpointGroup {
            name,
            description,
            network_endpoint_type: Some(VM_IP.to_owned()),
            network: Some(wish.network.clone()),
            subnetwork: Some(wish.subnetwork.clone()),
            ..EndpointGroup::default()
        }),
    }
}
