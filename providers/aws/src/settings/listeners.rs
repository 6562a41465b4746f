//! The listeners of a member: TCP and UDP of one number together, TLS where asked for.

use std::collections::BTreeMap;

use landfall_core::model::Listener;
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::params::aws::AwsParams;
use landfall_core::refusal::categories;

use super::addresses::target_family;
use super::attributes::{self, LISTENER};
use super::group_attributes::GroupWish;
use super::model::ListenerSettings;
use super::parse;
use super::said::{Findings, Source, problem};
use super::tls::{self, TlsWish};
use super::{health, keys};
use crate::api::Attributes;
use crate::api::elb::{AddressType, GroupTargets, HealthCheck, NlbProtocol};

/// Reads the listeners in the order of the Service's ports.
pub(super) fn read(
    source: Source<'_>,
    targets: GroupTargets,
    class: &AwsParams,
    address_type: AddressType,
    findings: &mut Findings,
) -> Vec<ListenerSettings> {
    check_ports(source, targets, findings);
    let tls = tls::read(source, class.ssl_policy.as_ref(), findings);
    let health = health::read(source, targets, class.health_check.as_ref(), findings);
    let groups = GroupWish::read(source, &class.target_group_attributes, findings);
    let mut listeners: Vec<ListenerSettings> = Vec::new();
    for ports in by_number(source, targets, findings) {
        let Some(protocol) = protocol(source, &ports, &tls, findings) else { continue };
        let Some(port) = ports.first().map(|listener| listener.port) else { continue };
        let group_protocol = match protocol {
            NlbProtocol::Tls if !tls.to_targets => NlbProtocol::Tcp,
            other => other,
        };
        // One without a family was refused.
        let family = target_family(source.member, protocol.has_udp(), address_type).unwrap_or(IpFamily::V4);
        if protocol == NlbProtocol::Udp {
            warn_unanswered(source, port, &health, findings);
        }
        listeners.push(ListenerSettings {
            port,
            protocol,
            serves: ports.iter().map(|listener| listener.key()).collect(),
            tls: tls.how.clone().filter(|_| protocol == NlbProtocol::Tls),
            group_protocol,
            family,
            health: health.clone(),
            group_attributes: groups.of(port, protocol, group_protocol, findings),
            attributes: Attributes::new(),
        });
    }
    let mut attributes = listener_attributes(source, &listeners, findings);
    for listener in &mut listeners {
        listener.attributes = attributes.remove(&listener.port).unwrap_or_default();
    }
    listeners
}

fn check_ports(source: Source<'_>, targets: GroupTargets, findings: &mut Findings) {
    let member = source.member;
    if member.listeners.is_empty() && member.refused_ports.is_empty() {
        let by = source.by("spec.ports", "");
        findings.refuse(&by, categories::NO_PORTS, "a load balancer needs at least one port");
    }
    for (index, listener) in member.listeners.iter().enumerate() {
        if listener.protocol == Protocol::Sctp {
            let by = source.by(format!("spec.ports[{index}].protocol"), "SCTP");
            findings.unsupported(&by, "Network Load Balancers serve TCP and UDP");
        }
        if targets == GroupTargets::Instance && listener.node_port.is_none() {
            let by = source.by(format!("spec.ports[{index}].nodePort"), "");
            let message = format!(
                "port {} has no node port: remove allocateLoadBalancerNodePorts: false, or send traffic to pods with {}: pods",
                listener.key(),
                landfall_core::annotations::TARGETS
            );
            findings.refuse(&by, categories::NO_NODE_PORT, message);
        }
    }
}

