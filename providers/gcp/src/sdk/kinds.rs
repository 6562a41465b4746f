//! Which client serves which kind, and how its requests are addressed.

/// Addresses a request: to its project and to the scope that its kind lives in.
macro_rules! at {
    (global, $request:expr, $place:expr, $method:expr) => {
        $request.set_project($crate::sdk::kinds::global($place, $method)?)
    };
    (region, $request:expr, $place:expr, $method:expr) => {{
        let (project, region) = $crate::sdk::kinds::region($place, $method)?;
        $request.set_project(project).set_region(region)
    }};
    (zone, $request:expr, $place:expr, $method:expr) => {{
        let (project, zone) = $crate::sdk::kinds::zone($place, $method)?;
        $request.set_project(project).set_zone(zone)
    }};
}

/// Does it for a kind: with its client, its scope, and the setter for its name.
macro_rules! by_kind {
    ($kind:expr, $act:ident) => {
        match $kind {
            Kind::Address => $act!(addresses, region, set_address),
            Kind::BackendService => $act!(region_backend_services, region, set_backend_service),
            Kind::EndpointGroup => $act!(network_endpoint_groups, zone, set_network_endpoint_group),
            Kind::Firewall => $act!(firewalls, global, set_firewall),
            Kind::ForwardingRule => $act!(forwarding_rules, region, set_forwarding_rule),
            Kind::HealthCheck => $act!(region_health_checks, region, set_health_check),
            Kind::Instance => $act!(instances, zone, set_instance),
            Kind::InstanceGroup => $act!(instance_groups, zone, set_instance_group),
            Kind::Network => $act!(networks, global, set_network),
            Kind::Region => $act!(regions, global, set_region),
            Kind::Subnetwork => $act!(subnetworks, region, set_subnetwork),
        }
    };
}

/// The same for the kinds that we make, change and delete; with the type of the body that makes one, too.
macro_rules! by_written_kind {
    ($kind:expr, $act:ident, $method:expr) => {
        match $kind {
            Kind::Address => $act!(addresses, region, set_address, Address),
            Kind::BackendService => {
                $act!(region_backend_services, region, set_backend_service, BackendService)
            }
            Kind::EndpointGroup => {
                $act!(network_endpoint_groups, zone, set_network_endpoint_group, NetworkEndpointGroup)
            }
            Kind::Firewall => $act!(firewalls, global, set_firewall, Firewall),
            Kind::ForwardingRule => $act!(forwarding_rules, region, set_forwarding_rule, ForwardingRule),
            Kind::HealthCheck => $act!(region_health_checks, region, set_health_check, HealthCheck),
            Kind::InstanceGroup => $act!(instance_groups, zone, set_instance_group, InstanceGroup),
            Kind::Instance | Kind::Network | Kind::Region | Kind::Subnetwork => Err(no_method($method)),
        }
    };
}

pub(super) use {at, by_kind, by_written_kind};

use super::errors::not_sent;
use crate::api::{Answer, Method, Place, Scope};

/// The project of something global.
pub(super) fn global(place: &Place, method: Method) -> Answer<&str> {
    match &place.scope {
        Scope::Global => Ok(&place.project),
        _ => Err(not_sent(method, format!("{} is global, and {place} is not", method.kind))),
    }
}

/// The project and region of something regional.
pub(super) fn region(place: &Place, method: Method) -> Answer<(&str, &str)> {
    match &place.scope {
        Scope::Region(region) => Ok((&place.project, region)),
        _ => Err(not_sent(method, format!("{} is regional, and {place} is not a region", method.kind))),
    }
}

/// The project and zone of something zonal.
pub(super) fn zone(place: &Place, method: Method) -> Answer<(&str, &str)> {
    match &place.scope {
        Scope::Zone(zone) => Ok((&place.project, zone)),
        _ => Err(not_sent(method, format!("{} is zonal, and {place} is not a zone", method.kind))),
    }
}
