//! Resources in one spelling: what Google fills in is filled in, lists are sorted, URLs are paths, and what nobody wishes
//! for (fingerprints, fields that have no name here) is left out.
//!
//! Two resources that are equal in this spelling are equal to Google. A setting that is wished for no longer has its
//! default here, so the comparison finds it and sets it back. Sources: the schemas of the discovery document of Compute
//! Engine v1, and recorded answers of the API.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::api::Reference;
use crate::api::types::{
    Address, AddressType, Allowed, Backend, BackendService, BalancingMode, ConnectionDraining,
    ConnectionTracking, Firewall, ForwardingRule, HealthCheck, HttpCheck, LogConfig, Purpose, Rest, Scheme,
    SessionAffinity, TcpCheck, TrafficDistribution, ZonalAffinity,
};

/// Two URLs of one resource are equal in this spelling, whatever their host and version.
pub fn path(url: &str) -> String {
    Reference::parse(url).map_or_else(|| url.to_owned(), |reference| reference.to_string())
}

/// A health check.
pub fn health_check(it: &HealthCheck) -> HealthCheck {
    let http = |check: &HttpCheck| HttpCheck {
        port: check.port,
        request_path: Some(check.request_path.clone().unwrap_or_else(|| "/".to_owned())),
        rest: Rest::new(),
    };
    HealthCheck {
        check_interval_sec: it.check_interval_sec.or(Some(5)),
        timeout_sec: it.timeout_sec.or(Some(5)),
        healthy_threshold: it.healthy_threshold.or(Some(2)),
        unhealthy_threshold: it.unhealthy_threshold.or(Some(2)),
        http_health_check: it.http_health_check.as_ref().map(http),
        https_health_check: it.https_health_check.as_ref().map(http),
        tcp_health_check: it
            .tcp_health_check
            .as_ref()
            .map(|tcp| TcpCheck { port: tcp.port, rest: Rest::new() }),
        rest: Rest::new(),
        ..it.clone()
    }
}

/// A backend service.
pub fn backend_service(it: &BackendService) -> BackendService {
    let mut backends: Vec<Backend> = it.backends.iter().map(backend).collect();
    backends.sort_by(|a, b| a.group.cmp(&b.group));
    BackendService {
        name: it.name.clone(),
        description: it.description.clone(),
        protocol: it.protocol.clone(),
        load_balancing_scheme: it.load_balancing_scheme.clone().or(Some(Scheme::External)),
        session_affinity: it.session_affinity.clone().or(Some(SessionAffinity::None)),
        health_checks: it.health_checks.iter().map(|url| path(url)).collect(),
        backends,
        connection_draining: it.connection_draining.clone().or(Some(ConnectionDraining::default())),
        connection_tracking_policy: Some(tracking(it)),
        locality_lb_policy: it.locality_lb_policy.clone().filter(|policy| is_weighted(policy)),
        traffic_policy: Some(zonal_affinity(it.traffic_policy.as_ref())),
        log_config: Some(logging(it.log_config.as_ref())),
        network: it.network.as_deref().map(path),
        ..BackendService::default()
    }
}

/// A firewall rule.
pub fn firewall(it: &Firewall) -> Firewall {
    Firewall {
        name: it.name.clone(),
        description: it.description.clone(),
        network: it.network.as_deref().map(path),
        direction: Some(or(it.direction.as_deref(), "INGRESS")),
        priority: it.priority.or(Some(1_000)),
        allowed: protocols(&it.allowed),
        denied: protocols(&it.denied),
        source_ranges: sorted(it.source_ranges.iter().map(|range| prefix(range))),
        destination_ranges: sorted(it.destination_ranges.iter().map(|range| prefix(range))),
        target_tags: sorted(it.target_tags.iter().cloned()),
        target_service_accounts: sorted(it.target_service_accounts.iter().cloned()),
        disabled: it.disabled.or(Some(false)),
        rest: Rest::new(),
    }
}

