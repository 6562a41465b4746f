//! Custom resources: pruning, defaults, the structural schema, and its CEL rules, in the order of upstream.
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation>

use kube_cel::{RootContext, ValidationError, Validator, apply_defaults};
use serde_json::Value;

use super::{Strategy, Warnings};
use crate::apiserver::error::{ApiError, Cause};
use crate::apiserver::kinds::{CustomVersion, Kind};
use crate::apiserver::strict::prune_custom;

mod structure;

/// The strategy of one version of a custom kind.
pub(crate) struct CustomStrategy<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) version: &'a CustomVersion,
}

impl Strategy for CustomStrategy<'_> {
    fn prepare_create(&self, new: &mut Value) -> Result<Warnings, ApiError> {
        self.prepare(None, new)
    }

    fn prepare_update(&self, old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        self.prepare(Some(old), new)
    }

    fn prepare_status(&self, old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        self.prepare(Some(old), new)
    }
}

impl CustomStrategy<'_> {
    fn prepare(&self, old: Option<&Value>, new: &mut Value) -> Result<Warnings, ApiError> {
        let schema = &self.version.schema;
        prune_custom(schema, new);
        // The metadata has rules of its own; a schema may only restrict name and generateName.
        let metadata = new["metadata"].clone();
        *new = apply_defaults(schema, new);
        new["metadata"] = metadata;
        let mut causes = structure::check(schema, old, new);
        if causes.is_empty() {
            // As upstream: rules may rely on a sound structure.
            causes = self.broken_rules(old, new);
        }
        if causes.is_empty() {
            return Ok(Warnings::new());
        }
        let name = new["metadata"]["name"].as_str().unwrap_or_default();
        Err(ApiError::invalid(&self.kind.group, &self.kind.kind, name, causes))
    }

    fn broken_rules(&self, old: Option<&Value>, new: &Value) -> Vec<Cause> {
        let root = RootContext {
            api_version: self.kind.api_version(),
            api_group: self.kind.group.clone(),
            kind: self.kind.kind.clone(),
        };
        let outcome =
            Validator::new().validate_compiled_with_context(&self.version.rules, new, old, Some(&root));
        let broken = outcome.err().into_iter().flat_map(kube_cel::ValidationErrors::into_vec);
        broken
            .filter(|error| !unchanged(old, new, &error.field_path))
            .map(|error| cause(&error, new))
            .collect()
    }
}

/// What was stored before its rule came is tolerated until it changes (ratcheting, KEP-4008).
fn unchanged(old: Option<&Value>, new: &Value, path: &str) -> bool {
    old.is_some_and(|old| at(old, path).is_some() && at(old, path) == at(new, path))
}

fn cause(error: &ValidationError, object: &Value) -> Cause {
    let value = at(object, &error.field_path).unwrap_or(&Value::Null);
    let field = if error.field_path.is_empty() { "<nil>".to_owned() } else { error.field_path.clone() };
    let message = format!("{}: {}", structure::shown(value), error.message);
    match error.reason.as_deref() {
        Some("FieldValueForbidden") => {
            Cause { reason: "FieldValueForbidden", field, message: format!("Forbidden: {}", error.message) }
        }
        Some("FieldValueRequired") => Cause {
            reason: "FieldValueRequired",
            field,
            message: format!("Required value: {}", error.message),
        },
        Some("FieldValueDuplicate") => {
            Cause { reason: "FieldValueDuplicate", field, message: format!("Duplicate value: {message}") }
        }
        _ => Cause { reason: "FieldValueInvalid", field, message: format!("Invalid value: {message}") },
    }
}

/// The value at a path such as `spec.pools[0].name`.
fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
    steps.into_iter().try_fold(object, |value, step| match step.strip_suffix(']') {
        Some(index) => value.get(index.parse::<usize>().ok()?),
        None => value.get(step),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_into_lists() {
        let object = json!({"spec": {"pools": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(at(&object, "spec.pools[1].name"), Some(&json!("b")));
        assert_eq!(at(&object, ""), Some(&object));
        assert_eq!(at(&object, "spec.pools[2]"), None);
    }
}