/// The Service's ports by number, in their order. Two of one number are TCP and UDP, or refused.
fn by_number<'a>(
    source: Source<'a>,
    targets: GroupTargets,
    findings: &mut Findings,
) -> Vec<Vec<&'a Listener>> {
    let merge = source.read(keys::TCP_UDP, parse::boolean, findings);
    let mut numbers: Vec<Vec<&Listener>> = Vec::new();
    for listener in &source.member.listeners {
        let same = numbers.iter_mut().find(|same| same.iter().any(|other| other.port == listener.port));
        let Some(same) = same else {
            numbers.push(vec![listener]);
            continue;
        };
        let by = source.by("spec.ports", listener.key().to_string());
        if same.iter().any(|other| other.protocol == listener.protocol) {
            findings.refuse(&by, categories::PORT_CONFLICT, "the port is listed twice");
            continue;
        }
        if let Some(merge) = merge.as_ref().filter(|merge| !merge.value) {
            let why = "TCP and UDP of one number are one listener";
            findings.contradiction(&merge.by, &by, why);
        }
        if targets == GroupTargets::Instance && same.iter().any(|other| other.node_port != listener.node_port)
        {
            findings.unsupported(&by, one_node_port(same, listener));
        }
        same.push(listener);
    }
    numbers
}

/// A target of a `TCP_UDP` group has one port for both protocols.
fn one_node_port(same: &[&Listener], listener: &Listener) -> String {
    let text = |listener: &Listener| {
        let node_port = listener.node_port.map_or_else(|| "none".to_owned(), |port| port.to_string());
        format!("{} ({node_port})", listener.key())
    };
    let others: Vec<String> = same.iter().map(|other| text(other)).collect();
    format!(
        "{} and {} need the same nodePort, since one target group serves both: set it, or send traffic to pods with {}: pods",
        others.join(", "),
        text(listener),
        landfall_core::annotations::TARGETS
    )
}

fn protocol(
    source: Source<'_>,
    ports: &[&Listener],
    tls: &TlsWish,
    findings: &mut Findings,
) -> Option<NlbProtocol> {
    let has = |protocol| ports.iter().any(|listener| listener.protocol == protocol);
    let port = ports.first()?.port;
    let encrypted = tls.how.is_some() && tls.ports.contains(&port);
    match (has(Protocol::Tcp), has(Protocol::Udp)) {
        (true, true) if encrypted => {
            tls::beside_udp(source, port, findings);
            Some(NlbProtocol::TcpUdp)
        }
        (true, true) => Some(NlbProtocol::TcpUdp),
        (true, false) if encrypted => Some(NlbProtocol::Tls),
        (true, false) => Some(NlbProtocol::Tcp),
        (false, true) => Some(NlbProtocol::Udp),
        (false, false) => None,
    }
}

/// UDP cannot be checked itself; on its own port nothing answers TCP or HTTP.
fn warn_unanswered(source: Source<'_>, port: u16, health: &HealthCheck, findings: &mut Findings) {
    if health.port.is_some() {
        return;
    }
    let message = format!(
        "port {port} is UDP and its health check asks by {} on the same port, which nothing answers: give {} a port that answers",
        health.protocol.as_str(),
        keys::short(keys::HEALTH_PORT)
    );
    let key = source.member.ports().find(|key| key.port == port);
    findings.tell(source, key, problem::HEALTH, message);
}

/// Attributes by listener port.
fn listener_attributes(
    source: Source<'_>,
    listeners: &[ListenerSettings],
    findings: &mut Findings,
) -> BTreeMap<u16, Attributes> {
    let mut by_port = BTreeMap::new();
    for (key, text) in &source.member.annotations {
        let Some(suffix) = key.strip_prefix(keys::LISTENER_ATTRIBUTES) else { continue };
        let named =
            |listener: &&ListenerSettings| format!("{}-{}", listener.protocol, listener.port) == suffix;
        let by = source.by(key, text);
        match listeners.iter().find(named) {
            Some(listener) if listener.protocol.has_idle_timeout() => {
                let read = attributes::read(source, key, LISTENER, findings);
                by_port
                    .insert(listener.port, read.into_iter().map(|(name, said)| (name, said.value)).collect());
            }
            Some(listener) => {
                let message = format!(
                    "listeners of {} have no attributes, only those of TCP and TCP_UDP",
                    listener.protocol
                );
                findings.unsupported(&by, message);
            }
            None => {
                let known: Vec<String> = listeners
                    .iter()
                    .map(|listener| format!("{}-{}", listener.protocol, listener.port))
                    .collect();
                findings.invalid(
                    &by,
                    format!("{suffix:?} is no listener of the Service; it has {}", known.join(", ")),
                );
            }
        }
    }
    by_port
}
