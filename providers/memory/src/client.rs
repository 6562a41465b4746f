//! The cloud as the provider calls it: every call bounded in time, every list read to its last page.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use crate::cloud::{Cloud, CloudError, Code, Draft, Filter, Health, Object, Spec, Target};
use crate::error::MemoryError;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Registered targets with their health, by pool.
pub(crate) type TargetsByPool = BTreeMap<String, BTreeMap<Target, Health>>;

/// Calls on behalf of one load balancer.
#[derive(Debug, Clone)]
pub(crate) struct Client<'a> {
    cloud: &'a Cloud,
    /// Whom the calls are for, in errors.
    lb: String,
}

impl<'a> Client<'a> {
    pub(crate) fn new(cloud: &'a Cloud, lb: impl Into<String>) -> Self {
        Self { cloud, lb: lb.into() }
    }

    /// Every object of a kind that the filter takes.
    pub(crate) async fn all<S: Spec>(&self, filter: &Filter) -> Result<Vec<Object<S>>, MemoryError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.bounded(self.cloud.list(filter, after.as_ref())).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Every target of some pools.
    pub(crate) async fn targets(&self, pools: &[String]) -> Result<TargetsByPool, MemoryError> {
        let (mut all, mut after) = (TargetsByPool::new(), None);
        loop {
            let page = self.bounded(self.cloud.list_targets(pools, after.as_ref())).await?;
            for (pool, target, health) in page.items {
                all.entry(pool).or_default().insert(target, health);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    pub(crate) async fn create<S: Spec>(&self, draft: Draft<S>) -> Result<Object<S>, MemoryError> {
        self.bounded(self.cloud.create(draft)).await
    }

    pub(crate) async fn update<S: Spec>(&self, draft: Draft<S>) -> Result<Object<S>, MemoryError> {
        self.bounded(self.cloud.update(draft)).await
    }

    /// Deletes; what is gone already counts as deleted.
    pub(crate) async fn delete<S: Spec>(&self, name: &str) -> Result<(), MemoryError> {
        match self.bounded(self.cloud.delete::<S>(name)).await {
            Err(MemoryError::Call { source, .. }) if source.code == Code::NotFound => Ok(()),
            answer => answer,
        }
    }

    pub(crate) async fn register(
        &self,
        pool: &str,
        targets: &[Target],
    ) -> Result<BTreeMap<Target, Health>, MemoryError> {
        self.bounded(self.cloud.register(pool, targets)).await
    }

    pub(crate) async fn deregister(&self, pool: &str, targets: &[Target]) -> Result<(), MemoryError> {
        self.bounded(self.cloud.deregister(pool, targets)).await
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, CloudError>>) -> Result<T, MemoryError> {
        match timeout(PATIENCE, call).await {
            Ok(answer) => answer.map_err(|source| MemoryError::answer(&self.lb, source)),
            Err(_) => Err(MemoryError::TimedOut { lb: self.lb.clone(), after: PATIENCE }),
        }
    }
}

#[cfg(test)]
mod tests {
    use landfall_core::error::{Classified, ErrorClass};

    use super::*;
    use crate::cloud::{Fault, Kind, Operation, PoolSpec};

    #[tokio::test(start_paused = true)]
    async fn what_is_gone_already_counts_as_deleted() {
        let cloud = Cloud::new();
        Client::new(&cloud, "test").delete::<PoolSpec>("gone").await.unwrap();
        assert_eq!(cloud.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_is_given_up() {
        let cloud = Cloud::new();
        cloud.fault_on(Operation::Delete(Kind::Pool), Fault::Hang);
        let start = tokio::time::Instant::now();
        let error = Client::new(&cloud, "test").delete::<PoolSpec>("p").await.unwrap_err();
        assert_eq!(start.elapsed(), PATIENCE);
        assert_eq!(error.class(), ErrorClass::Transient);
        assert_eq!(error.category().as_str(), "CallTimedOut");
    }
}
