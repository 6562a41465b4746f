//! Objects that hold others: a namespace its content, a `CustomResourceDefinition` its custom resources.
//! Deleting one deletes what it holds; it goes when the last of it is gone.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Engine;
use super::definitions::{self, DEFINITIONS};
use crate::apiserver::kinds::Kind;
use crate::apiserver::metadata;
use crate::apiserver::store::{Key, Stored, Writer};

const NAMESPACES: &str = "namespaces";

/// What kind of container a kind is, if it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Namespace,
    Definition,
}

impl Container {
    fn of(kind: &Kind) -> Option<Self> {
        match kind.table.as_str() {
            NAMESPACES => Some(Self::Namespace),
            DEFINITIONS => Some(Self::Definition),
            _ => None,
        }
    }
}

/// Whether a deletion of this kind of object has to look for content.
pub(super) fn is_container(kind: &Kind) -> bool {
    Container::of(kind).is_some()
}

impl Engine {
    /// Whether `container` still holds something.
    pub(super) fn has_content(&self, kind: &Kind, container: &Value) -> bool {
        !self.content(kind, container).is_empty()
    }

    /// Shows in the object itself that its content is being deleted.
    pub(super) fn mark_container(&self, kind: &Kind, container: &mut Value) {
        match Container::of(kind) {
            Some(Container::Namespace) => container["status"]["phase"] = json!("Terminating"),
            Some(Container::Definition) => definitions::mark_terminating(container, &self.clock.stamp()),
            None => {}
        }
    }

    pub(super) fn delete_content(&self, writer: &Writer<'_>, kind: &Kind, container: &Stored) {
        for (kind, object) in self.content(kind, &container.value) {
            self.delete_stored(writer, &kind, &object);
        }
    }

    /// Removes a container whose deletion only waited for its content.
    pub(super) fn finish_container(
        &self,
        writer: &Writer<'_>,
        kind: &Kind,
        key: &Key,
    ) -> Option<Arc<Stored>> {
        Container::of(kind)?;
        let container = self.table(kind).get(key)?;
        let waiting = !metadata::is_deleting(&container.value)
            || metadata::has_finalizers(&container.value)
            || self.has_content(kind, &container.value);
        (!waiting).then(|| self.remove(writer, kind, &container, &container.value))
    }

    /// After `gone` was removed: its containers may have waited for it.
    pub(super) fn settle_containers_of(&self, writer: &Writer<'_>, kind: &Kind, gone: &Value) {
        if kind.namespaced
            && let Some(namespaces) = self.kinds.of("v1", "Namespace")
        {
            self.finish_container(writer, &namespaces, &Key::new("", metadata::text(gone, "namespace")));
        }
        if kind.custom.is_some()
            && let Some(definitions) = self.kinds.of("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        {
            // A definition is called as the table of its objects.
            self.finish_container(writer, &definitions, &Key::new("", &kind.table));
        }
    }

    fn content(&self, kind: &Kind, container: &Value) -> Vec<(Arc<Kind>, Arc<Stored>)> {
        let name = metadata::text(container, "name");
        match Container::of(kind) {
            Some(Container::Namespace) => self.content_of_namespace(name),
            Some(Container::Definition) => self.content_of_definition(name),
            None => Vec::new(),
        }
    }

    fn content_of_namespace(&self, name: &str) -> Vec<(Arc<Kind>, Arc<Stored>)> {
        let mut content = Vec::new();
        for kind in self.kinds.distinct_tables().into_iter().filter(|k| k.namespaced) {
            let table = self.table(&kind);
            let state = table.read();
            let after = state.objects.range::<Key, _>(Key::new(name, "")..);
            let inside = after.take_while(|(key, _)| key.namespace == name);
            content.extend(inside.map(|(_, object)| (Arc::clone(&kind), Arc::clone(object))));
        }
        content
    }

    fn content_of_definition(&self, name: &str) -> Vec<(Arc<Kind>, Arc<Stored>)> {
        let kinds = self.kinds.distinct_tables();
        let Some(kind) = kinds.into_iter().find(|k| k.table == name && k.custom.is_some()) else {
            return Vec::new();
        };
        let table = self.table(&kind);
        table.read().objects.values().map(|object| (Arc::clone(&kind), Arc::clone(object))).collect()
    }
}
