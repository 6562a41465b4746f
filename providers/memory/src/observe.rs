//! What exists: everything with a load balancer's marks, and strangers with names that it needs.

use landfall_core::ids::{ClusterId, LbId};

use crate::client::{Client, TargetsByPool};
use crate::cloud::{BalancerSpec, Filter, Kind, ListenerSpec, Object, PoolSpec, RuleSpec, Spec, Tags};
use crate::error::MemoryError;
use crate::marks;
use crate::names::Names;
use crate::resources::Wanted;

/// A load balancer as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    pub(crate) balancers: Vec<Object<BalancerSpec>>,
    pub(crate) listeners: Vec<Object<ListenerSpec>>,
    pub(crate) pools: Vec<Object<PoolSpec>>,
    pub(crate) rules: Vec<Object<RuleSpec>>,
    /// Registered targets by pool; a pool without targets may have no entry.
    pub(crate) targets: TargetsByPool,
    /// Objects without our marks that have a name that we need.
    pub(crate) foreign: Vec<(Kind, String)>,
}

/// Reads everything that carries the marks. With a wish, also looks for strangers under the names it needs.
/// Four bulk lists and one for the targets; a failed read fails the whole.
pub(crate) async fn observe(
    client: &Client<'_>,
    cluster: &ClusterId,
    lb: &LbId,
    wanted: Option<&Wanted>,
) -> Result<Observed, MemoryError> {
    let tags = marks::of_lb(cluster, lb);
    let names = wanted.map(|wanted| needed(Names { cluster, lb }, wanted)).unwrap_or_default();
    let mut foreign = Vec::new();
    let balancers = ours(client, &tags, names.balancers, &mut foreign).await?;
    let listeners = ours(client, &tags, names.listeners, &mut foreign).await?;
    let pools: Vec<Object<PoolSpec>> = ours(client, &tags, names.pools, &mut foreign).await?;
    let rules = ours(client, &tags, names.rules, &mut foreign).await?;
    let pool_names: Vec<String> = pools.iter().map(|pool| pool.name().to_owned()).collect();
    let targets = if pools.is_empty() || wanted.is_none() {
        TargetsByPool::new()
    } else {
        client.targets(&pool_names).await?
    };
    Ok(Observed { balancers, listeners, pools, rules, targets, foreign })
}

/// The names that a wish needs, by kind.
#[derive(Default)]
struct Needed {
    balancers: Vec<String>,
    listeners: Vec<String>,
    pools: Vec<String>,
    rules: Vec<String>,
}

fn needed(names: Names<'_>, wanted: &Wanted) -> Needed {
    let balancer = names.balancer(&wanted.balancer, 0);
    Needed {
        listeners: wanted.listeners.iter().map(|wish| names.listener(&balancer, wish.key)).collect(),
        balancers: vec![balancer],
        pools: wanted.pools.iter().map(|wish| wish.draft.name.clone()).collect(),
        rules: wanted.rules.iter().map(|draft| draft.name.clone()).collect(),
    }
}

async fn ours<S: Spec>(
    client: &Client<'_>,
    tags: &Tags,
    names: Vec<String>,
    foreign: &mut Vec<(Kind, String)>,
) -> Result<Vec<Object<S>>, MemoryError> {
    let found = client.all::<S>(&Filter { tags: tags.clone(), names }).await?;
    let (ours, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|object| marks::carries(&object.draft.tags, tags));
    foreign.extend(others.into_iter().map(|object| (S::KIND, object.draft.name)));
    Ok(ours)
}
