//! Reading the network.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_core::model::DesiredLb;
use tracing::debug;

use super::{Known, NetworkCache, Question, addresses, facts, nodes, subnets};
use crate::api::types::ForwardingRule;
use crate::client::Client;
use crate::error::GcpError;
use crate::resources::Facts;
use crate::settings::Settings;

/// Reads what a wish has to know about the network, as far as the cache does not know it, and decides.
///
/// `rules` are the forwarding rules of the load balancer that are there. How the groups of the cluster are made up is
/// not read here: shards and cells are the caller's to fill in.
pub async fn gather(
    client: &Client,
    cache: &NetworkCache,
    desired: &DesiredLb,
    settings: &Settings,
    rules: &[ForwardingRule],
) -> Result<Facts, GcpError> {
    let wanted = nodes::instances(desired);
    let region = cache.region(&wanted)?;
    let here = nodes::in_region(wanted, &region);
    let instances = cache.instances(client, &here).await?;
    let network = cache.network(&region, &instances)?;
    let asked = addresses::are_asked_for(&settings.balancer);
    let mut known = Known {
        addresses: if asked { cache.addresses(client, &region).await? } else { Arc::default() },
        region,
        network,
        subnetwork: cache.config().subnetwork.clone(),
        instances,
        subnets: BTreeMap::new(),
        rules: rules.to_vec(),
    };
    let needed = subnets::needed(&Question { desired, settings, known: &known })?;
    known.subnets = cache.subnets(client, needed.into_iter().map(|(_, subnet)| subnet)).await?;
    let facts = match facts(desired, settings, &known) {
        // Nobody is refused for what was read a while ago: what used the address may be gone, and may even have been the
        // load balancer's own forwarding rule.
        Err(error) if error.is_taken() => {
            cache.forget_addresses(&known.region);
            known.addresses = cache.addresses(client, &known.region).await?;
            facts(desired, settings, &known)?
        }
        facts => facts?,
    };
    debug!(lb = %desired.id, region = %facts.region, network = %facts.network, nodes = facts.nodes.len(), "network known");
    Ok(facts)
}
