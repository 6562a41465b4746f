//! Ports as firewall rules list them.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::model::Listener;

use crate::api::types::Allowed;

/// Ports and ranges of ports that one firewall rule lists at most.
const ENTRIES: usize = 100;

/// What firewall rules must let in for these listeners, as few rules as it takes.
pub(super) fn allowed(listeners: &[&Listener]) -> Vec<Vec<Allowed>> {
    let mut by_protocol: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for listener in listeners {
        let protocol = listener.protocol.as_str().to_lowercase();
        by_protocol.entry(protocol).or_default().insert(listener.port);
    }
    let entries: Vec<(&String, String)> = by_protocol
        .iter()
        .flat_map(|(protocol, ports)| ranges(ports).into_iter().map(move |range| (protocol, range)))
        .collect();
    entries.chunks(ENTRIES).map(grouped).collect()
}

fn grouped(entries: &[(&String, String)]) -> Vec<Allowed> {
    let mut allowed: Vec<Allowed> = Vec::new();
    for (protocol, range) in entries {
        match allowed.last_mut() {
            Some(last) if last.protocol == **protocol => last.ports.push(range.clone()),
            _ => allowed.push(Allowed { protocol: (*protocol).clone(), ports: vec![range.clone()] }),
        }
    }
    allowed
}

/// Neighbours as `first-last`, others by themselves.
fn ranges(ports: &BTreeSet<u16>) -> Vec<String> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for &port in ports {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(port) => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    let text = |(first, last): (u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.into_iter().map(text).collect()
}
