//! Changes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Client, request_id};
use crate::api::error::Failure;
use crate::api::types::{Endpoint, InstanceRef, InstanceRefs, Resource};
use crate::api::{Answer, ApiError, Method, Operation, Reference, Verb};
use crate::error::{GcpError, Object};

/// Most endpoints in one request.
const ENDPOINTS_AT_ONCE: usize = 500;
/// Most instances in one request.
const INSTANCES_AT_ONCE: usize = 1000;

impl Client {
    /// Makes a resource. If there is one of that name already: [`GcpError::AlreadyExists`].
    pub async fn insert<T: Resource>(&self, what: &Reference, body: &T) -> Result<(), GcpError> {
        let body = self.body(what, Verb::Insert, body)?;
        let request = self.compute().insert(what, body, request_id());
        self.change(what, Verb::Insert, request).await.map_err(|error| error.or_already_exists(what))
    }

    /// Replaces a resource as a whole. Fails with a conflict if somebody else changed it after it was read.
    pub async fn update<T: Resource>(&self, what: &Reference, body: &T) -> Result<(), GcpError> {
        let body = self.body(what, Verb::Update, body)?;
        self.send(what, Verb::Update, body).await
    }

    /// Changes the fields that are given. An empty list does not empty a list: that takes [`Self::update`].
    pub async fn patch(&self, what: &Reference, fields: Value) -> Result<(), GcpError> {
        self.send(what, Verb::Patch, fields).await
    }

    /// Replaces the labels. `fingerprint` is that of the labels as they were read.
    pub async fn set_labels(
        &self,
        what: &Reference,
        labels: &BTreeMap<String, String>,
        fingerprint: Option<&str>,
    ) -> Result<(), GcpError> {
        let mut body = json!({ "labels": labels });
        if let Some(fingerprint) = fingerprint {
            body["labelFingerprint"] = fingerprint.into();
        }
        self.send(what, Verb::SetLabels, body).await
    }

    /// Removes a resource, or finds that it is gone.
    pub async fn delete(&self, what: &Reference) -> Result<(), GcpError> {
        let request = self.compute().delete(what, request_id());
        match self.change(what, Verb::Delete, request).await {
            Err(error) if error.is_not_found() => Ok(()),
            answer => answer,
        }
    }

    /// Adds endpoints to a network endpoint group. Those that it has already change nothing.
    pub async fn attach(&self, group: &Reference, endpoints: &[Endpoint]) -> Result<(), GcpError> {
        self.send_endpoints(group, Verb::AttachEndpoints, endpoints).await
    }

    /// Takes endpoints out of a network endpoint group.
    pub async fn detach(&self, group: &Reference, endpoints: &[Endpoint]) -> Result<(), GcpError> {
        self.send_endpoints(group, Verb::DetachEndpoints, endpoints).await
    }

    /// Adds instances, told by their URLs, to an instance group. Fails with a conflict if it has one of them already.
    pub async fn add_instances(&self, group: &Reference, urls: &[String]) -> Result<(), GcpError> {
        self.send_instances(group, Verb::AddInstances, urls).await
    }

    /// Takes instances, told by their URLs, out of an instance group. Fails with a conflict if it lacks one of them.
    pub async fn remove_instances(&self, group: &Reference, urls: &[String]) -> Result<(), GcpError> {
        self.send_instances(group, Verb::RemoveInstances, urls).await
    }

    async fn send_endpoints(&self, group: &Reference, verb: Verb, all: &[Endpoint]) -> Result<(), GcpError> {
        for part in all.chunks(ENDPOINTS_AT_ONCE) {
            self.send(group, verb, json!({ "networkEndpoints": part })).await?;
        }
        Ok(())
    }

    async fn send_instances(&self, group: &Reference, verb: Verb, urls: &[String]) -> Result<(), GcpError> {
        for part in urls.chunks(INSTANCES_AT_ONCE) {
            let instances = part.iter().map(|url| InstanceRef { instance: url.clone() }).collect();
            let body = self.body(group, verb, &InstanceRefs { instances })?;
            self.send(group, verb, body).await?;
        }
        Ok(())
    }

    async fn send(&self, what: &Reference, verb: Verb, body: Value) -> Result<(), GcpError> {
        self.change(what, verb, self.compute().change(what, verb, body, request_id())).await
    }

    /// Asks for a change and follows it to its end.
    async fn change(
        &self,
        what: &Reference,
        verb: Verb,
        request: impl Future<Output = Answer<Operation>>,
    ) -> Result<(), GcpError> {
        let operation = self.call(what, verb, request).await?;
        self.follow(what, verb, operation).await
    }

    /// The body of a request. Only a value that has no JSON form, such as a number that is none, has none.
    fn body(&self, what: &Reference, verb: Verb, body: &impl Serialize) -> Result<Value, GcpError> {
        serde_json::to_value(body).map_err(|error| {
            let kind = Failure::NotSent { reason: error.to_string(), credentials: false };
            let error = ApiError { method: Method::new(what.kind, verb), kind };
            GcpError::failed(self.whom(), Object::One(what.clone()), error)
        })
    }
}
