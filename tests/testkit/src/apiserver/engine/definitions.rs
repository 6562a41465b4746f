//! Serving the kinds of `CustomResourceDefinition`s: they appear when the definition is stored, follow its
//! changes, and go with it.

use std::sync::Arc;

use kube_cel::compile_schema;
use serde_json::{Value, json};

use super::Engine;
use crate::apiserver::kinds::{CUSTOM, CustomVersion, Kind, View};
use crate::apiserver::metadata;
use crate::apiserver::store::{Stored, Writer};
use crate::apiserver::table::Column;

/// The table of definitions.
pub(super) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

impl Engine {
    /// After a create: a definition's kinds are served at once, and its status says so.
    pub(super) fn settle_created(&self, writer: &Writer<'_>, kind: &Kind, created: &Stored) {
        if kind.table != DEFINITIONS {
            return;
        }
        self.serve(&created.value);
        let mut accepted = created.value.clone();
        accepted["status"]["acceptedNames"] = accepted["spec"]["names"].clone();
        let now = self.clock.stamp();
        for (name, reason, message) in [
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ] {
            push_condition(&mut accepted, name, reason, message, &now);
        }
        writer.put(&self.table(kind), accepted);
    }

    /// After an update: versions and schemas may have changed.
    pub(super) fn settle_updated(&self, kind: &Kind, updated: &Stored) {
        if kind.table == DEFINITIONS {
            self.serve(&updated.value);
        }
    }

    /// After a removal: a definition takes its kinds along.
    pub(super) fn settle_removed(&self, kind: &Kind, gone: &Value) {
        if kind.table == DEFINITIONS {
            let text = |path: &str| gone.pointer(path).and_then(Value::as_str).unwrap_or_default();
            self.kinds.remove(text("/spec/group"), text("/spec/names/plural"));
        }
    }

    fn serve(&self, definition: &Value) {
        let spec = &definition["spec"];
        let plural = spec["names"]["plural"].as_str().unwrap_or_default();
        self.kinds.remove(spec["group"].as_str().unwrap_or_default(), plural);
        for kind in served_kinds(definition) {
            self.kinds.add(kind);
        }
    }

    /// Whether the definition of a custom kind is on its way out.
    pub(super) fn definition_is_deleting(&self, kind: &Kind) -> bool {
        let definition =
            || self.store.table(DEFINITIONS).get(&crate::apiserver::store::Key::new("", &kind.table));
        kind.custom.is_some() && definition().is_some_and(|d: Arc<Stored>| metadata::is_deleting(&d.value))
    }
}

/// Says in the status that the objects of the definition are being deleted.
pub(super) fn mark_terminating(definition: &mut Value, now: &str) {
    push_condition(
        definition,
        "Terminating",
        "InstanceDeletionInProgress",
        "CustomResource deletion is in progress",
        now,
    );
}

fn push_condition(definition: &mut Value, name: &str, reason: &str, message: &str, now: &str) {
    let condition = json!({
        "type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now,
    });
    match definition["status"]["conditions"].as_array_mut() {
        Some(conditions) => conditions.push(condition),
        None => definition["status"]["conditions"] = json!([condition]),
    }
}

/// The served versions of a definition that passed its strategy's checks.
fn served_kinds(definition: &Value) -> Vec<Kind> {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let words = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    let group = text(&spec["group"]);
    let versions = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let stored = versions.iter().find(|v| v["storage"] == true).map(|v| text(&v["name"])).unwrap_or_default();
    let stored = format!("{group}/{stored}");
    let names = &spec["names"];
    versions
        .iter()
        .filter(|version| version["served"] == true)
        .map(|version| Kind {
            version: text(&version["name"]),
            kind: text(&names["kind"]),
            plural: text(&names["plural"]),
            singular: text(&names["singular"]),
            short_names: words(&names["shortNames"]),
            categories: words(&names["categories"]),
            namespaced: spec["scope"] == "Namespaced",
            has_status: version["subresources"]["status"].is_object(),
            rules: CUSTOM,
            table: format!("{}.{group}", text(&names["plural"])),
            view: view(&format!("{group}/{}", text(&version["name"])), &stored),
            custom: Some(Arc::new(custom_version(version))),
            group: group.clone(),
        })
        .collect()
}

fn view(shown: &str, stored: &str) -> View {
    if shown == stored {
        View::Stored
    } else {
        View::Version { shown: shown.to_owned(), stored: stored.to_owned() }
    }
}

fn custom_version(version: &Value) -> CustomVersion {
    let columns = version["additionalPrinterColumns"].as_array().map_or(&[][..], Vec::as_slice);
    let schema = version["schema"]["openAPIV3Schema"].clone();
    CustomVersion {
        rules: compile_schema(&schema),
        schema,
        // The strategy has refused columns that do not parse.
        columns: Column::parse_all(columns).unwrap_or_default(),
    }
}
