//! What Compute Engine accepts, as far as its documentation says (forwarding rules, backend services, firewall rules and
//! addresses of the discovery document, and the limits of Cloud Load Balancing).

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use landfall_core::net::IpFamily;
use landfall_gcp::api::types::{BackendService, Firewall, ForwardingRule, HealthCheck};
use landfall_gcp::resources::{AddressSource, Wanted};

/// Checks everything in a graph.
pub(crate) fn check(input: &str, graph: &Wanted) {
    let services: BTreeMap<String, &BackendService> =
        graph.backend_services.iter().map(|wish| (wish.reference.url(), &wish.it)).collect();
    let checks: BTreeSet<String> = graph.health_checks.iter().map(|wish| wish.reference.url()).collect();
    let groups: BTreeSet<String> = graph.groups.iter().map(|wish| wish.reference.url()).collect();
    for wish in &graph.forwarding_rules {
        name(input, &wish.it.name);
        let service = services.get(wish.it.backend_service.as_deref().unwrap_or_default());
        rule(input, &wish.it, service.unwrap_or_else(|| panic!("{input}: a rule leads nowhere")));
    }
    for service in services.values() {
        name(input, &service.name);
        assert_eq!(service.health_checks.len(), 1, "{input}: health checks of a backend service");
        assert!(checks.contains(&service.health_checks[0]), "{input}: dangling health check");
        assert!(service.backends.len() <= 50, "{input}: {} backends", service.backends.len());
        let dangling = service.backends.iter().find(|backend| !groups.contains(&backend.group));
        assert!(dangling.is_none(), "{input}: {dangling:?}");
    }
    graph.health_checks.iter().for_each(|wish| health_check(input, &wish.it));
    graph.firewalls.iter().for_each(|wish| firewall(input, &wish.it, wish.towards));
    for group in &graph.groups {
        name(input, &group.reference.name);
        assert!(group.members.len() <= 1_000, "{input}: {} members", group.members.len());
    }
    ports_are_held_once(input, graph);
    addresses(input, graph);
}

/// `[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?`
fn name(input: &str, name: &str) {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = name.len() <= 63 && name.starts_with("lf-") && name.bytes().all(inner) && !name.ends_with('-');
    assert!(good, "{input}: name {name:?}");
}

fn rule(input: &str, it: &ForwardingRule, service: &BackendService) {
    let protocol = it.ip_protocol.as_deref().unwrap_or("TCP");
    let all = it.all_ports == Some(true);
    assert_ne!(all, !it.ports.is_empty(), "{input}: either ports or allPorts");
    assert!(it.ports.len() <= 5 && it.port_range.is_none(), "{input}: {:?}", it.ports);
    let of_service = service.protocol.as_deref();
    match protocol {
        "L3_DEFAULT" => assert!(all && of_service == Some("UNSPECIFIED"), "{input}: {of_service:?}"),
        _ => assert!(
            of_service == Some(protocol) || of_service == Some("UNSPECIFIED"),
            "{input}: {of_service:?}"
        ),
    }
    assert_eq!(it.load_balancing_scheme, service.load_balancing_scheme, "{input}: schemes");
    let internal = it.load_balancing_scheme.as_ref().is_some_and(|scheme| scheme.as_str() == "INTERNAL");
    let six = it.ip_version.as_deref() == Some("IPV6");
    assert_eq!(it.network.is_some(), internal, "{input}: network");
    // An address of a public delegated prefix comes from that, and from no subnet.
    let subnet = internal || six && it.ip_collection.is_none();
    assert_eq!(it.subnetwork.is_some(), subnet, "{input}: subnet");
    assert_eq!(it.allow_global_access.is_some(), internal, "{input}: global access");
    assert!(it.network_tier.as_deref() == Some("PREMIUM") || !(internal || six), "{input}: tier");
    assert!(it.labels.len() <= 64, "{input}: labels");
}

fn health_check(input: &str, it: &HealthCheck) {
    name(input, &it.name);
    assert!(it.timeout_sec <= it.check_interval_sec, "{input}: the timeout is longer than the interval");
    let kinds =
        [it.http_health_check.is_some(), it.https_health_check.is_some(), it.tcp_health_check.is_some()];
    assert_eq!(kinds.into_iter().filter(|kind| *kind).count(), 1, "{input}: one kind of health check");
}

fn firewall(input: &str, it: &Firewall, towards: Option<IpFamily>) {
    name(input, &it.name);
    assert!(!it.source_ranges.is_empty(), "{input}: a rule without sources lets everybody in");
    let families: BTreeSet<bool> =
        it.source_ranges.iter().map(|range| range.parse::<IpNet>().unwrap().addr().is_ipv6()).collect();
    assert_eq!(families.len(), 1, "{input}: sources of two families");
    let of_address = towards.map(|family| BTreeSet::from([family == IpFamily::V6]));
    assert!(of_address.is_none_or(|family| family == families), "{input}: sources and address differ");
    assert!(
        it.target_tags.is_empty() || it.target_service_accounts.is_empty(),
        "{input}: two kinds of targets"
    );
    assert!(it.target_tags.len() <= 70 && it.target_service_accounts.len() <= 10, "{input}: targets");
    let entries: usize = it.allowed.iter().map(|allowed| allowed.ports.len()).sum();
    assert!((1..=100).contains(&entries), "{input}: {entries} entries of ports");
}

/// Two rules of one address and protocol have no port in common.
fn ports_are_held_once(input: &str, graph: &Wanted) {
    let mut held = BTreeSet::new();
    for wish in &graph.forwarding_rules {
        let ports = if wish.it.ports.is_empty() { vec!["all".to_owned()] } else { wish.it.ports.clone() };
        for port in ports {
            let key = (wish.family, wish.it.ip_protocol.clone(), port);
            assert!(held.insert(key.clone()), "{input}: {key:?} twice");
        }
    }
}

/// Several rules need a reserved address, internal ones one that is for several; at most ten rules then.
fn addresses(input: &str, graph: &Wanted) {
    for wish in &graph.addresses {
        let rules = graph.forwarding_rules.iter().filter(|rule| rule.family == wish.family).count();
        let AddressSource::Chosen { reservation, keep, .. } = &wish.source else { continue };
        name(input, &reservation.name);
        assert!(*keep || rules <= 1, "{input}: {rules} rules on an address that is not reserved");
        let Some(purpose) = &reservation.purpose else { continue };
        let several = purpose.as_str() == "SHARED_LOADBALANCER_VIP" || wish.family == IpFamily::V6;
        assert!(rules <= 1 || several, "{input}: {rules} rules on an internal address for one");
        assert!(rules <= 10, "{input}: {rules} rules on an internal address");
    }
}
