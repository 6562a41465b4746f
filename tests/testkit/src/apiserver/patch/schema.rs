//! Which lists of which kinds are merged, and by what: the patch and list-type metadata of the API types,
//! reduced to the kinds this server stores. Everything not named here is replaced as a whole.

use super::PatchKind;

/// How two versions of a list become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::apiserver) enum ListMerge {
    /// The newer list replaces the older.
    Atomic,
    /// A set of scalars.
    Set,
    /// A map in list form; elements with equal values of all these fields are the same element.
    Keyed(&'static [Key]),
}

/// A field that identifies a list element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::apiserver) struct Key {
    /// Field name.
    pub(in crate::apiserver) field: &'static str,
    /// The value an element without the field has.
    pub(in crate::apiserver) default: Option<&'static str>,
}

/// The rules of one list: strategic merge knows one key, server-side apply may need several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::apiserver) struct ListRule {
    /// `patchStrategy`/`patchMergeKey`.
    pub(in crate::apiserver) patch: ListMerge,
    /// `listType`/`listMapKey`.
    pub(in crate::apiserver) apply: ListMerge,
}

/// The rule of the list at `path` (field names from the root; list elements add none).
pub(in crate::apiserver) fn list_rule(kind: &PatchKind<'_>, path: &[&str]) -> ListRule {
    RULES
        .iter()
        .find(|(scope, suffix, _)| scope.covers(kind) && path.ends_with(suffix))
        .map_or(ATOMIC, |(_, _, rule)| *rule)
}

/// Maps that have one owner as a whole in server-side apply (`mapType: atomic`).
pub(in crate::apiserver) fn is_atomic_map(kind: &PatchKind<'_>, path: &[&str]) -> bool {
    !kind.is_custom_resource
        && path.last().is_some_and(|field| matches!(*field, "selector" | "matchLabels" | "nodeSelector"))
}

/// The value an element has that leaves the key field `field` out, in any list.
pub(in crate::apiserver) fn key_default(field: &str) -> Option<&'static str> {
    if field == PROTOCOL.field { PROTOCOL.default } else { None }
}

#[derive(Clone, Copy)]
enum Scope {
    Everything,
    BuiltIn,
    Core(&'static str),
}

impl Scope {
    fn covers(self, kind: &PatchKind<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::BuiltIn => !kind.is_custom_resource,
            Self::Core(name) => kind.group.is_empty() && kind.kind == name,
        }
    }
}

const fn key(field: &'static str) -> Key {
    Key { field, default: None }
}

const fn both(merge: ListMerge) -> ListRule {
    ListRule { patch: merge, apply: merge }
}

const PROTOCOL: Key = Key { field: "protocol", default: Some("TCP") };
const ATOMIC: ListRule = both(ListMerge::Atomic);
const SET: ListRule = both(ListMerge::Set);
const BY_NAME: ListRule = both(ListMerge::Keyed(&[key("name")]));
const BY_TYPE: ListRule = both(ListMerge::Keyed(&[key("type")]));
const BY_UID: ListRule = both(ListMerge::Keyed(&[key("uid")]));
const BY_MOUNT: ListRule = both(ListMerge::Keyed(&[key("mountPath")]));
const SERVICE_PORTS: ListRule =
    ListRule { patch: ListMerge::Keyed(&[key("port")]), apply: ListMerge::Keyed(&[key("port"), PROTOCOL]) };
const CONTAINER_PORTS: ListRule = ListRule {
    patch: ListMerge::Keyed(&[key("containerPort")]),
    apply: ListMerge::Keyed(&[key("containerPort"), PROTOCOL]),
};

/// Matched by the end of the path, so that pod templates follow the rules of pods.
const RULES: &[(Scope, &[&str], ListRule)] = &[
    (Scope::Everything, &["metadata", "finalizers"], SET),
    (Scope::Everything, &["metadata", "ownerReferences"], BY_UID),
    (Scope::Everything, &["status", "conditions"], BY_TYPE),
    (Scope::Core("Service"), &["spec", "ports"], SERVICE_PORTS),
    (Scope::Core("Node"), &["status", "addresses"], BY_TYPE),
    (Scope::Core("Node"), &["spec", "podCIDRs"], SET),
    (Scope::BuiltIn, &["spec", "containers"], BY_NAME),
    (Scope::BuiltIn, &["spec", "initContainers"], BY_NAME),
    (Scope::BuiltIn, &["spec", "volumes"], BY_NAME),
    (Scope::BuiltIn, &["containers", "env"], BY_NAME),
    (Scope::BuiltIn, &["initContainers", "env"], BY_NAME),
    (Scope::BuiltIn, &["containers", "volumeMounts"], BY_MOUNT),
    (Scope::BuiltIn, &["initContainers", "volumeMounts"], BY_MOUNT),
    (Scope::BuiltIn, &["containers", "ports"], CONTAINER_PORTS),
    (Scope::BuiltIn, &["initContainers", "ports"], CONTAINER_PORTS),
];
