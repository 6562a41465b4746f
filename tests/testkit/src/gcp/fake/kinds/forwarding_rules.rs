//! Regional forwarding rules of passthrough load balancers.

mod address;
mod ports;

use landfall_gcp::api::{Kind, Reference};
use serde_json::Value;

use super::super::json::{Fields, absent, default, text, url, word};
use super::super::refused::{Done, invalid, refuse};
use super::super::state::State;
use super::backend_services::{check_network, goes_with};

/// Checks a new forwarding rule, and finds its address.
pub(super) fn complete(state: &mut State, what: &Reference, body: &mut Fields) -> Done<()> {
    let external = word(body, "loadBalancingScheme", &["EXTERNAL", "INTERNAL"])? == "EXTERNAL";
    word(body, "IPProtocol", &["TCP", "UDP", "L3_DEFAULT"])?;
    absent(body, &["target"], "Supported here: backendService.")?;
    check_service(state, what, body)?;
    ports::complete(body, external)?;
    check_global_access(body, external)?;
    let address = address::choose(state, what, body, external)?;
    check_backends(state, body)?;
    ports::check_conflicts(state, what, body, &address)?;
    body.insert("IPAddress".to_owned(), address.into());
    Ok(())
}

/// Checks a changed forwarding rule. Almost nothing of it can be changed.
pub(super) fn check_change(old: &Fields, new: &mut Fields) -> Done<()> {
    let names = old.keys().chain(new.keys());
    let mut fixed = names.filter(|name| !["allowGlobalAccess", "fingerprint"].contains(&name.as_str()));
    if let Some(name) = fixed.find(|name| old.get(*name) != new.get(*name)) {
        let shown = new.get(name).unwrap_or(&Value::Null);
        return invalid(name, shown, "The field cannot be changed.");
    }
    check_global_access(new, text(new, "loadBalancingScheme") == Some("EXTERNAL"))
}

fn check_service(state: &State, what: &Reference, body: &Fields) -> Done<()> {
    let Some(given) = text(body, "backendService") else {
        return refuse(400, "required", "Required field 'resource.backendService' not specified");
    };
    let found = url("backendService", given, Kind::BackendService)?;
    if found.place != what.place {
        return invalid(
            "backendService",
            given,
            "Must be in the project and the region of the forwarding rule.",
        );
    }
    let service = &state.referred("backendService", &found)?.body;
    if text(service, "loadBalancingScheme") != text(body, "loadBalancingScheme") {
        return invalid("backendService", given, "Its load balancing scheme is another one.");
    }
    let of = |body: &Fields, name: &str| text(body, name).unwrap_or_default().to_owned();
    let (of_rule, of_service) = (of(body, "IPProtocol"), of(service, "protocol"));
    if goes_with(&of_rule, &of_service) {
        return Ok(());
    }
    invalid("IPProtocol", of_rule, &format!("The backend service has the protocol {of_service}."))
}

/// Internal load balancers and those of IPv6 are in the network of their backends.
fn check_backends(state: &State, body: &Fields) -> Done<()> {
    let service = text(body, "backendService").and_then(Reference::parse);
    let Some(record) = service.and_then(|service| state.store.get(&service)) else { return Ok(()) };
    check_network(state, &record.body, text(body, "network"))
}

fn check_global_access(body: &mut Fields, external: bool) -> Done<()> {
    super::addresses::check_global_access(body, external)?;
    if !external {
        default(body, "allowGlobalAccess", false);
    }
    Ok(())
}
