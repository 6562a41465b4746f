//! `kubectl get services`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, UNKNOWN, age, list, map, name, number, or, pairs, text};
use super::{AGE, ColumnDef, NAME, Printer};

pub(super) const PRINTER: Printer = Printer {
    columns: &[
        NAME,
        ColumnDef::text(
            "Type",
            "How the Service is exposed: ClusterIP, NodePort, LoadBalancer or ExternalName.",
        ),
        ColumnDef::text("Cluster-IP", "The primary address inside the cluster."),
        ColumnDef::text("External-IP", "Addresses and names by which the Service is reached from outside."),
        ColumnDef::text("Port(s)", "Ports as port[:nodePort]/protocol."),
        AGE,
        ColumnDef::text("Selector", "Labels of the pods behind the Service.").wide(),
    ],
    row,
};

fn row(service: &Value, now: Timestamp) -> Vec<Value> {
    let cluster_ip = list(service, "/spec/clusterIPs").first().and_then(Value::as_str).unwrap_or(NONE);
    vec![
        json!(name(service)),
        json!(text(service, "/spec/type")),
        json!(cluster_ip),
        json!(external(service)),
        json!(ports(service)),
        json!(age(service, now)),
        json!(pairs(map(service, "/spec/selector"))),
    ]
}

fn external(service: &Value) -> String {
    let spec_ips = list(service, "/spec/externalIPs").iter().filter_map(Value::as_str);
    match text(service, "/spec/type") {
        "ClusterIP" | "NodePort" => or(&spec_ips.collect::<Vec<_>>().join(","), NONE).to_owned(),
        "LoadBalancer" => {
            let all: Vec<&str> = ingress(service).into_iter().chain(spec_ips).collect();
            or(&all.join(","), "<pending>").to_owned()
        }
        "ExternalName" => text(service, "/spec/externalName").to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

/// The load balancer's addresses, sorted as text and without repetition; a name where there is no address.
fn ingress(service: &Value) -> BTreeSet<&str> {
    list(service, "/status/loadBalancer/ingress")
        .iter()
        .map(|point| or(text(point, "/ip"), text(point, "/hostname")))
        .filter(|address| !address.is_empty())
        .collect()
}

fn ports(service: &Value) -> String {
    let parts: Vec<String> = list(service, "/spec/ports")
        .iter()
        .map(|port| {
            let protocol = text(port, "/protocol");
            match (number(port, "/port"), number(port, "/nodePort")) {
                (number, 0) => format!("{number}/{protocol}"),
                (number, node_port) => format!("{number}:{node_port}/{protocol}"),
            }
        })
        .collect();
    or(&parts.join(","), NONE).to_owned()
}
