//! Walks objects along the list rules of [`crate::apiserver::patch::schema`]: which paths an object has, what
//! differs between two, how an applied configuration merges into one, and taking paths out.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fieldset::FieldSet;
use crate::apiserver::error::ApiError;
use crate::apiserver::patch::PatchKind;
use crate::apiserver::patch::schema::{Key, ListMerge, is_atomic_map, key_default, list_rule};

/// Metadata that belongs to the server and to nobody else.
const SERVER_METADATA: [&str; 8] = [
    "f:name",
    "f:namespace",
    "f:uid",
    "f:creationTimestamp",
    "f:resourceVersion",
    "f:generation",
    "f:selfLink",
    "f:managedFields",
];

/// A value as a container of separately owned parts, or as one part.
enum Shape<'v> {
    Map(&'v Map<String, Value>),
    /// Elements with their steps, all different.
    Keyed(Vec<(String, &'v Value)>),
    Set(&'v [Value]),
    Whole,
}

/// Where in which kind of object the walk is.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    kind: &'a PatchKind<'a>,
    path: Vec<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(kind: &'a PatchKind<'a>) -> Self {
        Self { kind, path: Vec::new() }
    }

    /// The paths `value` has, apart from what the server owns.
    pub(super) fn paths_of(&self, value: &Value) -> FieldSet {
        let mut set = self.owned(value);
        drop_server_fields(&mut set);
        set
    }

    /// The paths whose value in `new` is not the one in `old`, apart from what the server owns.
    pub(super) fn changes(&self, old: Option<&Value>, new: &Value) -> FieldSet {
        let mut set = self.changed(old, new);
        drop_server_fields(&mut set);
        set
    }

    /// `applied` laid over `live`.
    pub(super) fn merge(&self, live: Option<&Value>, applied: &Value) -> Value {
        match (self.shape(applied), live) {
            (Shape::Map(map), live) => {
                let mut merged = live.and_then(Value::as_object).cloned().unwrap_or_default();
                for (field, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                    let below = self.field(field).merge(merged.get(field), value);
                    merged.insert(field.clone(), below);
                }
                Value::Object(merged)
            }
            (Shape::Keyed(items), Some(live)) => match self.shape(live) {
                Shape::Keyed(live) => Value::Array(self.merge_keyed(&live, &items)),
                _ => applied.clone(),
            },
            (Shape::Set(items), Some(Value::Array(live))) => {
                let new = items.iter().filter(|item| !live.contains(item));
                Value::Array(live.iter().chain(new).cloned().collect())
            }
            // An empty container claims nothing inside.
            (Shape::Whole, Some(live)) if is_empty(applied) && !matches!(self.shape(live), Shape::Whole) => {
                live.clone()
            }
            _ => applied.clone(),
        }
    }

    /// Applied elements in the applied order; the others where they were relative to them.
    fn merge_keyed(&self, live: &[(String, &Value)], applied: &[(String, &Value)]) -> Vec<Value> {
        let in_live = |step: &str| live.iter().find(|(other, _)| other == step).map(|(_, item)| *item);
        let mut rest = applied.iter();
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut merged = Vec::with_capacity(live.len() + applied.len());
        for (step, item) in live {
            if !applied.iter().any(|(other, _)| other == step) {
                merged.push((*item).clone());
                continue;
            }
            while !done.contains(step.as_str()) {
                let Some((next, value)) = rest.next() else { break };
                merged.push(self.merge(in_live(next), value));
                done.insert(next);
            }
        }
        merged.extend(rest.map(|(step, value)| self.merge(in_live(step), value)));
        merged
    }

    /// Refuses keyed lists whose elements cannot be told apart, with the words of the real server (which answers 500).
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        match value {
            Value::Object(map) => map.iter().try_for_each(|(field, value)| self.field(field).check(value)),
            Value::Array(items) => {
                if let ListMerge::Keyed(keys) = self.rule() {
                    self.check_keys(items, keys)?;
                }
                items.iter().try_for_each(|item| self.check(item))
            }
            _ => Ok(()),
        }
    }

    fn check_keys(&self, items: &[Value], keys: &[Key]) -> Result<(), String> {
        let place = format!(".{}", self.path.join("."));
        let mut seen = BTreeSet::new();
        for item in items {
            let Some(step) = key_step(item, keys) else {
                let names: Vec<&str> = keys.iter().map(|key| key.field).collect();
                return Err(format!(
                    "{place}: element {item} omits a key field of {names:?} that has no default value"
                ));
            };
            if !seen.insert(step.clone()) {
                return Err(format!(
                    "{place}: duplicate entries for key {}",
                    super::fieldset::display(&[step])
                ));
            }
        }
        Ok(())
    }

    fn owned(&self, value: &Value) -> FieldSet {
        self.changed(None, value)
    }

    fn changed(&self, old: Option<&Value>, new: &Value) -> FieldSet {
        let mut set = FieldSet::default();
        if old == Some(new) {
            return set;
        }
        match self.shape(new) {
            Shape::Map(map) => {
                for (field, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                    let before = old.and_then(|old| old.get(field));
                    set.insert(format!("f:{field}"), self.field(field).changed(before, value));
                }
            }
            Shape::Keyed(items) => {
                let before = old.map(|old| self.shape(old));
                for (step, item) in items {
                    let known = match &before {
                        Some(Shape::Keyed(before)) => {
                            before.iter().find(|(other, _)| *other == step).map(|(_, item)| *item)
                        }
                        _ => None,
                    };
                    let mut below = self.changed(known, item);
                    if known.is_none() {
                        below.include_here();
                    }
                    set.insert(step, below);
                }
            }
            Shape::Set(items) => {
                let before = old.and_then(Value::as_array);
                for item in items.iter().filter(|item| !before.is_some_and(|before| before.contains(item))) {
                    set.insert(format!("v:{item}"), FieldSet::here());
                }
            }
            Shape::Whole => set.include_here(),
        }
        set
    }

    fn field(&self, name: &str) -> Self {
        let mut below = self.clone();
        below.path.push(name.to_owned());
        below
    }

    fn rule(&self) -> ListMerge {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        list_rule(self.kind, &path).apply
    }

    fn shape<'v>(&self, value: &'v Value) -> Shape<'v> {
        match value {
            Value::Object(map) if !map.is_empty() => {
                let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
                if is_atomic_map(self.kind, &path) { Shape::Whole } else { Shape::Map(map) }
            }
            Value::Array(items) if !items.is_empty() => match self.rule() {
                ListMerge::Atomic => Shape::Whole,
                ListMerge::Set => Shape::Set(items),
                ListMerge::Keyed(keys) => keyed(items, keys).map_or(Shape::Whole, Shape::Keyed),
            },
            _ => Shape::Whole,
        }
    }
}

