//! Regional backend services of passthrough load balancers.

use landfall_gcp::api::{Kind, Reference, Scope};
use serde_json::{Value, json};

use super::super::json::{Fields, absent, default, inner, list, number, text, texts, url, word};
use super::super::refused::{Done, invalid};
use super::super::state::State;
use super::keep;

/// Backends of one backend service.
const BACKENDS: usize = 50;

/// Checks a new backend service, and fills in the defaults.
pub(super) fn complete(state: &State, what: &Reference, body: &mut Fields) -> Done<()> {
    let scheme = word(body, "loadBalancingScheme", &["EXTERNAL", "INTERNAL"])?;
    word(body, "protocol", &["TCP", "UDP", "UNSPECIFIED"])?;
    let affinities =
        ["NONE", "CLIENT_IP", "CLIENT_IP_PROTO", "CLIENT_IP_PORT_PROTO", "CLIENT_IP_NO_DESTINATION"];
    let affinity = word(body, "sessionAffinity", &affinities)?;
    if affinity == "CLIENT_IP_NO_DESTINATION" && scheme == "EXTERNAL" {
        return invalid("sessionAffinity", affinity, "Supported for internal load balancing only.");
    }
    number(body, "timeoutSec", 30, 1, i64::from(i32::MAX))?;
    default(body, "affinityCookieTtlSec", 0);
    default(body, "connectionDraining", json!({ "drainingTimeoutSec": 0 }));
    if let Some(draining) = body.get_mut("connectionDraining").and_then(Value::as_object_mut) {
        number(draining, "drainingTimeoutSec", 0, 0, 3600)?;
    }
    if let Some(network) = text(body, "network") {
        state.referred("network", &url("network", network, Kind::Network)?)?;
    }
    check_policies(body, scheme == "INTERNAL")?;
    check_health_checks(state, what, body)?;
    check_backends(state, what, body)
}

/// Checks a changed backend service. Its protocol may change to one that all its forwarding rules go with.
pub(super) fn check_change(state: &State, what: &Reference, old: &Fields, new: &mut Fields) -> Done<()> {
    complete(state, what, new)?;
    keep(old, new, &["name", "loadBalancingScheme", "network"])?;
    let protocol = text(new, "protocol").unwrap_or_default();
    for rule in state.store.users(what) {
        let Ok(record) = state.existing(rule) else { continue };
        check_network(state, new, text(&record.body, "network"))?;
        let of_rule = text(&record.body, "IPProtocol").unwrap_or_default();
        if !goes_with(of_rule, protocol) {
            let why = format!("The forwarding rule '{rule}' has the protocol {of_rule}.");
            return invalid("protocol", protocol, &why);
        }
    }
    Ok(())
}

/// Whether a forwarding rule can lead to a backend service, by their protocols.
pub(super) fn goes_with(of_rule: &str, of_service: &str) -> bool {
    of_service == "UNSPECIFIED" || of_rule == of_service
}

/// Refuses backends in another network than that of a forwarding rule, if it has one.
pub(super) fn check_network(state: &State, service: &Fields, of_rule: Option<&str>) -> Done<()> {
    let Some(network) = of_rule.and_then(Reference::parse) else { return Ok(()) };
    let groups = list(service, "backends").iter().filter_map(|one| inner(one, "group"));
    for group in groups.filter_map(Reference::parse) {
        let record = state.existing(&group)?;
        let view = state.view(&group, record);
        if inner(&view, "network").and_then(Reference::parse).is_some_and(|found| found != network) {
            return invalid("backends.group", group, "Its network is not that of the forwarding rule.");
        }
    }
    Ok(())
}

