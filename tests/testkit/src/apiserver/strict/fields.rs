//! Which fields of a body its kind does not have.

use std::sync::LazyLock;

use k8s_openapi::api::{apps, coordination, core, discovery, events, rbac};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

/// The fields of `body` that the built-in kind does not have; none for kinds that are not built in.
pub fn unknown_fields(group: &str, kind: &str, body: &Value) -> Vec<String> {
    let Some((_, _, schema)) = BUILT_IN.iter().find(|(g, k, _)| *g == group && *k == kind) else {
        return Vec::new();
    };
    let rules = Rules { definitions: schema.get("$defs"), open: true };
    rules.find(schema, body).iter().map(display).collect()
}

/// The fields of `body` that the `openAPIV3Schema` of a custom kind does not have.
///
/// The schema is structural: an object without `properties` has no fields, unless
/// `x-kubernetes-preserve-unknown-fields` or `additionalProperties` lets it. A null schema accepts everything.
pub fn unknown_custom_fields(schema: &Value, body: &Value) -> Vec<String> {
    custom(schema, body).iter().map(display).collect()
}

/// Drops what [`unknown_custom_fields`] names, as the server does before it stores a custom resource.
pub fn prune_custom(schema: &Value, body: &mut Value) {
    for path in custom(schema, body) {
        remove(body, &path);
    }
}

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

fn display(path: &Vec<Step>) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
        }
    }
    text
}

fn remove(body: &mut Value, path: &[Step]) {
    let Some((Step::Key(last), parents)) = path.split_last() else {
        return;
    };
    let parent = parents.iter().try_fold(body, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    });
    if let Some(object) = parent.and_then(Value::as_object_mut) {
        object.remove(last);
    }
}

fn custom(schema: &Value, body: &Value) -> Vec<Vec<Step>> {
    if schema.is_null() {
        return Vec::new();
    }
    let rules = Rules { definitions: None, open: false };
    let mut found = rules.find(schema, body);
    // These three belong to every object; the schema can only narrow them down.
    found.retain(|path| !matches!(path.as_slice(), [Step::Key(key), ..] if is_root_field(key)));
    if let Some(metadata) = body.get("metadata") {
        let rules = Rules { definitions: METADATA.get("$defs"), open: true };
        let in_metadata = rules.find(&METADATA, metadata);
        found.extend(
            in_metadata.into_iter().map(|path| [vec![Step::Key("metadata".to_owned())], path].concat()),
        );
    }
    found
}

fn is_root_field(key: &str) -> bool {
    ["apiVersion", "kind", "metadata"].contains(&key)
}

/// How a schema is read.
struct Rules<'a> {
    /// Where `$ref` leads.
    definitions: Option<&'a Value>,
    /// Whether an object whose schema names no properties may have any.
    open: bool,
}

/// What a schema says about one key of an object.
enum Field<'a> {
    Known(&'a Value),
    Free,
    Unknown,
}

impl<'a> Rules<'a> {
    fn find(&self, schema: &'a Value, body: &Value) -> Vec<Vec<Step>> {
        let mut found = Vec::new();
        self.visit(schema, body, &mut Vec::new(), &mut found);
        found
    }

    fn visit(&self, schema: &'a Value, value: &Value, at: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
        let schema = self.resolve(schema);
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    at.push(Step::Key(key.clone()));
                    match self.field(schema, key) {
                        Field::Known(schema) => self.visit(schema, value, at, found),
                        Field::Free => {}
                        Field::Unknown => found.push(at.clone()),
                    }
                    at.pop();
                }
            }
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (index, value) in items.iter().enumerate() {
                    at.push(Step::Index(index));
                    self.visit(schema, value, at, found);
                    at.pop();
                }
            }
            _ => {}
        }
    }

    /// Follows `$ref`, alone or wrapped in `allOf` (where it stands next to a description).
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let reference =
            schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str);
        let name = reference.and_then(|reference| reference.rsplit('/').next());
        name.and_then(|name| self.definitions?.get(name)).unwrap_or(schema)
    }

    fn field(&self, schema: &'a Value, key: &str) -> Field<'a> {
        let is_set = |name: &str| schema.get(name) == Some(&Value::Bool(true));
        let properties = schema.get("properties");
        if let Some(known) = properties.and_then(|properties| properties.get(key)) {
            return Field::Known(known);
        }
        if is_set("x-kubernetes-embedded-resource") && is_root_field(key) {
            return Field::Free;
        }
        match schema.get("additionalProperties") {
            Some(Value::Object(_)) => return Field::Known(&schema["additionalProperties"]),
            Some(Value::Bool(true)) => return Field::Free,
            _ => {}
        }
        let free = is_set("x-kubernetes-preserve-unknown-fields") || (self.open && properties.is_none());
        if free { Field::Free } else { Field::Unknown }
    }
}

type Schema = LazyLock<Value>;

static METADATA: Schema = LazyLock::new(schema::<ObjectMeta>);

static BUILT_IN: [(&str, &str, Schema); 19] = [
    ("", "ConfigMap", LazyLock::new(schema::<core::v1::ConfigMap>)),
    ("", "Endpoints", LazyLock::new(schema::<core::v1::Endpoints>)),
    ("", "Event", LazyLock::new(schema::<core::v1::Event>)),
    ("", "Namespace", LazyLock::new(schema::<core::v1::Namespace>)),
    ("", "Node", LazyLock::new(schema::<core::v1::Node>)),
    ("", "Pod", LazyLock::new(schema::<core::v1::Pod>)),
    ("", "Secret", LazyLock::new(schema::<core::v1::Secret>)),
    ("", "Service", LazyLock::new(schema::<core::v1::Service>)),
    ("", "ServiceAccount", LazyLock::new(schema::<core::v1::ServiceAccount>)),
    ("apiextensions.k8s.io", "CustomResourceDefinition", LazyLock::new(schema::<CustomResourceDefinition>)),
    ("apps", "DaemonSet", LazyLock::new(schema::<apps::v1::DaemonSet>)),
    ("apps", "Deployment", LazyLock::new(schema::<apps::v1::Deployment>)),
    ("coordination.k8s.io", "Lease", LazyLock::new(schema::<coordination::v1::Lease>)),
    ("discovery.k8s.io", "EndpointSlice", LazyLock::new(schema::<discovery::v1::EndpointSlice>)),
    ("events.k8s.io", "Event", LazyLock::new(schema::<events::v1::Event>)),
    ("rbac.authorization.k8s.io", "ClusterRole", LazyLock::new(schema::<rbac::v1::ClusterRole>)),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        LazyLock::new(schema::<rbac::v1::ClusterRoleBinding>),
    ),
    ("rbac.authorization.k8s.io", "Role", LazyLock::new(schema::<rbac::v1::Role>)),
    ("rbac.authorization.k8s.io", "RoleBinding", LazyLock::new(schema::<rbac::v1::RoleBinding>)),
];

fn schema<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}
