//! `Warning: 299` texts: what is accepted but will not do, or not for long, what its author may think.

use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{CLUSTER_IP, Draft, EXTERNAL_NAME, Facets, HEADLESS};

const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";

/// All warnings for a Service about to be stored, as in `GetWarningsForService`.
pub(super) fn of(draft: &Draft) -> Vec<String> {
    let Draft { spec, annotations, .. } = draft;
    let mut warnings = Vec::new();
    if annotations.contains_key(TOPOLOGY_HINTS) {
        warnings
            .push(format!("annotation {TOPOLOGY_HINTS} is deprecated, please use {TOPOLOGY_MODE} instead"));
    }
    for (index, ip) in spec.cluster_ips().iter().enumerate().filter(|(_, ip)| *ip != HEADLESS) {
        warnings.extend(address(&format!("spec.clusterIPs[{index}]"), ip));
    }
    let headless = spec.kind() == CLUSTER_IP && spec.cluster_ip.as_deref() == Some(HEADLESS);
    if headless {
        warnings.extend(ignored_when_headless(draft));
    }
    for (index, ip) in spec.external_ips.iter().flatten().enumerate() {
        warnings.extend(address(&format!("spec.externalIPs[{index}]"), ip));
    }
    if spec.external_ips.is_some() && !headless && spec.kind() != EXTERNAL_NAME {
        warnings.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned(),
        );
    }
    warnings.extend(spec.load_balancer_ip.iter().filter_map(|ip| address("spec.loadBalancerIP", ip)));
    for (index, range) in spec.load_balancer_source_ranges.iter().flatten().enumerate() {
        warnings.extend(network(&format!("spec.loadBalancerSourceRanges[{index}]"), range));
    }
    if spec.kind() == EXTERNAL_NAME && spec.external_ips.is_some() {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if spec.kind() != EXTERNAL_NAME && spec.external_name.is_some() {
        warnings.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if spec.traffic_distribution.as_deref() == Some("PreferClose") {
        warnings.push(
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned(),
        );
    }
    warnings
}

fn ignored_when_headless(draft: &Draft) -> impl Iterator<Item = String> {
    let spec = &draft.spec;
    [
        ("loadBalancerIP", spec.load_balancer_ip.is_some()),
        ("externalIPs", spec.external_ips.is_some()),
        ("SessionAffinity", spec.session_affinity.as_deref() != Some("None")),
    ]
    .into_iter()
    .filter(|(_, set)| *set)
    .map(|(field, _)| format!("spec.{field} is ignored for headless services"))
}

fn address(field: &str, text: &str) -> Option<String> {
    let parsed: IpAddr = text.parse().ok()?;
    match parsed {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some(format!(
            "{field}: non-standard IP address {text:?} will be considered invalid in a future Kubernetes release: use {:?}",
            parsed.to_canonical().to_string()
        )),
        IpAddr::V6(v6) if v6.to_string() != text => Some(format!(
            "{field}: IPv6 address {text:?} should be in RFC 5952 canonical format ({:?})",
            v6.to_string()
        )),
        _ => None,
    }
}

fn network(field: &str, text: &str) -> Option<String> {
    let parsed: IpNet = text.trim().parse().ok()?;
    if parsed != parsed.trunc() {
        return Some(format!(
            "{field}: CIDR value {text:?} is ambiguous in this context (should be {:?} or {:?}?)",
            parsed.trunc().to_string(),
            IpNet::from(parsed.addr()).to_string()
        ));
    }
    (parsed.addr().is_ipv6() && parsed.to_string() != text.trim()).then(|| {
        format!(
            "{field}: IPv6 CIDR value {text:?} should be in RFC 5952 canonical format ({:?})",
            parsed.to_string()
        )
    })
}
