//! `/openapi/v3`: as little of it as `kubectl` needs.
//!
//! Before a write `kubectl` looks for the kind's PATCH operation and asks whether it takes `fieldValidation`;
//! without that answer `create`, `apply` and `diff` stop unless told `--validate=false`. Schemas are left out, so
//! `kubectl explain` has nothing to read and says so; the server itself knows the fields (see `strict`).

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::discovery::DiscoveredKind;

/// The answer to a GET below `/openapi/v3`, or `None` for other paths and groups that are not served.
///
/// `/openapi/v3` lists a document per group and version; `/openapi/v3/api/v1` and
/// `/openapi/v3/apis/GROUP/VERSION` are those documents. The `hash` parameter of the index is a cache key of the
/// client and needs no check here.
pub fn answer(path: &str, kinds: &[DiscoveredKind]) -> Option<Value> {
    match path.strip_prefix("/openapi/v3")?.trim_matches('/') {
        "" => Some(index(kinds)),
        root => document(root, kinds),
    }
}

fn index(kinds: &[DiscoveredKind]) -> Value {
    let mut paths = Map::new();
    for root in kinds.iter().map(root) {
        if !paths.contains_key(&root)
            && let Some(document) = document(&root, kinds)
        {
            let url = format!("/openapi/v3/{root}?hash={:016X}", hash(&document));
            paths.insert(root, json!({ "serverRelativeURL": url }));
        }
    }
    json!({ "paths": paths })
}

/// `api/v1` or `apis/GROUP/VERSION`.
fn root(kind: &DiscoveredKind) -> String {
    match kind.group.as_str() {
        "" => format!("api/{}", kind.version),
        group => format!("apis/{group}/{}", kind.version),
    }
}

fn document(wanted: &str, kinds: &[DiscoveredKind]) -> Option<Value> {
    let paths: Map<String, Value> = kinds
        .iter()
        .filter(|kind| root(kind) == wanted)
        .map(|kind| (item_path(kind), json!({ "patch": patch_operation(kind) })))
        .collect();
    (!paths.is_empty()).then(|| {
        json!({ "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "unversioned" }, "paths": paths })
    })
}

fn item_path(kind: &DiscoveredKind) -> String {
    let scope = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
    format!("/{}/{scope}{}/{{name}}", root(kind), kind.plural)
}

fn patch_operation(kind: &DiscoveredKind) -> Value {
    let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    json!({
        "operationId": format!("patch{}{}", kind.version, kind.kind),
        "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
        "responses": { "200": { "description": "OK" } },
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": { "group": kind.group, "version": kind.version, "kind": kind.kind },
    })
}

/// Equal documents have equal hashes within one process, which is all a cache key needs.
fn hash(document: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    document.to_string().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, kind: &str, namespaced: bool) -> DiscoveredKind {
        let singular = kind.to_lowercase();
        DiscoveredKind {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
            plural: format!("{singular}s"),
            singular,
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced,
            has_status: true,
            verbs: Vec::new(),
        }
    }

    fn kinds() -> Vec<DiscoveredKind> {
        vec![kind("", "Service", true), kind("", "Node", false), kind("landfall.dev", "AddressPool", false)]
    }

    #[test]
    fn the_index_leads_to_every_document() {
        let index = answer("/openapi/v3", &kinds()).expect("an index");
        let paths = index["paths"].as_object().expect("paths");
        assert_eq!(paths.keys().collect::<Vec<_>>(), ["api/v1", "apis/landfall.dev/v1"]);
        for (root, entry) in paths {
            let url = entry["serverRelativeURL"].as_str().expect("a URL");
            let path = url.split_once('?').map_or(url, |(path, _)| path);
            assert_eq!(path, format!("/openapi/v3/{root}"));
            assert!(answer(path, &kinds()).is_some(), "{path}");
        }
    }

    #[test]
    fn the_hash_follows_the_content() {
        let url = |kinds: &[DiscoveredKind]| {
            let index = answer("/openapi/v3", kinds).expect("an index");
            index["paths"]["api/v1"]["serverRelativeURL"].clone()
        };
        assert_eq!(url(&kinds()), url(&kinds()));
        assert_ne!(url(&kinds()), url(&kinds()[..1]));
    }

    #[test]
    fn each_kind_takes_field_validation() {
        let document = answer("/openapi/v3/api/v1", &kinds()).expect("a document");
        let patch = &document["paths"]["/api/v1/namespaces/{namespace}/services/{name}"]["patch"];
        assert_eq!(
            patch["x-kubernetes-group-version-kind"],
            json!({ "group": "", "version": "v1", "kind": "Service" })
        );
        let parameters = patch["parameters"].as_array().expect("parameters");
        assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation"));
        assert!(document["paths"].get("/api/v1/nodes/{name}").is_some());
        assert!(document["paths"].get("/apis/landfall.dev/v1/addresspools/{name}").is_none());
    }

    #[test]
    fn unknown_paths_have_no_answer() {
        for path in ["/openapi/v2", "/openapi/v3/apis/unknown.dev/v1", "/openapi/v3/api/v2"] {
            assert_eq!(answer(path, &kinds()), None, "{path}");
        }
    }
}
