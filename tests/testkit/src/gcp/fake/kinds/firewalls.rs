//! VPC firewall rules.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_gcp::api::{Kind, Reference};
use serde_json::{Value, json};

use super::super::json::{Fields, absent, default, inner, list, number, text, texts, url, word};
use super::super::refused::{Done, invalid, refuse};
use super::super::state::State;
use super::keep;

/// Checks a new rule, and fills in the defaults. A rule that tells no source at all is one for every source: that is
/// what Compute Engine makes of it.
pub(super) fn complete(state: &State, what: &Reference, body: &mut Fields) -> Done<()> {
    let Some(network) = text(body, "network") else {
        return refuse(400, "required", "Required field 'resource.network' not specified");
    };
    let found = url("network", network, Kind::Network)?;
    state.referred("network", &found)?;
    if found.place != what.place {
        return invalid("network", network, "Must be in the project of the rule.");
    }
    let direction = word(body, "direction", &["INGRESS", "EGRESS"])?;
    number(body, "priority", 1000, 0, 65_535)?;
    default(body, "disabled", false);
    default(body, "logConfig", json!({ "enable": false }));
    check_traffic(body)?;
    check_targets(body)?;
    let sources = ["sourceRanges", "sourceTags", "sourceServiceAccounts"];
    if direction == "INGRESS" && sources.iter().all(|name| list(body, name).is_empty()) {
        body.insert("sourceRanges".to_owned(), json!(["0.0.0.0/0"]));
    }
    check_ranges(body)
}

/// Checks a changed rule.
pub(super) fn check_change(state: &State, what: &Reference, old: &Fields, new: &mut Fields) -> Done<()> {
    complete(state, what, new)?;
    keep(old, new, &["name", "network", "direction"])
}

fn check_traffic(body: &Fields) -> Done<()> {
    let (allowed, denied) = (list(body, "allowed"), list(body, "denied"));
    if allowed.is_empty() == denied.is_empty() {
        return refuse(400, "invalid", "Exactly one of 'allowed' and 'denied' must be specified.");
    }
    allowed.iter().chain(denied).try_for_each(check_entry)
}

fn check_entry(entry: &Value) -> Done<()> {
    let Some(protocol) = inner(entry, "IPProtocol") else {
        return refuse(400, "required", "Required field 'IPProtocol' not specified");
    };
    let ports = entry.get("ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if !ports.is_empty() && !["tcp", "udp", "sctp", "6", "17", "132"].contains(&protocol) {
        return invalid("ports", ports.len(), &format!("Protocol {protocol} has no ports."));
    }
    ports.iter().filter_map(Value::as_str).try_for_each(|port| match parse_ports(port) {
        Some(_) => Ok(()),
        None => invalid("ports", port, "Must be a port or a range of ports."),
    })
}

/// Reads `80` or `80-90`.
pub(super) fn parse_ports(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (low <= high).then_some((low, high))
}

fn check_targets(body: &Fields) -> Done<()> {
    if list(body, "targetTags").is_empty() && list(body, "sourceTags").is_empty() {
        return Ok(());
    }
    let accounts = ["targetServiceAccounts", "sourceServiceAccounts"];
    absent(body, &accounts, "Tags and service accounts cannot be in one rule.")
}

fn check_ranges(body: &Fields) -> Done<()> {
    let mut families = Vec::new();
    for field in ["sourceRanges", "destinationRanges"] {
        for range in texts(body, field) {
            families.push(range_family(field, range)?);
        }
    }
    if families.windows(2).any(|pair| pair[0] != pair[1]) {
        return refuse(400, "invalid", "IPv4 and IPv6 ranges cannot be in one rule.");
    }
    Ok(())
}

/// Whether a range is one of IPv4.
fn range_family(field: &str, range: &str) -> Done<bool> {
    let single = range.parse::<IpAddr>().ok().map(IpNet::from);
    match range.parse::<IpNet>().ok().or(single) {
        Some(net) if net.trunc() == net => Ok(net.addr().is_ipv4()),
        _ => invalid(field, range, "Must be a valid CIDR address range."),
    }
}
