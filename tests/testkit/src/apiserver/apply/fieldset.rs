//! Sets of field paths in the form `managedFields` carries them (`FieldsV1`).
//!
//! A step of a path is `f:name` for a field, `k:{"port":80,…}` for the element of a keyed list and `v:value` for the
//! element of a set. A path is in the set if its node is a member; members may have members below them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldSet {
    member: bool,
    children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// The set of just the path it stands at.
    pub(super) fn here() -> Self {
        Self { member: true, children: BTreeMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    /// Makes the path of this node a member.
    pub(super) fn include_here(&mut self) {
        self.member = true;
    }

    /// Puts `below` under `step`; an empty set leaves no trace.
    pub(super) fn insert(&mut self, step: String, below: FieldSet) {
        if !below.is_empty() {
            self.children.entry(step).or_default().union(below);
        }
    }

    pub(super) fn union(&mut self, other: FieldSet) {
        self.member |= other.member;
        for (step, below) in other.children {
            self.children.entry(step).or_default().union(below);
        }
    }

    /// What is in `self` but not in `other`.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut rest = Self { member: self.member && !other.member, children: BTreeMap::new() };
        for (step, below) in &self.children {
            let kept = other.children.get(step).map_or_else(|| below.clone(), |theirs| below.minus(theirs));
            rest.insert(step.clone(), kept);
        }
        rest
    }

    /// What is in both.
    pub(super) fn common(&self, other: &Self) -> Self {
        let mut both = Self { member: self.member && other.member, children: BTreeMap::new() };
        for (step, below) in &self.children {
            if let Some(theirs) = other.children.get(step) {
                both.insert(step.clone(), below.common(theirs));
            }
        }
        both
    }

    /// Keeps the children that `keep` makes something of.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, &mut FieldSet) -> bool) {
        self.children.retain(|step, below| keep(step, below) && !below.is_empty());
    }

    /// Whether `path` or anything below it is in the set.
    pub(super) fn touches(&self, path: &[String]) -> bool {
        match path.split_first() {
            None => !self.is_empty(),
            Some((step, rest)) => self.children.get(step).is_some_and(|below| below.touches(rest)),
        }
    }

    /// Every path of the set, parents before children.
    pub(super) fn paths(&self) -> Vec<Vec<String>> {
        let own = self.member.then(Vec::new);
        let below = self.children.iter().flat_map(|(step, below)| {
            below.paths().into_iter().map(move |mut path| {
                path.insert(0, step.clone());
                path
            })
        });
        own.into_iter().chain(below).collect()
    }

    /// The set of the given paths.
    pub(super) fn of_paths<'a>(paths: impl IntoIterator<Item = &'a Vec<String>>) -> Self {
        let mut set = Self::default();
        for path in paths {
            let node =
                path.iter().fold(&mut set, |node, step| node.children.entry(step.clone()).or_default());
            node.member = true;
        }
        set
    }

    pub(super) fn to_json(&self) -> Value {
        let mut map: Map<String, Value> =
            self.children.iter().map(|(step, below)| (step.clone(), below.to_json())).collect();
        if self.member && !map.is_empty() {
            map.insert(".".to_owned(), json!({}));
        }
        Value::Object(map)
    }

    /// Reads `fieldsV1`; what is not of its form reads as nothing.
    pub(super) fn from_json(value: &Value) -> Self {
        let children =
            value.as_object().into_iter().flatten().filter(|(step, _)| *step != ".").map(|(step, below)| {
                let mut set = Self::from_json(below);
                let is_leaf = below.as_object().is_some_and(Map::is_empty);
                set.member |= is_leaf || below.get(".").is_some();
                (step.clone(), set)
            });
        Self { member: false, children: children.filter(|(_, set)| !set.is_empty()).collect() }
    }
}

/// A path as error messages show it: `.spec.ports[port=80,protocol="TCP"].nodePort`.
pub(super) fn display(path: &[String]) -> String {
    path.iter().map(|step| display_step(step)).collect()
}

fn display_step(step: &str) -> String {
    match step.split_once(':') {
        Some(("f", name)) => format!(".{name}"),
        Some(("k", keys)) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let pairs: Vec<String> = keys.iter().map(|(field, value)| format!("{field}={value}")).collect();
            format!("[{}]", pairs.join(","))
        }
        Some((_, value)) => format!("[={value}]"),
        None => step.to_owned(),
    }
}
