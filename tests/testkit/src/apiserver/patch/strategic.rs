//! Strategic merge patch: maps merge, lists merge by the rules of [`super::schema`], and directives (`$patch`,
//! `$deleteFromPrimitiveList`, `$setElementOrder`, `$retainKeys`) say what plain merging cannot.
//!
//! The dialect is described in the Kubernetes community notes on strategic merge patch (sig-api-machinery).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::error::ApiError;
use super::schema::{ListMerge, list_rule};
use super::{PatchKind, bad_request};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER_PREFIX: &str = "$setElementOrder/";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList/";

type Object = Map<String, Value>;

/// `current` merged with `patch`; both must be objects (the caller has checked the patch).
pub(super) fn merge(kind: &PatchKind<'_>, current: &Value, patch: &Value) -> Result<Value, ApiError> {
    let (Some(current), Some(patch)) = (current.as_object(), patch.as_object()) else {
        return Err(bad_request("strategic merge patch works on objects only"));
    };
    Merger { kind, path: Vec::new() }.map(current.clone(), patch).map(Value::Object)
}

struct Merger<'a> {
    kind: &'a PatchKind<'a>,
    /// Field names down to where the merge is; list elements add none.
    path: Vec<&'a str>,
}

/// Everything one patch says about one field.
struct FieldPatch<'a> {
    name: &'a str,
    value: Option<&'a Value>,
    order: Option<&'a [Value]>,
    delete: Option<&'a [Value]>,
}

impl<'a> Merger<'a> {
    fn map(&mut self, mut original: Object, patch: &'a Object) -> Result<Object, ApiError> {
        match patch.get(DIRECTIVE).map(|d| d.as_str().unwrap_or_default()) {
            None | Some("merge") => {}
            Some("delete") => return Ok(Object::new()),
            Some("replace") => return Ok(plain_map(patch)),
            Some(_) => return Err(unknown_directive(&patch[DIRECTIVE])),
        }
        retain_keys(&mut original, patch)?;
        for field in fields(patch)? {
            self.path.push(field.name);
            let merged = self.field(original.remove(field.name), &field);
            self.path.pop();
            if let Some(value) = merged? {
                original.insert(field.name.to_owned(), value);
            }
        }
        Ok(original)
    }

    fn field(&mut self, original: Option<Value>, field: &FieldPatch<'a>) -> Result<Option<Value>, ApiError> {
        match (field.value, original) {
            (Some(Value::Null), _) => Ok(None),
            (Some(Value::Object(patch)), original) => {
                let base = if let Some(Value::Object(map)) = original { map } else { Object::new() };
                self.map(base, patch).map(|map| Some(Value::Object(map)))
            }
            (Some(Value::Array(patch)), original) => {
                let base = if let Some(Value::Array(list)) = original { list } else { Vec::new() };
                self.list(base, patch, field).map(Some)
            }
            (Some(scalar), _) => Ok(Some(scalar.clone())),
            (None, Some(Value::Array(list))) => {
                // Only directives: what is left of an emptied list is no list, as in the typed objects of the real server.
                let merged = self.list(list, &[], field)?;
                Ok(Some(merged).filter(|list| list.as_array().is_some_and(|items| !items.is_empty())))
            }
            (None, original) => Ok(original),
        }
    }

    fn list(
        &mut self,
        original: Vec<Value>,
        patch: &'a [Value],
        field: &FieldPatch<'a>,
    ) -> Result<Value, ApiError> {
        let server_order = original.clone();
        // Without a directive the patch itself is the order, so new elements come first.
        let order = field.order.unwrap_or(patch);
        match list_rule(self.kind, &self.path).patch {
            ListMerge::Atomic if field.value.is_none() => Ok(Value::Array(original)),
            ListMerge::Atomic => Ok(Value::Array(patch.iter().filter_map(plain).collect())),
            ListMerge::Set => {
                let merged = merge_set(original, patch, field.delete.unwrap_or_default());
                Ok(Value::Array(reorder(merged, order, &server_order, Value::clone)))
            }
            ListMerge::Keyed(keys) => {
                let key = keys[0].field;
                let merged = self.keyed(original, patch, key)?;
                let identity = |item: &Value| item.get(key).cloned().unwrap_or_default();
                Ok(Value::Array(reorder(merged, order, &server_order, identity)))
            }
        }
    }

