//! Health checks of a member's target groups.
//!
//! Nodes are asked what kube-proxy says about them (KEP-3836, KEP-1669), pods whether they accept connections. Who gives
//! a protocol or a port to a Service of `externalTrafficPolicy: Cluster` wants the application to be asked instead.

use std::ops::RangeInclusive;

use landfall_core::model::{Listener, TrafficPolicy};
use landfall_core::params::aws::{HealthCheckParams, HealthProtocol};

use super::keys;
use super::parse::{self, Parsed};
use super::said::{By, Findings, Origin, Said, Source, problem};
use super::tls::port_names;
use crate::api::elb::{GroupTargets, HealthCheck};

pub(super) const INTERVAL: RangeInclusive<u16> = 5..=300;
pub(super) const TIMEOUT: RangeInclusive<u16> = 2..=120;
pub(super) const THRESHOLD: RangeInclusive<u16> = 2..=10;
/// Codes that mean healthy for AWS if nothing else is said.
const CODES: &str = "200-399";
pub(super) const SECONDS_BETWEEN: u16 = 10;

/// What holds where nothing is said.
#[derive(Clone, Copy)]
struct Base {
    protocol: HealthProtocol,
    /// Where; `None` for the traffic port.
    port: Option<u16>,
    timeout: u16,
    threshold: u16,
}

/// What is said, by the member or by the class.
struct HealthWish {
    protocol: Option<Said<HealthProtocol>>,
    port: Option<Said<Port>>,
    path: Option<Said<String>>,
    codes: Option<Said<String>>,
}

/// Where targets are asked.
#[derive(Clone, PartialEq)]
pub(super) enum Port {
    Traffic,
    Number(u16),
    Named(String),
}

/// Reads the health check of all the member's target groups.
pub(super) fn read(
    source: Source<'_>,
    targets: GroupTargets,
    class: Option<&HealthCheckParams>,
    findings: &mut Findings,
) -> HealthCheck {
    let class = class.cloned().unwrap_or_default();
    let wish = HealthWish::read(source, &class, findings);
    let base = wish.base(source, targets);
    let protocol = wish.protocol.as_ref().map_or(base.protocol, |said| said.value);
    let port = match &wish.port {
        Some(said) => resolve(source, targets, said, findings),
        None if protocol == base.protocol => base.port,
        // kube-proxy answers plain HTTP only; another protocol is meant for the application.
        None => None,
    };
    wish.check(source, targets, protocol, findings);
    let kube_proxy = protocol == HealthProtocol::Http
        && targets == GroupTargets::Instance
        && port == Some(source.member.traffic.health_check().port);
    let path = if kube_proxy { source.member.traffic.health_check().path } else { "/" };
    let http = protocol != HealthProtocol::Tcp;
    let text = |said: Option<Said<String>>, default: &str| {
        http.then(|| said.map_or_else(|| default.to_owned(), |said| said.value))
    };
    let mut timing = Timing { source, class: &class, findings };
    let interval = timing.interval();
    HealthCheck {
        protocol,
        port,
        path: text(wish.path, path),
        codes: text(wish.codes, CODES),
        timeout: timing.timeout(base.timeout, &interval),
        interval: interval.value,
        healthy: timing.threshold(keys::HEALTHY, class.healthy_threshold, base.threshold),
        unhealthy: timing.threshold(keys::UNHEALTHY, class.unhealthy_threshold, base.threshold),
    }
}

impl HealthWish {
    fn read(source: Source<'_>, class: &HealthCheckParams, findings: &mut Findings) -> Self {
        let of_class = |path: &str, text: &str| By::class(&format!("healthCheck.{path}"), text);
        let protocol = source.read(keys::HEALTH_PROTOCOL, protocol, findings).or_else(|| {
            let value = class.protocol?;
            Some(Said { value, by: of_class("protocol", value.as_str()) })
        });
        let port = source.read(keys::HEALTH_PORT, port, findings).or_else(|| {
            let text = class.port.as_ref()?;
            // Whether a name is one of the Service's ports is the Service's matter.
            let by = source.by(of_class("port", "").field, text);
            Some(Said { value: port(text).ok()?, by })
        });
        let text = |said: Option<Said<String>>, class: Option<&String>, path: &str| {
            said.or_else(|| class.map(|text| Said { value: text.clone(), by: of_class(path, text) }))
        };
        let own_path = source.read(keys::HEALTH_PATH, path, findings);
        let own_codes = source.read(keys::HEALTH_CODES, codes, findings);
        Self {
            protocol,
            port,
            path: text(own_path, class.path.as_ref(), "path"),
            codes: text(own_codes, class.success_codes.as_ref(), "successCodes"),
        }
    }

    fn base(&self, source: Source<'_>, targets: GroupTargets) -> Base {
        let (node_timeout, node_threshold) = (6, 2);
        let aimed = self.protocol.is_some() || self.port.is_some();
        let kube_proxy = Base {
            protocol: HealthProtocol::Http,
            port: Some(source.member.traffic.health_check().port),
            timeout: node_timeout,
            threshold: node_threshold,
        };
        match (targets, source.member.traffic) {
            (GroupTargets::Ip, _) => {
                Base { protocol: HealthProtocol::Tcp, port: None, timeout: 10, threshold: 3 }
            }
            (GroupTargets::Instance, TrafficPolicy::Cluster) if aimed => {
                Base { protocol: HealthProtocol::Tcp, port: None, ..kube_proxy }
            }
            (GroupTargets::Instance, _) => kube_proxy,
        }
    }

