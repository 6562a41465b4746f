//! What nobody wants any more. Reservations are in [`super::addresses`], forwarding rules in [`super::rules`].

use std::collections::BTreeSet;

use super::{Diff, delete};
use crate::api::{Kind, Reference};
use crate::change::{Change, Stage};

/// What is this load balancer's alone and is not wanted, by what may still refer to it. What all load balancers share
/// stays as long as there is one.
pub(super) fn spare(diff: &Diff<'_>) -> Vec<Change> {
    let wanted = wanted(diff);
    let mut changes = Vec::new();
    for (reference, found) in &diff.observed.things {
        let Some(stage) = stage(reference.kind) else { continue };
        if diff.is_disposable(&found.owner) && !wanted.contains(reference) {
            changes.push(delete(stage, reference));
        }
    }
    changes
}

/// When something of a kind can go.
fn stage(kind: Kind) -> Option<Stage> {
    match kind {
        Kind::Firewall => Some(Stage::SpareRules),
        Kind::BackendService => Some(Stage::SpareServices),
        Kind::HealthCheck | Kind::EndpointGroup | Kind::InstanceGroup => Some(Stage::SpareRest),
        Kind::Address
        | Kind::ForwardingRule
        | Kind::Instance
        | Kind::Network
        | Kind::Region
        | Kind::Subnetwork => None,
    }
}

fn wanted<'a>(diff: &Diff<'a>) -> BTreeSet<&'a Reference> {
    let wanted = diff.wanted;
    let checks = wanted.health_checks.iter().map(|wish| &wish.reference);
    let groups = wanted.groups.iter().map(|wish| &wish.reference);
    let services = wanted.backend_services.iter().map(|wish| &wish.reference);
    let firewalls = wanted.firewalls.iter().map(|wish| &wish.reference);
    checks.chain(groups).chain(services).chain(firewalls).collect()
}
