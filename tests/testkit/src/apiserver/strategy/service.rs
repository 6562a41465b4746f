//! Services: defaults, addresses and ports are the business of [`ServiceRegistry`].

use serde_json::Value;

use super::{Strategy, Warnings};
use crate::apiserver::error::ApiError;
use crate::apiserver::service::ServiceRegistry;

pub(crate) struct ServiceStrategy<'a>(pub(crate) &'a ServiceRegistry);

impl Strategy for ServiceStrategy<'_> {
    fn prepare_create(&self, new: &mut Value) -> Result<Warnings, ApiError> {
        self.0.prepare_create(new)
    }

    fn prepare_update(&self, old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        self.0.prepare_update(old, new)
    }

    fn prepare_status(&self, old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        self.0.prepare_status(old, new).map(|()| Warnings::new())
    }

    fn released(&self, last: &Value) {
        self.0.release(last);
    }

    fn undone(&self, old: &Value, new: &Value) {
        self.0.undo_update(old, new);
    }
}
