//! `CustomResourceDefinition`s: defaults of the names and the checks without which nothing could be served.

use kube_cel::{CompiledSchema, compile_schema};
use serde_json::{Value, json};

use super::{Strategy, Warnings};
use crate::apiserver::error::{ApiError, Cause};
use crate::apiserver::table::Column;

pub(crate) struct DefinitionStrategy;

impl Strategy for DefinitionStrategy {
    fn prepare_create(&self, new: &mut Value) -> Result<Warnings, ApiError> {
        complete(new);
        new["status"] = json!({
            "conditions": [],
            "acceptedNames": {"plural": "", "kind": ""},
            "storedVersions": stored_version(new).into_iter().collect::<Vec<_>>(),
        });
        refuse(new, problems(new))
    }

    fn prepare_update(&self, old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        complete(new);
        let mut causes = problems(new);
        for path in ["/spec/group", "/spec/scope", "/spec/names/plural", "/spec/names/kind"] {
            if old.pointer(path) != new.pointer(path) {
                let field = path.trim_start_matches('/').replace('/', ".");
                causes.push(invalid(&field, new.pointer(path).unwrap_or(&Value::Null), "field is immutable"));
            }
        }
        refuse(new, causes)
    }
}

/// Names a definition may leave out.
fn complete(definition: &mut Value) {
    let kind = definition["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
    let names = &mut definition["spec"]["names"];
    if names["singular"].is_null() {
        names["singular"] = json!(kind.to_lowercase());
    }
    if names["listKind"].is_null() {
        names["listKind"] = json!(format!("{kind}List"));
    }
    if definition["spec"]["conversion"].is_null() {
        definition["spec"]["conversion"] = json!({"strategy": "None"});
    }
}

fn stored_version(definition: &Value) -> Option<Value> {
    versions(definition).find(|v| v["storage"] == true).map(|v| v["name"].clone())
}

fn versions(definition: &Value) -> impl Iterator<Item = &Value> {
    definition["spec"]["versions"].as_array().into_iter().flatten()
}

fn problems(definition: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for path in ["/spec/group", "/spec/names/plural", "/spec/names/kind", "/spec/scope"] {
        if definition.pointer(path).and_then(Value::as_str).unwrap_or_default().is_empty() {
            causes.push(required(&path.trim_start_matches('/').replace('/', ".")));
        }
    }
    let text = |path: &str| definition.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let wanted = format!("{}.{}", text("/spec/names/plural"), text("/spec/group"));
    if text("/metadata/name") != wanted {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(invalid("metadata.name", &definition["metadata"]["name"], why));
    }
    if !matches!(text("/spec/scope"), "Cluster" | "Namespaced" | "") {
        causes.push(Cause {
            reason: "FieldValueNotSupported",
            field: "spec.scope".into(),
            message: format!(
                "Unsupported value: {}: supported values: \"Cluster\", \"Namespaced\"",
                definition["spec"]["scope"]
            ),
        });
    }
    if versions(definition).filter(|v| v["storage"] == true).count() != 1 {
        let shown = json!(versions(definition).map(|v| v["name"].clone()).collect::<Vec<_>>());
        causes.push(invalid(
            "spec.versions",
            &shown,
            "must have exactly one version marked as storage version",
        ));
    }
    if text("/spec/conversion/strategy") != "None" {
        causes.push(invalid(
            "spec.conversion.strategy",
            &definition["spec"]["conversion"]["strategy"],
            "only None is served here",
        ));
    }
    causes.extend(
        versions(definition).enumerate().flat_map(|(index, version)| version_problems(index, version)),
    );
    causes
}

fn version_problems(index: usize, version: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let schema = &version["schema"]["openAPIV3Schema"];
    let field = format!("spec.versions[{index}].schema.openAPIV3Schema");
    if schema.is_object() {
        let problems = rule_problems(&compile_schema(schema));
        causes.extend(problems.iter().map(|problem| invalid(&field, &json!("object"), problem)));
    } else {
        causes.push(required(&field));
    }
    let columns = version["additionalPrinterColumns"].as_array().map_or(&[][..], Vec::as_slice);
    if let Err(problem) = Column::parse_all(columns) {
        let field = format!("spec.versions[{index}].additionalPrinterColumns");
        causes.push(invalid(&field, &json!(columns), &problem.to_string()));
    }
    causes
}

/// The rules anywhere in a schema that do not compile.
fn rule_problems(schema: &CompiledSchema) -> Vec<String> {
    let own = schema.compilation_errors().into_iter().map(|error| format!("compilation failed: {error}"));
    let single = schema.items.iter().chain(&schema.additional_properties).map(AsRef::as_ref);
    let listed = [&schema.all_of, &schema.any_of, &schema.one_of].into_iter().flatten();
    let below = schema.properties.values().chain(single).chain(listed).flat_map(rule_problems);
    own.chain(below).collect()
}

fn required(field: &str) -> Cause {
    Cause { reason: "FieldValueRequired", field: field.into(), message: "Required value".into() }
}

fn invalid(field: &str, value: &Value, why: &str) -> Cause {
    Cause {
        reason: "FieldValueInvalid",
        field: field.into(),
        message: format!("Invalid value: {value}: {why}"),
    }
}

fn refuse(definition: &Value, causes: Vec<Cause>) -> Result<Warnings, ApiError> {
    if causes.is_empty() {
        return Ok(Warnings::new());
    }
    let name = definition["metadata"]["name"].as_str().unwrap_or_default();
    Err(ApiError::invalid("apiextensions.k8s.io", "CustomResourceDefinition", name, causes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Value {
        json!({
            "metadata": {"name": "widgets.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                "versions": [{"name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object"}}}],
            },
        })
    }

    #[test]
    fn completes_names_and_starts_without_conditions() {
        let mut new = definition();
        DefinitionStrategy.prepare_create(&mut new).unwrap();
        assert_eq!(new["spec"]["names"]["singular"], "widget");
        assert_eq!(new["spec"]["names"]["listKind"], "WidgetList");
        assert_eq!(new["status"]["storedVersions"], json!(["v1"]));
    }

    #[rstest::rstest]
    #[case("/metadata/name", json!("other"), "metadata.name")]
    #[case("/spec/scope", json!("Everywhere"), "spec.scope")]
    #[case("/spec/versions/0/storage", json!(false), "spec.versions")]
    #[case("/spec/versions/0/schema", json!({}), "spec.versions[0].schema.openAPIV3Schema")]
    #[case(
        "/spec/versions/0/schema/openAPIV3Schema",
        json!({"type": "object", "properties": {"a": {"type": "object", "x-kubernetes-validations": [{"rule": "self.x >="}]}}}),
        "spec.versions[0].schema.openAPIV3Schema"
    )]
    fn refuses(#[case] path: &str, #[case] value: Value, #[case] field: &str) {
        let mut new = definition();
        *new.pointer_mut(path).unwrap() = value;
        let refusal = DefinitionStrategy.prepare_create(&mut new).unwrap_err();
        assert_eq!(refusal.causes.iter().map(|c| c.field.as_str()).collect::<Vec<_>>(), [field]);
    }

    #[test]
    fn scope_is_immutable() {
        let mut new = definition();
        new["spec"]["scope"] = json!("Cluster");
        let refusal = DefinitionStrategy.prepare_update(&definition(), &mut new).unwrap_err();
        assert_eq!(refusal.causes[0].field, "spec.scope");
    }
}