    /// What the member says about HTTP must meet an HTTP check.
    fn check(
        &self,
        source: Source<'_>,
        targets: GroupTargets,
        protocol: HealthProtocol,
        findings: &mut Findings,
    ) {
        let own = |said: &&Said<String>| said.by.origin == source.origin;
        if protocol == HealthProtocol::Tcp {
            for said in [&self.path, &self.codes].into_iter().flatten().filter(own) {
                let message = "a TCP check asks for no page: give healthcheck-protocol http or https too";
                findings.invalid(&said.by, message);
            }
            return;
        }
        let by_kube_proxy = targets == GroupTargets::Instance
            && source.member.traffic == TrafficPolicy::Cluster
            && self.protocol.is_none()
            && self.port.is_none();
        if let Some(said) = self.path.as_ref().filter(own).filter(|_| by_kube_proxy) {
            let message = "without healthcheck-protocol kube-proxy is asked, which answers on /healthz only; give \
                           healthcheck-protocol to ask the application";
            findings.invalid(&said.by, message);
        }
    }
}

/// The number of a port: a named one is the node port on nodes, and what the pods listen on otherwise.
fn resolve(
    source: Source<'_>,
    targets: GroupTargets,
    said: &Said<Port>,
    findings: &mut Findings,
) -> Option<u16> {
    let name = match &said.value {
        Port::Traffic => return None,
        Port::Number(number) => return Some(*number),
        Port::Named(name) => name,
    };
    let Some(listener) = source.member.listeners.iter().find(|listener| listener.name == *name) else {
        let message = format!(
            "must be traffic-port, a number or the name of a port of the Service: {}",
            port_names(source.member)
        );
        findings.invalid(&said.by, message);
        return None;
    };
    match targets {
        GroupTargets::Instance => listener.node_port,
        GroupTargets::Ip => pod_port(source, listener, findings),
    }
}

/// While there are no pods there is nothing to ask, and the traffic port stands in.
fn pod_port(source: Source<'_>, listener: &Listener, findings: &mut Findings) -> Option<u16> {
    let first = listener.endpoints.first()?.port;
    if listener.endpoints.iter().all(|endpoint| endpoint.port == first) {
        return Some(first);
    }
    let message = format!(
        "the pods behind port {:?} listen on different ports, so that each target is checked on its traffic port; give {} a number",
        listener.name,
        keys::HEALTH_PORT
    );
    findings.tell(source, Some(listener.key()), problem::HEALTH, message);
    None
}

/// Numbers of a health check, each out of the annotation, else the class, else the default.
struct Timing<'a, 'f> {
    source: Source<'a>,
    class: &'f HealthCheckParams,
    findings: &'f mut Findings,
}

impl Timing<'_, '_> {
    fn number(&mut self, key: &str, range: &RangeInclusive<u16>) -> Option<Said<u16>> {
        self.source.read(key, |text| parse::number(text, range), self.findings)
    }

    fn interval(&mut self) -> Said<u16> {
        let own = self.number(keys::HEALTH_INTERVAL, &INTERVAL);
        own.unwrap_or_else(|| {
            let by_default = By::default(keys::HEALTH_INTERVAL, SECONDS_BETWEEN.to_string());
            self.class.interval_seconds.map_or(Said { value: SECONDS_BETWEEN, by: by_default }, |value| {
                Said { value, by: By::class("healthCheck.intervalSeconds", value.to_string()) }
            })
        })
    }

    /// A default never exceeds the interval; a timeout asked for must not. Where the class has the timeout and the
    /// member the interval, the member's word is the one to change.
    fn timeout(&mut self, default: u16, interval: &Said<u16>) -> u16 {
        let own = self.number(keys::HEALTH_TIMEOUT, &TIMEOUT);
        let said = own.or_else(|| {
            let value = self.class.timeout_seconds?;
            Some(Said { value, by: By::class("healthCheck.timeoutSeconds", value.to_string()) })
        });
        let Some(said) = said else { return default.min(interval.value) };
        if said.value > interval.value {
            if interval.by.origin <= Origin::Class && said.by.origin == Origin::Class {
                // Refused with the class.
                return said.value;
            }
            let why = "the timeout must be at most the interval";
            self.findings.contradiction(&said.by, &interval.by, why);
        }
        said.value
    }

    fn threshold(&mut self, key: &str, class: Option<u16>, default: u16) -> u16 {
        let said = self.number(key, &THRESHOLD).map(|said| said.value);
        said.or(class).unwrap_or(default)
    }
}

/// In any case, as the other controllers take it.
fn protocol(text: &str) -> Parsed<HealthProtocol> {
    let words = [HealthProtocol::Tcp, HealthProtocol::Http, HealthProtocol::Https];
    let words = words.map(|protocol| (protocol.as_str(), protocol));
    parse::one_of(&text.to_ascii_uppercase(), &words)
}

/// `traffic-port`, a number or a name.
pub(super) fn port(text: &str) -> Parsed<Port> {
    if text == "traffic-port" {
        Ok(Port::Traffic)
    } else if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+')) {
        parse::port(text)
            .map(Port::Number)
            .map_err(|accepted| format!("{accepted}, traffic-port, or the name of a port"))
    } else {
        Ok(Port::Named(text.to_owned()))
    }
}

/// A path as the API takes it.
pub(super) fn path(text: &str) -> Parsed<String> {
    if text.starts_with('/') && text.len() <= 1_024 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must begin with / and have up to 1024 printable characters without spaces".to_owned())
    }
}

/// Codes and ranges of codes, e.g. `200,202` or `200-299`.
pub(super) fn codes(text: &str) -> Parsed<String> {
    let code = |text: &str| parse::number::<u16>(text, &(200..=599)).ok();
    let fits = text.split(',').all(|item| match item.split_once('-') {
        Some((from, to)) => matches!((code(from), code(to)), (Some(from), Some(to)) if from <= to),
        None => code(item).is_some(),
    });
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be codes of 200 to 599, such as 200,202 or 200-299".to_owned())
    }
}
