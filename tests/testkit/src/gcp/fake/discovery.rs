//! Google's discovery document of Compute Engine v1, in the reduced form of `tests/testkit/gcp/reduce.py`: which methods
//! there are, on which paths, with which parameters and bodies.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// The reduced document.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let text = include_str!("../../../gcp/compute.v1.json");
    serde_json::from_str(text).unwrap_or_else(|error| unreachable!("gcp/compute.v1.json: {error}"))
});

/// The table that the fake routes and validates by.
pub(super) fn table() -> &'static Table {
    &TABLE
}

/// Methods, parameters and schemas.
#[derive(Debug, Deserialize)]
pub(super) struct Table {
    /// Query parameters that every method has.
    parameters: BTreeMap<String, Parameter>,
    /// By id without the prefix `compute.`.
    methods: BTreeMap<String, MethodSpec>,
    schemas: BTreeMap<String, Schema>,
}

/// A method.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MethodSpec {
    pub(super) http_method: String,
    /// Template below the version, e.g. `projects/{project}/global/firewalls/{firewall}`.
    pub(super) path: String,
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// Schema of the body.
    pub(super) request: Option<String>,
    /// Schema of the answer.
    pub(super) response: String,
}

/// A parameter in the path or in the query.
#[derive(Debug, Deserialize)]
pub(super) struct Parameter {
    pub(super) location: String,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) pattern: Option<String>,
}

/// A schema, or a field of one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schema {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) format: Option<String>,
    pub(super) pattern: Option<String>,
    #[serde(rename = "enum")]
    pub(super) words: Option<Vec<String>>,
    #[serde(rename = "$ref")]
    pub(super) reference: Option<String>,
    pub(super) items: Option<Box<Schema>>,
    pub(super) additional_properties: Option<Box<Schema>>,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, Schema>,
    #[serde(default)]
    pub(super) read_only: bool,
}

/// A method with what its path says.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) id: &'static str,
    pub(super) spec: &'static MethodSpec,
    /// Path parameters by name.
    pub(super) path: BTreeMap<&'static str, String>,
}

impl Table {
    /// The method of a request; `path` begins with `projects/`.
    pub(super) fn route(&'static self, http_method: &str, path: &str) -> Option<Routed> {
        self.methods.iter().find_map(|(id, spec)| {
            let path = (spec.http_method == http_method).then(|| spec.matches(path)).flatten()?;
            Some(Routed { id, spec, path })
        })
    }

    /// The schema of that name.
    pub(super) fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.get(name)
    }

    /// A query parameter of a method, or of all. `$alt` is `alt`: both spellings are the same parameter.
    pub(super) fn query<'a>(&'a self, spec: &'a MethodSpec, name: &str) -> Option<&'a Parameter> {
        let own = spec.parameters.get(name).filter(|parameter| parameter.location == "query");
        own.or_else(|| self.parameters.get(name)).or_else(|| self.parameters.get(name.strip_prefix('$')?))
    }
}

impl MethodSpec {
    /// The path parameters, if the path fits the template.
    fn matches(&'static self, path: &str) -> Option<BTreeMap<&'static str, String>> {
        let mut found = BTreeMap::new();
        let mut given = path.split('/');
        for wanted in self.path.split('/') {
            let given = given.next()?;
            match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(_) if given.is_empty() => return None,
                Some(name) => {
                    found.insert(name, given.to_owned());
                }
                None if wanted == given => {}
                None => return None,
            }
        }
        given.next().is_none().then_some(found)
    }
}

impl Schema {
    /// Whether a field of this schema holds no more than the server's own words.
    pub(super) fn is_word(&self, value: &Value) -> bool {
        let known = |word: &str| self.words.as_ref().is_none_or(|words| words.iter().any(|w| w == word));
        value.as_str().is_none_or(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_gcp::api::{Kind, Method, Verb};
    use rstest::rstest;

    #[rstest]
    #[case("POST", "projects/p/regions/r/forwardingRules", Some("forwardingRules.insert"))]
    #[case("GET", "projects/p/regions/r/forwardingRules/n", Some("forwardingRules.get"))]
    #[case("PUT", "projects/p/regions/r/forwardingRules/n", None)]
    #[case("GET", "projects/p/zones/z/forwardingRules/n", None)]
    #[case("GET", "projects/p/regions/r", Some("regions.get"))]
    #[case("GET", "projects/p/regions//addresses", None)]
    #[case("GET", "projects/p/regions/r/addresses/", None)]
    fn paths_lead_to_methods(#[case] http: &str, #[case] path: &str, #[case] id: Option<&str>) {
        assert_eq!(table().route(http, path).map(|routed| routed.id), id);
    }

    #[test]
    fn every_reference_of_a_schema_is_there() {
        fn check(schema: &Schema) {
            let inner = schema.items.iter().chain(&schema.additional_properties);
            inner.map(AsRef::as_ref).chain(schema.properties.values()).for_each(check);
            if let Some(name) = &schema.reference {
                assert!(table().schema(name).is_some(), "{name}");
            }
        }
        table().schemas.values().for_each(check);
    }

    #[rstest]
    fn every_kind_can_be_read_and_listed(#[values(Verb::Get, Verb::List)] verb: Verb) {
        for kind in Kind::ALL {
            let id = Method::new(kind, verb).to_string();
            assert!(table().methods.contains_key(&id), "{id}");
        }
    }
}
