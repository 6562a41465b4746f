//! Namespaces carry a phase, their own name as a label, and the finalizer of the content deletion.

use serde_json::{Value, json};

use super::{Strategy, Warnings};
use crate::apiserver::error::ApiError;

/// The entry of `spec.finalizers` that stands for the namespace's content.
const CONTENT: &str = "kubernetes";

/// The label every namespace gets (KEP-2161).
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(crate) struct NamespaceStrategy;

impl Strategy for NamespaceStrategy {
    fn prepare_create(&self, new: &mut Value) -> Result<Warnings, ApiError> {
        new["spec"]["finalizers"] = json!([CONTENT]);
        new["status"] = json!({"phase": "Active"});
        label(new);
        Ok(Warnings::new())
    }

    fn prepare_update(&self, old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        new["spec"] = old["spec"].clone();
        label(new);
        Ok(Warnings::new())
    }

    fn prepare_status(&self, old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        // The phase follows the deletion, not the client.
        new["status"]["phase"] = old["status"]["phase"].clone();
        Ok(Warnings::new())
    }
}

fn label(namespace: &mut Value) {
    let name = namespace["metadata"]["name"].clone();
    namespace["metadata"]["labels"][NAME_LABEL] = name;
}
