//! Attributes of load balancers, target groups and listeners: which exist, their defaults, and their values.
//!
//! Sources: the API pages of `LoadBalancerAttribute`, `TargetGroupAttribute` and `ListenerAttribute`.

use std::ops::RangeInclusive;

use landfall_aws::api::Attributes;
use landfall_aws::api::elb::{AddressType, GroupTargets, NlbProtocol};
use landfall_aws::api::ids::{ListenerArn, LoadBalancerArn, TargetGroupArn};
use landfall_core::params::aws::Scheme;

use super::placement::INVALID;
use super::refused::{Done, refuse};
use super::state::State;

/// The attribute that keeps a load balancer from being deleted.
pub(super) const PROTECTION: &str = "deletion_protection.enabled";
/// The attribute that spreads traffic over the targets of all zones.
pub(super) const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
/// The attribute that says how long a target drains.
pub(super) const DELAY: &str = "deregistration_delay.timeout_seconds";
const DENY_GATEWAY: &str = "ipv6.deny_all_igw_traffic";
const SECONDARY: &str = "secondary_ips.auto_assigned.per_subnet";
const PRESERVE: &str = "preserve_client_ip.enabled";
/// Attributes that begin so are for TCP and TLS.
const OF_STREAMS: &str = "target_health_state.";
const STICKY: &str = "stickiness.enabled";

/// What an attribute can be.
enum Value {
    Flag,
    Number(RangeInclusive<u32>),
    Word(&'static [&'static str]),
    /// A number, or the word.
    NumberOr(RangeInclusive<u32>, &'static str),
    Text,
}

use Value::{Flag, Number, NumberOr, Text, Word};

const ROUTING: &[&str] =
    &["any_availability_zone", "partial_availability_zone_affinity", "availability_zone_affinity"];
const OF_BALANCER: &[(&str, &str, Value)] = &[
    (PROTECTION, "false", Flag),
    (CROSS_ZONE, "false", Flag),
    ("access_logs.s3.enabled", "false", Flag),
    ("access_logs.s3.bucket", "", Text),
    ("access_logs.s3.prefix", "", Text),
    ("dns_record.client_routing_policy", ROUTING[0], Word(ROUTING)),
    (DENY_GATEWAY, "false", Flag),
    ("zonal_shift.config.enabled", "false", Flag),
    (SECONDARY, "0", Number(0..=7)),
];
const CROSS_ZONE_OF_GROUP: &[&str] = &["use_load_balancer_configuration", "true", "false"];
const OF_GROUP: &[(&str, &str, Value)] = &[
    (DELAY, "300", Number(0..=3_600)),
    ("deregistration_delay.connection_termination.enabled", "false", Flag),
    (PRESERVE, "true", Flag),
    ("proxy_protocol_v2.enabled", "false", Flag),
    (STICKY, "false", Flag),
    ("stickiness.type", "source_ip", Word(&["source_ip"])),
    (CROSS_ZONE, CROSS_ZONE_OF_GROUP[0], Word(CROSS_ZONE_OF_GROUP)),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1", NumberOr(1..=1_000, "off")),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", NumberOr(1..=100, "off")),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", Number(1..=1_000)),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
        NumberOr(1..=100, "off"),
    ),
    ("target_health_state.unhealthy.connection_termination.enabled", "true", Flag),
    ("target_health_state.unhealthy.draining_interval_seconds", "0", Number(0..=360_000)),
];
const OF_LISTENER: &[(&str, &str, Value)] = &[("tcp.idle_timeout.seconds", "350", Number(60..=6_000))];

/// What a load balancer has after its address type was set: gateways for IPv6 are a matter of dualstack ones.
pub(super) fn of_balancer(scheme: Scheme, kind: AddressType, had: &Attributes) -> Attributes {
    let mut all = defaults(OF_BALANCER);
    if kind == AddressType::Ipv4 {
        all.remove(DENY_GATEWAY);
    } else if scheme == Scheme::Internal {
        all.insert(DENY_GATEWAY.to_owned(), "true".to_owned());
    }
    keep(&mut all, had);
    all
}

/// What a new target group has.
pub(super) fn of_group(protocol: NlbProtocol, targets: GroupTargets) -> Attributes {
    let mut all = defaults(OF_GROUP);
    let udp = is_udp(protocol);
    all.insert("deregistration_delay.connection_termination.enabled".to_owned(), udp.to_string());
    all.insert(PRESERVE.to_owned(), (udp || targets == GroupTargets::Instance).to_string());
    all.retain(|key, _| !(udp && key.starts_with(OF_STREAMS)));
    all
}

