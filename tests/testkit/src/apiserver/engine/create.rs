//! Creating objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ownership::{self, Part, Tracking, field_writer};
use super::{Engine, WriteOptions, Written, identity, unstored};
use crate::apiserver::error::{ApiError, Cause};
use crate::apiserver::kinds::Kind;
use crate::apiserver::metadata::{self, text};
use crate::apiserver::store::{Key, Writer};
use crate::apiserver::typed;

/// How often a generated name is drawn anew when it is taken (KEP-4420).
const NAME_DRAWS: usize = 8;

impl Engine {
    /// POST of `body`, which is in the version of `kind`, to a collection.
    pub(crate) fn create(
        &self,
        kind: &Arc<Kind>,
        namespace: &str,
        mut body: Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        identity::settle(kind, namespace, &mut body)?;
        if identity::demanded_revision(&body)?.is_some() {
            // Upstream has no status of its own for this: a plain 500 without a reason.
            return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
        }
        let writer = self.store.write();
        self.name(kind, namespace, &mut body);
        self.insert(&writer, kind, body, Tracking::Compare, options)
    }

    /// Stores a new object whose identity is settled.
    pub(super) fn insert(
        &self,
        writer: &Writer<'_>,
        kind: &Arc<Kind>,
        body: Value,
        tracking: Tracking,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let now = self.clock.stamp();
        let mut new = typed::decode(kind, kind.view.stored(body))?;
        if let Some(meta) = new["metadata"].as_object_mut() {
            meta.remove("resourceVersion");
        }
        if kind.rules.clears_status_on_create
            && kind.has_status
            && let Some(fields) = new.as_object_mut()
        {
            fields.remove("status");
        }
        if tracking == Tracking::Compare {
            ownership::track(kind, &field_writer(kind, Part::Main, &options.manager, &now), None, &mut new);
        }
        metadata::prepare_create(kind, &mut new, &now)?;
        let key = Key::of(&new);
        self.check_namespace(kind, &key)?;
        if self.definition_is_deleting(kind) {
            let why = "create not allowed while custom resource definition is terminating";
            return Err(ApiError::new(405, "MethodNotAllowed", why));
        }
        let table = self.table(kind);
        if table.get(&key).is_some() {
            return Err(ApiError::already_exists(&kind.group, &kind.plural, &key.name));
        }
        let strategy = self.strategy(kind);
        let warnings = strategy.prepare_create(&mut new)?;
        if options.dry_run {
            strategy.released(&new);
            return Ok(Written { object: unstored(new, 0), created: true, warnings });
        }
        let object = writer.put(&table, new);
        self.settle_created(writer, kind, &object);
        Ok(Written { object, created: true, warnings })
    }

    /// Completes `generateName`.
    fn name(&self, kind: &Kind, namespace: &str, body: &mut Value) {
        let base = text(body, "generateName");
        if base.is_empty() || !text(body, "name").is_empty() {
            return;
        }
        let table = self.table(kind);
        let mut name = metadata::generate(base);
        for _ in 1..NAME_DRAWS {
            if table.get(&Key::new(namespace, &name)).is_none() {
                break;
            }
            name = metadata::generate(base);
        }
        body["metadata"]["name"] = json!(name);
    }

    /// New objects need a namespace that exists and is not on its way out.
    fn check_namespace(&self, kind: &Kind, key: &Key) -> Result<(), ApiError> {
        if !kind.namespaced {
            return Ok(());
        }
        let namespace = self.store.table("namespaces").get(&Key::new("", &key.namespace));
        let Some(namespace) = namespace else {
            return Err(ApiError::not_found("", "namespaces", &key.namespace));
        };
        if !metadata::is_deleting(&namespace.value) {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {} because it is being terminated",
            key.namespace
        );
        Err(ApiError {
            causes: vec![Cause {
                reason: "NamespaceTerminating",
                field: "metadata.namespace".into(),
                message: format!("namespace {} is being terminated", key.namespace),
            }],
            ..ApiError::forbidden(&kind.group, &kind.plural, &key.name, &why)
        })
    }
}
