//! Attributes of a member's target groups: of the class, of the Service's own fields, of the annotations.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::model::SessionAffinity;

use super::attributes::{
    self, DRAINING, GROUP, PRESERVE_CLIENT_IP, PROXY_PROTOCOL, STICKINESS, STICKINESS_TYPE, TERMINATION,
};
use super::parse::{self, Parsed};
use super::said::{By, Findings, Origin, Said, Source, problem};
use super::{keys, tls};
use crate::api::Attributes;
use crate::api::elb::NlbProtocol;

type SaidAttributes = BTreeMap<String, Said<String>>;

/// What a member says about its target groups.
pub(super) struct GroupWish<'a> {
    source: Source<'a>,
    class: SaidAttributes,
    all: SaidAttributes,
    by_port: BTreeMap<u16, SaidAttributes>,
    proxy_all: Option<By>,
    proxy_ports: BTreeMap<u16, By>,
}

impl<'a> GroupWish<'a> {
    /// Reads it. `class` has been checked.
    pub(super) fn read(source: Source<'a>, class: &Attributes, findings: &mut Findings) -> Self {
        let of_class = |(key, value): (&String, &String)| {
            let by = By::class("targetGroupAttributes", format!("{key}={value}"));
            (key.clone(), Said { value: value.clone(), by })
        };
        let star =
            |text: &str| if text == "*" { Ok(()) } else { Err("must be *, which is all ports".to_owned()) };
        Self {
            source,
            class: class.iter().map(of_class).collect(),
            all: attributes::read(source, keys::GROUP_ATTRIBUTES, GROUP, findings),
            by_port: by_port(source, findings),
            proxy_all: source.read(keys::PROXY_PROTOCOL, star, findings).map(|said| said.by),
            proxy_ports: proxy_ports(source, findings),
        }
    }

    /// The attributes of one target group: the class gives way to the Service's fields, these to the annotation for all
    /// ports, that to the annotation for this port.
    pub(super) fn of(
        &self,
        port: u16,
        listener: NlbProtocol,
        group: NlbProtocol,
        findings: &mut Findings,
    ) -> Attributes {
        let fits = |(key, said): &(&String, &Said<String>)| {
            let value = said.value.as_str();
            !(group.has_udp() && (never_with_udp(key, value) || of_streams(key)))
                && !(listener == NlbProtocol::Tls && never_with_tls(key, value))
        };
        let mut attributes: SaidAttributes =
            self.class.iter().filter(fits).map(|(key, said)| (key.clone(), said.clone())).collect();
        attributes.extend(self.affinity(port, listener, findings));
        attributes.extend(self.all.clone());
        attributes.extend(self.by_port.get(&port).cloned().unwrap_or_default());
        self.proxy(port, &mut attributes, findings);
        if !terminated_late(&attributes) {
            attributes.retain(|key, said| key != DRAINING || said.by.origin != Origin::Class);
        }
        check(self.source, port, listener, &attributes, findings);
        attributes.into_iter().map(|(key, said)| (key, said.value)).collect()
    }

    fn affinity(&self, port: u16, listener: NlbProtocol, findings: &mut Findings) -> SaidAttributes {
        let SessionAffinity::ClientIp { .. } = self.source.member.affinity else { return BTreeMap::new() };
        if listener == NlbProtocol::Tls {
            let message = format!(
                "port {port}: sessionAffinity is not kept across nodes, since TLS listeners have no stickiness"
            );
            findings.tell(self.source, None, problem::AFFINITY, message);
            return BTreeMap::new();
        }
        let by = self.source.by("spec.sessionAffinity", "ClientIP");
        [(STICKINESS, "true"), (STICKINESS_TYPE, "source_ip")]
            .map(|(key, value)| (key.to_owned(), Said { value: value.to_owned(), by: by.clone() }))
            .into()
    }

