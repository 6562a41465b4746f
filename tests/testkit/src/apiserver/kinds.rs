//! The kinds the server serves: their names, where they are stored, and the rules their resource strategy
//! follows upstream. Kinds of a `CustomResourceDefinition` join and leave at run time.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use kube_cel::CompiledSchema;
use serde_json::Value;

use super::table::Column;

mod builtin;
mod view;

pub(crate) use builtin::CUSTOM;
pub use view::View;

/// One served kind in one version.
#[derive(Debug, Clone)]
pub struct Kind {
    /// API group, empty for core.
    pub group: String,
    /// Version inside the group, e.g. `v1`.
    pub version: String,
    /// CamelCase kind, e.g. `Service`.
    pub kind: String,
    /// Plural resource name as in the path, e.g. `services`.
    pub plural: String,
    /// Singular name, e.g. `service`.
    pub singular: String,
    /// Short names for `kubectl`, e.g. `svc`.
    pub short_names: Vec<String>,
    /// Categories for `kubectl`, e.g. `all`.
    pub categories: Vec<String>,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether `/status` is served and `status` is refused on the main resource.
    pub has_status: bool,
    /// How writes behave.
    pub rules: Rules,
    /// Which table the objects are kept in; two kinds with one table share their objects.
    pub table: String,
    /// How the stored form is turned into this version and back.
    pub view: View,
    /// Set for kinds of a `CustomResourceDefinition`.
    pub custom: Option<Arc<CustomVersion>>,
}

/// Write behaviour of a kind, as its strategy upstream has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the upstream strategies")]
pub struct Rules {
    /// `metadata.generation` counts changes of the wanted state.
    pub generation: bool,
    /// A PUT without `resourceVersion` is accepted.
    pub unconditional_update: bool,
    /// A PUT on a missing name creates the object.
    pub create_on_update: bool,
    /// A create drops `status` from the body.
    pub clears_status_on_create: bool,
    /// What a write to `/status` may do to the metadata.
    pub status_metadata: StatusMetadata,
    /// DELETE answers the object and not a `Status`.
    pub returns_deleted: bool,
    /// How names are checked.
    pub names: NameRule,
}

/// What of the metadata a `/status` write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusMetadata {
    /// Everything a main write may change (Service, Node, Namespace).
    Open,
    /// Nothing: it is taken from the stored object (custom resources and their definitions).
    Kept,
}

/// The syntax of an object's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// RFC 1123 label, at most 63 characters.
    Label,
    /// RFC 1123 subdomain, at most 253 characters.
    Subdomain,
    /// Anything that fits in one path segment (RBAC).
    PathSegment,
}

/// What the definition says about one version of a custom kind.
#[derive(Debug)]
pub struct CustomVersion {
    /// `schema.openAPIV3Schema`, `Null` when the version has none.
    pub schema: Value,
    /// The compiled `x-kubernetes-validations` of the schema.
    pub rules: CompiledSchema,
    /// What `kubectl get` shows.
    pub columns: Vec<Column>,
}

impl Kind {
    /// `v1` or `group/version`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `services` or `widgets.example.com`, as upstream messages name a resource.
    pub fn qualified_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// All served kinds, by group, version and plural name.
#[derive(Debug)]
pub struct Registry {
    kinds: RwLock<BTreeMap<(String, String, String), Arc<Kind>>>,
}

impl Default for Registry {
    fn default() -> Self {
        let registry = Self { kinds: RwLock::default() };
        for kind in builtin::kinds() {
            registry.add(kind);
        }
        registry
    }
}

impl Registry {
    /// The kind behind a path.
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Kind>> {
        let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
        kinds.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).cloned()
    }

    /// The kind an object names in `apiVersion` and `kind`.
    pub fn of(&self, api_version: &str, kind: &str) -> Option<Arc<Kind>> {
        let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
        kinds.values().find(|k| k.kind == kind && k.api_version() == api_version).cloned()
    }

    /// All kinds, ordered by group, version and plural name.
    pub fn all(&self) -> Vec<Arc<Kind>> {
        self.kinds.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One kind per table, so that a sweep over all objects sees each object once.
    pub(crate) fn distinct_tables(&self) -> Vec<Arc<Kind>> {
        let mut by_table = BTreeMap::new();
        for kind in self.all() {
            by_table.entry(kind.table.clone()).or_insert(kind);
        }
        by_table.into_values().collect()
    }

    /// Starts to serve `kind`, replacing one of the same group, version and plural name.
    pub(crate) fn add(&self, kind: Kind) {
        let key = (kind.group.clone(), kind.version.clone(), kind.plural.clone());
        self.kinds.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::new(kind));
    }

    /// Stops to serve every version of a custom resource.
    pub(crate) fn remove(&self, group: &str, plural: &str) {
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        kinds.retain(|_, k| !(k.custom.is_some() && k.group == group && k.plural == plural));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_event_groups_share_one_table() {
        let registry = Registry::default();
        let core = registry.resource("", "v1", "events").unwrap();
        let grouped = registry.of("events.k8s.io/v1", "Event").unwrap();
        assert_eq!(core.table, grouped.table);
        assert_ne!(core.view, grouped.view);
        let tables: Vec<_> = registry.distinct_tables().iter().map(|k| k.table.clone()).collect();
        assert_eq!(tables.iter().filter(|t| *t == "events").count(), 1);
    }

    #[test]
    fn generation_counts_only_where_upstream_counts() {
        let registry = Registry::default();
        for kind in ["Service", "Node", "Namespace", "ConfigMap", "Secret"] {
            assert!(!registry.of("v1", kind).unwrap().rules.generation, "{kind}");
        }
        assert!(!registry.of("coordination.k8s.io/v1", "Lease").unwrap().rules.generation);
        assert!(registry.of("discovery.k8s.io/v1", "EndpointSlice").unwrap().rules.generation);
    }

    #[test]
    fn removing_a_custom_kind_leaves_builtin_kinds() {
        let registry = Registry::default();
        registry.remove("", "services");
        assert!(registry.resource("", "v1", "services").is_some());
    }
}
