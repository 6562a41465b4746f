//! What the API server does with an object, as far as the tests of the schemas need it.

use kube::CustomResourceExt;
use kube::core::cel::{Validator, apply_defaults};
use serde_json::Value;

/// The schema of the only version.
pub(crate) fn schema<K: CustomResourceExt>() -> Value {
    let crd = K::crd();
    let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
    serde_json::to_value(schema).unwrap()
}

/// The object after defaulting.
pub(crate) fn defaulted<K: CustomResourceExt>(object: &Value) -> Value {
    apply_defaults(&schema::<K>(), object)
}

/// Messages of the CEL rules that the object (or the change from `old`) breaks.
pub(crate) fn refusals<K: CustomResourceExt>(object: &Value, old: Option<&Value>) -> Vec<String> {
    let old = old.map(defaulted::<K>);
    match Validator::new().validate(&schema::<K>(), &defaulted::<K>(object), old.as_ref()) {
        Ok(()) => Vec::new(),
        Err(errors) => {
            errors.iter().map(|error| format!("{}: {}", error.field_path, error.message)).collect()
        }
    }
}