/// A forwarding rule. The address is that of an IPv6 prefix without its length.
pub fn forwarding_rule(it: &ForwardingRule) -> ForwardingRule {
    let address = |text: &String| text.split('/').next().map_or_else(|| text.clone(), str::to_owned);
    ForwardingRule {
        ip_address: it.ip_address.as_ref().filter(|text| !text.contains("projects/")).map(address),
        ip_protocol: Some(or(it.ip_protocol.as_deref(), "TCP")),
        ports: sorted(it.ports.iter().cloned()),
        port_range: it.port_range.as_deref().map(range),
        all_ports: Some(it.all_ports.unwrap_or_default()),
        backend_service: it.backend_service.as_deref().map(path),
        target: it.target.as_deref().map(path),
        load_balancing_scheme: it.load_balancing_scheme.clone().or(Some(Scheme::External)),
        network: it.network.as_deref().map(path),
        subnetwork: it.subnetwork.as_deref().map(path),
        network_tier: Some(or(it.network_tier.as_deref(), "PREMIUM")),
        ip_version: Some(or(it.ip_version.as_deref(), "IPV4")),
        allow_global_access: Some(it.allow_global_access.unwrap_or_default()),
        ip_collection: it.ip_collection.as_deref().map(path),
        label_fingerprint: None,
        fingerprint: None,
        rest: Rest::new(),
        ..it.clone()
    }
}

/// A reserved address.
pub fn address(it: &Address) -> Address {
    let address_type = it.address_type.clone().unwrap_or(AddressType::External);
    let internal = address_type == AddressType::Internal;
    let purpose = it.purpose.clone().or_else(|| internal.then_some(Purpose::GceEndpoint));
    Address {
        network_tier: Some(or(it.network_tier.as_deref(), "PREMIUM")),
        address_type: Some(address_type),
        ip_version: Some(or(it.ip_version.as_deref(), "IPV4")),
        subnetwork: it.subnetwork.as_deref().map(path),
        purpose,
        status: None,
        users: Vec::new(),
        label_fingerprint: None,
        rest: Rest::new(),
        ..it.clone()
    }
}

fn backend(it: &Backend) -> Backend {
    Backend {
        group: path(&it.group),
        balancing_mode: it.balancing_mode.clone().or(Some(BalancingMode::Connection)),
        failover: it.failover.or(Some(false)),
        rest: Rest::new(),
    }
}

fn tracking(of: &BackendService) -> ConnectionTracking {
    let it = of.connection_tracking_policy.clone().unwrap_or_default();
    let idle = if of.load_balancing_scheme == Some(Scheme::Internal) { 600 } else { 60 };
    let persistence = it.connection_persistence_on_unhealthy_backends;
    ConnectionTracking {
        tracking_mode: Some(or(it.tracking_mode.as_deref(), "PER_CONNECTION")),
        connection_persistence_on_unhealthy_backends: Some(or(
            persistence.as_deref(),
            "DEFAULT_FOR_PROTOCOL",
        )),
        enable_strong_affinity: it.enable_strong_affinity.or(Some(false)),
        idle_timeout_sec: it.idle_timeout_sec.or(Some(idle)),
    }
}

/// Whether nodes get shares of their own. All other policies of a passthrough load balancer are one, which answers call
/// `MAGLEV` or nothing at all.
fn is_weighted(policy: &str) -> bool {
    policy.starts_with("WEIGHTED_")
}

fn zonal_affinity(it: Option<&TrafficDistribution>) -> TrafficDistribution {
    let found = it.and_then(|policy| policy.zonal_affinity.clone()).unwrap_or_default();
    let spillover = found.spillover.unwrap_or_else(|| "ZONAL_AFFINITY_DISABLED".to_owned());
    let spillover_ratio = Some(found.spillover_ratio.unwrap_or_default());
    let affinity = ZonalAffinity { spillover: Some(spillover), spillover_ratio };
    TrafficDistribution { zonal_affinity: Some(affinity), rest: Rest::new() }
}

/// How connections are logged means nothing while they are not.
fn logging(it: Option<&LogConfig>) -> LogConfig {
    let Some(it) = it.filter(|it| it.enable) else { return LogConfig::default() };
    LogConfig {
        enable: true,
        sample_rate: it.sample_rate.or(Some(1.0)),
        optional_mode: Some(or(it.optional_mode.as_deref(), "EXCLUDE_ALL_OPTIONAL")),
        optional_fields: sorted(it.optional_fields.iter().cloned()),
    }
}

