//! Server-side apply and the ownership it rests on (KEP-555), for the kinds this server stores.
//!
//! Lite in one respect: there are no schemas. A list is keyed or a set if `patch::schema` says so and atomic
//! otherwise, and any JSON map is a map of separately owned fields. The number of `Update` entries is not capped.
//!
//! Order of a write: the engine calls [`server_side_apply`] or [`track_update`] on what the client sent *before* the
//! kind's own preparation, so that defaults and allocations belong to nobody, as on the real server.

use serde_json::{Value, json};

use self::fieldset::FieldSet;
use self::managers::{Manager, Operation, conflict};
use self::walk::{Walk, drop_fields, internal, lookup, prune, remove};
use super::error::{ApiError, Cause};
use super::patch::PatchKind;

mod fieldset;
mod managers;
#[cfg(test)]
mod tests;
mod walk;

/// Who writes, when, and through which endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// `fieldManager`, or for updates without one the client's name from its `User-Agent`.
    pub manager: &'a str,
    /// `status` or empty.
    pub subresource: &'a str,
    /// RFC 3339, whole seconds.
    pub now: &'a str,
    /// Top-level fields this endpoint does not write: `["status"]` on the main resource of a kind with a status
    /// subresource, `["spec"]` on `/status`. They are neither taken from the body nor owned through it.
    pub not_written: &'a [&'a str],
}

/// The object that applying `applied` makes of `live`, with its new `managedFields`; `live` itself if nothing changes
/// but a time.
///
/// Fields the same manager applied before and now leaves out are removed, unless somebody else owns them too. Without
/// `live` the answer is an object to create. Identity (name, namespace, apiVersion, kind) is the caller's to check.
///
/// # Errors
/// 409 with one `FieldManagerConflict` cause per path that another manager set to another value, unless `force`;
/// 422 without a manager; 400 if the body carries `managedFields` or is no object; 500 (as the real server) for keyed
/// lists with missing or repeated keys.
pub fn server_side_apply(
    kind: &PatchKind<'_>,
    writer: &Writer<'_>,
    live: Option<&Value>,
    applied: &Value,
    force: bool,
) -> Result<Value, ApiError> {
    let applied = configuration(kind, writer, applied)?;
    let walk = Walk::new(kind);
    let wanted = walk.paths_of(&applied);
    let (mine, mut others) = known_managers(&walk, writer, live);
    let mut merged = walk.merge(live, &applied);
    settle_conflicts(live, &merged, &wanted, &mut others, force)?;
    if let Some(mine) = &mine {
        let still_used =
            |path: &[String]| wanted.touches(path) || others.iter().any(|other| other.fields.touches(path));
        for path in mine.fields.minus(&wanted).paths().iter().filter(|path| !still_used(path)) {
            remove(&mut merged, path);
        }
        // A container emptied just now may be one that is applied as empty.
        merged = walk.merge(Some(&merged), &applied);
    }
    for other in &mut others {
        prune(&mut other.fields, &merged, &[]);
    }
    let unchanged = mine.as_ref().is_some_and(|mine| mine.fields == wanted);
    let entry = Manager {
        name: writer.manager.to_owned(),
        operation: Operation::Apply,
        subresource: writer.subresource.to_owned(),
        api_version: applied["apiVersion"].as_str().unwrap_or_default().to_owned(),
        // Kept for the comparison below; a change of anything else makes it now.
        time: mine.filter(|_| unchanged).map_or_else(|| writer.now.to_owned(), |mine| mine.time),
        fields: wanted,
    };
    others.push(entry);
    managers::write(&mut merged, others);
    if live == Some(&merged) {
        return Ok(merged);
    }
    stamp(&mut merged, writer);
    Ok(merged)
}

