//! `spec.ports`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::super::fields::Refusals;
use super::super::model::{CLUSTER_IP, Facets};
use super::text;

pub(super) fn check(spec: &ServiceSpec, refusals: &mut Refusals) {
    let ports = spec.ports.as_deref().unwrap_or_default();
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        name(port, ports.len() > 1, &path, &mut names, refusals);
        refusals.invalid_each(&format!("{path}.port"), port.port, text::port_number(port.port));
        match port.protocol.as_deref() {
            Some("TCP" | "UDP" | "SCTP") => {}
            Some(other) => refusals.unsupported(format!("{path}.protocol"), other, &["SCTP", "TCP", "UDP"]),
            None => refusals.required(format!("{path}.protocol")),
        }
        target(port, &path, refusals);
        if let Some(protocol) = port.app_protocol.as_deref() {
            refusals.invalid_each(&format!("{path}.appProtocol"), protocol, text::qualified_name(protocol));
        }
    }
}

/// Node ports where there are none, and anything that occurs twice.
pub(super) fn node_ports(spec: &ServiceSpec, refusals: &mut Refusals) {
    let ports = spec.ports.as_deref().unwrap_or_default();
    if spec.kind() == CLUSTER_IP {
        for (index, _) in ports.iter().enumerate().filter(|(_, port)| port.node_port.is_some()) {
            let field = format!("spec.ports[{index}].nodePort");
            refusals.forbidden(field, "may not be used when `type` is 'ClusterIP'");
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        if let Some(number) = port.node_port
            && !seen.insert((&port.protocol, number))
        {
            refusals.duplicate(format!("spec.ports[{index}].nodePort"), number);
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        if !seen.insert((&port.protocol, port.port)) {
            // The value shown is the API's internal port with nothing but the key filled in.
            let shown = json!({"Name": "", "Protocol": port.protocol, "AppProtocol": null, "Port": port.port, "TargetPort": 0, "NodePort": 0});
            refusals.duplicate(format!("spec.ports[{index}]"), shown);
        }
    }
}

fn name<'a>(
    port: &'a ServicePort,
    required: bool,
    path: &str,
    names: &mut BTreeSet<&'a str>,
    refusals: &mut Refusals,
) {
    let field = format!("{path}.name");
    let Some(name) = port.name.as_deref() else {
        if required {
            refusals.required(field);
        }
        return;
    };
    refusals.invalid_each(&field, name, text::dns_label(name));
    if !names.insert(name) {
        refusals.duplicate(field, name);
    }
}

fn target(port: &ServicePort, path: &str, refusals: &mut Refusals) {
    let field = format!("{path}.targetPort");
    match &port.target_port {
        Some(IntOrString::Int(number)) => {
            refusals.invalid_each(&field, *number, text::port_number(*number));
        }
        Some(IntOrString::String(name)) => {
            refusals.invalid_each(&field, name.as_str(), text::port_name(name));
        }
        // A port number of 0 leaves nothing to default to; the number itself is refused already.
        None => {}
    }
}
