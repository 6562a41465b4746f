//! Nodes and their instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use landfall_core::error::Category;
use landfall_core::model::{DesiredLb, NodeTarget};
use landfall_core::outcome::Problem;

use super::cache::NEW_INSTANCE;
use super::{Known, NetworkConfig, NetworkError};
use crate::api::types::{Instance, NetworkInterface};
use crate::api::{Kind, Place, Reference, Scope};
use crate::resources::NodeFact;
use crate::text::some_of;

/// The instances of the nodes, those that have one.
pub(super) fn instances(desired: &DesiredLb) -> BTreeSet<Reference> {
    desired.nodes.eligible.iter().filter_map(instance_of).collect()
}

/// Those of a region. Others are not even read: rights may end at the project, and work at the region.
pub(super) fn in_region(instances: BTreeSet<Reference>, region: &Place) -> BTreeSet<Reference> {
    instances.into_iter().filter(|instance| region_of(instance).as_ref() == Some(region)).collect()
}

/// The region that the nodes are in, as far as it is not configured.
pub(super) fn region(instances: &BTreeSet<Reference>, config: &NetworkConfig) -> Result<Place, NetworkError> {
    let is_asked = |asked: &Option<String>, found: &str| asked.as_ref().is_none_or(|asked| asked == found);
    let fits = |place: &Place| match &place.scope {
        Scope::Region(region) => {
            is_asked(&config.project, &place.project) && is_asked(&config.region, region)
        }
        Scope::Global | Scope::Zone(_) => false,
    };
    let found = instances.iter().filter_map(region_of).filter(fits).collect();
    only(found, || NetworkError::NoRegion, NetworkError::SeveralRegions)
}

/// The network that instances are in.
pub(super) fn network(instances: &BTreeMap<Reference, Arc<Instance>>) -> Result<Reference, NetworkError> {
    let networks = instances.values().filter_map(|it| network_of(first_interface(it)?)).collect();
    only(networks, || NetworkError::NoNetwork, NetworkError::SeveralNetworks)
}

/// The only one of several.
fn only<T: Ord>(
    found: BTreeSet<T>,
    none: impl Fn() -> NetworkError,
    several: impl Fn(Vec<T>) -> NetworkError,
) -> Result<T, NetworkError> {
    let mut found: Vec<T> = found.into_iter().collect();
    match found.pop() {
        None => Err(none()),
        Some(only) if found.is_empty() => Ok(only),
        Some(last) => {
            found.push(last);
            Err(several(found))
        }
    }
}

/// The instance of a node: `gce://PROJECT/ZONE/INSTANCE`.
fn instance_of(node: &NodeTarget) -> Option<Reference> {
    let path = node.provider_id.as_deref()?.strip_prefix("gce://")?;
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [project, zone, name] if ![project, zone, name].iter().any(|part| part.is_empty()) => {
            Some(Place::zone(*project, *zone).at(Kind::Instance, *name))
        }
        _ => None,
    }
}

/// The region of a zone: `europe-west1-b` is in `europe-west1`.
fn region_of(instance: &Reference) -> Option<Place> {
    let Scope::Zone(zone) = &instance.place.scope else { return None };
    let (region, _) = zone.rsplit_once('-')?;
    Some(Place::region(instance.place.project.clone(), region))
}

/// Load balancers reach the first interface.
fn first_interface(instance: &Instance) -> Option<&NetworkInterface> {
    instance.network_interfaces.first()
}

fn network_of(interface: &NetworkInterface) -> Option<Reference> {
    Reference::parse(interface.network.as_deref()?)
}

/// Compute Engine does not know an instance, or not yet.
const NOT_FOUND: &str = "InstanceNotFound";
/// An instance is stopped, or not started yet.
const NOT_RUNNING: &str = "InstanceNotRunning";

/// Why a node cannot be a member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unfit {
    NoProviderId,
    NotOnGcp,
    OtherRegion,
    NotFound,
    NotRunning,
    OtherNetwork,
    NoInterface,
}

