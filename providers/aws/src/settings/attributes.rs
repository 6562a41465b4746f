//! Attributes of load balancers, listeners and target groups: which ones a Network Load Balancer has and which values
//! they take (the types `LoadBalancerAttribute`, `ListenerAttribute` and `TargetGroupAttribute` of the ELBv2 API).

use std::collections::BTreeMap;

use super::keys;
use super::parse::{self, Parsed};
use super::said::{Findings, Group, Said, Source, settle};
use crate::api::Attributes;
use crate::api::elb::AddressType;

/// An attribute and the values that it takes.
pub(super) struct Attribute {
    key: &'static str,
    takes: Takes,
}

/// Values of an attribute.
enum Takes {
    Boolean,
    Words(&'static [&'static str]),
    Number(u32, u32),
    NumberOrOff(u32, u32),
    Bucket,
    LogPrefix,
}

pub(super) const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
pub(super) const LOGS: &str = "access_logs.s3.enabled";
pub(super) const LOGS_BUCKET: &str = "access_logs.s3.bucket";
pub(super) const LOGS_PREFIX: &str = "access_logs.s3.prefix";
pub(super) const DENY_GATEWAY: &str = "ipv6.deny_all_igw_traffic";
pub(super) const PRESERVE_CLIENT_IP: &str = "preserve_client_ip.enabled";
pub(super) const PROXY_PROTOCOL: &str = "proxy_protocol_v2.enabled";
pub(super) const STICKINESS: &str = "stickiness.enabled";
pub(super) const STICKINESS_TYPE: &str = "stickiness.type";
pub(super) const TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
pub(super) const DRAINING: &str = "target_health_state.unhealthy.draining_interval_seconds";

/// Most targets that a target group can have under any quota; a count above it can never be met.
const MOST_TARGETS: u32 = 100_000;

/// Attributes of a load balancer.
pub(super) const BALANCER: &[Attribute] = &[
    Attribute { key: "deletion_protection.enabled", takes: Takes::Boolean },
    Attribute { key: CROSS_ZONE, takes: Takes::Boolean },
    Attribute { key: LOGS, takes: Takes::Boolean },
    Attribute { key: LOGS_BUCKET, takes: Takes::Bucket },
    Attribute { key: LOGS_PREFIX, takes: Takes::LogPrefix },
    Attribute { key: DENY_GATEWAY, takes: Takes::Boolean },
    Attribute { key: "zonal_shift.config.enabled", takes: Takes::Boolean },
    Attribute {
        key: "dns_record.client_routing_policy",
        takes: Takes::Words(&[
            "any_availability_zone",
            "partial_availability_zone_affinity",
            "availability_zone_affinity",
        ]),
    },
    Attribute { key: "secondary_ips.auto_assigned.per_subnet", takes: Takes::Number(0, 7) },
];

/// Attributes of a target group.
pub(super) const GROUP: &[Attribute] = &[
    Attribute { key: "deregistration_delay.timeout_seconds", takes: Takes::Number(0, 3_600) },
    Attribute { key: "deregistration_delay.connection_termination.enabled", takes: Takes::Boolean },
    Attribute { key: STICKINESS, takes: Takes::Boolean },
    Attribute { key: STICKINESS_TYPE, takes: Takes::Words(&["source_ip"]) },
    Attribute { key: CROSS_ZONE, takes: Takes::Words(&["true", "false", "use_load_balancer_configuration"]) },
    Attribute { key: PRESERVE_CLIENT_IP, takes: Takes::Boolean },
    Attribute { key: PROXY_PROTOCOL, takes: Takes::Boolean },
    Attribute { key: TERMINATION, takes: Takes::Boolean },
    Attribute { key: DRAINING, takes: Takes::Number(0, 360_000) },
    Attribute {
        key: "target_group_health.dns_failover.minimum_healthy_targets.count",
        takes: Takes::NumberOrOff(1, MOST_TARGETS),
    },
    Attribute {
        key: "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        takes: Takes::NumberOrOff(1, 100),
    },
    Attribute {
        key: "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        takes: Takes::Number(1, MOST_TARGETS),
    },
    Attribute {
        key: "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        takes: Takes::NumberOrOff(1, 100),
    },
];

/// Attributes of a listener that has an idle timeout ([`crate::api::elb::NlbProtocol::has_idle_timeout`]); others have
/// none.
pub(super) const LISTENER: &[Attribute] =
    &[Attribute { key: "tcp.idle_timeout.seconds", takes: Takes::Number(60, 6_000) }];

/// The value as AWS spells it, or what is accepted.
pub(super) fn check(table: &[Attribute], key: &str, value: &str) -> Parsed<String> {
    let Some(attribute) = table.iter().find(|attribute| attribute.key == key) else {
        let nearest = table.iter().min_by_key(|attribute| keys::edits(key, attribute.key));
        let hint = nearest.map(|attribute| format!("; did you mean {}?", attribute.key)).unwrap_or_default();
        return Err(format!("{key} is no such attribute of a Network Load Balancer{hint}"));
    };
    attribute.takes.check(value).map_err(|accepted| format!("{key} {accepted}"))
}

