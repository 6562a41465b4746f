//! Feeds `AddressPool` objects to the providers that hand out addresses, and writes the pools' statuses.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Api;
use landfall_api::v1alpha1::AddressPool;
use landfall_api::v1alpha1::next_pool_status;
use landfall_core::pools::PoolFeed;
use serde_json::json;
use tracing::debug;

use crate::cluster::{Cluster, Key};
use crate::store::ObjectKey;
use crate::work::Providers;
use crate::writer::{WriteError, Writer};

/// Hands the pools to every provider that wants them. `first` says that a leadership begins: the addresses that the
/// Services show are handed over too, before anything new is given out.
///
/// Returns the load balancers that hold something that is no longer theirs.
pub fn feed(cluster: &Cluster, providers: &Providers, first: bool) -> Vec<Key> {
    let mut pools: Vec<_> = cluster.pools.all().iter().map(|pool| pool.to_spec()).collect();
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    let mut displaced = Vec::new();
    for (name, provider) in providers {
        let Some(book) = provider.address_book() else { continue };
        let holdings = first.then(|| cluster.holdings(*name));
        let feed = PoolFeed { pools: pools.clone(), holdings };
        displaced.extend(book.feed(feed).into_iter().map(Key::Lb));
    }
    displaced
}

/// Writes the status of every pool whose usage or verdict changed. One that cannot be
/// written does not hold up the others; the first error is returned.
pub async fn write_statuses(
    cluster: &Arc<Cluster>,
    providers: &Providers,
    writer: &Writer,
) -> Result<(), WriteError> {
    let mut failed = Ok(());
    let api: Api<AddressPool> = Api::all(writer.client.clone());
    for book in providers.values().filter_map(|provider| provider.address_book()) {
        for usage in book.usage() {
            let key = ObjectKey { namespace: String::new(), name: usage.name.clone() };
            let Some(pool) = cluster.pools.get(&key) else { continue };
            let Some(status) = next_pool_status(&pool, &usage, Timestamp::now()) else { continue };
            let patch =
                json!({"metadata": {"resourceVersion": pool.metadata.resource_version}, "status": status});
            match writer.patch_status(&api, &usage.name, &patch).await {
                Ok(Some(written)) => {
                    cluster.pools.observe(written);
                }
                Ok(None) => {}
                // The newer version is on its way and leads to another round.
                Err(WriteError::Conflict) => debug!(pool = usage.name, "pool changed meanwhile"),
                Err(error) => failed = failed.and(Err(error)),
            }
        }
    }
    failed
}
