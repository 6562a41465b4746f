//! Nodes and their instances.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use landfall_core::error::Category;
use landfall_core::model::{DesiredLb, NodeTarget};
use landfall_core::outcome::Problem;

use super::subnets::CLUSTER_TAG;
use super::{Known, NetworkError};
use crate::api::ec2::{Instance, SecurityGroup};
use crate::api::ids::{InstanceId, SecurityGroupId, VpcId};
use crate::resources::InstanceFact;
use crate::text::some_of;

/// EKS puts it on the virtual nodes of Fargate, which are no instances and never will be.
const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// The instances of the nodes, those that have one.
pub(super) fn ids(desired: &DesiredLb) -> Vec<InstanceId> {
    let mut ids: Vec<InstanceId> = desired.nodes.eligible.iter().filter_map(id_of).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// The instance of a node: the last part of `aws:///ZONE/i-…`.
fn id_of(node: &NodeTarget) -> Option<InstanceId> {
    let path = node.provider_id.as_deref()?.strip_prefix("aws://")?;
    let (_, id) = path.rsplit_once('/')?;
    let number = id.strip_prefix("i-")?;
    let good = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    good.then(|| InstanceId::new(id))
}

/// The network that the instances are in.
pub(super) fn vpc(instances: &[Arc<Instance>]) -> Result<VpcId, NetworkError> {
    let found: BTreeSet<&VpcId> = instances.iter().filter_map(|instance| instance.vpc.as_ref()).collect();
    let mut found = found.into_iter().cloned();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(first), Some(second)) => {
            Err(NetworkError::SeveralVpcs([first, second].into_iter().chain(found).collect()))
        }
        (None, _) => Err(NetworkError::NoVpc),
    }
}

/// The tags of this cluster, as configured or as the instances have them.
pub(super) fn cluster_tags(known: &Known) -> BTreeSet<String> {
    if let Some(name) = &known.cluster_tag {
        return BTreeSet::from([format!("{CLUSTER_TAG}{name}")]);
    }
    let keys = known.instances.iter().flat_map(|instance| instance.tags.keys());
    keys.filter(|key| key.starts_with(CLUSTER_TAG)).cloned().collect()
}

/// Why a node cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unfit {
    NoProviderId,
    NotOnAws,
    NotFound,
    OtherVpc,
    NotRunning,
}

/// The nodes that can be registered, and a problem for each reason why others cannot.
pub(super) fn instances(
    desired: &DesiredLb,
    known: &Known,
) -> (BTreeMap<String, InstanceFact>, Vec<Problem>) {
    let by_id: HashMap<&InstanceId, &Arc<Instance>> =
        known.instances.iter().map(|instance| (&instance.id, instance)).collect();
    let mut fit = BTreeMap::new();
    let mut unfit: BTreeMap<Unfit, BTreeSet<&str>> = BTreeMap::new();
    let is_virtual = |node: &&NodeTarget| node.labels.get(COMPUTE_TYPE).is_some_and(|kind| kind == "fargate");
    for node in desired.nodes.eligible.iter().filter(|node| !is_virtual(node)) {
        let judged = match (id_of(node), &node.provider_id) {
            (Some(id), _) => by_id.get(&id).ok_or(Unfit::NotFound).and_then(|found| judge(found, known)),
            (None, Some(_)) => Err(Unfit::NotOnAws),
            (None, None) => Err(Unfit::NoProviderId),
        };
        match judged {
            Ok(fact) => drop(fit.insert(node.name.clone(), fact)),
            Err(why) => drop(unfit.entry(why).or_default().insert(&node.name)),
        }
    }
    (fit, unfit.into_iter().map(|(why, names)| problem(why, &names)).collect())
}

fn judge(instance: &Instance, known: &Known) -> Result<InstanceFact, Unfit> {
    if instance.state != "running" {
        return Err(Unfit::NotRunning);
    }
    if instance.vpc.as_ref().is_some_and(|vpc| *vpc != known.vpc.id) {
        return Err(Unfit::OtherVpc);
    }
    Ok(InstanceFact { id: instance.id.clone(), zone: instance.zone.clone() })
}

