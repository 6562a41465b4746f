//! `kubectl get nodes`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, UNKNOWN, age, list, map, name, or, text};
use super::{AGE, ColumnDef, NAME, Printer};

pub(super) const PRINTER: Printer = Printer {
    columns: &[
        NAME,
        ColumnDef::text("Status", "Ready, NotReady or Unknown, and whether pods may be scheduled."),
        ColumnDef::text("Roles", "Roles named by the node's labels."),
        AGE,
        ColumnDef::text("Version", "Version of the kubelet."),
        ColumnDef::text("Internal-IP", "First address of type InternalIP.").wide(),
        ColumnDef::text("External-IP", "First address of type ExternalIP.").wide(),
        ColumnDef::text("OS-Image", "Operating system as the node reports it.").wide(),
        ColumnDef::text("Kernel-Version", "Kernel as the node reports it.").wide(),
        ColumnDef::text("Container-Runtime", "Container runtime and its version.").wide(),
    ],
    row,
};

fn row(node: &Value, now: Timestamp) -> Vec<Value> {
    let info = |field: &str| json!(or(text(node, &format!("/status/nodeInfo/{field}")), UNKNOWN));
    vec![
        json!(name(node)),
        json!(status(node)),
        json!(roles(node)),
        json!(age(node, now)),
        json!(text(node, "/status/nodeInfo/kubeletVersion")),
        json!(address(node, "InternalIP")),
        json!(address(node, "ExternalIP")),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn status(node: &Value) -> String {
    let ready = list(node, "/status/conditions").iter().find(|condition| text(condition, "/type") == "Ready");
    let mut words = vec![match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
        words.push("SchedulingDisabled");
    }
    words.join(",")
}

/// From `node-role.kubernetes.io/<role>` and the older `kubernetes.io/role: <role>`.
fn roles(node: &Value) -> String {
    let roles: BTreeSet<&str> = map(node, "/metadata/labels")
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    or(&roles.into_iter().collect::<Vec<_>>().join(","), NONE).to_owned()
}

fn address<'a>(node: &'a Value, kind: &str) -> &'a str {
    let found = list(node, "/status/addresses").iter().find(|address| text(address, "/type") == kind);
    found.map_or(NONE, |address| text(address, "/address"))
}