/// The nodes that can be members of groups, and a problem for each reason why others cannot.
pub(super) fn facts(desired: &DesiredLb, known: &Known) -> (BTreeMap<String, NodeFact>, Vec<Problem>) {
    let mut fit = BTreeMap::new();
    let mut unfit: BTreeMap<Unfit, BTreeSet<&str>> = BTreeMap::new();
    for node in &desired.nodes.eligible {
        match judge(node, known) {
            Ok(fact) => drop(fit.insert(node.name.clone(), fact)),
            Err(why) => drop(unfit.entry(why).or_default().insert(&node.name)),
        }
    }
    (fit, unfit.into_iter().map(|(why, names)| problem(why, &names, known)).collect())
}

fn judge(node: &NodeTarget, known: &Known) -> Result<NodeFact, Unfit> {
    let no_instance = if node.provider_id.is_some() { Unfit::NotOnGcp } else { Unfit::NoProviderId };
    let reference = instance_of(node).ok_or(no_instance)?;
    if region_of(&reference).as_ref() != Some(&known.region) {
        return Err(Unfit::OtherRegion);
    }
    let instance = known.instances.get(&reference).ok_or(Unfit::NotFound)?;
    if instance.status.as_deref() != Some("RUNNING") {
        return Err(Unfit::NotRunning);
    }
    let interface = first_interface(instance).ok_or(Unfit::NoInterface)?;
    if network_of(interface).as_ref() != Some(&known.network) {
        return Err(Unfit::OtherNetwork);
    }
    let subnetwork = interface.subnetwork.as_deref().and_then(Reference::parse).ok_or(Unfit::NoInterface)?;
    let address = interface.network_ip.as_deref().and_then(|text| text.parse().ok());
    Ok(NodeFact {
        instance: reference,
        subnetwork: subnetwork.url(),
        address: address.ok_or(Unfit::NoInterface)?,
        tags: instance.tags.items.iter().cloned().collect(),
        service_account: instance.service_accounts.first().map(|account| account.email.clone()),
    })
}

/// When to look again at nodes that are left out because their instances are not there yet or do not run yet.
pub(crate) fn look_again(problems: &[Problem]) -> Option<Duration> {
    let may_come = |problem: &Problem| [NOT_FOUND, NOT_RUNNING].contains(&problem.category.as_str());
    problems.iter().any(may_come).then_some(NEW_INSTANCE)
}

fn problem(why: Unfit, names: &BTreeSet<&str>, known: &Known) -> Problem {
    let nodes = some_of(names);
    let (word, message) = match why {
        Unfit::NoProviderId => (
            "NodeWithoutProviderID",
            format!(
                "nodes without spec.providerID get no traffic: {nodes}; start the cloud controller manager or set it"
            ),
        ),
        Unfit::NotOnGcp => (
            "NodeNotOnGcp",
            format!(
                "nodes whose spec.providerID is not of the form gce://PROJECT/ZONE/INSTANCE get no traffic: {nodes}"
            ),
        ),
        Unfit::OtherRegion => (
            "NodeInOtherRegion",
            format!("nodes outside of the load balancers' region, {}, get no traffic: {nodes}", known.region),
        ),
        Unfit::NotFound => {
            (NOT_FOUND, format!("nodes whose instance Compute Engine does not know get no traffic: {nodes}"))
        }
        Unfit::NotRunning => {
            (NOT_RUNNING, format!("nodes whose instance is not running get no traffic: {nodes}"))
        }
        Unfit::OtherNetwork => (
            "NodeInOtherNetwork",
            format!(
                "nodes whose first interface is not in the load balancers' network, {}, get no traffic: {nodes}",
                known.network
            ),
        ),
        Unfit::NoInterface => (
            "NodeWithoutAddress",
            format!("nodes whose first interface has no subnet with an IPv4 address get no traffic: {nodes}"),
        ),
    };
    Problem { member: None, port: None, category: Category::new(word), message }
}