/// What a listener has after its protocol was set: only TCP has an idle timeout that can be set.
pub(super) fn of_listener(protocol: Option<NlbProtocol>, had: &Attributes) -> Attributes {
    let mut all = defaults(if has_idle_timeout(protocol) { OF_LISTENER } else { &[] });
    keep(&mut all, had);
    all
}

fn keep(all: &mut Attributes, had: &Attributes) {
    for (key, value) in all {
        if let Some(kept) = had.get(key) {
            value.clone_from(kept);
        }
    }
}

impl State {
    pub(super) fn modify_balancer_attributes(&mut self, arn: &LoadBalancerArn, set: &Attributes) -> Done<()> {
        let record = self.balancer(arn)?;
        if record.it.address_type == AddressType::Ipv4 && set.contains_key(DENY_GATEWAY) {
            return refuse(INVALID, format!("{DENY_GATEWAY} is for dualstack load balancers"));
        }
        let mut all = record.attributes.clone();
        let had: u32 = all.get(SECONDARY).and_then(|value| value.parse().ok()).unwrap_or_default();
        merge(&mut all, set, OF_BALANCER)?;
        if all.get(SECONDARY).and_then(|value| value.parse().ok()).is_some_and(|to: u32| to < had) {
            return refuse(INVALID, format!("{SECONDARY} cannot be made smaller"));
        }
        let logs = all.get("access_logs.s3.enabled").is_some_and(|value| value == "true");
        if logs && all.get("access_logs.s3.bucket").is_none_or(String::is_empty) {
            return refuse(INVALID, "Access logs need access_logs.s3.bucket");
        }
        self.balancer_mut(arn)?.attributes = all;
        Ok(())
    }

    pub(super) fn modify_group_attributes(&mut self, arn: &TargetGroupArn, set: &Attributes) -> Done<()> {
        let record = self.group(arn)?;
        let mut all = record.attributes.clone();
        merge(&mut all, set, OF_GROUP)?;
        let is = |key: &str, value: &str| all.get(key).is_some_and(|got| got == value);
        if record.it.protocol.is_some_and(is_udp) && is(PRESERVE, "false") {
            return refuse(INVALID, format!("{PRESERVE} cannot be disabled for UDP and TCP_UDP"));
        }
        if let Some(key) = set.keys().find(|key| !record.attributes.contains_key(*key)) {
            return refuse(INVALID, format!("{key} is not supported for UDP and TCP_UDP"));
        }
        if record.it.protocol == Some(NlbProtocol::Tls) && is(STICKY, "true") {
            return refuse(INVALID, format!("{STICKY} is not supported for TLS"));
        }
        self.group_mut(arn)?.attributes = all;
        Ok(())
    }

    pub(super) fn modify_listener_attributes(&mut self, arn: &ListenerArn, set: &Attributes) -> Done<()> {
        let record = self.listener_mut(arn)?;
        if !set.is_empty() && !has_idle_timeout(record.it.spec.protocol) {
            let keys: Vec<&String> = set.keys().collect();
            return refuse(INVALID, format!("The listener's protocol does not support {keys:?}"));
        }
        merge(&mut record.attributes, set, OF_LISTENER)
    }
}

fn has_idle_timeout(protocol: Option<NlbProtocol>) -> bool {
    matches!(protocol, Some(NlbProtocol::Tcp | NlbProtocol::TcpUdp))
}

fn is_udp(protocol: NlbProtocol) -> bool {
    matches!(protocol, NlbProtocol::Udp | NlbProtocol::TcpUdp)
}

fn defaults(known: &[(&str, &str, Value)]) -> Attributes {
    known.iter().map(|(key, value, _)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Sets attributes, all or none: keys must be known and values be possible.
fn merge(all: &mut Attributes, set: &Attributes, known: &[(&str, &str, Value)]) -> Done<()> {
    for (key, value) in set {
        let Some((_, _, possible)) = known.iter().find(|(name, _, _)| name == key) else {
            return refuse("ValidationError", format!("Attribute key '{key}' is not recognized"));
        };
        if !possible.takes(value) {
            return refuse("ValidationError", format!("'{value}' is not a value of the attribute '{key}'"));
        }
    }
    all.extend(set.clone());
    Ok(())
}

impl Value {
    fn takes(&self, value: &str) -> bool {
        let number = |range: &RangeInclusive<u32>| value.parse().is_ok_and(|it| range.contains(&it));
        match self {
            Flag => matches!(value, "true" | "false"),
            Number(range) => number(range),
            Word(words) => words.contains(&value),
            NumberOr(range, word) => value == *word || number(range),
            Text => true,
        }
    }
}
