//! What single resources tell: whose they are, where they are, and what they refer to.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use landfall_core::ids::ClusterId;

use super::Collection;
use crate::api::{Place, Reference, Scope};
use crate::marks;
use crate::observe::{Owner, Thing};
use crate::resources::Cell;

/// Where the nodes of a group are.
pub(super) fn cell(group: &Reference, it: &Thing) -> Option<Cell> {
    let subnetwork = match it {
        Thing::EndpointGroup(group) => group.subnetwork.as_deref(),
        Thing::InstanceGroup(group) => group.rest.get("subnetwork").and_then(|url| url.as_str()),
        _ => None,
    };
    let subnetwork = Reference::parse(subnetwork?)?.url();
    Some(Cell { zone: zone_of(&group.place)?.to_owned(), subnetwork })
}

/// The groups that a backend service leads to.
pub(super) fn groups_of(it: &Thing) -> BTreeSet<Reference> {
    let Thing::BackendService(service) = it else { return BTreeSet::new() };
    service.backends.iter().filter_map(|backend| Reference::parse(&backend.group)).collect()
}

/// The project of the network that something is in. External resources of IPv4 are in none; the subnet of others is in
/// the project of its network.
pub(super) fn network_project(it: &Thing) -> Option<String> {
    let url = match it {
        Thing::EndpointGroup(group) => group.network.as_deref(),
        Thing::InstanceGroup(group) => group.network.as_deref(),
        Thing::ForwardingRule(rule) => rule.network.as_deref().or(rule.subnetwork.as_deref()),
        Thing::Address(address) => address.subnetwork.as_deref(),
        Thing::BackendService(_) | Thing::Firewall(_) | Thing::HealthCheck(_) => None,
    };
    Some(Reference::parse(url?)?.place.project)
}

/// Whose a resource with this description is; `None` if it is not this cluster's.
pub(super) fn owner(cluster: &ClusterId, description: &str) -> Option<Owner> {
    if !marks::is_ours(cluster, description) {
        return None;
    }
    let mark = marks::mark(description);
    let owned = mark.map(|mark| Owner::Lb { lb: mark.lb, member: mark.member });
    owned.or_else(|| marks::role(description).map(|_| Owner::Shared))
}

/// Counts one less, and forgets what there is none of.
pub(super) fn count_down<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    let Some(count) = counts.get_mut(key) else { return };
    *count = count.saturating_sub(1);
    if *count == 0 {
        counts.remove(key);
    }
}

pub(super) fn collection_of(reference: &Reference) -> Collection {
    (reference.place.clone(), reference.kind)
}

pub(super) fn is_in(reference: &Reference, collection: &Collection) -> bool {
    reference.kind == collection.1 && reference.place == collection.0
}

/// The zone of a place, if it is one.
pub(super) fn zone_of(place: &Place) -> Option<&str> {
    match &place.scope {
        Scope::Zone(zone) => Some(zone),
        Scope::Global | Scope::Region(_) => None,
    }
}
