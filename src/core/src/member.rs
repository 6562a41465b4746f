//! Reads one Service into a [`Member`]: everything that is wrong is told at once, and what can be read is kept.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::annotations;
use crate::endpoints::{self, PortQuery};
use crate::ids::{ServiceKey, Uid};
use crate::model::{
    FamilyPolicy, IpMode, Listener, Member, SessionAffinity, TargetKind, TrafficDistribution, TrafficPolicy,
};
use crate::net::{IpFamily, Protocol, SourceRanges};
use crate::refusal::{Refusal, categories};
use crate::selector::Labels;

/// Seconds of client affinity when the Service gives none: the API's own default.
const AFFINITY_SECONDS: u32 = 10_800;

/// What is known about one Service.
#[derive(Debug, Clone, Copy)]
pub struct MemberInput<'a> {
    /// The Service.
    pub service: &'a Service,
    /// Labels of its namespace; `None` while they are not known.
    pub namespace_labels: Option<&'a Arc<Labels>>,
}

/// Namespace and name of a Service; `None` for an object that no API server would hand out.
pub fn key_of(service: &Service) -> Option<ServiceKey> {
    Some(ServiceKey::new(service.metadata.namespace.as_deref()?, service.metadata.name.as_deref()?))
}

/// The uid of a Service.
pub fn uid_of(service: &Service) -> Option<Uid> {
    Uid::new(service.metadata.uid.as_deref()?).ok()
}

/// Reads a Service. The member is usable in parts even when there are refusals: its identity and its published
/// addresses always are.
pub fn read(input: MemberInput<'_>) -> Option<(Member, Vec<Refusal>)> {
    let service = input.service;
    let key = key_of(service)?;
    let uid = uid_of(service)?;
    let spec = service.spec.as_ref()?;
    let annotations = annotations::relevant(service.metadata.annotations.as_ref());
    let mut reader = Reader { key: &key, spec, annotations: &annotations, refusals: Vec::new() };

    let families = reader.families();
    let listeners = reader.listeners();
    let (sources, sources_given) = reader.sources();
    let requested = reader.requested(&families);
    let member = Member {
        created: service.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0),
        listeners,
        refused_ports: Vec::new(),
        traffic: traffic(spec),
        affinity: affinity(spec),
        distribution: distribution(spec),
        sources,
        sources_given,
        family_policy: reader.family_policy(),
        families,
        requested,
        ip_mode: reader.ip_mode(),
        published: published(service),
        selector: selector_text(spec),
        labels: service.metadata.labels.clone().unwrap_or_default(),
        namespace_labels: input.namespace_labels.cloned().unwrap_or_default(),
        service: key.clone(),
        uid,
        annotations: annotations.clone(),
    };
    let refusals = reader.refusals;
    Some((member, refusals))
}

/// Fills in the pods behind each listener, for members whose provider needs them.
pub fn add_endpoints<'a>(
    member: &mut Member,
    kind: TargetKind,
    slices: &(impl Iterator<Item = &'a EndpointSlice> + Clone),
) {
    if !kind.needs_endpoints() {
        return;
    }
    for listener in &mut member.listeners {
        let query =
            PortQuery { name: &listener.name, protocol: listener.protocol, families: &member.families };
        listener.endpoints = endpoints::targets(slices.clone(), query);
    }
}

/// The IP addresses in `status.loadBalancer.ingress`.
pub fn published(service: &Service) -> Vec<IpAddr> {
    service
        .status
        .iter()
        .flat_map(|status| status.load_balancer.iter())
        .flat_map(|balancer| balancer.ingress.iter().flatten())
        .filter_map(|ingress| ingress.ip.as_deref()?.parse().ok())
        .collect()
}

fn traffic(spec: &ServiceSpec) -> TrafficPolicy {
    if spec.external_traffic_policy.as_deref() == Some("Local") {
        let port = spec.health_check_node_port.and_then(port_number);
        TrafficPolicy::Local { health_check_node_port: port }
    } else {
        TrafficPolicy::Cluster
    }
}

fn affinity(spec: &ServiceSpec) -> SessionAffinity {
    if spec.session_affinity.as_deref() != Some("ClientIP") {
        return SessionAffinity::None;
    }
    let seconds = spec
        .session_affinity_config
        .as_ref()
        .and_then(|config| config.client_ip.as_ref())
        .and_then(|client| client.timeout_seconds)
        .and_then(|seconds| u32::try_from(seconds).ok());
    SessionAffinity::ClientIp { timeout_seconds: seconds.unwrap_or(AFFINITY_SECONDS) }
}

fn distribution(spec: &ServiceSpec) -> Option<TrafficDistribution> {
    match spec.traffic_distribution.as_deref()? {
        "PreferClose" | "PreferSameZone" => Some(TrafficDistribution::PreferSameZone),
        "PreferSameNode" => Some(TrafficDistribution::PreferSameNode),
        _ => None,
    }
}

fn selector_text(spec: &ServiceSpec) -> String {
    let pairs: Vec<String> =
        spec.selector.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

/// A port number; 0 and what does not fit are none.
fn port_number(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|&port| port != 0)
}

/// Reads fields and collects what is wrong with them.
struct Reader<'a> {
    key: &'a ServiceKey,
    spec: &'a ServiceSpec,
    annotations: &'a Labels,
    refusals: Vec<Refusal>,
}

