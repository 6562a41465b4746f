//! What kinds the server has: `/api`, `/apis` and below, in the old form and aggregated.
//!
//! The aggregated form (KEP-3352, `apidiscovery.k8s.io/v2`) lists everything in two answers. A client offers the
//! profiles it reads in `Accept`; to any that we do not serve (`v2beta1` of `kubectl` 1.27–1.29) the plain form
//! is the right answer, and every client falls back to it.

use serde_json::{Value, json};

#[cfg(test)]
mod tests;

/// The content type of aggregated answers.
pub const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// One kind as discovery shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredKind {
    /// API group, empty for core.
    pub group: String,
    /// `v1`, `v1alpha1`, …
    pub version: String,
    /// `Service`.
    pub kind: String,
    /// `services`: the word in paths.
    pub plural: String,
    /// `service`.
    pub singular: String,
    /// `svc`.
    pub short_names: Vec<String>,
    /// `all` for what `kubectl get all` shows.
    pub categories: Vec<String>,
    /// False for kinds of the whole cluster.
    pub namespaced: bool,
    /// Whether `/status` is served.
    pub has_status: bool,
    /// `get`, `list`, `watch`, …
    pub verbs: Vec<String>,
}

/// An answer with its content type.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// The JSON body.
    pub body: Value,
}

/// The answer to a GET of a discovery `path`, or `None` when the path is not one or names nothing that is served.
///
/// Paths are `/api`, `/api/v1`, `/apis`, `/apis/GROUP` and `/apis/GROUP/VERSION`. Only `/api` and `/apis` have an
/// aggregated form, given when `accept` offers it.
pub fn answer(path: &str, accept: &str, kinds: &[DiscoveredKind]) -> Option<Document> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let plain = |body| Some(Document { content_type: "application/json", body });
    match segments.as_slice() {
        [root @ ("api" | "apis")] if offers_aggregated(accept) => {
            Some(Document { content_type: AGGREGATED, body: aggregated(kinds, *root == "api") })
        }
        ["api"] => plain(json!({
            "kind": "APIVersions", "versions": versions(kinds, ""), "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => plain(json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": groups(kinds).filter(|group| !group.is_empty()).map(|group| api_group(kinds, group)).collect::<Vec<_>>(),
        })),
        ["api", version] => resources(kinds, "", version).and_then(plain),
        ["apis", group] if groups(kinds).any(|known| known == *group) => {
            let mut body = api_group(kinds, group);
            body["kind"] = json!("APIGroup");
            body["apiVersion"] = json!("v1");
            plain(body)
        }
        ["apis", group, version] => resources(kinds, group, version).and_then(plain),
        _ => None,
    }
}

/// Whether one of the comma separated media ranges is the profile we serve.
fn offers_aggregated(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_json = parts.next() == Some("application/json");
        let parameters: Vec<&str> = parts.collect();
        is_json
            && ["g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"]
                .iter()
                .all(|want| parameters.contains(want))
    })
}

/// Each group once, in the order of the kinds.
fn groups(kinds: &[DiscoveredKind]) -> impl Iterator<Item = &str> {
    unique(kinds.iter().map(|kind| kind.group.as_str())).into_iter()
}

fn versions<'a>(kinds: &'a [DiscoveredKind], group: &str) -> Vec<&'a str> {
    unique(kinds.iter().filter(|kind| kind.group == group).map(|kind| kind.version.as_str()))
}

fn unique<'a>(words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    seen
}

fn of<'a>(kinds: &'a [DiscoveredKind], group: &str, version: &str) -> Vec<&'a DiscoveredKind> {
    kinds.iter().filter(|kind| kind.group == group && kind.version == version).collect()
}

fn api_group(kinds: &[DiscoveredKind], group: &str) -> Value {
    let versions: Vec<Value> = versions(kinds, group)
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
        .collect();
    json!({"name": group, "versions": versions, "preferredVersion": versions.first()})
}

/// `APIResourceList`; a subresource is an entry of its own there.
fn resources(kinds: &[DiscoveredKind], group: &str, version: &str) -> Option<Value> {
    let found = of(kinds, group, version);
    if found.is_empty() {
        return None;
    }
    let mut entries = Vec::new();
    for kind in found {
        entries.push(json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": kind.verbs, "shortNames": kind.short_names, "categories": kind.categories,
        }));
        if kind.has_status {
            entries.push(json!({
                "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": kind.kind, "verbs": STATUS_VERBS,
            }));
        }
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}),
    )
}

const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

/// `/api` carries the core group, `/apis` all others.
fn aggregated(kinds: &[DiscoveredKind], core: bool) -> Value {
    let items: Vec<Value> = groups(kinds)
        .filter(|group| group.is_empty() == core)
        .map(|group| {
            let versions: Vec<Value> = versions(kinds, group)
                .into_iter()
                .map(|version| {
                    let resources: Vec<Value> =
                        of(kinds, group, version).into_iter().map(aggregated_resource).collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    })
}

fn aggregated_resource(kind: &DiscoveredKind) -> Value {
    let response_kind = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let mut resource = json!({
        "resource": kind.plural,
        "responseKind": response_kind,
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": kind.verbs,
        "shortNames": kind.short_names,
        "categories": kind.categories,
    });
    if kind.has_status {
        resource["subresources"] =
            json!([{"subresource": "status", "responseKind": response_kind, "verbs": STATUS_VERBS}]);
    }
    resource
}