    fn proxy(&self, port: u16, attributes: &mut SaidAttributes, findings: &mut Findings) {
        let Some(by) = self.proxy_all.as_ref().or(self.proxy_ports.get(&port)) else { return };
        if let Some(said) = attributes.get(PROXY_PROTOCOL)
            && said.value == "false"
            && said.by.origin == self.source.origin
        {
            findings.contradiction(by, &said.by, "give one of the two, or the same in both");
        }
        attributes.insert(PROXY_PROTOCOL.to_owned(), Said { value: "true".to_owned(), by: by.clone() });
    }
}

/// What AWS refuses for groups with UDP. A class's attributes hold for the groups that can have them.
fn never_with_udp(key: &str, value: &str) -> bool {
    (key == PRESERVE_CLIENT_IP && value == "false") || (key == TERMINATION && value == "true")
}

/// What AWS refuses behind TLS listeners.
fn never_with_tls(key: &str, value: &str) -> bool {
    key == STICKINESS && value == "true"
}

/// Attributes that groups with UDP do not have.
fn of_streams(key: &str) -> bool {
    key == TERMINATION || key == DRAINING
}

/// Whether connections to unhealthy targets are kept, so that there is something to drain.
fn terminated_late(attributes: &SaidAttributes) -> bool {
    attributes.get(TERMINATION).is_some_and(|said| said.value == "false")
}

fn check(
    source: Source<'_>,
    port: u16,
    listener: NlbProtocol,
    attributes: &SaidAttributes,
    findings: &mut Findings,
) {
    let own = attributes.iter().filter(|(_, said)| said.by.origin == source.origin);
    for (key, said) in own {
        if listener.has_udp() && never_with_udp(key, &said.value) {
            let instead = format!(
                "give it for the TCP ports only, as {}PORT",
                keys::short(keys::PORT_GROUP_ATTRIBUTES)
            );
            findings
                .unsupported(&said.by, format!("port {port} is {listener}, which cannot have it: {instead}"));
        }
        if listener == NlbProtocol::Tls && never_with_tls(key, &said.value) {
            findings.unsupported(&said.by, format!("port {port} is TLS, which has no stickiness"));
        }
        if key == DRAINING && said.value != "0" && !listener.has_udp() && !terminated_late(attributes) {
            findings.invalid(&said.by, format!("port {port}: it needs {TERMINATION}=false beside it"));
        }
    }
}

/// The annotations for single ports.
fn by_port(source: Source<'_>, findings: &mut Findings) -> BTreeMap<u16, SaidAttributes> {
    let mut by_port = BTreeMap::new();
    for key in source.member.annotations.keys() {
        let Some(suffix) = key.strip_prefix(keys::PORT_GROUP_ATTRIBUTES) else { continue };
        match own_port(source, suffix) {
            Ok(port) => {
                by_port.insert(port, attributes::read(source, key, GROUP, findings));
            }
            Err(message) => {
                findings.invalid(&source.by(key, source.text(key).unwrap_or_default()), message);
            }
        }
    }
    by_port
}

fn proxy_ports(source: Source<'_>, findings: &mut Findings) -> BTreeMap<u16, By> {
    let ports = source.read(
        keys::PROXY_PROTOCOL_PORTS,
        |text| parse::list(text, |item| own_port(source, item)),
        findings,
    );
    let Some(Said { value, by }) = ports else { return BTreeMap::new() };
    value.into_iter().map(|port| (port, by.clone())).collect()
}

/// A port number of the Service, one that an older Service holds included.
fn own_port(source: Source<'_>, text: &str) -> Parsed<u16> {
    let member = source.member;
    let held = member.refused_ports.iter().map(|refused| refused.key.port);
    let ports: BTreeSet<u16> = member.ports().map(|key| key.port).chain(held).collect();
    let port = parse::port(text).ok().filter(|port| ports.contains(port));
    port.ok_or_else(|| {
        format!("{text:?} is no port number of the Service; it has {}", tls::port_names(member))
    })
}

/// Whether the client's address reaches the targets.
pub(super) fn preserves(attributes: &Attributes, to_nodes: bool, group: NlbProtocol) -> bool {
    let plain = matches!(group, NlbProtocol::Tcp | NlbProtocol::Tls);
    match attributes.get(PRESERVE_CLIENT_IP) {
        Some(said) => said == "true",
        None => to_nodes || !plain,
    }
}
