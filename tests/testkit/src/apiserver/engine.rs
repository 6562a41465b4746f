//! The rules of reading and writing objects, free of HTTP: what `k8s.io/apiserver/pkg/registry` is upstream.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clock::Clock;
use super::error::ApiError;
use super::kinds::{Kind, Registry};
use super::options::{Options, StartError};
use super::service::ServiceRegistry;
use super::store::{Key, Store, Stored, Table, Writer};
use super::strategy::{
    CustomStrategy, DefinitionStrategy, EventStrategy, NamespaceStrategy, Plain, ServiceStrategy, Strategy,
    Warnings,
};

mod containers;
mod create;
mod definitions;
mod delete;
mod identity;
mod ownership;
mod update;

pub(crate) use delete::DeleteOptions;
pub(crate) use ownership::{Part, Tracking, field_writer, patch_kind};
pub(crate) use update::{OnMissing, Update};

/// Namespaces a fresh cluster has.
const INITIAL_NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// The state of one API server.
pub(crate) struct Engine {
    pub(crate) store: Store,
    pub(crate) kinds: Registry,
    pub(crate) services: ServiceRegistry,
    pub(crate) clock: Clock,
}

/// Options every write has.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    /// Go through everything, store nothing.
    pub(crate) dry_run: bool,
    /// `fieldManager`, or what stands for it.
    pub(crate) manager: String,
}

impl WriteOptions {
    /// Plain writes by `manager`.
    pub(crate) fn by(manager: &str) -> Self {
        Self { dry_run: false, manager: manager.to_owned() }
    }
}

/// The outcome of a write.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Arc<Stored>,
    pub(crate) created: bool,
    pub(crate) warnings: Warnings,
}

impl Engine {
    /// A server with the namespaces every cluster has and nothing else.
    pub(crate) fn new(options: &Options, clock: Clock) -> Result<Self, StartError> {
        let engine = Self {
            store: Store::new(options.history),
            kinds: Registry::default(),
            services: ServiceRegistry::new(&options.services)?,
            clock,
        };
        if let Some(kind) = engine.kinds.of("v1", "Namespace") {
            for name in INITIAL_NAMESPACES {
                let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
                engine.create(&kind, "", body, &WriteOptions::by("kube-apiserver"))?;
            }
        }
        Ok(engine)
    }

    /// One object in its stored form.
    pub(crate) fn get(&self, kind: &Kind, key: &Key) -> Result<Arc<Stored>, ApiError> {
        self.table(kind).get(key).ok_or_else(|| missing(kind, key))
    }

    pub(crate) fn table(&self, kind: &Kind) -> Arc<Table> {
        self.store.table(&kind.table)
    }

    fn strategy<'a>(&'a self, kind: &'a Kind) -> Box<dyn Strategy + 'a> {
        if let Some(version) = &kind.custom {
            return Box::new(CustomStrategy { kind, version });
        }
        match kind.kind.as_str() {
            "Namespace" => Box::new(NamespaceStrategy),
            "CustomResourceDefinition" => Box::new(DefinitionStrategy),
            "Event" => Box::new(EventStrategy),
            "Service" => Box::new(ServiceStrategy(&self.services)),
            _ => Box::new(Plain),
        }
    }

    /// Takes an object out of the store and lets go of what it held.
    fn remove(&self, writer: &Writer<'_>, kind: &Kind, last: &Stored, held: &Value) -> Arc<Stored> {
        let gone = writer.remove(&self.table(kind), last);
        self.strategy(kind).released(held);
        self.settle_removed(kind, &last.value);
        self.settle_containers_of(writer, kind, &last.value);
        gone
    }
}

fn missing(kind: &Kind, key: &Key) -> ApiError {
    ApiError::not_found(&kind.group, &kind.plural, &key.name)
}

/// An outcome that is not stored: what a dry run shows.
fn unstored(value: Value, revision: u64) -> Arc<Stored> {
    Arc::new(Stored::new(value, revision))
}
