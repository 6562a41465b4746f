//! Defaults that depend on nothing but the object (`SetDefaults_Service` of core/v1), applied on every write.

use k8s_openapi::api::core::v1::{ClientIPConfig, LoadBalancerIngress, ServiceSpec, SessionAffinityConfig};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::model::{CLUSTER_IP, EXTERNAL_NAME, Facets, LOAD_BALANCER};

/// Three hours, in seconds.
const AFFINITY_TIMEOUT: i32 = 10_800;

pub(super) fn apply(spec: &mut ServiceSpec) {
    spec.type_.get_or_insert_with(|| CLUSTER_IP.to_owned());
    affinity(spec);
    for port in spec.ports.iter_mut().flatten() {
        port.protocol.get_or_insert_with(|| "TCP".to_owned());
        port.target_port.get_or_insert(IntOrString::Int(port.port));
    }
    if spec.externally_accessible() {
        spec.external_traffic_policy.get_or_insert_with(|| "Cluster".to_owned());
    }
    if spec.kind() != EXTERNAL_NAME {
        spec.internal_traffic_policy.get_or_insert_with(|| "Cluster".to_owned());
    }
    if spec.kind() == LOAD_BALANCER {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
    }
}

/// An address without a mode is a virtual IP (KEP-1860).
pub(super) fn ip_modes(ingress: &mut [LoadBalancerIngress]) {
    for entry in ingress.iter_mut().filter(|entry| entry.ip.as_deref().is_some_and(|ip| !ip.is_empty())) {
        entry.ip_mode.get_or_insert_with(|| "VIP".to_owned());
    }
}

fn affinity(spec: &mut ServiceSpec) {
    match spec.session_affinity.get_or_insert_with(|| "None".to_owned()).as_str() {
        "None" => spec.session_affinity_config = None,
        "ClientIP" => {
            spec.session_affinity_config
                .get_or_insert_with(SessionAffinityConfig::default)
                .client_ip
                .get_or_insert_with(ClientIPConfig::default)
                .timeout_seconds
                .get_or_insert(AFFINITY_TIMEOUT);
        }
        _ => {}
    }
}
