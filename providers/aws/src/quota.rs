//! How far a quota is used that AWS says is used up.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::AwsError;
use crate::observe::Observed;

/// How long the figures are good: quotas are raised by people.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// What the account may have, as AWS told it last.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    told: Mutex<Option<(Instant, BTreeMap<String, u64>)>>,
}

impl Limits {
    /// Adds the figures to an error about a quota. Any other error, and one whose figures AWS does not tell now, is
    /// answered as it is: what went wrong matters more.
    pub(crate) async fn explain(&self, client: &Client, observed: &Observed, error: AwsError) -> AwsError {
        let Some(quota) = error.quota() else { return error };
        match self.limit(client, quota).await {
            Some(limit) => error.with_limit(used(quota, observed, limit), limit),
            None => error,
        }
    }

    async fn limit(&self, client: &Client, quota: &str) -> Option<u64> {
        let mut told = self.told.lock().await;
        if told.as_ref().is_none_or(|(at, _)| at.elapsed() >= GOOD_FOR) {
            let limits = client.limits().await.ok()?;
            let read = limits.into_iter().filter_map(|(name, max)| Some((name, max.parse().ok()?)));
            *told = Some((Instant::now(), read.collect()));
        }
        told.as_ref().and_then(|(_, limits)| limits.get(quota).copied())
    }
}

/// How much of a quota is used: counted where it is one of this load balancer; of those of the account AWS says that
/// they are used up.
fn used(quota: &str, observed: &Observed, limit: u64) -> Option<u64> {
    let details = || observed.balancers.iter().filter_map(|balancer| balancer.details.as_ref());
    match quota {
        "network-load-balancers" | "target-groups" => Some(limit),
        "listeners-per-network-load-balancer" => {
            let most = details().map(|details| details.listeners.len()).max();
            most.and_then(|count| u64::try_from(count).ok())
        }
        _ => None,
    }
}
