//! Writes to the API server: under the leader's claim, bounded in time, and taken into the store at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use landfall_api::names::FIELD_MANAGER;
use landfall_core::error::{Category, ErrorClass};
use landfall_core::refusal::clip;
use landfall_runtime::client::{ApiError, bounded};
use landfall_runtime::lease::{Claim, LostClaim};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cluster::{Cluster, Key};
use crate::metrics::ControllerMetrics;
use crate::slim::Slim;

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else changed the object first: look again.
    #[error("the object was changed by somebody else meanwhile")]
    Conflict,
    /// This process does not lead any more.
    #[error(transparent)]
    Lost(#[from] LostClaim),
    /// The API server refused, or could not be reached.
    #[error(transparent)]
    Failed(ApiError),
}

impl WriteError {
    /// What to do next.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Conflict => ErrorClass::Conflict,
            Self::Failed(error) if error.code() == Some(403) => ErrorClass::Denied,
            Self::Failed(error) if error.is_refused() => ErrorClass::Bug,
            Self::Failed(error) if error.code() == Some(429) => {
                ErrorClass::Throttled { after: error.retry_after() }
            }
            Self::Lost(_) | Self::Failed(_) => ErrorClass::Transient,
        }
    }

    /// What to call it.
    pub fn category(&self) -> Category {
        match self.class() {
            ErrorClass::Conflict => Category::new("WriteConflict"),
            ErrorClass::Denied => Category::new("WriteDenied"),
            ErrorClass::Bug => Category::new("WriteRefused"),
            _ => Category::new("ApiServerUnavailable"),
        }
    }

    /// The whole story in one line.
    pub fn explain(&self) -> String {
        match self {
            Self::Failed(ApiError::Failed { call, source }) => clip(&format!("{call}: {source}"), 512),
            other => other.to_string(),
        }
    }
}

/// Writes for one term of leadership.
#[derive(Clone)]
pub struct Writer {
    /// The client for writes.
    pub client: Client,
    /// The right to write.
    pub claim: Claim,
    /// Bound of one call.
    pub limit: Duration,
    /// Where what was written is taken in.
    pub cluster: Arc<Cluster>,
    /// Counters.
    pub metrics: ControllerMetrics,
}

impl Writer {
    /// Patches a Service's status. Returns the new version and what else has to be looked at because of it; `None`
    /// if the object is gone.
    pub async fn service(
        &self,
        service: &Service,
        patch: &Value,
    ) -> Result<Option<(Arc<Service>, BTreeSet<Key>)>, WriteError> {
        let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let api: Api<Service> = Api::namespaced(self.client.clone(), namespace);
        let Some(mut written) = self.patch_status(&api, name, patch).await? else { return Ok(None) };
        written.slim();
        let mut touched = BTreeSet::new();
        let finished = written.metadata.deletion_timestamp.is_some()
            && written.metadata.finalizers.as_deref().unwrap_or_default().is_empty();
        // The answer to the write that removes the last finalizer shows an object that is gone already.
        let change = if finished {
            self.cluster.services.bury(&written.metadata)
        } else {
            self.cluster.services.observe_own(written.clone())
        };
        if let Some(change) = change {
            touched = self.cluster.service_written(&change);
        }
        Ok(Some((Arc::new(written), touched)))
    }

    /// Patches the status of an object; `None` if it is gone.
    pub async fn patch_status<K>(
        &self,
        api: &Api<K>,
        name: &str,
        patch: &Value,
    ) -> Result<Option<K>, WriteError>
    where
        K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
    {
        let kind = K::kind(&());
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let body = Patch::Merge(patch);
        let call = api.patch_status(name, &parameters, &body);
        self.claim.check()?;
        let answer = self
            .claim
            .guard(bounded(self.limit, || format!("write the status of {kind} {name}"), call))
            .await?;
        match answer {
            Ok(object) => {
                self.metrics.wrote(&kind);
                Ok(Some(object))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) if error.is_conflict() => Err(WriteError::Conflict),
            Err(error) => Err(WriteError::Failed(error)),
        }
    }
}
