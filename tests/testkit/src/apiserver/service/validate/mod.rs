//! What the API refuses in a Service, with its paths and its words (`ValidateService` of core/validation).
//!
//! Metadata other than the name is common to all kinds and checked by the engine.

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::Value;

use super::fields::Refusals;
use super::model::{CLUSTER_IP, Draft, EXTERNAL_NAME, Facets, HEADLESS, LOAD_BALANCER, NODE_PORT};
use crate::apiserver::error::ApiError;

pub(super) mod families;
mod ports;
pub(super) mod status;
pub(super) mod text;
mod traffic;
mod update;

const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const ONLY_LOAD_BALANCER: &str = "may only be used when `type` is 'LoadBalancer'";

/// A Service that did not exist.
pub(super) fn create(draft: &Draft) -> Result<(), ApiError> {
    let mut refusals = Refusals::default();
    // Any DNS label since KEP-5311; names that arrive empty are the engine's to generate or refuse.
    if !draft.name.is_empty() {
        refusals.invalid_each("metadata.name", draft.name.as_str(), text::dns_label(&draft.name));
    }
    spec(draft, None, &mut refusals);
    refusals.into_result(&draft.name)
}

/// A Service that was `old`.
pub(super) fn update(old: &Draft, draft: &Draft) -> Result<(), ApiError> {
    let mut refusals = Refusals::default();
    update::check(&old.spec, &draft.spec, &mut refusals);
    spec(draft, Some(old), &mut refusals);
    refusals.into_result(&draft.name)
}

fn spec(draft: &Draft, old: Option<&Draft>, refusals: &mut Refusals) {
    let spec = &draft.spec;
    by_type(spec, refusals);
    ports::check(spec, refusals);
    selector(spec, refusals);
    traffic::affinity(spec, refusals);
    families::check(spec, old.map(|old| &old.spec), refusals);
    external_ips(spec, old.map(|old| &old.spec), refusals);
    if !matches!(spec.kind(), CLUSTER_IP | NODE_PORT | LOAD_BALANCER | EXTERNAL_NAME) {
        refusals.unsupported(
            "spec.type",
            spec.kind(),
            &[CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT],
        );
    }
    ports::node_ports(spec, refusals);
    source_ranges(draft, old, refusals);
    if spec.allocate_load_balancer_node_ports.is_some() && spec.kind() != LOAD_BALANCER {
        refusals.forbidden("spec.allocateLoadBalancerNodePorts", ONLY_LOAD_BALANCER);
    }
    class(spec, refusals);
    traffic::external(spec, refusals);
    traffic::internal(spec, refusals);
    traffic::distribution(spec, refusals);
}

fn by_type(spec: &ServiceSpec, refusals: &mut Refusals) {
    if spec.ports.is_none() && !spec.is_headless() && spec.kind() != EXTERNAL_NAME {
        refusals.required("spec.ports");
    }
    if spec.is_headless() && spec.uses_node_ports() {
        let text = format!("may not be set to 'None' for {} services", spec.kind());
        refusals.invalid("spec.clusterIPs[0]", HEADLESS, text);
    }
    if spec.kind() == EXTERNAL_NAME {
        external_name(spec, refusals);
    }
}

fn external_name(spec: &ServiceSpec, refusals: &mut Refusals) {
    for (field, set) in [
        ("clusterIPs", spec.cluster_ips.is_some()),
        ("ipFamilies", spec.ip_families.is_some()),
        ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
    ] {
        if set {
            refusals.forbidden(format!("spec.{field}"), "may not be set for ExternalName services");
        }
    }
    let target = spec.external_name.as_deref().unwrap_or_default();
    // A trailing dot marks the name as fully qualified.
    let target = target.strip_suffix('.').unwrap_or(target);
    if target.is_empty() {
        refusals.required("spec.externalName");
    } else {
        refusals.invalid_each("spec.externalName", target, text::dns_subdomain(target));
    }
}

fn selector(spec: &ServiceSpec, refusals: &mut Refusals) {
    for (key, value) in spec.selector.iter().flatten() {
        refusals.invalid_each("spec.selector", key.as_str(), text::qualified_name(key));
        refusals.invalid_each("spec.selector", value.as_str(), text::label_value(value));
    }
}

fn external_ips(spec: &ServiceSpec, old: Option<&ServiceSpec>, refusals: &mut Refusals) {
    let stored = old.and_then(|old| old.external_ips.as_deref()).unwrap_or_default();
    for (index, ip) in spec.external_ips.iter().flatten().enumerate() {
        let field = format!("spec.externalIPs[{index}]");
        let texts = if stored.contains(ip) { Vec::new() } else { text::ip(ip) };
        let texts = if texts.is_empty() { text::endpoint_ip(ip) } else { texts };
        refusals.invalid_each(&field, ip.as_str(), texts);
    }
}

/// The field, or the annotation where the field is empty. Values once accepted stay acceptable.
fn source_ranges(draft: &Draft, old: Option<&Draft>, refusals: &mut Refusals) {
    let misplaced = draft.spec.kind() != LOAD_BALANCER;
    if let Some(ranges) = &draft.spec.load_balancer_source_ranges {
        // The capital letter is the API's.
        let field = "spec.LoadBalancerSourceRanges";
        if misplaced {
            refusals.forbidden(field, ONLY_LOAD_BALANCER);
        }
        let stored: Vec<&str> = old
            .and_then(|old| old.spec.load_balancer_source_ranges.as_ref())
            .map(|ranges| ranges.iter().map(|range| range.trim()).collect())
            .unwrap_or_default();
        for (index, range) in
            ranges.iter().map(|range| range.trim()).enumerate().filter(|(_, r)| !stored.contains(r))
        {
            refusals.invalid_each(&format!("{field}[{index}]"), range, text::cidr(range));
        }
    } else if let Some(value) = draft.annotations.get(SOURCE_RANGES) {
        let field = format!("metadata.annotations[{SOURCE_RANGES}]");
        if misplaced {
            refusals.forbidden(field.as_str(), ONLY_LOAD_BALANCER);
        }
        let is_stored = old.is_some_and(|old| old.annotations.get(SOURCE_RANGES) == Some(value));
        if !is_stored && !value.trim().is_empty() {
            for range in value.split(',').map(str::trim) {
                refusals.invalid_each(&field, range, text::cidr(range));
            }
        }
    }
}

fn class(spec: &ServiceSpec, refusals: &mut Refusals) {
    let Some(class) = spec.load_balancer_class.as_deref() else { return };
    if spec.kind() != LOAD_BALANCER {
        refusals.forbidden("spec.loadBalancerClass", ONLY_LOAD_BALANCER);
        return;
    }
    refusals.invalid_each("spec.loadBalancerClass", class, text::qualified_name(class));
}

/// A list as `field.Invalid` shows it.
fn list(values: &[String]) -> Value {
    Value::from(values)
}
