//! Where the Lease is kept. A trait, so that the loop is tested against a scripted server in paused time.

use std::error::Error;
use std::future::Future;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};
use thiserror::Error;

/// Reads and writes one Lease object.
///
/// A call may take for ever; the caller bounds it. A call that is dropped may still take effect.
pub trait LeaseStore: Send + Sync + 'static {
    /// The Lease, or none if there is none. Must not answer from a cache.
    fn get(&self) -> impl Future<Output = Result<Option<Lease>, StoreError>> + Send;

    /// Creates it; [`StoreError::Conflict`] if there is one already.
    fn create(&self, lease: &Lease) -> impl Future<Output = Result<Lease, StoreError>> + Send;

    /// Replaces the version named by `metadata.resourceVersion`; [`StoreError::Conflict`] if that is not the
    /// current one, or if there is no Lease any more.
    fn replace(&self, lease: &Lease) -> impl Future<Output = Result<Lease, StoreError>> + Send;
}

/// Why a read or a write failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Somebody else wrote in between: read again.
    #[error("the Lease was changed by somebody else")]
    Conflict,
    /// Anything else; whether the write took effect is unknown.
    #[error(transparent)]
    Failed(#[from] Box<dyn Error + Send + Sync>),
}

/// A Lease of `coordination.k8s.io/v1`. Needs the verbs `get`, `create` and `update` on it.
#[derive(Clone, Debug)]
pub struct KubeLease {
    api: Api<Lease>,
    name: String,
}

impl KubeLease {
    /// The Lease `name` in `namespace`. Give it the write client ([`crate::client::Clients::writes`]): retries below
    /// this layer would outlast the attempt.
    pub fn new(client: Client, namespace: &str, name: impl Into<String>) -> Self {
        Self { api: Api::namespaced(client, namespace), name: name.into() }
    }
}

impl LeaseStore for KubeLease {
    async fn get(&self) -> Result<Option<Lease>, StoreError> {
        self.api.get_opt(&self.name).await.map_err(failed)
    }

    async fn create(&self, lease: &Lease) -> Result<Lease, StoreError> {
        let mut lease = lease.clone();
        lease.metadata.name = Some(self.name.clone());
        self.api.create(&PostParams::default(), &lease).await.map_err(|error| match error {
            kube::Error::Api(status) if status.code == 409 => StoreError::Conflict,
            other => failed(other),
        })
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, StoreError> {
        self.api.replace(&self.name, &PostParams::default(), lease).await.map_err(|error| match error {
            kube::Error::Api(status) if matches!(status.code, 404 | 409) => StoreError::Conflict,
            other => failed(other),
        })
    }
}

fn failed(error: kube::Error) -> StoreError {
    StoreError::Failed(Box::new(error))
}
