//! `spec.clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`: each by itself and against the others.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::ServiceSpec;

use super::super::fields::Refusals;
use super::super::model::{
    EXTERNAL_NAME, Facets, HEADLESS, IPV4, IPV6, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK,
    family_of,
};
use super::{list, text};

/// Runs twice in a write: loosely before anything is allocated, and again as part of validation.
pub(in super::super) fn check(spec: &ServiceSpec, old: Option<&ServiceSpec>, refusals: &mut Refusals) {
    if spec.kind() == EXTERNAL_NAME {
        return;
    }
    in_step(spec, refusals);
    known_families(spec, refusals);
    if let Some(policy) = spec.ip_family_policy.as_deref()
        && !matches!(policy, SINGLE_STACK | PREFER_DUAL_STACK | REQUIRE_DUAL_STACK)
    {
        let accepted = [PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK];
        refusals.unsupported("spec.ipFamilyPolicy", policy, &accepted);
    }
    if addresses_parse(spec, old, refusals) {
        addresses_match(spec, refusals);
    }
}

fn in_step(spec: &ServiceSpec, refusals: &mut Refusals) {
    let ips = spec.cluster_ips();
    match (&spec.cluster_ip, ips.first()) {
        (Some(_), None) => refusals.required("spec.clusterIPs"),
        (Some(ip), Some(first)) if ip != first => {
            refusals.invalid("spec.clusterIPs", list(ips), "first value must match `clusterIP`");
        }
        (None, Some(_)) => {
            refusals.invalid("spec.clusterIPs", list(ips), "must be empty when `clusterIP` is not specified");
        }
        _ => {}
    }
}

fn known_families(spec: &ServiceSpec, refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (index, family) in spec.families().iter().enumerate() {
        let field = format!("spec.ipFamilies[{index}]");
        if !matches!(family.as_str(), IPV4 | IPV6) {
            refusals.unsupported(field.as_str(), family.as_str(), &[IPV4, IPV6]);
        }
        if !seen.insert(family) {
            refusals.duplicate(field, family.as_str());
        }
    }
}

/// Whether every value is an address (or the one `None`), so that families can be compared.
fn addresses_parse(spec: &ServiceSpec, old: Option<&ServiceSpec>, refusals: &mut Refusals) -> bool {
    let ips = spec.cluster_ips();
    let stored = old.map(Facets::cluster_ips).unwrap_or_default();
    let mut sound = true;
    for (index, ip) in ips.iter().enumerate() {
        if index == 0 && ip == HEADLESS {
            if ips.len() > 1 {
                sound = false;
                refusals.invalid("spec.clusterIPs", list(ips), "'None' must be the first and only value");
            }
            continue;
        }
        let texts = if stored.contains(ip) { Vec::new() } else { text::ip(ip) };
        sound &= texts.is_empty();
        refusals.invalid_each(&format!("spec.clusterIPs[{index}]"), ip.as_str(), texts);
    }
    if ips.len() > 2 {
        refusals.invalid("spec.clusterIPs", list(ips), "may only hold up to 2 values");
    }
    sound
}

fn addresses_match(spec: &ServiceSpec, refusals: &mut Refusals) {
    let ips = spec.cluster_ips();
    let families: Vec<&str> = ips.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()).map(family_of).collect();
    if families.len() > 1 && families.iter().collect::<BTreeSet<_>>().len() < families.len() {
        let text = "may specify no more than one IP for each IP family";
        refusals.invalid("spec.clusterIPs", list(ips), text);
    }
    for (index, (actual, wanted)) in families.iter().zip(spec.families()).enumerate() {
        if actual != wanted && matches!(wanted.as_str(), IPV4 | IPV6) {
            let text = format!("expected an {wanted} value as indicated by `ipFamilies[{index}]`");
            refusals.invalid(format!("spec.clusterIPs[{index}]"), ips[index].as_str(), text);
        }
    }
}