impl Takes {
    fn check(&self, value: &str) -> Parsed<String> {
        match self {
            Self::Boolean => parse::boolean(value).map(|value| value.to_string()),
            Self::Words(words) if words.contains(&value) => Ok(value.to_owned()),
            Self::Words(words) => Err(format!("must be {}", parse::either(words))),
            Self::Number(min, max) => parse::number(value, &(*min..=*max)).map(|value| value.to_string()),
            Self::NumberOrOff(..) if value == "off" => Ok(value.to_owned()),
            Self::NumberOrOff(min, max) => parse::number(value, &(*min..=*max))
                .map(|value| value.to_string())
                .map_err(|accepted| format!("{accepted}, or off")),
            Self::Bucket => bucket(value),
            Self::LogPrefix => log_prefix(value),
        }
    }
}

/// The naming rules of S3 for general purpose buckets, as far as they concern length and characters.
fn bucket(value: &str) -> Parsed<String> {
    let alphanumeric = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
    let fits = (3..=63).contains(&value.len())
        && value.chars().all(|char| alphanumeric(char) || matches!(char, '-' | '.'))
        && value.starts_with(alphanumeric)
        && value.ends_with(alphanumeric);
    if fits {
        Ok(value.to_owned())
    } else {
        Err("must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, - and .".to_owned())
    }
}

fn log_prefix(value: &str) -> Parsed<String> {
    if value.starts_with('/') || value.ends_with('/') || value.contains("AWSLogs") {
        Err("must not begin or end with / and not contain AWSLogs".to_owned())
    } else {
        Ok(value.to_owned())
    }
}

/// The attributes in an annotation; each that is not accepted is refused and left out.
pub(super) fn read(
    source: Source<'_>,
    key: &str,
    table: &[Attribute],
    findings: &mut Findings,
) -> BTreeMap<String, Said<String>> {
    let Some(given) = source.read(key, parse::map, findings) else { return BTreeMap::new() };
    let mut attributes = BTreeMap::new();
    for (name, value) in given.value {
        let by = source.by(key, format!("{name}={value}"));
        match check(table, &name, &value) {
            Ok(value) => {
                attributes.insert(name, Said { value, by });
            }
            Err(message) => findings.invalid(&by, message),
        }
    }
    attributes
}

/// The older annotations for one attribute each, which win over the map.
const SINGLE: [(&str, &str); 4] = [
    (keys::LOGS, LOGS),
    (keys::LOGS_BUCKET, LOGS_BUCKET),
    (keys::LOGS_PREFIX, LOGS_PREFIX),
    (keys::CROSS_ZONE, CROSS_ZONE),
];

/// The attributes of the load balancer: of the class, and over them those of the members, attribute by attribute. What
/// the class says and a load balancer of IPv4 cannot have holds for the others of the class only.
pub(super) fn balancer(
    group: &Group<'_>,
    class: &Attributes,
    kind: &Said<AddressType>,
    findings: &mut Findings,
) -> Attributes {
    let mut decided: BTreeMap<String, Option<Said<String>>> = BTreeMap::new();
    for source in group.sources() {
        for (name, said) in of_member(source, findings) {
            settle(decided.entry(name).or_default(), said, findings);
        }
    }
    let on = decided.get(LOGS).and_then(Option::as_ref).filter(|said| said.value == "true");
    let bucket = decided.get(LOGS_BUCKET).and_then(Option::as_ref).map(|said| &said.value);
    if let Some(on) = on
        && bucket.or(class.get(LOGS_BUCKET)).is_none()
    {
        findings.invalid(&on.by.clone(), format!("access logs need a bucket: give {LOGS_BUCKET} too"));
    }
    let ipv4 = kind.value == AddressType::Ipv4;
    if let Some(said) = decided.get(DENY_GATEWAY).and_then(Option::as_ref).filter(|_| ipv4) {
        findings.contradiction(&said.by, &kind.by, "it needs a dualstack load balancer");
    }
    let mut attributes = class.clone();
    attributes.retain(|key, _| !(ipv4 && key == DENY_GATEWAY));
    attributes.extend(decided.into_iter().filter_map(|(name, said)| Some((name, said?.value))));
    attributes
}

fn of_member(source: Source<'_>, findings: &mut Findings) -> BTreeMap<String, Said<String>> {
    let mut attributes = read(source, keys::ATTRIBUTES, BALANCER, findings);
    for (key, name) in SINGLE {
        let Some(single) = source.read(key, |text| check(BALANCER, name, text), findings) else { continue };
        match attributes.get(name) {
            Some(listed) if listed.value != single.value => {
                findings.contradiction(
                    &single.by,
                    &listed.by,
                    "give one of the two, or the same value in both",
                );
            }
            _ => {
                attributes.insert(name.to_owned(), single);
            }
        }
    }
    attributes
}
