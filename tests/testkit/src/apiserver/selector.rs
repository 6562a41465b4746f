//! Which objects a list, watch or deletecollection is about: label and field selectors.

use serde_json::Value;

use super::error::ApiError;
use super::kinds::{Kind, View};
use super::store::Stored;

mod fields;
mod labels;

use fields::FieldSelector;
use labels::LabelSelector;

/// Scope and selectors of a collection request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    /// Empty for all namespaces and for cluster scope.
    pub(crate) namespace: String,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`. A field the kind does not offer is 400.
    pub(crate) fn parse(kind: &Kind, namespace: &str, labels: &str, fields: &str) -> Result<Self, ApiError> {
        Ok(Self {
            namespace: namespace.to_owned(),
            labels: LabelSelector::parse(labels)?,
            fields: FieldSelector::parse(kind, fields)?,
        })
    }

    pub(crate) fn matches(&self, object: &Stored) -> bool {
        let meta = &object.value["metadata"];
        (self.namespace.is_empty() || meta["namespace"] == self.namespace.as_str())
            && self.labels.matches(&meta["labels"])
            && self.fields.matches(&object.value)
    }

    /// Whether objects of the scope are left out; the server then does not count what remains.
    pub(crate) fn filters(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }

    /// The one name the selector asks for, if it does (`metadata.name=x`).
    pub(crate) fn name(&self) -> Option<&str> {
        self.fields.required("metadata.name")
    }
}

/// A value as field selectors compare it: absent is "".
fn field_text(object: &Value, path: &str) -> String {
    let value = path.split('.').fold(object, |at, step| &at[step]);
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Fields the kind's strategy offers besides name and namespace, by their stored names.
fn offered(kind: &Kind) -> &'static [&'static str] {
    match kind.table.as_str() {
        "services" => &["spec.clusterIP", "spec.type"],
        "nodes" => &["spec.unschedulable"],
        "namespaces" => &["status.phase"],
        "secrets" => &["type"],
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        _ => &[],
    }
}

/// The stored path behind a field a client names, or `None` when the kind does not offer it.
fn resolve(kind: &Kind, name: &str) -> Option<String> {
    if name == "metadata.name" || (name == "metadata.namespace" && kind.namespaced) {
        return Some(name.to_owned());
    }
    let path = kind.view.stored_path(name);
    // Under events.k8s.io the old names are not offered.
    if kind.view == View::EventsV1 && path == name && name.starts_with("involvedObject") {
        return None;
    }
    offered(kind)
        .contains(&path.as_str())
        .then(|| if path == "source" { "source.component".into() } else { path })
}
