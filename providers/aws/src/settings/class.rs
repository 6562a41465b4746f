//! The class's parameters, checked by the same rules as the annotations. The schema of the class knows types and some
//! bounds only.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use landfall_core::model::DesiredLb;
use landfall_core::params::ClassParams;
use landfall_core::params::aws::{AwsParams, HealthCheckParams, HealthProtocol};
use landfall_core::refusal::categories;

use super::attributes::{self, Attribute, BALANCER, DRAINING, GROUP, LOGS, LOGS_BUCKET, TERMINATION};
use super::parse::Parsed;
use super::said::{By, Findings, Origin};
use super::{addresses, health, security, tags, targets, tls};
use crate::api::Attributes;

/// The parameters, with attributes as AWS spells them and without what is refused.
pub(super) fn read(desired: &DesiredLb, findings: &mut Findings) -> AwsParams {
    let mut class = desired.params.aws();
    foreign(desired, findings);
    names("subnets", &class.subnets, addresses::subnet, findings);
    names("securityGroups", &class.security_groups, security::security_group, findings);
    class.attributes = normal("attributes", BALANCER, &class.attributes, findings);
    class.target_group_attributes =
        normal("targetGroupAttributes", GROUP, &class.target_group_attributes, findings);
    if class.attributes.get(LOGS).is_some_and(|on| on == "true")
        && !class.attributes.contains_key(LOGS_BUCKET)
    {
        let by = By::class("attributes", format!("{LOGS}=true"));
        findings.invalid(&by, format!("access logs need a bucket: give {LOGS_BUCKET} too"));
    }
    draining(&class.target_group_attributes, findings);
    if let Some(policy) = &class.ssl_policy {
        single("sslPolicy", policy, tls::ssl_policy(policy), findings);
    }
    pairs("targetNodeLabels", &class.target_node_labels, targets::label, findings);
    pairs("tags", &class.tags, tags::check, findings);
    if class.tags.len() > tags::MOST {
        let by = By::class("tags", class.tags.len().to_string());
        findings.invalid(&by, format!("at most {} tags fit next to those of Landfall", tags::MOST));
    }
    if let Some(health) = &class.health_check {
        health_check(health, findings);
    }
    class
}

/// Connections that are terminated at once do not drain.
fn draining(attributes: &Attributes, findings: &mut Findings) {
    let Some(seconds) = attributes.get(DRAINING).filter(|seconds| *seconds != "0") else { return };
    if attributes.get(TERMINATION).is_none_or(|terminated| terminated != "false") {
        let by = By::class("targetGroupAttributes", format!("{DRAINING}={seconds}"));
        findings.invalid(&by, format!("it needs {TERMINATION}=false beside it"));
    }
}

fn foreign(desired: &DesiredLb, findings: &mut Findings) {
    let other = match &desired.params {
        ClassParams::Defaults | ClassParams::Aws(_) => return,
        other @ (ClassParams::Gcp(_) | ClassParams::Metal(_)) => other.block().unwrap_or_default(),
    };
    let field = "spec.loadBalancerClass".to_owned();
    let by = By { origin: Origin::Class, field, text: desired.class.to_string() };
    let message = format!("the class has parameters for {other}; the aws provider takes spec.aws only");
    findings.refuse(&by, categories::CONFLICTING_VALUES, message);
}

fn names(path: &str, given: &[String], check: fn(&str) -> Parsed<String>, findings: &mut Findings) {
    for (index, name) in given.iter().enumerate() {
        let by = By::class(&format!("{path}[{index}]"), name);
        if name.is_empty() {
            findings.invalid(&by, "must not be empty");
        } else if given.iter().take(index).any(|other| other == name) {
            findings.invalid(&by, "is listed twice");
        } else if let Err(message) = check(name) {
            findings.invalid(&by, message);
        }
    }
}

fn normal(path: &str, table: &[Attribute], given: &Attributes, findings: &mut Findings) -> Attributes {
    let mut normal = BTreeMap::new();
    for (key, value) in given {
        match attributes::check(table, key, value) {
            Ok(value) => {
                normal.insert(key.clone(), value);
            }
            Err(message) => findings.invalid(&By::class(path, format!("{key}={value}")), message),
        }
    }
    normal
}

fn pairs(
    path: &str,
    given: &BTreeMap<String, String>,
    check: fn(&str, &str) -> Parsed<()>,
    findings: &mut Findings,
) {
    for (key, value) in given {
        single(path, &format!("{key}={value}"), check(key, value), findings);
    }
}

fn single<T>(path: &str, text: &str, read: Parsed<T>, findings: &mut Findings) {
    if let Err(message) = read {
        findings.invalid(&By::class(path, text), message);
    }
}

fn health_check(health: &HealthCheckParams, findings: &mut Findings) {
    let mut number = |name: &str, value: Option<u16>, range: &RangeInclusive<u16>| {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            let message = format!("must be {} to {}", range.start(), range.end());
            findings.invalid(&By::class(&format!("healthCheck.{name}"), value.to_string()), message);
        }
    };
    number("intervalSeconds", health.interval_seconds, &health::INTERVAL);
    number("timeoutSeconds", health.timeout_seconds, &health::TIMEOUT);
    number("healthyThreshold", health.healthy_threshold, &health::THRESHOLD);
    number("unhealthyThreshold", health.unhealthy_threshold, &health::THRESHOLD);
    let interval = health.interval_seconds.unwrap_or(health::SECONDS_BETWEEN);
    if let Some(timeout) = health.timeout_seconds.filter(|timeout| *timeout > interval) {
        let message = format!("must be at most the interval, which is {interval} seconds");
        findings.invalid(&By::class("healthCheck.timeoutSeconds", timeout.to_string()), message);
    }
    if let Some(port) = &health.port {
        single("healthCheck.port", port, health::port(port), findings);
    }
    let http = matches!(health.protocol, Some(HealthProtocol::Http | HealthProtocol::Https));
    let mut text = |name: &str, text: Option<&String>, check: fn(&str) -> Parsed<String>| {
        let Some(text) = text else { return };
        let path = format!("healthCheck.{name}");
        single(&path, text, check(text), findings);
        if !http {
            findings.invalid(&By::class(&path, text), "needs healthCheck.protocol HTTP or HTTPS beside it");
        }
    };
    text("path", health.path.as_ref(), health::path);
    text("successCodes", health.success_codes.as_ref(), health::codes);
}