    fn keyed(&mut self, original: Vec<Value>, patch: &'a [Value], key: &str) -> Result<Vec<Value>, ApiError> {
        let mut merged = original;
        if patch.iter().any(|item| item.get(DIRECTIVE).is_some_and(|d| d == "replace")) {
            return Ok(patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).filter_map(plain).collect());
        }
        for item in patch {
            let map = item
                .as_object()
                .ok_or_else(|| bad_request(format!("list element {item} is not an object")))?;
            let id = map.get(key).ok_or_else(|| no_merge_key(item, key))?;
            let found = merged.iter().position(|old| old.get(key) == Some(id));
            match (map.get(DIRECTIVE).map(|d| d.as_str().unwrap_or_default()), found) {
                (Some("delete"), _) => merged.retain(|old| old.get(key) != Some(id)),
                (None | Some("merge"), Some(index)) => {
                    let base = merged[index].as_object().cloned().unwrap_or_default();
                    merged[index] = Value::Object(self.map(base, map)?);
                }
                (None | Some("merge"), None) => merged.push(Value::Object(self.map(Object::new(), map)?)),
                (Some(_), _) => return Err(unknown_directive(&map[DIRECTIVE])),
            }
        }
        Ok(merged)
    }
}

/// Collects the fields a patch touches, directly or through a directive.
fn fields(patch: &Object) -> Result<Vec<FieldPatch<'_>>, ApiError> {
    let names: BTreeSet<&str> = patch
        .keys()
        .filter_map(|key| match key.strip_prefix(ORDER_PREFIX).or_else(|| key.strip_prefix(DELETE_PREFIX)) {
            Some(name) => Some(name),
            None => (key != DIRECTIVE && key != RETAIN).then_some(key.as_str()),
        })
        .collect();
    let list = |prefix: &str, name: &str| match patch.get(&format!("{prefix}{name}")) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.as_slice())),
        Some(other) => {
            Err(bad_request(format!("invalid patch format: {prefix}{name} must be a list, not {other}")))
        }
    };
    names
        .into_iter()
        .map(|name| {
            let (order, delete) = (list(ORDER_PREFIX, name)?, list(DELETE_PREFIX, name)?);
            Ok(FieldPatch { name, value: patch.get(name), order, delete })
        })
        .collect()
}

/// Drops every field of `original` that `$retainKeys` does not list; the patch itself must stay within the list.
fn retain_keys(original: &mut Object, patch: &Object) -> Result<(), ApiError> {
    let Some(keep) = patch.get(RETAIN) else { return Ok(()) };
    let keep: Vec<&str> = keep
        .as_array()
        .map(|keys| keys.iter().filter_map(Value::as_str).collect())
        .ok_or_else(|| bad_request(format!("invalid patch format of retainKeys: {keep} is not a list")))?;
    if let Some(stray) =
        patch.iter().find(|(k, v)| !k.starts_with('$') && !v.is_null() && !keep.contains(&k.as_str()))
    {
        return Err(bad_request(format!(
            "invalid patch format of retainKeys: {:?} is set but not retained",
            stray.0
        )));
    }
    original.retain(|key, _| keep.contains(&key.as_str()));
    Ok(())
}

fn merge_set(original: Vec<Value>, patch: &[Value], delete: &[Value]) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::with_capacity(original.len() + patch.len());
    for item in original.into_iter().chain(patch.iter().cloned()) {
        if !merged.contains(&item) && !delete.contains(&item) {
            merged.push(item);
        }
    }
    merged
}

/// Puts the elements the client knows into the client's order. Elements only the server knows stay before those
/// they were before, where that does not contradict the client.
fn reorder(
    items: Vec<Value>,
    order: &[Value],
    server_order: &[Value],
    identity: impl Fn(&Value) -> Value,
) -> Vec<Value> {
    let index_in =
        |list: &[Value], item: &Value| list.iter().position(|other| identity(other) == identity(item));
    let (mut known, server_only): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| index_in(order, item).is_some());
    known.sort_by_key(|item| index_in(order, item));
    let mut merged = Vec::with_capacity(known.len() + server_only.len());
    let mut known = known.into_iter().peekable();
    for item in server_only {
        let place = index_in(server_order, &item);
        while let Some(next) = known.next_if(|next| match (place, index_in(server_order, next)) {
            (Some(mine), Some(theirs)) => theirs < mine,
            _ => true,
        }) {
            merged.push(next);
        }
        merged.push(item);
    }
    merged.extend(known);
    merged
}

/// A value as it may be stored: without nulls in maps and without directives. None for what is only a directive.
fn plain(value: &Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) && map.len() == 1 => None,
        Value::Object(map) => Some(Value::Object(plain_map(map))),
        Value::Array(items) => Some(Value::Array(items.iter().filter_map(plain).collect())),
        scalar => Some(scalar.clone()),
    }
}

fn plain_map(map: &Object) -> Object {
    map.iter()
        .filter(|(key, value)| !key.starts_with('$') && !value.is_null())
        .filter_map(|(key, value)| plain(value).map(|value| (key.clone(), value)))
        .collect()
}

fn unknown_directive(directive: &Value) -> ApiError {
    bad_request(format!("unknown patch directive {directive}: must be \"merge\", \"replace\" or \"delete\""))
}

/// The real server does not foresee this one and answers 500 without a reason.
fn no_merge_key(item: &Value, key: &str) -> ApiError {
    ApiError::new(500, "InternalError", format!("map: {item} does not contain declared merge key: {key}"))
}