impl Reader<'_> {
    fn refuse(&mut self, field: impl Into<String>, value: impl Into<String>, message: impl Into<String>) {
        self.refusals.push(Refusal::of(self.key, categories::INVALID_VALUE, field, value, message));
    }

    fn families(&mut self) -> Vec<IpFamily> {
        let mut families = Vec::with_capacity(2);
        for (index, text) in self.spec.ip_families.iter().flatten().enumerate() {
            match IpFamily::BOTH.into_iter().find(|family| family.as_str() == text) {
                Some(family) if !families.contains(&family) => families.push(family),
                Some(_) => {}
                None => self.refuse(format!("spec.ipFamilies[{index}]"), text, "must be IPv4 or IPv6"),
            }
        }
        if families.is_empty() {
            // An API server fills the field; a manifest read from a file may lack it.
            families.push(IpFamily::V4);
            if self.family_policy() == FamilyPolicy::RequireDualStack {
                families.push(IpFamily::V6);
            }
        }
        families
    }

    fn family_policy(&self) -> FamilyPolicy {
        match self.spec.ip_family_policy.as_deref() {
            Some("RequireDualStack") => FamilyPolicy::RequireDualStack,
            Some("PreferDualStack") => FamilyPolicy::PreferDualStack,
            _ => FamilyPolicy::SingleStack,
        }
    }

    fn listeners(&mut self) -> Vec<Listener> {
        let ports = self.spec.ports.as_deref().unwrap_or_default();
        if ports.is_empty() {
            self.refusals.push(Refusal::of(
                self.key,
                categories::NO_PORTS,
                "spec.ports",
                "",
                "a load balancer needs at least one port",
            ));
        }
        ports.iter().enumerate().filter_map(|(index, port)| self.listener(index, port)).collect()
    }

    fn listener(&mut self, index: usize, port: &ServicePort) -> Option<Listener> {
        let protocol = match port.protocol.as_deref().unwrap_or("TCP") {
            "TCP" => Protocol::Tcp,
            "UDP" => Protocol::Udp,
            "SCTP" => Protocol::Sctp,
            other => {
                self.refuse(format!("spec.ports[{index}].protocol"), other, "must be TCP, UDP or SCTP");
                return None;
            }
        };
        let Some(number) = port_number(port.port) else {
            self.refuse(format!("spec.ports[{index}].port"), port.port.to_string(), "must be 1 to 65535");
            return None;
        };
        Some(Listener {
            name: port.name.clone().unwrap_or_default(),
            protocol,
            port: number,
            node_port: port.node_port.and_then(port_number),
            app_protocol: port.app_protocol.clone(),
            endpoints: Vec::new(),
        })
    }

    /// The field wins over the annotation, as upstream. An unreadable range refuses the Service: serving with the
    /// readable rest could open or close what the user did not mean.
    fn sources(&mut self) -> (SourceRanges, bool) {
        let field = self.spec.load_balancer_source_ranges.as_deref().unwrap_or_default();
        let given: Vec<(String, String)> = if field.is_empty() {
            let value = self.annotations.get(annotations::SOURCE_RANGES).map_or("", String::as_str);
            annotations::list(value)
                .map(|item| (annotations::SOURCE_RANGES.to_owned(), item.to_owned()))
                .collect()
        } else {
            field
                .iter()
                .enumerate()
                .map(|(i, item)| (format!("spec.loadBalancerSourceRanges[{i}]"), item.trim().to_owned()))
                .collect()
        };
        if given.is_empty() {
            return (SourceRanges::everybody(), false);
        }
        let mut ranges = Vec::with_capacity(given.len());
        for (name, text) in given {
            match text.parse::<IpNet>() {
                Ok(range) => ranges.push(range),
                Err(_) => self.refuse(name, text, "must be a CIDR such as 192.0.2.0/24 or 2001:db8::/32"),
            }
        }
        (SourceRanges::from_ranges(ranges), true)
    }

    fn requested(&mut self, families: &[IpFamily]) -> Vec<IpAddr> {
        let mut asked = Vec::new();
        let field = self.spec.load_balancer_ip.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let value = self.annotations.get(annotations::ADDRESSES).cloned().unwrap_or_default();
        for text in annotations::list(&value) {
            asked.extend(self.address(annotations::ADDRESSES, text, families));
        }
        if let Some(text) = field {
            let address = self.address("spec.loadBalancerIP", text, families);
            match address {
                Some(address) if asked.is_empty() => asked.push(address),
                Some(address) if !asked.contains(&address) => self.refusals.push(Refusal::of(
                    self.key,
                    categories::CONFLICTING_VALUES,
                    annotations::ADDRESSES,
                    value.as_str(),
                    format!("does not contain spec.loadBalancerIP {address}; give one of the two, or the same address in both"),
                )),
                _ => {}
            }
        }
        for family in IpFamily::BOTH {
            if asked.iter().filter(|address| IpFamily::of(address) == family).count() > 1 {
                self.refuse(
                    annotations::ADDRESSES,
                    &value,
                    format!("at most one {family} address is accepted"),
                );
            }
        }
        asked
    }

    fn address(&mut self, field: &str, text: &str, families: &[IpFamily]) -> Option<IpAddr> {
        let Ok(address) = text.parse::<IpAddr>() else {
            self.refuse(field, text, "must be an IPv4 or IPv6 address");
            return None;
        };
        let family = IpFamily::of(&address);
        if families.contains(&family) {
            return Some(address);
        }
        let has: Vec<&str> = families.iter().map(|family| family.as_str()).collect();
        let message = format!("is {family}, but spec.ipFamilies of this Service is {}", has.join(", "));
        self.refusals.push(Refusal::of(self.key, categories::CONFLICTING_VALUES, field, text, message));
        None
    }

    fn ip_mode(&mut self) -> Option<IpMode> {
        let value = self.annotations.get(annotations::IP_MODE)?;
        match value.as_str() {
            "VIP" => Some(IpMode::Vip),
            "Proxy" => Some(IpMode::Proxy),
            other => {
                self.refuse(annotations::IP_MODE, other, "must be VIP or Proxy");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
