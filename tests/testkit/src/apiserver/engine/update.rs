//! Changing objects: PUT and every kind of PATCH come down to a function from the stored object to the new one.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ownership::{self, Part, Tracking, field_writer};
use super::{Engine, WriteOptions, Written, identity, missing, unstored};
use crate::apiserver::error::{ApiError, Cause};
use crate::apiserver::kinds::{Kind, StatusMetadata};
use crate::apiserver::metadata::{self, text};
use crate::apiserver::store::{Key, Stored, Writer};
use crate::apiserver::typed;

/// What to do when there is nothing to update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnMissing {
    /// 404.
    Refuse,
    /// Create it.
    Create,
}

/// A change of one object.
pub(crate) struct Update<'a> {
    pub(crate) kind: &'a Arc<Kind>,
    pub(crate) key: &'a Key,
    pub(crate) part: Part,
    pub(crate) missing: OnMissing,
    pub(crate) tracking: Tracking,
    pub(crate) options: &'a WriteOptions,
}

impl Engine {
    /// Applies `change` to the object. It gets the object as clients of the kind's version see it, or `None`
    /// when there is none, and returns the wanted one in the same form.
    pub(crate) fn update(
        &self,
        update: &Update<'_>,
        change: impl FnOnce(Option<&Value>) -> Result<Value, ApiError>,
    ) -> Result<Written, ApiError> {
        let writer = self.store.write();
        let Update { kind, key, .. } = update;
        let Some(old) = self.table(kind).get(key) else {
            return self.create_on_update(&writer, update, change);
        };
        let mut body = change(Some(&kind.view.shown(&old.value)))?;
        identity::settle(kind, &key.namespace, &mut body)?;
        identity::settle_name(&key.name, &mut body)?;
        let revision = identity::demanded_revision(&body)?;
        identity::check_preconditions(kind, key, &old, text(&body, "uid"), revision)?;
        if revision.is_none() && !kind.rules.unconditional_update {
            return Err(revision_required(kind, &key.name));
        }
        let mut new = typed::decode(kind, kind.view.stored(body))?;
        if update.tracking == Tracking::Compare {
            let now = self.clock.stamp();
            let writer = field_writer(kind, update.part, &update.options.manager, &now);
            ownership::track(kind, &writer, Some(&old.value), &mut new);
        }
        // Compared as equal until something else differs.
        new["metadata"]["resourceVersion"] = old.value["metadata"]["resourceVersion"].clone();
        let warnings = self.prepare(update, &old.value, &mut new)?;
        let object = self.replace(&writer, update, &old, new);
        Ok(Written { object, created: false, warnings })
    }

    fn create_on_update(
        &self,
        writer: &Writer<'_>,
        update: &Update<'_>,
        change: impl FnOnce(Option<&Value>) -> Result<Value, ApiError>,
    ) -> Result<Written, ApiError> {
        let Update { kind, key, .. } = update;
        if update.missing == OnMissing::Refuse {
            return Err(missing(kind, key));
        }
        let mut body = change(None)?;
        identity::settle(kind, &key.namespace, &mut body)?;
        identity::settle_name(&key.name, &mut body)?;
        let uid = text(&body, "uid");
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(ApiError::conflict(&kind.group, &kind.plural, &key.name, &why));
        }
        self.insert(writer, kind, body, update.tracking, update.options)
    }

    /// Brings `new` into the form in which it would be stored.
    fn prepare(&self, update: &Update<'_>, old: &Value, new: &mut Value) -> Result<Vec<String>, ApiError> {
        let kind = update.kind;
        match update.part {
            Part::Main if kind.has_status => copy_field("status", old, new),
            Part::Main => {}
            Part::Status => keep_all_but_status(kind, old, new),
        }
        metadata::prepare_update(kind, old, new)?;
        let strategy = self.strategy(kind);
        let warnings = match update.part {
            Part::Main => strategy.prepare_update(old, new)?,
            Part::Status => strategy.prepare_status(old, new)?,
        };
        if kind.rules.generation && wanted_state_differs(kind, old, new) {
            let next = old["metadata"]["generation"].as_i64().unwrap_or_default() + 1;
            new["metadata"]["generation"] = json!(next);
        }
        Ok(warnings)
    }

    /// Stores `new`, or finishes a deletion that only waited for its finalizers to go, or does nothing when
    /// nothing changed.
    fn replace(
        &self,
        writer: &Writer<'_>,
        update: &Update<'_>,
        old: &Arc<Stored>,
        new: Value,
    ) -> Arc<Stored> {
        if new == old.value {
            return Arc::clone(old);
        }
        if update.options.dry_run {
            self.strategy(update.kind).undone(&old.value, &new);
            return unstored(new, old.revision);
        }
        if metadata::is_deleting(&new)
            && !metadata::has_finalizers(&new)
            && !self.has_content(update.kind, &new)
        {
            // As upstream: the event shows the last stored state, the answer the one that was sent.
            let gone = self.remove(writer, update.kind, old, &new);
            return unstored(new, gone.revision);
        }
        let object = writer.put(&self.table(update.kind), new);
        self.settle_updated(update.kind, &object);
        object
    }
}

fn copy_field(field: &str, old: &Value, new: &mut Value) {
    let Some(fields) = new.as_object_mut() else { return };
    match old.get(field) {
        Some(value) => fields.insert(field.into(), value.clone()),
        None => fields.remove(field),
    };
}

fn keep_all_but_status(kind: &Kind, old: &Value, new: &mut Value) {
    let status = new.get("status").cloned();
    let mut sent_meta = new["metadata"].take();
    *new = old.clone();
    match status {
        Some(status) => new["status"] = status,
        None => {
            if let Some(fields) = new.as_object_mut() {
                fields.remove("status");
            }
        }
    }
    std::mem::swap(&mut new["metadata"], &mut sent_meta);
    if kind.rules.status_metadata == StatusMetadata::Kept {
        metadata::keep(old, new);
    }
}

/// Whether anything besides metadata and, where it has a path of its own, status differs.
fn wanted_state_differs(kind: &Kind, old: &Value, new: &Value) -> bool {
    let state = |object: &Value| -> Vec<(String, Value)> {
        let fields = object.as_object().into_iter().flatten();
        fields
            .filter(|(name, _)| *name != "metadata" && !(kind.has_status && *name == "status"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    state(old) != state(new)
}

fn revision_required(kind: &Kind, name: &str) -> ApiError {
    let cause = Cause {
        reason: "FieldValueInvalid",
        field: "metadata.resourceVersion".into(),
        message: "Invalid value: 0: must be specified for an update".into(),
    };
    // Upstream names the resource here, not the kind.
    ApiError::invalid(&kind.group, &kind.plural, name, vec![cause])
}