fn problem(why: Unfit, names: &BTreeSet<&str>) -> Problem {
    let nodes = some_of(names);
    let (word, message) = match why {
        Unfit::NoProviderId => (
            "NodeWithoutProviderID",
            format!(
                "nodes without spec.providerID get no traffic: {nodes}; start the cloud controller manager or set it"
            ),
        ),
        Unfit::NotOnAws => (
            "NodeNotOnAws",
            format!(
                "nodes whose spec.providerID is not of the form aws:///ZONE/i-… get no traffic: {nodes}; \
                 annotate the Service with service.beta.kubernetes.io/aws-load-balancer-nlb-target-type=ip to reach \
                 pods directly"
            ),
        ),
        Unfit::NotFound => {
            ("InstanceNotFound", format!("nodes whose instance AWS does not know get no traffic: {nodes}"))
        }
        Unfit::OtherVpc => (
            "InstanceInOtherVpc",
            format!("nodes outside of the load balancer's VPC get no traffic: {nodes}"),
        ),
        Unfit::NotRunning => {
            ("InstanceNotRunning", format!("nodes whose instance is not running get no traffic: {nodes}"))
        }
    };
    Problem { member: None, port: None, category: Category::new(word), message }
}

/// The security groups that let the backend group in: one per node. Of several, the one with this cluster's tag; if
/// that does not decide, the one with the lowest id, and a problem tells how to choose.
pub(super) fn groups(
    known: &Known,
    own_tags: &BTreeSet<String>,
) -> (BTreeSet<SecurityGroupId>, Vec<Problem>) {
    let combinations: BTreeSet<BTreeSet<&SecurityGroupId>> = known
        .instances
        .iter()
        .filter(|instance| instance.vpc.as_ref() == Some(&known.vpc.id))
        .map(|instance| instance.security_groups.iter().collect())
        .collect();
    let mut chosen = BTreeSet::new();
    let mut problems = Vec::new();
    for combination in combinations {
        let tagged: Vec<&SecurityGroupId> =
            combination.iter().copied().filter(|id| is_tagged(known, id, own_tags)).collect();
        let choice = match tagged.as_slice() {
            [only] => Some(*only),
            _ => combination.first().copied(),
        };
        if combination.len() > 1 && tagged.len() != 1 {
            problems.extend(choice.map(|choice| undecided(&combination, tagged.len(), choice)));
        }
        chosen.extend(choice.cloned());
    }
    (chosen, problems)
}

/// Tells that pods are to be reached, and that no group of a node lets the load balancer in: all nodes are Fargate's, or
/// left out.
pub(super) fn none_opened() -> Problem {
    Problem {
        member: None,
        port: None,
        category: Category::new("PodsNotOpened"),
        message: "no security group of a node is known that could let the load balancer in to the pods: let the group \
                  tagged landfall.dev/role=backend in to the security groups that the pods have"
            .to_owned(),
    }
}

/// The security groups whose tags decide: those of instances that have several.
pub(super) fn undecided_groups(instances: &[Arc<Instance>]) -> BTreeSet<SecurityGroupId> {
    let several = instances.iter().filter(|instance| instance.security_groups.len() > 1);
    several.flat_map(|instance| instance.security_groups.iter().cloned()).collect()
}

fn is_tagged(known: &Known, id: &SecurityGroupId, own_tags: &BTreeSet<String>) -> bool {
    let has = |group: &SecurityGroup| own_tags.iter().any(|tag| group.tags.contains_key(tag));
    known.groups.iter().any(|group| group.id == *id && has(group))
}

fn undecided(combination: &BTreeSet<&SecurityGroupId>, tagged: usize, choice: &SecurityGroupId) -> Problem {
    let ids: Vec<String> = combination.iter().map(ToString::to_string).collect();
    let how_many = if tagged == 0 { "none" } else { "several" };
    Problem {
        member: None,
        port: None,
        category: Category::new("SeveralNodeGroups"),
        message: format!(
            "nodes have the security groups {}, and {how_many} of them has the tag {CLUSTER_TAG}NAME of this cluster: \
             {choice} lets the load balancers in; to choose another one, give that tag to it alone",
            ids.join(", ")
        ),
    }
}
