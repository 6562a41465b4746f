//! The class's parameters, checked by the same rules as the annotations. The schema of the class knows types and some
//! bounds only.

use std::ops::RangeInclusive;

use landfall_core::model::DesiredLb;
use landfall_core::params::ClassParams;
use landfall_core::params::gcp::{Affinity, GcpParams, HealthCheckParams, HealthProtocol, Scheme};
use landfall_core::refusal::categories;

use super::parse::{self, Parsed};
use super::said::{By, Findings, Origin};
use super::{firewall, health, labels, member};

/// The parameters. What is wrong with them refuses the load balancer as a whole.
pub(super) fn read(desired: &DesiredLb, findings: &mut Findings) -> GcpParams {
    let class = desired.params.gcp();
    foreign(desired, findings);
    if let Some(name) = &class.subnetwork {
        told("subnetwork", name, parse::name(name), findings);
    }
    numbers(
        "",
        &[("connectionDrainingSeconds", class.connection_draining_seconds, &member::DRAINING)],
        findings,
    );
    if class.session_affinity == Some(Affinity::ClientIpNoDestination)
        && class.scheme != Some(Scheme::Internal)
    {
        let by = By::class("sessionAffinity", "ClientIpNoDestination");
        findings.invalid(&by, "only internal load balancers have it: give scheme Internal beside it");
    }
    if let Some(logging) = &class.logging {
        let percent = logging.sample_percent.map(u16::from);
        numbers("logging.", &[("samplePercent", percent, &member::SAMPLE)], findings);
    }
    targets(&class, findings);
    for (key, value) in &class.labels {
        told("labels", &format!("{key}={value}"), labels::check(key, value), findings);
    }
    if class.labels.len() > labels::MOST {
        let by = By::class("labels", class.labels.len().to_string());
        findings.invalid(&by, format!("must be at most {} labels", labels::MOST));
    }
    if let Some(check) = &class.health_check {
        health_check(check, findings);
    }
    class
}

fn foreign(desired: &DesiredLb, findings: &mut Findings) {
    if matches!(desired.params, ClassParams::Defaults | ClassParams::Gcp(_)) {
        return;
    }
    let other = desired.params.block().unwrap_or_default();
    let field = "spec.loadBalancerClass".to_owned();
    let by = By { origin: Origin::Class, field, text: desired.class.to_string() };
    let message = format!("the class has parameters for {other}; the gcp provider takes spec.gcp only");
    findings.refuse(&by, categories::CONFLICTING_VALUES, message);
}

fn targets(class: &GcpParams, findings: &mut Findings) {
    let (tags, accounts) = (&class.target_tags, &class.target_service_accounts);
    told("targetTags", &tags.join(","), parse::check_list(tags, firewall::TAGS, parse::name), findings);
    let checked = parse::check_list(accounts, firewall::ACCOUNTS, firewall::account);
    told("targetServiceAccounts", &accounts.join(","), checked, findings);
    if !tags.is_empty() && !accounts.is_empty() {
        let by = By::class("targetServiceAccounts", accounts.join(","));
        findings.invalid(&by, "a firewall rule goes by tags or by service accounts: give one of the two");
    }
}

fn health_check(check: &HealthCheckParams, findings: &mut Findings) {
    let given = [
        ("port", check.port, &health::PORT),
        ("intervalSeconds", check.interval_seconds, &health::SECONDS),
        ("timeoutSeconds", check.timeout_seconds, &health::SECONDS),
        ("healthyThreshold", check.healthy_threshold, &health::THRESHOLD),
        ("unhealthyThreshold", check.unhealthy_threshold, &health::THRESHOLD),
    ];
    numbers("healthCheck.", &given, findings);
    if let (Some(timeout), Some(interval)) = (check.timeout_seconds, check.interval_seconds)
        && timeout > interval
    {
        let by = By::class("healthCheck.timeoutSeconds", timeout.to_string());
        findings.invalid(&by, format!("must be at most the interval, which is {interval}"));
    }
    if check.protocol == Some(HealthProtocol::Https) && check.port.is_none() {
        let by = By::class("healthCheck.protocol", "HTTPS");
        findings.invalid(&by, "kube-proxy, which is asked, does not speak TLS: give port beside it");
    }
    let Some(path) = &check.path else { return };
    told("healthCheck.path", path, health::path(path), findings);
    let by = By::class("healthCheck.path", path);
    if check.protocol == Some(HealthProtocol::Tcp) {
        findings.invalid(&by, "a TCP check asks for no page");
    } else if check.port.is_none() && path != health::PATH {
        let message = format!("kube-proxy, which is asked, answers on {}: give port beside it", health::PATH);
        findings.invalid(&by, message);
    }
}

fn numbers(prefix: &str, given: &[(&str, Option<u16>, &RangeInclusive<u16>)], findings: &mut Findings) {
    for (name, number, range) in given {
        let Some(number) = number else { continue };
        told(&format!("{prefix}{name}"), &number.to_string(), parse::within(*number, range), findings);
    }
}

/// Refuses what could not be read.
fn told<T>(path: &str, text: &str, read: Parsed<T>, findings: &mut Findings) {
    if let Err(message) = read {
        findings.invalid(&By::class(path, text), message);
    }
}
