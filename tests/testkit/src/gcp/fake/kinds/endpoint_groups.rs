//! Zonal network endpoint groups.

use landfall_gcp::api::{Kind, Reference, Scope};

use super::super::json::{Fields, absent, text, url};
use super::super::refused::{Done, invalid};
use super::super::state::State;

/// Checks a new network endpoint group.
pub(super) fn complete(state: &State, what: &Reference, body: &Fields) -> Done<()> {
    let kind = text(body, "networkEndpointType").unwrap_or_default();
    if kind != "GCE_VM_IP" {
        return invalid("networkEndpointType", kind, "Supported here: GCE_VM_IP.");
    }
    absent(body, &["defaultPort"], "Endpoints of the type GCE_VM_IP have no port.")?;
    let given = |field: &str| text(body, field).unwrap_or_default().to_owned();
    let subnet = url("subnetwork", &given("subnetwork"), Kind::Subnetwork)?;
    let network = url("network", &given("network"), Kind::Network)?;
    let of_subnet = text(&state.referred("subnetwork", &subnet)?.body, "network").and_then(Reference::parse);
    state.referred("network", &network)?;
    if of_subnet.as_ref() != Some(&network) {
        return invalid("subnetwork", subnet, "Must be a subnet of the network.");
    }
    let region = match &what.place.scope {
        Scope::Zone(zone) => state.region_of(&what.place.project, zone).map(Scope::Region),
        _ => None,
    };
    if region.as_ref() != Some(&subnet.place.scope) {
        return invalid("subnetwork", subnet, "Must be in the region of the zone.");
    }
    Ok(())
}
