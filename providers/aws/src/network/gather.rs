//! Reading the network.

use std::sync::Arc;

use landfall_core::model::DesiredLb;
use tracing::debug;

use super::{Known, NetworkCache, carries_backend, facts, nodes};
use crate::api::ec2::Instance;
use crate::api::elb::{GroupTargets, ZoneMapping};
use crate::client::Client;
use crate::error::AwsError;
use crate::resources::{Facts, Quotas};
use crate::settings::{BalancerSettings, Security, Settings};

/// Reads what a wish has to know about the network, as far as the cache does not know it, and decides.
///
/// `current` are the zones of the load balancer that stays; empty if there is none, or if it is to be replaced.
pub async fn gather(
    client: &Client,
    cache: &NetworkCache,
    desired: &DesiredLb,
    settings: &Settings,
    current: &[ZoneMapping],
) -> Result<Facts, AwsError> {
    let instances = cache.instances(client, &nodes::ids(desired)).await?;
    let vpc = cache.vpc(client, &instances).await?;
    let asked_for = !settings.balancer.subnets.is_empty();
    let names = group_names(&settings.balancer, &instances);
    let known = Known {
        subnets: cache.subnets(client, &vpc.id).await?,
        tables: if asked_for { Arc::default() } else { cache.tables(client, &vpc.id).await? },
        zones: cache.zones(client).await?,
        groups: cache.groups(client, &vpc.id, &names).await?,
        cluster_tag: cache.cluster_tag(),
        quotas: if may_exceed_quotas(desired, settings) {
            cache.quotas(client).await?
        } else {
            Quotas::default()
        },
        vpc,
        instances,
    };
    let facts = facts(desired, settings, current, &known)?;
    debug!(lb = %desired.id, subnets = ?facts.subnets, node_groups = ?facts.node_groups, "network known");
    Ok(facts)
}

/// The security groups to look at: those that the user names, and those that nodes have several of.
fn group_names(settings: &BalancerSettings, instances: &[Arc<Instance>]) -> Vec<String> {
    let mut names = match &settings.security {
        Security::Given { groups, .. } => groups.clone(),
        Security::None | Security::Managed { .. } => Vec::new(),
    };
    if carries_backend(settings) {
        names.extend(nodes::undecided_groups(instances).iter().map(ToString::to_string));
    }
    names.sort();
    names.dedup();
    names
}

/// Whether the documented quotas may be too small, so that it matters whether they were raised.
fn may_exceed_quotas(desired: &DesiredLb, settings: &Settings) -> bool {
    let listeners = desired.listeners().filter_map(|(member, listener)| {
        let targets = settings.members.get(&member.service)?.targets;
        Some(match targets {
            GroupTargets::Instance => desired.nodes.eligible.len(),
            GroupTargets::Ip => listener.endpoints.len(),
        })
    });
    let quotas = Quotas::default();
    let (mut count, mut targets) = (0, 0);
    listeners.for_each(|each| {
        count += 1;
        targets += each;
    });
    targets > quotas.targets_per_zone || count > quotas.listeners
}
