//! `kubectl get pods` and `kubectl get deployments`, as far as objects that no kubelet or controller runs can show.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, age, list, map, name, number, or, pairs, text};
use super::{AGE, ColumnDef, NAME, Printer};

pub(super) const POD: Printer = Printer {
    columns: &[
        NAME,
        ColumnDef::text("Ready", "Ready containers of all containers."),
        ColumnDef::text("Status", "Phase of the pod, or why a container does not run."),
        ColumnDef::text("Restarts", "Restarts of all containers together."),
        AGE,
        ColumnDef::text("IP", "Primary address of the pod.").wide(),
        ColumnDef::text("Node", "Node the pod is bound to.").wide(),
        ColumnDef::text("Nominated Node", "Node that pods are evicted from to make room for this one.")
            .wide(),
        ColumnDef::text("Readiness Gates", "True readiness gates of all gates.").wide(),
    ],
    row: pod,
};

pub(super) const DEPLOYMENT: Printer = Printer {
    columns: &[
        NAME,
        ColumnDef::text("Ready", "Ready replicas of the wanted replicas."),
        ColumnDef::number("Up-to-date", "Replicas of the current template."),
        ColumnDef::number("Available", "Replicas ready for long enough."),
        AGE,
        ColumnDef::text("Containers", "Names of the template's containers.").wide(),
        ColumnDef::text("Images", "Images of the template's containers.").wide(),
        ColumnDef::text("Selector", "Labels of the pods.").wide(),
    ],
    row: deployment,
};

fn pod(pod: &Value, now: Timestamp) -> Vec<Value> {
    let containers = list(pod, "/status/containerStatuses");
    let ready = containers.iter().filter(|container| container["ready"] == true).count();
    let restarts: i64 = containers.iter().map(|container| number(container, "/restartCount")).sum();
    let address = list(pod, "/status/podIPs").first().map_or("", |ip| text(ip, "/ip"));
    vec![
        json!(name(pod)),
        json!(format!("{ready}/{}", list(pod, "/spec/containers").len())),
        json!(pod_status(pod, containers)),
        json!(restarts.to_string()),
        json!(age(pod, now)),
        json!(or(or(address, text(pod, "/status/podIP")), NONE)),
        json!(or(text(pod, "/spec/nodeName"), NONE)),
        json!(or(text(pod, "/status/nominatedNodeName"), NONE)),
        json!(readiness_gates(pod)),
    ]
}

/// Deletion first, then what a container says, then the pod's own reason or phase.
fn pod_status<'a>(pod: &'a Value, containers: &'a [Value]) -> &'a str {
    if pod.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string) {
        return "Terminating";
    }
    let of_container = containers
        .iter()
        .map(|container| {
            or(text(container, "/state/waiting/reason"), text(container, "/state/terminated/reason"))
        })
        .find(|reason| !reason.is_empty());
    of_container.unwrap_or_else(|| or(text(pod, "/status/reason"), text(pod, "/status/phase")))
}

fn readiness_gates(pod: &Value) -> String {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let conditions = list(pod, "/status/conditions");
    let is_true = |gate: &&Value| {
        let wanted = text(gate, "/conditionType");
        conditions.iter().any(|condition| condition["type"] == wanted && condition["status"] == "True")
    };
    format!("{}/{}", gates.iter().filter(is_true).count(), gates.len())
}

fn deployment(deployment: &Value, now: Timestamp) -> Vec<Value> {
    let containers = list(deployment, "/spec/template/spec/containers");
    let of_all = |field: &str| containers.iter().map(|c| text(c, field)).collect::<Vec<_>>().join(",");
    vec![
        json!(name(deployment)),
        json!(format!(
            "{}/{}",
            number(deployment, "/status/readyReplicas"),
            number(deployment, "/spec/replicas")
        )),
        json!(number(deployment, "/status/updatedReplicas")),
        json!(number(deployment, "/status/availableReplicas")),
        json!(age(deployment, now)),
        json!(of_all("/name")),
        json!(of_all("/image")),
        json!(pairs(map(deployment, "/spec/selector/matchLabels"))),
    ]
}