fn protocols(list: &[Allowed]) -> Vec<Allowed> {
    let one = |it: &Allowed| Allowed {
        protocol: it.protocol.to_lowercase(),
        ports: sorted(it.ports.iter().cloned()),
    };
    let mut protocols: Vec<Allowed> = list.iter().map(one).collect();
    protocols.sort();
    protocols
}

/// A range as `first-last`, also of one port.
fn range(text: &str) -> String {
    if text.contains('-') { text.to_owned() } else { format!("{text}-{text}") }
}

/// A range of addresses, also of one, as a prefix with its length.
fn prefix(text: &str) -> String {
    let of_one = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| of_one()).map_or_else(|_| text.to_owned(), |it| it.trunc().to_string())
}

fn or(value: Option<&str>, default: &str) -> String {
    value.unwrap_or(default).to_owned()
}

fn sorted(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut items: Vec<String> = items.collect();
    items.sort_unstable();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const URL: &str = "https://compute.googleapis.com/compute/v1/projects/p/zones/z/networkEndpointGroups/n";

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    #[rstest]
    #[case::nothing_said(
        json!({}),
        json!({"sessionAffinity": "NONE", "timeoutSec": 30, "affinityCookieTtlSec": 0, "fingerprint": "abc",
            "loadBalancingScheme": "EXTERNAL", "localityLbPolicy": "MAGLEV", "selfLink": "x"})
    )]
    #[case::logging_off(json!({}), json!({"logConfig": {"enable": false, "sampleRate": 0.5}}))]
    #[case::logging_on(
        json!({"logConfig": {"enable": true}}),
        json!({"logConfig": {"enable": true, "sampleRate": 1.0, "optionalMode": "EXCLUDE_ALL_OPTIONAL"}})
    )]
    #[case::tracking(
        json!({}),
        json!({"connectionTrackingPolicy": {"trackingMode": "PER_CONNECTION",
            "connectionPersistenceOnUnhealthyBackends": "DEFAULT_FOR_PROTOCOL", "enableStrongAffinity": false}})
    )]
    #[case::draining(json!({}), json!({"connectionDraining": {"drainingTimeoutSec": 0}}))]
    #[case::zonal(
        json!({}),
        json!({"networkPassThroughLbTrafficPolicy": {"zonalAffinity": {"spillover": "ZONAL_AFFINITY_DISABLED"}}})
    )]
    #[case::backends(
        json!({"backends": [{"group": URL}, {"group": "projects/p/zones/a/instanceGroups/n"}]}),
        json!({"backends": [
            {"group": "https://www.googleapis.com/compute/v1/projects/p/zones/a/instanceGroups/n"},
            {"group": "projects/p/zones/z/networkEndpointGroups/n", "balancingMode": "CONNECTION", "failover": false,
                "capacityScaler": 1.0}]})
    )]
    fn equal_backend_services(#[case] wish: Value, #[case] answer: Value) {
        assert_eq!(backend_service(&read_named(wish)), backend_service(&read_named(answer)));
    }

    fn read_named<T: serde::de::DeserializeOwned>(mut value: Value) -> T {
        value["name"] = json!("lf");
        read(value)
    }

    #[rstest]
    #[case::affinity(json!({"sessionAffinity": "CLIENT_IP"}))]
    #[case::weighted(json!({"localityLbPolicy": "WEIGHTED_MAGLEV"}))]
    #[case::idle(json!({"connectionTrackingPolicy": {"idleTimeoutSec": 120}}))]
    #[case::logging(json!({"logConfig": {"enable": true}}))]
    #[case::draining(json!({"connectionDraining": {"drainingTimeoutSec": 30}}))]
    #[case::zonal(
        json!({"networkPassThroughLbTrafficPolicy": {"zonalAffinity": {"spillover": "ZONAL_AFFINITY_STAY_WITHIN_ZONE"}}})
    )]
    #[case::backend(json!({"backends": [{"group": URL}]}))]
    #[case::scheme(json!({"loadBalancingScheme": "INTERNAL"}))]
    fn a_setting_that_is_wished_for_no_longer_is_found(#[case] left_over: Value) {
        assert_ne!(backend_service(&read_named(left_over)), backend_service(&read_named(json!({}))));
    }

    #[rstest]
    #[case::filled_in(
        json!({"allowed": [{"IPProtocol": "TCP", "ports": ["443", "80"]}], "sourceRanges": ["10.1.2.3/8", "192.0.2.1"]}),
        json!({"allowed": [{"IPProtocol": "tcp", "ports": ["80", "443"]}], "sourceRanges": ["192.0.2.1/32", "10.0.0.0/8"],
            "direction": "INGRESS", "priority": 1000, "disabled": false, "logConfig": {"enable": false}})
    )]
    #[case::ipv6(
        json!({"destinationRanges": ["2001:DB8::1"]}),
        json!({"destinationRanges": ["2001:db8:0:0::1/128"]})
    )]
    #[case::tags(json!({"targetTags": ["b", "a"]}), json!({"targetTags": ["a", "b"]}))]
    fn equal_firewall_rules(#[case] wish: Value, #[case] answer: Value) {
        assert_eq!(firewall(&read_named(wish)), firewall(&read_named(answer)));
    }

    #[rstest]
    #[case::disabled(json!({"disabled": true}))]
    #[case::open(json!({"sourceRanges": ["0.0.0.0/0"]}))]
    #[case::later(json!({"priority": 2000}))]
    #[case::denied(json!({"denied": [{"IPProtocol": "tcp"}]}))]
    fn changed_firewall_rules_differ(#[case] found: Value) {
        assert_ne!(firewall(&read_named(found)), firewall(&read_named(json!({}))));
    }

    #[rstest]
    #[case::filled_in(
        json!({"ports": ["80"]}),
        json!({"ports": ["80"], "IPProtocol": "TCP", "networkTier": "PREMIUM", "ipVersion": "IPV4", "allPorts": false,
            "loadBalancingScheme": "EXTERNAL", "allowGlobalAccess": false, "fingerprint": "a", "labelFingerprint": "b"})
    )]
    #[case::range(json!({"portRange": "80"}), json!({"portRange": "80-80"}))]
    #[case::ipv6(json!({"IPAddress": "2001:db8::"}), json!({"IPAddress": "2001:db8::/96"}))]
    fn equal_forwarding_rules(#[case] wish: Value, #[case] answer: Value) {
        assert_eq!(forwarding_rule(&read_named(wish)), forwarding_rule(&read_named(answer)));
    }

    #[test]
    fn equal_health_checks_and_addresses() {
        let wish = json!({"type": "HTTP", "httpHealthCheck": {"port": 10256}});
        let answer = json!({"type": "HTTP", "checkIntervalSec": 5, "timeoutSec": 5, "healthyThreshold": 2,
            "unhealthyThreshold": 2, "httpHealthCheck": {"port": 10256, "requestPath": "/", "proxyHeader": "NONE"}});
        assert_eq!(health_check(&read_named(wish)), health_check(&read_named(answer)));
        let internal = json!({"addressType": "INTERNAL"});
        let answer = json!({"addressType": "INTERNAL", "purpose": "GCE_ENDPOINT", "networkTier": "PREMIUM",
            "ipVersion": "IPV4", "status": "IN_USE", "users": ["x"], "labelFingerprint": "a"});
        assert_eq!(address(&read_named(internal)), address(&read_named(answer)));
    }

    #[test]
    fn what_is_in_this_spelling_stays_so() {
        let it = read_named::<BackendService>(
            json!({"backends": [{"group": URL}], "logConfig": {"enable": true}}),
        );
        let once = backend_service(&it);
        assert_eq!(backend_service(&once), once);
        let rule = firewall(&read_named(json!({"sourceRanges": ["10.0.0.0/8"]})));
        assert_eq!(firewall(&rule), rule);
    }
}
