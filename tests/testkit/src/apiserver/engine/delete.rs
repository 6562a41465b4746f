//! Deleting objects: at once without finalizers, in two steps with them.

use std::sync::Arc;

use serde_json::json;

use super::{Engine, containers, identity, unstored};
use crate::apiserver::error::ApiError;
use crate::apiserver::kinds::Kind;
use crate::apiserver::metadata;
use crate::apiserver::store::{Key, Stored, Writer};

/// `metav1.DeleteOptions` as far as they matter here.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    /// `preconditions.uid`, empty for none.
    pub(crate) uid: String,
    /// `preconditions.resourceVersion`.
    pub(crate) revision: Option<u64>,
}

/// The outcome of a delete.
#[derive(Debug)]
pub(crate) struct Deleted {
    pub(crate) object: Arc<Stored>,
    /// False when something still has to clean up.
    pub(crate) gone: bool,
}

impl Engine {
    /// DELETE of one object.
    pub(crate) fn delete(
        &self,
        kind: &Arc<Kind>,
        key: &Key,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let writer = self.store.write();
        let old = self.get(kind, key)?;
        identity::check_preconditions(kind, key, &old, &options.uid, options.revision)?;
        if kind.table == "namespaces"
            && ["default", "kube-system", "kube-public"].contains(&key.name.as_str())
        {
            return Err(ApiError::forbidden(
                "",
                "namespaces",
                &key.name,
                "this namespace may not be deleted",
            ));
        }
        if options.dry_run {
            let gone = !metadata::has_finalizers(&old.value);
            return Ok(Deleted { object: old, gone });
        }
        Ok(self.delete_stored(&writer, kind, &old))
    }

    /// Deletes what is stored, as far as its finalizers let it.
    pub(super) fn delete_stored(&self, writer: &Writer<'_>, kind: &Arc<Kind>, old: &Arc<Stored>) -> Deleted {
        let first = !metadata::is_deleting(&old.value);
        if !metadata::has_finalizers(&old.value) && !containers::is_container(kind) {
            return Deleted { object: self.remove(writer, kind, old, &old.value), gone: true };
        }
        if !first {
            return Deleted { object: Arc::clone(old), gone: false };
        }
        let mut new = old.value.clone();
        let meta = &mut new["metadata"];
        meta["deletionTimestamp"] = json!(self.clock.stamp());
        meta["deletionGracePeriodSeconds"] = json!(0);
        if let Some(generation) = meta["generation"].as_i64() {
            meta["generation"] = json!(generation + 1);
        }
        self.mark_container(kind, &mut new);
        let object = writer.put(&self.table(kind), new);
        self.delete_content(writer, kind, &object);
        let gone = self.finish_container(writer, kind, &Key::of(&object.value));
        let object = gone.as_ref().map_or(object, |gone| unstored(gone.value.clone(), gone.revision));
        Deleted { object, gone: gone.is_some() }
    }
}
