//! What may not change: primary address and family, class, health check port.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::super::fields::Refusals;
use super::super::model::{EXTERNAL_NAME, Facets, LOAD_BALANCER, SINGLE_STACK};
use super::list;

const ONCE_SET: &str = "may not change once set";

pub(super) fn check(old: &ServiceSpec, new: &ServiceSpec, refusals: &mut Refusals) {
    if old.kind() != EXTERNAL_NAME && new.kind() != EXTERNAL_NAME {
        addresses(old, new, refusals);
        families(old, new, refusals);
    }
    if old.kind() == LOAD_BALANCER
        && new.kind() == LOAD_BALANCER
        && old.load_balancer_class != new.load_balancer_class
    {
        refusals.invalid("spec.loadBalancerClass", new.load_balancer_class.clone(), ONCE_SET);
    }
    if old.needs_health_check()
        && new.needs_health_check()
        && old.health_check_node_port != new.health_check_node_port
    {
        refusals.forbidden("spec.healthCheckNodePort", "field is immutable");
    }
}

fn addresses(old: &ServiceSpec, new: &ServiceSpec, refusals: &mut Refusals) {
    if old.is_headless() && new.is_headless() {
        return;
    }
    let (before, after) = (old.cluster_ips(), new.cluster_ips());
    if after.is_empty() && !before.is_empty() {
        refusals.invalid("spec.clusterIPs[0]", list(after), "primary clusterIP can not be unset");
        return;
    }
    let pairs = before.iter().zip(after).enumerate();
    for (index, _) in pairs.filter(|(index, (b, a))| b != a && (*index == 0 || before.len() == after.len())) {
        refusals.invalid(format!("spec.clusterIPs[{index}]"), list(after), ONCE_SET);
    }
    released(before.len(), after.len(), "secondary clusterIP", new, refusals);
}

fn families(old: &ServiceSpec, new: &ServiceSpec, refusals: &mut Refusals) {
    if old.is_headless() || new.is_headless() {
        return;
    }
    let (before, after) = (old.families(), new.families());
    let pairs = before.iter().zip(after).enumerate();
    for _ in pairs.filter(|(index, (b, a))| b != a && (*index == 0 || before.len() == after.len())) {
        refusals.invalid("spec.ipFamilies[0]", list(after), ONCE_SET);
    }
    released(before.len(), after.len(), "secondary ipFamily", new, refusals);
}

/// Going from two to one takes an explicit `SingleStack`.
fn released(before: usize, after: usize, what: &str, new: &ServiceSpec, refusals: &mut Refusals) {
    if before > after && after == 1 && new.ip_family_policy.as_deref() != Some(SINGLE_STACK) {
        let text = format!("must be set to 'SingleStack' when releasing the {what}");
        refusals.invalid("spec.ipFamilyPolicy", new.ip_family_policy.clone(), text);
    }
}