/// Records in `new` that `writer` wrote it in place of `old` (None for a create) by POST, PUT or a patch.
///
/// What the write changed becomes the writer's alone; what it removed is nobody's. `managedFields` sent by the client
/// are replaced by those of `old`, except that an empty list forgets all owners.
pub fn track_update(kind: &PatchKind<'_>, writer: &Writer<'_>, old: Option<&Value>, new: &mut Value) {
    let reset = new.pointer("/metadata/managedFields").and_then(Value::as_array).is_some_and(Vec::is_empty);
    let mut known = if reset { Vec::new() } else { managers::read(old) };
    let mut changed = Walk::new(kind).changes(old, new);
    drop_fields(&mut changed, writer.not_written);
    for manager in &mut known {
        prune(&mut manager.fields, new, writer.not_written);
    }
    let is_writer =
        |manager: &&mut Manager| manager.is(writer.manager, Operation::Update, writer.subresource);
    for other in known.iter_mut().filter(|manager| !is_writer(manager)) {
        other.fields = other.fields.minus(&changed);
    }
    if let Some(mine) = known.iter_mut().find(is_writer) {
        let before = mine.fields.clone();
        mine.fields.union(changed);
        if mine.fields != before {
            writer.now.clone_into(&mut mine.time);
        }
    } else {
        known.push(Manager {
            name: writer.manager.to_owned(),
            operation: Operation::Update,
            subresource: writer.subresource.to_owned(),
            api_version: new["apiVersion"].as_str().unwrap_or_default().to_owned(),
            time: writer.now.to_owned(),
            fields: changed,
        });
    }
    managers::write(new, known);
}

/// The body as far as this endpoint takes it.
fn configuration(kind: &PatchKind<'_>, writer: &Writer<'_>, applied: &Value) -> Result<Value, ApiError> {
    if writer.manager.is_empty() {
        let cause = Cause {
            reason: "FieldValueRequired",
            field: "fieldManager".to_owned(),
            message: "Required value: is required for apply patch".to_owned(),
        };
        return Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", vec![cause]));
    }
    let mut applied = applied.clone();
    let Some(map) = applied.as_object_mut() else {
        return Err(ApiError::new(400, "BadRequest", "the applied configuration must be an object"));
    };
    map.retain(|field, _| !writer.not_written.contains(&field.as_str()));
    let metadata = map.entry("metadata").or_insert_with(|| json!({}));
    if metadata.get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApiError::new(400, "BadRequest", "metadata.managedFields must be nil"));
    }
    Walk::new(kind)
        .check(&applied)
        .map_err(|text| internal(format!("failed to create typed patch object: {text}")))?;
    Ok(applied)
}

/// The writer's own apply entry and everybody else's. An object nobody ever tracked has one former owner of all.
fn known_managers(
    walk: &Walk<'_>,
    writer: &Writer<'_>,
    live: Option<&Value>,
) -> (Option<Manager>, Vec<Manager>) {
    let mut known = managers::read(live);
    if let (Some(live), true) = (live, known.is_empty()) {
        known.push(Manager {
            name: "before-first-apply".to_owned(),
            operation: Operation::Update,
            subresource: String::new(),
            api_version: live["apiVersion"].as_str().unwrap_or_default().to_owned(),
            time: writer.now.to_owned(),
            fields: walk.paths_of(live),
        });
    }
    let at =
        known.iter().position(|manager| manager.is(writer.manager, Operation::Apply, writer.subresource));
    (at.map(|at| known.remove(at)), known)
}

/// Finds the paths whose value would change under another owner; with `force` they stop being the other's.
fn settle_conflicts(
    live: Option<&Value>,
    merged: &Value,
    wanted: &FieldSet,
    others: &mut [Manager],
    force: bool,
) -> Result<(), ApiError> {
    let differs = |path: &Vec<String>| live.and_then(|live| lookup(live, path)) != lookup(merged, path);
    // An element itself is common property; only values inside can be in dispute.
    let is_value = |path: &Vec<String>| !path.last().is_some_and(|step| step.starts_with("k:"));
    let disputed = |other: &Manager| -> Vec<Vec<String>> {
        other
            .fields
            .common(wanted)
            .paths()
            .into_iter()
            .filter(|path| is_value(path) && differs(path))
            .collect()
    };
    if force {
        for other in others {
            other.fields = other.fields.minus(&FieldSet::of_paths(&disputed(other)));
        }
        return Ok(());
    }
    let conflicts: Vec<_> =
        others.iter().map(|other| (other, disputed(other))).filter(|(_, paths)| !paths.is_empty()).collect();
    if conflicts.is_empty() { Ok(()) } else { Err(conflict(&conflicts)) }
}

/// The time of the writer's entry becomes now.
fn stamp(object: &mut Value, writer: &Writer<'_>) {
    let mut known = managers::read(Some(object));
    for mine in known.iter_mut().filter(|m| m.is(writer.manager, Operation::Apply, writer.subresource)) {
        writer.now.clone_into(&mut mine.time);
    }
    managers::write(object, known);
}
