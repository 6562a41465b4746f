//! The network that load balancers and nodes are in: what EC2 tells becomes [`Facts`].
//!
//! [`gather`] reads, through a [`NetworkCache`] that all load balancers share; [`facts`] decides, and is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_core::model::DesiredLb;

use crate::api::ec2::{Instance, RouteTable, SecurityGroup, Subnet, Vpc, Zone};
use crate::api::elb::{GroupTargets, ZoneMapping};
use crate::api::ids::SubnetId;
use crate::resources::{Facts, Quotas};
use crate::settings::{BalancerSettings, Security, Settings};

mod addresses;
mod cache;
mod error;
mod gather;
mod groups;
mod keyed;
mod nodes;
mod subnets;

pub use cache::{NetworkCache, NetworkConfig};
pub use error::NetworkError;
pub use gather::gather;
pub use subnets::{PassedOver, Reason};

/// What EC2 tells, as far as a wish needs it.
#[derive(Debug, Clone)]
pub struct Known {
    /// The network.
    pub vpc: Arc<Vpc>,
    /// Its subnets.
    pub subnets: Arc<Vec<Subnet>>,
    /// Its route tables; only looked at to find subnets.
    pub tables: Arc<Vec<RouteTable>>,
    /// The region's zones.
    pub zones: Arc<Vec<Zone>>,
    /// The instances of the nodes, those that exist.
    pub instances: Vec<Arc<Instance>>,
    /// The security groups that the wish names, and those of nodes that have several.
    pub groups: Vec<Arc<SecurityGroup>>,
    /// The `kubernetes.io/cluster/…` tag of this cluster, if it was configured; else the nodes' instances tell.
    pub cluster_tag: Option<String>,
    /// What the account lets a load balancer have.
    pub quotas: Quotas,
}

/// What a wish has to know about the network. `current` are the zones of the load balancer that stays; empty if there
/// is none yet.
pub fn facts(
    desired: &DesiredLb,
    settings: &Settings,
    current: &[ZoneMapping],
    known: &Known,
) -> Result<Facts, NetworkError> {
    let balancer = &settings.balancer;
    let own_tags = nodes::cluster_tags(known);
    let question = subnets::Question { settings: balancer, current, known, own_tags: &own_tags };
    let chosen = subnets::choose(&question)?;
    let mut problems = chosen.problems(known);
    let mut instances = BTreeMap::new();
    if settings.members.values().any(|member| member.targets == GroupTargets::Instance) {
        let (found, untold) = nodes::instances(desired, known);
        instances = found;
        problems.extend(untold);
    }
    let mut node_groups = BTreeSet::new();
    if carries_backend(balancer) {
        let (found, untold) = nodes::groups(known, &own_tags);
        node_groups = found;
        problems.extend(untold);
        let to_pods = settings.members.values().any(|member| member.targets == GroupTargets::Ip);
        problems.extend((to_pods && node_groups.is_empty()).then(nodes::none_opened));
    }
    Ok(Facts {
        vpc: known.vpc.id.clone(),
        ranges: known.vpc.ranges.clone(),
        subnets: addresses::mappings(balancer, &chosen.subnets)?,
        zones: zones(&chosen, current),
        given_groups: groups::given(balancer, known)?,
        instances,
        node_groups,
        existing: Vec::new(),
        superseded: BTreeSet::new(),
        quotas: known.quotas,
        problems,
    })
}

fn carries_backend(settings: &BalancerSettings) -> bool {
    match settings.security {
        Security::None => false,
        Security::Given { backend, .. } | Security::Managed { backend } => backend,
    }
}

/// The zones served; those that it has, for one that is taken over as it is.
fn zones(chosen: &subnets::Chosen<'_>, current: &[ZoneMapping]) -> BTreeMap<SubnetId, String> {
    if chosen.subnets.is_empty() {
        return current.iter().map(|it| (it.subnet.clone(), it.zone.clone())).collect();
    }
    chosen.subnets.iter().map(|it| (it.id.clone(), it.zone.clone())).collect()
}

#[cfg(test)]
mod tests;
