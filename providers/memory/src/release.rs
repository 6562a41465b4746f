//! Removing everything that carries a load balancer's marks.

use std::time::Duration;

use landfall_core::ids::{ClusterId, LbId};

use crate::client::Client;
use crate::cloud::{BalancerSpec, Kind, Lifecycle, ListenerSpec, Object, PoolSpec, RuleSpec, Spec};
use crate::error::MemoryError;
use crate::observe::{Observed, observe};

/// When to look again at a balancer that the cloud is deleting.
const POLL: Duration = Duration::from_secs(5);

/// Deletes whatever refers before what is referred to, then reads again: only an empty answer is success.
pub(crate) async fn release(client: &Client<'_>, cluster: &ClusterId, lb: &LbId) -> Result<(), MemoryError> {
    let observed = observe(client, cluster, lb, None).await?;
    if is_empty(&observed) {
        return Ok(());
    }
    delete_all::<ListenerSpec>(client, &observed.listeners).await?;
    delete_all::<BalancerSpec>(client, &observed.balancers).await?;
    delete_all::<PoolSpec>(client, &observed.pools).await?;
    delete_all::<RuleSpec>(client, &observed.rules).await?;
    verify(lb, &observe(client, cluster, lb, None).await?)
}

async fn delete_all<S: Spec>(client: &Client<'_>, objects: &[Object<S>]) -> Result<(), MemoryError> {
    for object in objects.iter().filter(|object| object.status.lifecycle != Lifecycle::Deleting) {
        client.delete::<S>(object.name()).await?;
    }
    Ok(())
}

fn verify(lb: &LbId, left: &Observed) -> Result<(), MemoryError> {
    let still =
        |kind, name: &str| MemoryError::StillThere { lb: lb.to_string(), kind, name: name.to_owned() };
    if let Some(listener) = left.listeners.first() {
        return Err(still(Kind::Listener, listener.name()));
    }
    if let Some(pool) = left.pools.first() {
        return Err(still(Kind::Pool, pool.name()));
    }
    if let Some(rule) = left.rules.first() {
        return Err(still(Kind::Rule, rule.name()));
    }
    match left.balancers.first() {
        None => Ok(()),
        Some(balancer) if balancer.status.lifecycle == Lifecycle::Deleting => {
            Err(MemoryError::Deleting { lb: lb.to_string(), name: balancer.name().to_owned(), poll: POLL })
        }
        Some(balancer) => Err(still(Kind::Balancer, balancer.name())),
    }
}

fn is_empty(observed: &Observed) -> bool {
    observed.balancers.is_empty()
        && observed.listeners.is_empty()
        && observed.pools.is_empty()
        && observed.rules.is_empty()
}
