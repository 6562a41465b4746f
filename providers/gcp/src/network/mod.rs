//! The network that load balancers and nodes are in: what Compute Engine tells becomes [`Facts`].
//!
//! [`gather`] reads, through a [`NetworkCache`] that all load balancers share; [`facts`] decides, and is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_core::model::DesiredLb;

use crate::api::types::{Address, ForwardingRule, Instance, Subnetwork};
use crate::api::{Place, Reference};
use crate::resources::Facts;
use crate::settings::Settings;

mod addresses;
mod cache;
mod error;
mod gather;
mod nodes;
mod slot;
mod subnets;

pub use cache::{NetworkCache, NetworkConfig};
pub use error::{AddressError, NetworkError, SubnetError};
pub use gather::gather;
pub(crate) use nodes::look_again;

/// What Compute Engine tells, as far as a wish needs it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where load balancers are made: the region of the cluster in its project.
    pub region: Place,
    /// The network.
    pub network: Reference,
    /// The subnet that was configured.
    pub subnetwork: Option<String>,
    /// The instances of the nodes, those that exist.
    pub instances: BTreeMap<Reference, Arc<Instance>>,
    /// The subnets that the wish may need, those that exist.
    pub subnets: BTreeMap<Reference, Arc<Subnetwork>>,
    /// The reserved addresses of the region; only looked at for some that are asked for.
    pub addresses: Arc<Vec<Address>>,
    /// The forwarding rules of the load balancer.
    pub rules: Vec<ForwardingRule>,
}

/// The region of the load balancers: as configured, else that of the nodes of this wish or of the first one seen.
pub fn region(cache: &NetworkCache, desired: Option<&DesiredLb>) -> Result<Place, NetworkError> {
    cache.region(&desired.map(nodes::instances).unwrap_or_default())
}

/// What a wish has to know about the network. How the groups of the cluster are made up is not told here: there is one
/// shard, and no group.
pub fn facts(desired: &DesiredLb, settings: &Settings, known: &Known) -> Result<Facts, NetworkError> {
    let (nodes, mut problems) = nodes::facts(desired, known);
    let question = Question { desired, settings, known };
    let asked = addresses::asked_for(&question, &mut problems)?;
    let mut subnets = BTreeMap::new();
    for (family, reference) in subnets::needed(&question)? {
        subnets.insert(family, subnets::judge(&question, family, reference)?);
    }
    let addresses = addresses::judge(&question, asked, &subnets)?;
    Ok(Facts {
        region: known.region.clone(),
        network: known.network.clone(),
        subnets,
        addresses,
        nodes,
        rules: known.rules.clone(),
        shards: 1,
        cells: BTreeSet::new(),
        problems,
    })
}

/// A wish, and what is known.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    desired: &'a DesiredLb,
    settings: &'a Settings,
    known: &'a Known,
}

#[cfg(test)]
mod tests;
