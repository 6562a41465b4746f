//! How nodes are checked.
//!
//! kube-proxy is asked (KEP-3836, KEP-1669) with the intervals of Google's controllers, unless something else is said.

use std::ops::RangeInclusive;

use landfall_core::model::TrafficPolicy;
use landfall_core::params::gcp::{HealthCheckParams, HealthProtocol};

use super::keys;
use super::model::HealthSettings;
use super::parse::{self, Parsed};
use super::said::{Findings, Origin, Said, Source};
use crate::api::types::{HealthCheck, HttpCheck, TcpCheck};

/// Seconds between two checks, and until one has failed.
pub(super) const SECONDS: RangeInclusive<u16> = 1..=300;
/// Answers in a row.
pub(super) const THRESHOLD: RangeInclusive<u16> = 1..=10;
/// Ports.
pub(super) const PORT: RangeInclusive<u16> = 1..=u16::MAX;
/// Where kube-proxy answers.
pub(super) const PATH: &str = "/healthz";
/// The words of annotation and class.
const PROTOCOLS: [(&str, HealthProtocol); 3] =
    [("TCP", HealthProtocol::Tcp), ("HTTP", HealthProtocol::Http), ("HTTPS", HealthProtocol::Https)];

/// The check that members with `externalTrafficPolicy: Cluster` share if nothing is said. Name and description are empty.
pub fn shared_check() -> HealthCheck {
    let port = TrafficPolicy::Cluster.health_check().port;
    check(
        Probe { protocol: HealthProtocol::Http, port, path: PATH.to_owned() },
        Timing::of(TrafficPolicy::Cluster),
    )
}

/// Reads the member's check. `class` has been checked.
pub(super) fn read(
    source: Source<'_>,
    class: Option<&HealthCheckParams>,
    findings: &mut Findings,
) -> HealthSettings {
    let class = class.cloned().unwrap_or_default();
    let probe = probe(source, &class, findings);
    let timing = timing(source, &class, findings);
    let own = check(probe, timing);
    if source.member.traffic == TrafficPolicy::Cluster && own == shared_check() {
        HealthSettings::Shared
    } else {
        HealthSettings::Own(Box::new(own))
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

/// What is asked.
struct Probe {
    protocol: HealthProtocol,
    port: u16,
    path: String,
}

fn probe(source: Source<'_>, class: &HealthCheckParams, findings: &mut Findings) -> Probe {
    let protocol = source.read(keys::HEALTH_PROTOCOL, |text| parse::word(text, &PROTOCOLS), findings);
    let port = source.read(keys::HEALTH_PORT, |text| parse::number(text, &PORT), findings);
    let path = source.read(keys::HEALTH_PATH, path, findings);
    let port_said = port.is_some() || class.port.is_some() || source.text(keys::HEALTH_PORT).is_some();
    if let Some(said) = protocol.as_ref().filter(|said| said.value == HealthProtocol::Https && !port_said) {
        let message =
            format!("kube-proxy, which is asked, does not speak TLS; give {} too", keys::HEALTH_PORT);
        findings.invalid(&said.by, message);
    }
    let kind = protocol.map(|said| said.value).or(class.protocol).unwrap_or(HealthProtocol::Http);
    if let Some(said) = &path {
        if kind == HealthProtocol::Tcp {
            findings.invalid(&said.by, "a TCP check asks for no page; ask by HTTP or HTTPS, or remove it");
        } else if source.member.traffic == TrafficPolicy::Cluster && !port_said && said.value != PATH {
            let message =
                format!("kube-proxy, which is asked, answers on {PATH}; give {} too", keys::HEALTH_PORT);
            findings.invalid(&said.by, message);
        }
    }
    let path = path.map(|said| said.value).or_else(|| class.path.clone());
    let port = port.map(|said| said.value).or(class.port);
    Probe {
        protocol: kind,
        port: port.unwrap_or(source.member.traffic.health_check().port),
        path: path.unwrap_or_else(|| PATH.to_owned()),
    }
}

/// How often it is asked, and how many answers count.
#[derive(Clone, Copy)]
struct Timing {
    interval: u16,
    timeout: u16,
    healthy: u16,
    unhealthy: u16,
}

impl Timing {
    /// The defaults: nodes that lose their last pod must be noticed sooner.
    const fn of(traffic: TrafficPolicy) -> Self {
        match traffic {
            TrafficPolicy::Cluster => Self { interval: 8, timeout: 1, healthy: 1, unhealthy: 3 },
            TrafficPolicy::Local { .. } => Self { interval: 3, timeout: 1, healthy: 1, unhealthy: 2 },
        }
    }
}

/// An interval that is not given is never shorter than the timeout.
fn timing(source: Source<'_>, class: &HealthCheckParams, findings: &mut Findings) -> Timing {
    let base = Timing::of(source.member.traffic);
    let mut number = |key, range, class: Option<u16>, path: &str| {
        let own = source.read(key, |text| parse::number(text, range), findings);
        own.or_else(|| class.map(|value| Said::by_class(value, path, value.to_string())))
    };
    let interval =
        number(keys::HEALTH_INTERVAL, &SECONDS, class.interval_seconds, "healthCheck.intervalSeconds");
    let timeout = number(keys::HEALTH_TIMEOUT, &SECONDS, class.timeout_seconds, "healthCheck.timeoutSeconds");
    let healthy = number(keys::HEALTHY, &THRESHOLD, class.healthy_threshold, "healthCheck.healthyThreshold");
    let unhealthy =
        number(keys::UNHEALTHY, &THRESHOLD, class.unhealthy_threshold, "healthCheck.unhealthyThreshold");
    if let (Some(timeout), Some(interval)) = (&timeout, &interval) {
        fits(timeout, interval, findings);
    }
    let timeout = timeout.map_or(base.timeout, |said| said.value);
    Timing {
        interval: interval.map_or(base.interval.max(timeout), |said| said.value),
        timeout,
        healthy: healthy.map_or(base.healthy, |said| said.value),
        unhealthy: unhealthy.map_or(base.unhealthy, |said| said.value),
    }
}

/// What the class says about both was compared with the class.
fn fits(timeout: &Said<u16>, interval: &Said<u16>, findings: &mut Findings) {
    let of_class = timeout.by.origin == Origin::Class && interval.by.origin == Origin::Class;
    if timeout.value > interval.value && !of_class {
        findings.contradiction(&timeout.by, &interval.by, "the timeout must be at most the interval");
    }
}

fn check(probe: Probe, timing: Timing) -> HealthCheck {
    let Probe { protocol, port, path } = probe;
    let page = HttpCheck { port, request_path: Some(path), ..HttpCheck::default() };
    let (mut http, mut https, mut tcp) = (None, None, None);
    match protocol {
        HealthProtocol::Http => http = Some(page),
        HealthProtocol::Https => https = Some(page),
        HealthProtocol::Tcp => tcp = Some(TcpCheck { port, ..TcpCheck::default() }),
    }
    HealthCheck {
        check_type: Some(protocol.as_str().to_owned()),
        check_interval_sec: Some(timing.interval.into()),
        timeout_sec: Some(timing.timeout.into()),
        healthy_threshold: Some(timing.healthy.into()),
        unhealthy_threshold: Some(timing.unhealthy.into()),
        http_health_check: http,
        https_health_check: https,
        tcp_health_check: tcp,
        ..HealthCheck::default()
    }
}
