//! Tests of the registry through its public methods.

use serde_json::{Value, json};

use super::ServiceRegistry;
use crate::apiserver::error::ApiError;

mod allocation;
mod creation;
mod properties;
mod update;
mod validation;

/// A Service manifest named `a` of a type, without ports.
pub(super) struct Manifest(Value);

pub(super) fn service(kind: &str) -> Manifest {
    Manifest(json!({"metadata": {"name": "a"}, "spec": {"type": kind}}))
}

impl Manifest {
    pub(super) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["spec"][field] = value.into();
        self
    }

    pub(super) fn annotated(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["annotations"][key] = value.into();
        self
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        self.0["metadata"]["name"] = name.into();
        self
    }

    /// Adds a TCP port.
    pub(super) fn port(self, number: u16) -> Self {
        self.raw_port(json!({"name": format!("p{number}"), "port": number}))
    }

    pub(super) fn raw_port(mut self, port: Value) -> Self {
        let ports = &mut self.0["spec"]["ports"];
        if ports.is_null() {
            *ports = json!([]);
        }
        ports.as_array_mut().expect("a list").push(port);
        self
    }

    pub(super) fn json(self) -> Value {
        self.0
    }

    pub(super) fn create(self, registry: &ServiceRegistry) -> Result<Value, ApiError> {
        let mut object = self.0;
        registry.prepare_create(&mut object).map(|_| object)
    }

    pub(super) fn created(self, registry: &ServiceRegistry) -> Value {
        self.create(registry).expect("the manifest is good")
    }
}

/// The stored object after `change` was made to it, through the registry.
pub(super) fn changed(
    registry: &ServiceRegistry,
    old: &Value,
    change: impl FnOnce(&mut Value),
) -> Result<Value, ApiError> {
    let mut new = old.clone();
    change(&mut new["spec"]);
    registry.prepare_update(old, &mut new).map(|_| new)
}

/// `path: text` of every cause.
pub(super) fn causes(error: &ApiError) -> Vec<String> {
    error.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
}
