//! TLS of a member's ports.

use std::collections::BTreeSet;

use landfall_core::annotations;
use landfall_core::model::{Listener, Member};
use landfall_core::net::Protocol;

use super::keys;
use super::model::Tls;
use super::parse::{self, Parsed};
use super::said::{Findings, Said, Source};

/// TLS as a member asks for it.
#[derive(Debug, Default)]
pub(super) struct TlsWish {
    /// The port numbers served with TLS.
    pub(super) ports: BTreeSet<u16>,
    /// How; the same for all of them. `None` without certificates, and then no port is served with it.
    pub(super) how: Option<Tls>,
    /// Whether the targets are spoken to with TLS too.
    pub(super) to_targets: bool,
}

/// Annotations that mean something on TLS listeners only.
const ONLY_WITH_TLS: [&str; 3] = [keys::TLS_POLICY, keys::ALPN, keys::BACKEND_PROTOCOL];

/// Reads it. `policy` is the class's.
pub(super) fn read(source: Source<'_>, policy: Option<&String>, findings: &mut Findings) -> TlsWish {
    let certificates = source.read(keys::CERTIFICATES, |text| parse::list(text, certificate), findings);
    let own_policy = source.read(keys::TLS_POLICY, ssl_policy, findings);
    let alpn = source.read(keys::ALPN, alpn_policy, findings);
    let to_targets = source.read(keys::BACKEND_PROTOCOL, backend_protocol, findings);
    let ports = ports(source, findings);
    let Some(certificates) = certificates else {
        if source.text(keys::CERTIFICATES).is_none() {
            without_certificates(source, findings);
        }
        return TlsWish::default();
    };
    if ports.is_empty() && source.text(keys::TLS_PORTS).is_none() {
        findings.invalid(&certificates.by, "the Service has no TCP port, and TLS needs one");
    }
    let policy = own_policy.map(|said| said.value).or_else(|| policy.cloned());
    let alpn = alpn.and_then(|said| said.value);
    TlsWish {
        ports,
        how: Some(Tls { certificates: certificates.value, policy, alpn }),
        to_targets: to_targets.is_some_and(|said| said.value),
    }
}

/// Ports that shall be TLS without a certificate must not become plain ones.
fn without_certificates(source: Source<'_>, findings: &mut Findings) {
    if let Some(text) = source.text(keys::TLS_PORTS) {
        let message = format!("TLS needs a certificate: give {} too", keys::short(keys::CERTIFICATES));
        findings.invalid(&source.by(keys::TLS_PORTS, text), message);
        return;
    }
    for key in ONLY_WITH_TLS {
        if source.text(key).is_some() {
            findings.ignored(source, key, "no port is served with TLS");
        }
    }
}

/// The TCP ports that are listed by number or name; all of them with `*` or without a list.
fn ports(source: Source<'_>, findings: &mut Findings) -> BTreeSet<u16> {
    let is_tcp = |listener: &&Listener| listener.protocol == Protocol::Tcp;
    let listed = source.text(keys::TLS_PORTS).filter(|text| text.trim() != "*");
    let Some(text) = listed else {
        return source.member.listeners.iter().filter(is_tcp).map(|listener| listener.port).collect();
    };
    let mut ports = BTreeSet::new();
    if annotations::list(text).next().is_none() {
        findings.invalid(&source.by(keys::TLS_PORTS, text), "must list ports by number or name, or be *");
    }
    for item in annotations::list(text) {
        match tcp_port(source.member, item) {
            Ok(port) => {
                ports.insert(port);
            }
            Err(message) => findings.invalid(&source.by(keys::TLS_PORTS, text), message),
        }
    }
    ports
}

fn tcp_port(member: &Member, item: &str) -> Parsed<u16> {
    let named = |listener: &&Listener| listener.name == item || item.parse() == Ok(listener.port);
    let mut found = member.listeners.iter().filter(named);
    if let Some(listener) = found.clone().find(|listener| listener.protocol == Protocol::Tcp) {
        return Ok(listener.port);
    }
    match found.next() {
        Some(listener) => Err(format!("{item:?} is {}, and TLS needs TCP", listener.protocol)),
        // A port that an older Service holds is reported there; it is not a mistake of this list.
        None if member.refused_ports.iter().any(|refused| item.parse() == Ok(refused.key.port)) => {
            item.parse().map_err(|_| "must be a port".to_owned())
        }
        None => Err(format!("{item:?} is no port of the Service; it has {}", port_names(member))),
    }
}

/// The ports of a Service as a user would list them.
pub(super) fn port_names(member: &Member) -> String {
    let text = |listener: &Listener| {
        if listener.name.is_empty() {
            listener.port.to_string()
        } else {
            format!("{} ({})", listener.port, listener.name)
        }
    };
    member.listeners.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// The ARN of a certificate of ACM or IAM.
fn certificate(text: &str) -> Parsed<String> {
    let fits = parse::arn(text).is_some_and(|arn| match arn.service {
        "acm" => !arn.region.is_empty() && arn.resource.starts_with("certificate/"),
        "iam" => arn.resource.starts_with("server-certificate/"),
        _ => false,
    });
    let accepted = "must be the ARN of a certificate: arn:aws:acm:REGION:ACCOUNT:certificate/ID or \
                    arn:aws:iam::ACCOUNT:server-certificate/NAME";
    if fits { Ok(text.to_owned()) } else { Err(accepted.to_owned()) }
}

/// The name of a security policy. Which ones exist only AWS knows.
pub(super) fn ssl_policy(text: &str) -> Parsed<String> {
    let fits = (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be the name of a security policy, such as ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned())
    }
}

fn alpn_policy(text: &str) -> Parsed<Option<String>> {
    let words =
        ["None", "HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred"].map(|word| (word, word));
    let word = parse::one_of(text, &words)?;
    Ok((word != "None").then(|| word.to_owned()))
}

fn backend_protocol(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "ssl" => Ok(true),
        "tcp" => Ok(false),
        _ => Err("must be ssl or tcp: a Network Load Balancer does not speak HTTP".to_owned()),
    }
}

/// Refuses UDP beside TLS on one number: a listener is one or the other.
pub(super) fn beside_udp(source: Source<'_>, port: u16, findings: &mut Findings) {
    let udp = source.by("spec.ports", format!("{port}/UDP"));
    let text = source.text(keys::TLS_PORTS).or(source.text(keys::CERTIFICATES)).unwrap_or_default();
    let key = if source.text(keys::TLS_PORTS).is_some() { keys::TLS_PORTS } else { keys::CERTIFICATES };
    let tls = Said { value: (), by: source.by(key, text) };
    findings.contradiction(&tls.by, &udp, "a listener cannot serve TLS and UDP on one number");
}