/// Finds what `path` leads to.
pub(super) fn lookup<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| step_into(value, step))
}

/// Takes `path` out of `value`, and containers that are empty afterwards with it. Key fields of a list element stay
/// as long as the element does.
pub(super) fn remove(value: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    if let [field] = rest
        && is_key_of(step, field)
    {
        return;
    }
    if !rest.is_empty() {
        let Some(below) = step_into_mut(value, step) else { return };
        remove(below, rest);
        if !is_empty(below) {
            return;
        }
    }
    match (value, step.split_once(':')) {
        (Value::Object(map), Some(("f", name))) => drop(map.remove(name)),
        (Value::Array(items), Some(_)) => items.retain(|item| !is_at(item, step)),
        _ => {}
    }
}

/// Drops the paths that lead nowhere in `value`, except below the top-level fields in `exempt`.
pub(super) fn prune(set: &mut FieldSet, value: &Value, exempt: &[&str]) {
    set.retain(|step, below| {
        if step.strip_prefix("f:").is_some_and(|field| exempt.contains(&field)) {
            return true;
        }
        let Some(value) = step_into(value, step).filter(|value| !value.is_null()) else { return false };
        prune(below, value, &[]);
        true
    });
}

/// Drops the top-level fields in `fields`.
pub(super) fn drop_fields(set: &mut FieldSet, fields: &[&str]) {
    set.retain(|step, _| !step.strip_prefix("f:").is_some_and(|field| fields.contains(&field)));
}

pub(super) fn internal(message: String) -> ApiError {
    ApiError::new(500, "InternalError", message)
}

fn drop_server_fields(set: &mut FieldSet) {
    set.retain(|step, below| {
        if step == "f:metadata" {
            below.retain(|field, _| !SERVER_METADATA.contains(&field));
        }
        !matches!(step, "f:apiVersion" | "f:kind")
    });
}

fn keyed<'v>(items: &'v [Value], keys: &[Key]) -> Option<Vec<(String, &'v Value)>> {
    let steps: Option<Vec<String>> = items.iter().map(|item| key_step(item, keys)).collect();
    let steps = steps?;
    let distinct: BTreeSet<&String> = steps.iter().collect();
    (distinct.len() == steps.len()).then(|| steps.into_iter().zip(items).collect())
}

/// `k:{…}` with the key fields of `item`; None if one without default is missing.
fn key_step(item: &Value, keys: &[Key]) -> Option<String> {
    let item = item.as_object()?;
    let fields: Option<Map<String, Value>> = keys
        .iter()
        .map(|key| {
            let value = item.get(key.field).filter(|value| !value.is_null()).cloned();
            value.or_else(|| key.default.map(Value::from)).map(|value| (key.field.to_owned(), value))
        })
        .collect();
    fields.map(|fields| format!("k:{}", Value::Object(fields)))
}

fn step_into<'v>(value: &'v Value, step: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(step.strip_prefix("f:")?),
        Value::Array(items) => items.iter().find(|item| is_at(item, step)),
        _ => None,
    }
}

fn step_into_mut<'v>(value: &'v mut Value, step: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(map) => map.get_mut(step.strip_prefix("f:")?),
        Value::Array(items) => items.iter_mut().find(|item| is_at(item, step)),
        _ => None,
    }
}

/// Whether a list element is the one `step` names. A key the element leaves out counts as its default.
fn is_at(item: &Value, step: &str) -> bool {
    match step.split_once(':') {
        Some(("k", keys)) => serde_json::from_str::<Map<String, Value>>(keys).is_ok_and(|keys| {
            let value =
                |field: &str| item.get(field).cloned().or_else(|| key_default(field).map(Value::from));
            keys.iter().all(|(field, wanted)| value(field).as_ref() == Some(wanted))
        }),
        Some(("v", text)) => serde_json::from_str::<Value>(text).is_ok_and(|wanted| wanted == *item),
        _ => false,
    }
}

fn is_key_of(step: &str, field: &str) -> bool {
    let keys = step.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Map<String, Value>>(keys).ok());
    keys.is_some_and(|keys| field.strip_prefix("f:").is_some_and(|name| keys.contains_key(name)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
