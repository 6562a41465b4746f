//! Settings of one member.

use std::ops::RangeInclusive;

use landfall_core::annotations::{ADDRESS_POOLS, ADOPT, ADOPT_CONFIRM, IP_MODE, TARGETS};
use landfall_core::model::{IpMode, Member, TrafficDistribution, TrafficPolicy};
use landfall_core::net::Protocol;
use landfall_core::params::gcp::{GcpParams, LoggingParams, Scheme, ZonalAffinity};

use super::model::{BackendProtocol, MemberSettings};
use super::said::{Findings, Said, Source};
use super::{affinity, firewall, health, keys, parse};
use crate::api::types::LogConfig;

/// Seconds that connections live on after their node was taken out.
pub(super) const DRAINING: RangeInclusive<u16> = 0..=3600;
/// What Google's controllers give TCP connections.
const TCP_DRAINING: u16 = 30;
/// Percent of connections.
pub(super) const SAMPLE: RangeInclusive<u16> = 0..=100;
/// The words of annotation and class.
const ZONAL: [(&str, ZonalAffinity); 3] = [
    ("Disabled", ZonalAffinity::Disabled),
    ("SpillCrossZone", ZonalAffinity::SpillCrossZone),
    ("StayWithinZone", ZonalAffinity::StayWithinZone),
];

/// Reads them. `class` has been checked.
pub(super) fn read(
    source: Source<'_>,
    class: &GcpParams,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> MemberSettings {
    not_served(source, findings);
    let protocol = protocol(source.member);
    let (affinity, tracking) = affinity::read(source, class, scheme, findings);
    let draining = source.read(keys::DRAINING, |text| parse::number(text, &DRAINING), findings);
    MemberSettings {
        protocol,
        affinity,
        tracking,
        draining_seconds: draining
            .map(|said| said.value)
            .or(class.connection_draining_seconds)
            .unwrap_or(if protocol == BackendProtocol::Tcp { TCP_DRAINING } else { 0 })
            .into(),
        weighted: weighted(source, class, findings),
        zonal_affinity: zonal_affinity(source, class, scheme, findings),
        logging: logging(source, class.logging.as_ref(), findings),
        health: health::read(source, class.health_check.as_ref(), findings),
        firewall: firewall::read(source, class, findings),
        sources: firewall::sources(source, findings),
    }
}

fn protocol(member: &Member) -> BackendProtocol {
    let has = |protocol| member.listeners.iter().any(|listener| listener.protocol == protocol);
    match (has(Protocol::Tcp), has(Protocol::Udp)) {
        (true, true) => BackendProtocol::Unspecified,
        (false, true) => BackendProtocol::Udp,
        (_, false) => BackendProtocol::Tcp,
    }
}

/// Neutral wishes that a passthrough load balancer cannot meet.
fn not_served(source: Source<'_>, findings: &mut Findings) {
    let words = [("nodes", false), ("pods", true)];
    let pods = source.read(TARGETS, |text| parse::word(text, &words), findings);
    if let Some(said) = pods.filter(|said| said.value) {
        let message =
            "a passthrough load balancer sends packets to virtual machines, not to pods; must be nodes";
        findings.unsupported(&said.by, message);
    }
    for (index, listener) in source.member.listeners.iter().enumerate() {
        if listener.protocol == Protocol::Sctp {
            let by = source.by(format!("spec.ports[{index}].protocol"), "SCTP");
            findings.unsupported(&by, "passthrough load balancers are for TCP and UDP");
        }
    }
    if source.member.ip_mode == Some(IpMode::Proxy) {
        let message =
            "packets arrive at the nodes with the load balancer's address, which they must know; must be VIP";
        findings.unsupported(&source.by(IP_MODE, IpMode::Proxy.as_str()), message);
    }
    if let Some(text) = source.text(ADOPT) {
        let message = format!(
            "load balancers of others are not taken over; name a reserved address by {} and remove the annotation",
            keys::ADDRESS_NAMES
        );
        findings.unsupported(&source.by(ADOPT, text), message);
    }
    for key in [ADOPT_CONFIRM, ADDRESS_POOLS].into_iter().filter(|key| source.text(key).is_some()) {
        findings.ignored(source, key, "it is for other providers");
    }
}

/// Weights are what kube-proxy answers to the health checks of `Local` Services.
fn weighted(source: Source<'_>, class: &GcpParams, findings: &mut Findings) -> bool {
    let local = matches!(source.member.traffic, TrafficPolicy::Local { .. });
    let said = source.read(keys::WEIGHTED, |text| parse::word(text, &[("pods-per-node", true)]), findings);
    if let Some(said) = said.as_ref().filter(|_| !local) {
        let by = source.by("spec.externalTrafficPolicy", "Cluster");
        findings.contradiction(&said.by, &by, "only with Local do nodes tell how many pods they have");
    }
    local && (said.is_some() || class.weighted.unwrap_or_default())
}

/// The annotation, else `spec.trafficDistribution` as Google's controllers read it, else the class. Which node of a zone
/// it is cannot be chosen, so that a preference for nodes is kube-proxy's alone.
fn zonal_affinity(
    source: Source<'_>,
    class: &GcpParams,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> Option<String> {
    let internal = scheme.value == Scheme::Internal;
    let said = source.read(keys::ZONAL_AFFINITY, |text| parse::word(text, &ZONAL), findings);
    if let Some(said) = said.as_ref().filter(|said| said.value != ZonalAffinity::Disabled && !internal) {
        findings.contradiction(
            &said.by,
            &scheme.by,
            "only internal load balancers keep clients in their zone",
        );
    }
    let of_spec = match source.member.distribution {
        Some(TrafficDistribution::PreferSameZone) => Some(ZonalAffinity::SpillCrossZone),
        Some(TrafficDistribution::PreferSameNode) | None => None,
    };
    let affinity = said.map(|said| said.value).or(of_spec).or(class.zonal_affinity)?;
    (internal && affinity != ZonalAffinity::Disabled).then(|| affinity.as_str().to_owned())
}

fn logging(source: Source<'_>, class: Option<&LoggingParams>, findings: &mut Findings) -> Option<LogConfig> {
    let percent = source.read(keys::LOGGING, |text| parse::number(text, &SAMPLE), findings);
    let of_class =
        || class.filter(|class| class.enabled).map(|class| class.sample_percent.unwrap_or(100).into());
    let percent = percent.map(|said| said.value).or_else(of_class).filter(|percent| *percent > 0)?;
    Some(LogConfig { enable: true, sample_rate: Some(f32::from(percent) / 100.0), ..LogConfig::default() })
}