fn check_policies(body: &Fields, internal: bool) -> Done<()> {
    if internal {
        absent(body, &["localityLbPolicy"], "Not supported for internal passthrough load balancing.")?;
    } else {
        let of_internal = ["network", "networkPassThroughLbTrafficPolicy"];
        absent(body, &of_internal, "Supported for the load balancing scheme INTERNAL only.")?;
        let policy = text(body, "localityLbPolicy").unwrap_or("MAGLEV");
        if !["MAGLEV", "WEIGHTED_MAGLEV"].contains(&policy) {
            return invalid("localityLbPolicy", policy, "MAGLEV or WEIGHTED_MAGLEV.");
        }
    }
    let Some(tracking) = body.get("connectionTrackingPolicy").and_then(Value::as_object) else {
        return Ok(());
    };
    let strong = tracking.get("enableStrongAffinity") == Some(&true.into());
    let affine =
        !["NONE", "CLIENT_IP_NO_DESTINATION"].contains(&text(body, "sessionAffinity").unwrap_or_default());
    if strong && (internal || !affine || text(tracking, "trackingMode") != Some("PER_SESSION")) {
        let why = "It needs an external load balancer, a session affinity and trackingMode PER_SESSION.";
        return invalid("connectionTrackingPolicy.enableStrongAffinity", true, why);
    }
    match tracking.get("idleTimeoutSec").and_then(Value::as_i64) {
        Some(idle) if !(60..=57_600).contains(&idle) => {
            invalid("connectionTrackingPolicy.idleTimeoutSec", idle, "60 to 57600.")
        }
        _ => Ok(()),
    }
}

fn check_health_checks(state: &State, what: &Reference, body: &Fields) -> Done<()> {
    let checks = texts(body, "healthChecks");
    if checks.len() > 1 {
        return invalid("healthChecks", checks.len(), "At most one health check can be specified.");
    }
    for check in checks {
        let found = url("healthChecks", check, Kind::HealthCheck)?;
        if found.place != what.place {
            return invalid("healthChecks", check, "Must be in the region of the backend service.");
        }
        state.referred("healthChecks", &found)?;
    }
    if !list(body, "backends").is_empty() && list(body, "healthChecks").is_empty() {
        return invalid("healthChecks", 0, "A backend service with backends needs a health check.");
    }
    Ok(())
}

fn check_backends(state: &State, what: &Reference, body: &mut Fields) -> Done<()> {
    let Some(backends) = body.get_mut("backends").and_then(Value::as_array_mut) else { return Ok(()) };
    if backends.len() > BACKENDS {
        return invalid("backends", backends.len(), &format!("At most {BACKENDS} backends."));
    }
    let mut seen: Vec<Reference> = Vec::new();
    for backend in backends {
        let group = check_backend(state, what, backend)?;
        if seen.contains(&group) {
            return invalid("backends", group, "Duplicate backend.");
        }
        if seen.iter().any(|other| other.kind != group.kind) {
            return invalid(
                "backends",
                group,
                "Instance groups and network endpoint groups cannot be mixed.",
            );
        }
        if let Some(backend) = backend.as_object_mut() {
            word(backend, "balancingMode", &["CONNECTION"])?;
        }
        seen.push(group);
    }
    seen.iter().try_for_each(|group| state.check_balanced_once(group, &state.existing(group)?.members))
}

fn check_backend(state: &State, what: &Reference, backend: &Value) -> Done<Reference> {
    let given = inner(backend, "group").unwrap_or_default();
    let Some(group) = Reference::parse(given)
        .filter(|group| matches!(group.kind, Kind::EndpointGroup | Kind::InstanceGroup))
    else {
        return invalid("backends.group", given, "The URL is malformed.");
    };
    state.referred("backends.group", &group)?;
    let region = match &group.place.scope {
        Scope::Zone(zone) => state.region_of(&group.place.project, zone).map(Scope::Region),
        _ => None,
    };
    if region.as_ref() != Some(&what.place.scope) || group.place.project != what.place.project {
        return invalid(
            "backends.group",
            given,
            "Must be in the project and the region of the backend service.",
        );
    }
    Ok(group)
}
