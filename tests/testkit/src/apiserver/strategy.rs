//! What a kind does beyond the common lifecycle: defaults, allocation, validation. One strategy per kind that
//! needs one, as `pkg/registry/*/strategy.go` upstream.

use serde_json::Value;

use super::error::ApiError;

mod custom;
mod definition;
mod event;
mod namespace;
mod service;

pub(crate) use custom::CustomStrategy;
pub(crate) use definition::DefinitionStrategy;
pub(crate) use event::EventStrategy;
pub(crate) use namespace::NamespaceStrategy;
pub(crate) use service::ServiceStrategy;

/// Texts for the `Warning` header.
pub(crate) type Warnings = Vec<String>;

/// Hooks of the lifecycle. Objects are in their stored form, decoded, with final metadata.
pub(crate) trait Strategy {
    /// Completes and checks an object that is about to be created.
    fn prepare_create(&self, _new: &mut Value) -> Result<Warnings, ApiError> {
        Ok(Warnings::new())
    }

    /// Completes and checks an update through the main resource.
    fn prepare_update(&self, _old: &Value, _new: &mut Value) -> Result<Warnings, ApiError> {
        Ok(Warnings::new())
    }

    /// Completes and checks an update through `/status`.
    fn prepare_status(&self, _old: &Value, _new: &mut Value) -> Result<Warnings, ApiError> {
        Ok(Warnings::new())
    }

    /// Gives back what `last` held: the object is gone, or was never stored.
    fn released(&self, _last: &Value) {}

    /// Takes back a prepared update that was not stored.
    fn undone(&self, _old: &Value, _new: &Value) {}
}

/// The common lifecycle and nothing else.
pub(crate) struct Plain;

impl Strategy for Plain {}
