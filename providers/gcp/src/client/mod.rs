//! Calls on behalf of one load balancer: typed, paced, bounded in time, named in errors; lists read to their last page,
//! long inputs sent in pieces, changes followed to their end.

use std::sync::Arc;

use uuid::Uuid;

mod follow;
mod pending;
mod read;
mod write;

use crate::api::{Answer, Compute, Method, Place, Reference, RequestId, Verb};
use crate::calls::{About, Calls};
use crate::error::{GcpError, Object};
pub use pending::Pending;

/// Calls on behalf of one load balancer, or of the cluster as a whole.
///
/// Lists are complete. A change has taken effect when its method answers: its operation has ended well. Nothing is sent
/// for an empty list of endpoints or instances. Deleting what is gone already succeeds.
///
/// Nothing is retried. Dropping a future while a change is under way leaves its effect in doubt, as does an error of
/// which [`GcpError::is_in_doubt`] says so; [`Client::pending`] then tells the operation, if Google accepted the change.
#[derive(Debug, Clone)]
pub struct Client {
    calls: Arc<Calls>,
    whom: Arc<str>,
    pending: Pending,
}

impl Client {
    /// Calls for this one: whom errors name.
    pub fn new(calls: &Arc<Calls>, for_whom: impl Into<String>) -> Self {
        Self { calls: Arc::clone(calls), whom: for_whom.into().into(), pending: Pending::default() }
    }

    /// The same calls, for changes of one resource, one after the other: what it is [pending](Self::pending) on is told
    /// apart from others.
    #[must_use]
    pub fn for_one(&self) -> Self {
        Self { pending: Pending::default(), ..self.clone() }
    }

    /// The operation that a change waits for, also after the wait was cut short.
    pub fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Whom the calls are for.
    pub fn whom(&self) -> &str {
        &self.whom
    }

    fn compute(&self) -> &dyn Compute {
        &*self.calls.compute
    }

    /// One request about one resource.
    async fn call<T>(
        &self,
        what: &Reference,
        verb: Verb,
        request: impl Future<Output = Answer<T>>,
    ) -> Result<T, GcpError> {
        let method = Method::new(what.kind, verb);
        self.calls.call(About { whom: &self.whom, method, object: Object::One(what.clone()) }, request).await
    }

    /// One request about all resources of a place.
    async fn call_all<T>(
        &self,
        place: &Place,
        method: Method,
        request: impl Future<Output = Answer<T>>,
    ) -> Result<T, GcpError> {
        self.calls.call(About { whom: &self.whom, method, object: Object::All(place.clone()) }, request).await
    }
}

/// A new request id: each request of ours is a wish of its own.
fn request_id() -> RequestId {
    RequestId::new(Uuid::new_v4().as_u128())
}

#[cfg(test)]
mod tests;
