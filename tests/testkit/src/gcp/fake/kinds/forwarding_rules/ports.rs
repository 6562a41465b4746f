//! Ports of forwarding rules.

use landfall_gcp::api::Reference;

use super::super::super::json::{Fields, absent, flag, text, texts};
use super::super::super::refused::{Done, invalid, refuse};
use super::super::super::state::State;
use super::super::firewalls::parse_ports;

/// Ports that can be listed one by one.
const LISTED: usize = 5;

/// Forwarding rules that can share an internal address.
const SHARING: usize = 10;

/// Checks the ports, and writes a range as Google does.
pub(super) fn complete(body: &mut Fields, external: bool) -> Done<()> {
    let given = [!texts(body, "ports").is_empty(), text(body, "portRange").is_some(), flag(body, "allPorts")];
    if given.iter().filter(|given| **given).count() != 1 {
        return refuse(
            400,
            "invalid",
            "Exactly one of 'ports', 'portRange' and 'allPorts' must be specified.",
        );
    }
    if text(body, "IPProtocol") == Some("L3_DEFAULT") {
        absent(body, &["ports", "portRange"], "The protocol L3_DEFAULT needs allPorts.")?;
    }
    if !external {
        absent(body, &["portRange"], "Not supported for internal passthrough load balancing.")?;
    }
    let ports = texts(body, "ports");
    if ports.len() > LISTED {
        return invalid("ports", ports.len(), &format!("At most {LISTED} ports."));
    }
    for (at, port) in ports.iter().enumerate() {
        if ports[..at].contains(port) {
            return invalid("ports", port, "Duplicate port.");
        }
        if !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return invalid("ports", port, "Must be a port from 1 to 65535.");
        }
    }
    if let Some(range) = text(body, "portRange") {
        let Some((low, high)) = parse_ports(range).filter(|(low, _)| *low > 0) else {
            return invalid("portRange", range, "Must be a port or a range of ports from 1 to 65535.");
        };
        body.insert("portRange".to_owned(), format!("{low}-{high}").into());
    }
    Ok(())
}

/// Refuses ports that another rule has on the same address.
pub(super) fn check_conflicts(state: &State, what: &Reference, body: &Fields, address: &str) -> Done<()> {
    let bare = address.split('/').next().unwrap_or_default();
    let others = state.rules_at(&what.place, bare);
    if text(body, "loadBalancingScheme") == Some("INTERNAL") && others.len() >= SHARING {
        let why = format!("At most {SHARING} forwarding rules can share an internal address.");
        return invalid("IPAddress", address, &why);
    }
    for other in others {
        let Ok(record) = state.existing(&other) else { continue };
        let same = text(&record.body, "IPProtocol") == text(body, "IPProtocol");
        if same && overlap(&ranges(&record.body), &ranges(body)) {
            let why =
                format!("The ports conflict with those of the forwarding rule '{other}' on this address.");
            return invalid("IPAddress", address, &why);
        }
    }
    Ok(())
}

fn ranges(body: &Fields) -> Vec<(u16, u16)> {
    if flag(body, "allPorts") {
        return vec![(1, u16::MAX)];
    }
    texts(body, "ports").into_iter().chain(text(body, "portRange")).filter_map(parse_ports).collect()
}

fn overlap(one: &[(u16, u16)], other: &[(u16, u16)]) -> bool {
    one.iter().any(|(low, high)| other.iter().any(|(from, to)| low <= to && from <= high))
}
