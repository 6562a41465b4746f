//! Which fields of a resource differ from the wish, both in one spelling.

use std::collections::BTreeSet;

use landfall_core::plan::FieldDiff;
use serde_json::{Map, Value};

use crate::api::Reference;
use crate::change::{Change, Stage, What, short};
use crate::defaults;
use crate::observe::{Observed, Thing};

/// What an update leaves as it is: who it is, and in which network.
const FIXED: [&str; 2] = ["name", "network"];

/// What makes a resource as wanted; `None` if it is.
pub(super) fn change(observed: &Observed, stage: Stage, reference: &Reference, it: Thing) -> Option<Change> {
    let Some(found) = observed.things.get(reference) else {
        return Some(Change::new(stage, reference, What::Insert(Box::new(it))));
    };
    let fields = differences(&it, &found.it);
    let update = || Change::new(stage, reference, What::Update(Box::new(it))).telling(fields.clone());
    (!fields.is_empty()).then(update)
}

/// The fields that differ.
fn differences(wanted: &Thing, there: &Thing) -> Vec<FieldDiff> {
    let (wanted, there) = (fields(wanted), fields(there));
    let names: BTreeSet<&String> = wanted.keys().chain(there.keys()).collect();
    let differ = names.into_iter().filter(|name| !FIXED.contains(&name.as_str()));
    let differ = differ.filter(|name| wanted.get(*name) != there.get(*name));
    let told = |value: Option<&Value>| value.cloned().map(short);
    differ
        .map(|name| FieldDiff {
            field: name.clone(),
            from: told(there.get(name)),
            to: told(wanted.get(name)),
        })
        .collect()
}

/// A resource in one spelling, field by field. Kinds that are never updated have none.
fn fields(thing: &Thing) -> Map<String, Value> {
    let fields = match thing {
        Thing::BackendService(it) => serde_json::to_value(defaults::backend_service(it)),
        Thing::HealthCheck(it) => serde_json::to_value(defaults::health_check(it)),
        Thing::Firewall(it) => serde_json::to_value(defaults::firewall(it)),
        Thing::Address(_) | Thing::EndpointGroup(_) | Thing::ForwardingRule(_) | Thing::InstanceGroup(_) => {
            return Map::new();
        }
    };
    match fields {
        Ok(Value::Object(fields)) => fields,
        // Made of what came from JSON, it always has this form.
        _ => Map::new(),
    }
}
