//! Traffic policies, health check port, session affinity and distribution.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::super::fields::Refusals;
use super::super::model::{EXTERNAL_NAME, Facets};
use super::text;

/// One day, in seconds.
const MAX_AFFINITY_TIMEOUT: i32 = 86_400;

pub(super) fn affinity(spec: &ServiceSpec, refusals: &mut Refusals) {
    match spec.session_affinity.as_deref() {
        None => refusals.required("spec.sessionAffinity"),
        Some("None") => {}
        Some("ClientIP") => {
            let config = spec.session_affinity_config.as_ref().and_then(|config| config.client_ip.as_ref());
            let timeout = config.and_then(|client_ip| client_ip.timeout_seconds).unwrap_or_default();
            if !(1..=MAX_AFFINITY_TIMEOUT).contains(&timeout) {
                let text = format!("must be greater than 0 and less than {MAX_AFFINITY_TIMEOUT}");
                refusals.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeout, text);
            }
        }
        Some(other) => refusals.unsupported("spec.sessionAffinity", other, &["ClientIP", "None"]),
    }
}

pub(super) fn external(spec: &ServiceSpec, refusals: &mut Refusals) {
    let field = "spec.externalTrafficPolicy";
    match (spec.externally_accessible(), spec.external_traffic_policy.as_deref()) {
        (false, Some(policy)) => {
            refusals.invalid(field, policy, "may only be set for externally-accessible services");
        }
        (true, None) => refusals.required(field),
        (true, Some(policy)) if !matches!(policy, "Cluster" | "Local") => {
            refusals.unsupported(field, policy, &["Cluster", "Local"]);
        }
        _ => {}
    }
    let field = "spec.healthCheckNodePort";
    match (spec.needs_health_check(), spec.health_check_node_port) {
        (false, Some(port)) => refusals.invalid(
            field,
            port,
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
        (true, None) => refusals.required(field),
        (true, Some(port)) => {
            refusals.invalid_each(field, port, text::port_number(port));
        }
        (false, None) => {}
    }
}

pub(super) fn internal(spec: &ServiceSpec, refusals: &mut Refusals) {
    let field = "spec.internalTrafficPolicy";
    match spec.internal_traffic_policy.as_deref() {
        None if spec.kind() != EXTERNAL_NAME => refusals.required(field),
        Some(policy) if !matches!(policy, "Cluster" | "Local") => {
            refusals.unsupported(field, policy, &["Cluster", "Local"]);
        }
        _ => {}
    }
}

pub(super) fn distribution(spec: &ServiceSpec, refusals: &mut Refusals) {
    const ACCEPTED: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if let Some(wish) = spec.traffic_distribution.as_deref()
        && !ACCEPTED.contains(&wish)
    {
        refusals.unsupported("spec.trafficDistribution", wish, &ACCEPTED);
    }
}
