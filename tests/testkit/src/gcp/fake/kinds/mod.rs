//! What each kind of resource demands of its fields.

mod addresses;
mod backend_services;
mod endpoint_groups;
mod firewalls;
mod forwarding_rules;
mod health_checks;

use landfall_gcp::api::{Kind, Reference};

use super::json::Fields;
use super::refused::{Done, refuse};
use super::state::State;

/// Checks a new resource, and fills in what it leaves to the server.
pub(super) fn complete(state: &mut State, what: &Reference, body: &mut Fields) -> Done<()> {
    match what.kind {
        Kind::Address => addresses::complete(state, what, body),
        Kind::BackendService => backend_services::complete(state, what, body),
        Kind::EndpointGroup => endpoint_groups::complete(state, what, body),
        Kind::Firewall => firewalls::complete(state, what, body),
        Kind::ForwardingRule => forwarding_rules::complete(state, what, body),
        Kind::HealthCheck => health_checks::complete(body),
        Kind::InstanceGroup => Ok(()),
        Kind::Instance | Kind::Network | Kind::Region | Kind::Subnetwork => {
            refuse(400, "invalid", format!("A resource of the kind {} cannot be made here.", what.kind))
        }
    }
}

/// Checks a resource that is to replace another one, and fills in what it leaves to the server.
pub(super) fn check_change(state: &State, what: &Reference, old: &Fields, new: &mut Fields) -> Done<()> {
    match what.kind {
        Kind::BackendService => backend_services::check_change(state, what, old, new),
        Kind::Firewall => firewalls::check_change(state, what, old, new),
        Kind::ForwardingRule => forwarding_rules::check_change(old, new),
        Kind::HealthCheck => {
            keep(old, new, &["name"])?;
            health_checks::complete(new)
        }
        _ => refuse(400, "invalid", format!("A resource of the kind {} cannot be changed.", what.kind)),
    }
}

/// Refuses to change fields that cannot be changed.
fn keep(old: &Fields, new: &Fields, names: &[&str]) -> Done<()> {
    names.iter().try_for_each(|name| match (old.get(*name), new.get(*name)) {
        (old, new) if old == new => Ok(()),
        (_, new) => {
            let shown = new.map(ToString::to_string).unwrap_or_default();
            super::refused::invalid(name, shown, "The field cannot be changed.")
        }
    })
}
