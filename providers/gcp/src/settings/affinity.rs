//! What keeps a client on a node.

use std::ops::RangeInclusive;

use landfall_core::model::SessionAffinity as Wish;
use landfall_core::params::gcp::{Affinity, GcpParams, Persistence, Scheme};

use super::said::{By, Findings, Origin, Said, Source};
use super::{keys, parse};
use crate::api::types::{ConnectionTracking, SessionAffinity};

/// The words of annotation and class.
pub(super) const WORDS: [(&str, Affinity); 4] = [
    ("ClientIp", Affinity::ClientIp),
    ("ClientIpProto", Affinity::ClientIpProto),
    ("ClientIpPortProto", Affinity::ClientIpPortProto),
    ("ClientIpNoDestination", Affinity::ClientIpNoDestination),
];
/// The words of annotation and class.
const PERSISTENCE: [(&str, Persistence); 3] = [
    ("DefaultForProtocol", Persistence::DefaultForProtocol),
    ("AlwaysPersist", Persistence::AlwaysPersist),
    ("NeverPersist", Persistence::NeverPersist),
];
/// Seconds for which strong affinity can be kept.
const STRONG_SECONDS: RangeInclusive<u32> = 60..=57_600;
const FIELD: &str = "spec.sessionAffinity";

/// Reads affinity, and how connections are tracked.
pub(super) fn read(
    source: Source<'_>,
    class: &GcpParams,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> (SessionAffinity, Option<ConnectionTracking>) {
    let affinity = affinity(source, class, scheme, findings);
    let strong = strong(source, affinity.as_ref(), scheme, findings);
    let persistence = source.read(keys::PERSISTENCE, |text| parse::word(text, &PERSISTENCE), findings);
    let persistence = persistence
        .map(|said| said.value)
        .or(class.connection_persistence)
        .filter(|value| *value != Persistence::DefaultForProtocol);
    let tracking = ConnectionTracking {
        tracking_mode: strong.map(|_| "PER_SESSION".to_owned()),
        connection_persistence_on_unhealthy_backends: persistence.map(|value| value.as_str().to_owned()),
        enable_strong_affinity: strong.map(|_| true),
        idle_timeout_sec: strong,
    };
    let api = match affinity.map(|said| said.value) {
        None => SessionAffinity::None,
        Some(Affinity::ClientIp) => SessionAffinity::ClientIp,
        Some(Affinity::ClientIpProto) => SessionAffinity::ClientIpProto,
        Some(Affinity::ClientIpPortProto) => SessionAffinity::ClientIpPortProto,
        Some(Affinity::ClientIpNoDestination) => SessionAffinity::ClientIpNoDestination,
    };
    (api, (tracking != ConnectionTracking::default()).then_some(tracking))
}

/// Whether there is affinity is the Service's word; of which kind, that of annotation or class.
fn affinity(
    source: Source<'_>,
    class: &GcpParams,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> Option<Said<Affinity>> {
    let said = source.read(keys::AFFINITY, |text| parse::word(text, &WORDS), findings);
    if source.member.affinity == Wish::None {
        if said.is_some() {
            findings.ignored(source, keys::AFFINITY, "spec.sessionAffinity is not ClientIP");
        }
        return None;
    }
    let of_class =
        || class.session_affinity.map(|kind| Said::by_class(kind, "sessionAffinity", format!("{kind:?}")));
    let said = said
        .or_else(of_class)
        .unwrap_or_else(|| Said { value: Affinity::ClientIp, by: By::default(keys::AFFINITY, "ClientIp") });
    let by_class_alone = said.by.origin <= Origin::Class && scheme.by.origin <= Origin::Class;
    if said.value == Affinity::ClientIpNoDestination && scheme.value == Scheme::External && !by_class_alone {
        findings.contradiction(&said.by, &scheme.by, "only internal load balancers have this affinity");
    }
    Some(said)
}

/// For how many seconds strong affinity is kept; `None` without it.
fn strong(
    source: Source<'_>,
    affinity: Option<&Said<Affinity>>,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> Option<u32> {
    let words = [("enabled", ())];
    let said = source.read(keys::STRONG_AFFINITY, |text| parse::word(text, &words), findings)?;
    if scheme.value == Scheme::Internal {
        findings.contradiction(&said.by, &scheme.by, "only external load balancers have strong affinity");
    }
    let by_port = affinity.filter(|said| said.value == Affinity::ClientIpPortProto);
    if let Some(affinity) = by_port {
        findings.contradiction(
            &said.by,
            &affinity.by,
            "take ClientIp or ClientIpProto, which keep clients on a node",
        );
    }
    match source.member.affinity {
        Wish::None => {
            let by = source.by(FIELD, "None");
            findings.contradiction(&said.by, &by, "it needs spec.sessionAffinity: ClientIP");
            None
        }
        Wish::ClientIp { timeout_seconds } if STRONG_SECONDS.contains(&timeout_seconds) => {
            Some(timeout_seconds)
        }
        Wish::ClientIp { timeout_seconds } => {
            let by =
                source.by("spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeout_seconds.to_string());
            let (from, to) = (STRONG_SECONDS.start(), STRONG_SECONDS.end());
            findings.invalid(&by, format!("must be {from} to {to} with {}", keys::STRONG_AFFINITY));
            None
        }
    }
}
