//! `status.loadBalancer`.

use k8s_openapi::api::core::v1::{LoadBalancerIngress, ServiceStatus};

use super::super::fields::Refusals;
use super::super::model::LOAD_BALANCER;
use super::text;

/// Checks the addresses in `new`; those that `old` has already stay acceptable.
pub(in super::super) fn check(
    service_type: &str,
    old: &ServiceStatus,
    new: &ServiceStatus,
    refusals: &mut Refusals,
) {
    let entries = ingress(new);
    if service_type != LOAD_BALANCER {
        if !entries.is_empty() {
            let text = "may only be used when `spec.type` is 'LoadBalancer'";
            refusals.forbidden("status.loadBalancer.ingress", text);
        }
        return;
    }
    let stored: Vec<&str> = ingress(old).iter().filter_map(|entry| entry.ip.as_deref()).collect();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("status.loadBalancer.ingress[{index}]");
        address(entry, &stored, &path, refusals);
        hostname(entry, &path, refusals);
    }
}

fn ingress(status: &ServiceStatus) -> &[LoadBalancerIngress] {
    status.load_balancer.as_ref().and_then(|lb| lb.ingress.as_deref()).unwrap_or_default()
}

fn address(entry: &LoadBalancerIngress, stored: &[&str], path: &str, refusals: &mut Refusals) {
    let ip = entry.ip.as_deref().filter(|ip| !ip.is_empty());
    if let Some(ip) = ip.filter(|ip| !stored.contains(ip)) {
        refusals.invalid_each(&format!("{path}.ip"), ip, text::ip(ip));
    }
    let field = format!("{path}.ipMode");
    match (ip, entry.ip_mode.as_deref()) {
        (Some(_), None) => refusals.required_because(field, "must be specified when `ip` is set"),
        (None, Some(_)) => refusals.forbidden(field, "may not be specified when `ip` is not set"),
        (Some(_), Some(mode)) if !matches!(mode, "VIP" | "Proxy") => {
            refusals.unsupported(field, mode, &["Proxy", "VIP"]);
        }
        _ => {}
    }
}

fn hostname(entry: &LoadBalancerIngress, path: &str, refusals: &mut Refusals) {
    let Some(host) = entry.hostname.as_deref().filter(|host| !host.is_empty()) else { return };
    let field = format!("{path}.hostname");
    refusals.invalid_each(&field, host, text::dns_subdomain(host));
    if host.parse::<std::net::IpAddr>().is_ok() {
        refusals.invalid(field, host, "must be a DNS name, not an IP address");
    }
}
