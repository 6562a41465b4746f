//! Address families of a Service: what was asked for, checked against what the cluster has and what the Service
//! had before, and completed (KEP-563).

use std::net::IpAddr;

use k8s_openapi::api::core::v1::ServiceSpec;

use super::fields::Refusals;
use super::model::{
    Draft, EXTERNAL_NAME, Facets, HEADLESS, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK, family_of,
    other_family,
};
use super::validate;
use crate::apiserver::error::ApiError;

/// Sets `ipFamilyPolicy` and `ipFamilies`, and cuts the secondary off on a change to `SingleStack`.
///
/// `cluster` lists the families that have a range, the default one first.
pub(super) fn init(
    draft: &mut Draft,
    old: Option<&ServiceSpec>,
    cluster: &[&'static str],
) -> Result<(), ApiError> {
    let spec = &mut draft.spec;
    if spec.kind() == EXTERNAL_NAME || old.is_some_and(|old| is_unchanged_preference(old, spec)) {
        return Ok(());
    }
    default_policy(spec, old);
    let mut refusals = Refusals::default();
    validate::families::check(spec, old, &mut refusals);
    std::mem::take(&mut refusals).into_result(&draft.name)?;
    if let Some(old) = old {
        release_secondary(spec, old, &mut refusals);
    }
    single_means_one(spec, &mut refusals);
    infer_from_addresses(spec, cluster, &mut refusals);
    std::mem::take(&mut refusals).into_result(&draft.name)?;
    if spec.cluster_ip.as_deref() == Some(HEADLESS) && spec.selector.is_none() {
        // Without a selector the families are whatever the owner of the EndpointSlices makes of them.
        complete(spec, cluster, true);
        return Ok(());
    }
    offered_by_cluster(spec, cluster, &mut refusals);
    refusals.into_result(&draft.name)?;
    complete(spec, cluster, cluster.len() == 2);
    Ok(())
}

/// A `PreferDualStack` Service is not upgraded or downgraded because the cluster changed.
pub(super) fn is_unchanged_preference(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    let prefers = |spec: &ServiceSpec| spec.ip_family_policy.as_deref() == Some(PREFER_DUAL_STACK);
    prefers(old) && prefers(new) && old.cluster_ips == new.cluster_ips && old.ip_families == new.ip_families
}

fn default_policy(spec: &mut ServiceSpec, old: Option<&ServiceSpec>) {
    if spec.ip_family_policy.is_some() {
        return;
    }
    let free = spec.cluster_ip.as_deref() == Some(HEADLESS) && spec.selector.is_none();
    let inherited = old.and_then(|old| old.ip_family_policy.clone());
    let policy = inherited.unwrap_or_else(|| if free { REQUIRE_DUAL_STACK } else { SINGLE_STACK }.to_owned());
    spec.ip_family_policy = Some(policy);
}

fn release_secondary(spec: &mut ServiceSpec, old: &ServiceSpec, refusals: &mut Refusals) {
    if is_single(spec) {
        if spec.cluster_ips == old.cluster_ips {
            spec.cluster_ips.iter_mut().for_each(|ips| ips.truncate(1));
        }
        if spec.ip_families == old.ip_families {
            spec.ip_families.iter_mut().for_each(|families| families.truncate(1));
        }
        return;
    }
    let policy = spec.ip_family_policy.clone();
    let reduced = |new: &[String], old: &[String]| !new.is_empty() && new.len() < old.len();
    if reduced(spec.cluster_ips(), old.cluster_ips()) {
        let text = "must be 'SingleStack' to release the secondary cluster IP";
        refusals.invalid("spec.ipFamilyPolicy", policy.clone(), text);
    }
    if reduced(spec.families(), old.families()) {
        refusals.invalid(
            "spec.ipFamilyPolicy",
            policy,
            "must be 'SingleStack' to release the secondary IP family",
        );
    }
}

fn single_means_one(spec: &ServiceSpec, refusals: &mut Refusals) {
    if !is_single(spec) {
        return;
    }
    for (count, what) in [(spec.cluster_ips().len(), "cluster IPs"), (spec.families().len(), "IP families")] {
        if count == 2 {
            let text =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            refusals.invalid("spec.ipFamilyPolicy", SINGLE_STACK, text);
        }
    }
}

fn infer_from_addresses(spec: &mut ServiceSpec, cluster: &[&'static str], refusals: &mut Refusals) {
    let addresses: Vec<Option<IpAddr>> = spec.cluster_ips().iter().map(|ip| ip.parse().ok()).collect();
    for (index, address) in addresses.into_iter().enumerate().skip(spec.families().len()) {
        let Some(family) = address.map(family_of) else { break };
        if cluster.contains(&family) {
            spec.ip_families.get_or_insert_default().push(family.to_owned());
        } else {
            let text = format!("{family} is not configured on this cluster");
            refusals.invalid(format!("spec.clusterIPs[{index}]"), spec.cluster_ips(), text);
        }
    }
}

fn offered_by_cluster(spec: &ServiceSpec, cluster: &[&'static str], refusals: &mut Refusals) {
    if spec.ip_family_policy.as_deref() == Some(REQUIRE_DUAL_STACK) && cluster.len() < 2 {
        let text = "this cluster is not configured for dual-stack services";
        refusals.invalid("spec.ipFamilyPolicy", REQUIRE_DUAL_STACK, text);
    }
    for (index, family) in spec.families().iter().enumerate().filter(|(_, f)| !cluster.contains(&f.as_str()))
    {
        refusals.invalid(
            format!("spec.ipFamilies[{index}]"),
            family.as_str(),
            "not configured on this cluster",
        );
    }
}

fn complete(spec: &mut ServiceSpec, cluster: &[&'static str], dual_possible: bool) {
    let single = is_single(spec);
    let families = spec.ip_families.get_or_insert_default();
    if families.is_empty() {
        families.extend(cluster.first().map(|family| (*family).to_owned()));
    }
    if let ([only], false, true) = (families.as_slice(), single, dual_possible) {
        let secondary = other_family(only);
        families.push(secondary.to_owned());
    }
}

fn is_single(spec: &ServiceSpec) -> bool {
    spec.ip_family_policy.as_deref() == Some(SINGLE_STACK)
}
