//! The body of an update: the resource as it was read, with what is wanted put over it. What this program does not know,
//! because a newer API added it, or has no say in, stays as it is.

use crate::api::types::{Backend, BackendService, Firewall, HealthCheck, Rest};
use crate::observe::Thing;

/// Fields that Google fills in, and which are not sent back.
const TOLD: [&str; 5] = ["kind", "id", "creationTimestamp", "selfLink", "region"];

/// Puts a wish over what is there. `None` if they are of different kinds, or of one that is never updated.
pub(super) fn overlay(wanted: &Thing, there: Thing) -> Option<Thing> {
    Some(match (wanted, there) {
        (Thing::BackendService(wanted), Thing::BackendService(there)) => {
            Thing::BackendService(service(wanted, there))
        }
        (Thing::Firewall(wanted), Thing::Firewall(there)) => {
            Thing::Firewall(Firewall { rest: sent(there.rest), network: there.network, ..wanted.clone() })
        }
        (Thing::HealthCheck(wanted), Thing::HealthCheck(there)) => Thing::HealthCheck(check(wanted, there)),
        _ => return None,
    })
}

fn service(wanted: &BackendService, there: BackendService) -> BackendService {
    let mut backends = wanted.backends.clone();
    for backend in &mut backends {
        let same = there.backends.iter().find(|other| is_same(backend, other));
        if let Some(other) = same {
            backend.rest.clone_from(&other.rest);
        }
    }
    BackendService {
        backends,
        fingerprint: there.fingerprint,
        failover_policy: there.failover_policy,
        network: there.network,
        rest: sent(there.rest),
        ..wanted.clone()
    }
}

/// Those parts of a check that only its protocol has are all ours.
fn check(wanted: &HealthCheck, there: HealthCheck) -> HealthCheck {
    HealthCheck { rest: sent(there.rest), ..wanted.clone() }
}

fn is_same(one: &Backend, other: &Backend) -> bool {
    let read = |backend: &Backend| crate::api::Reference::parse(&backend.group);
    one.group == other.group || (read(one).is_some() && read(one) == read(other))
}

fn sent(mut rest: Rest) -> Rest {
    rest.retain(|key, _| !TOLD.contains(&key.as_str()));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_known_here_survives_an_update() {
        let there = json!({
            "name": "b", "kind": "compute#backendService", "id": "1", "fingerprint": "abc=", "protocol": "TCP",
            "aFieldOfTomorrow": { "x": 1 }, "failoverPolicy": { "dropTrafficIfUnhealthy": true },
            "backends": [{ "group": "projects/p/zones/z/networkEndpointGroups/n", "description": "mine" }],
            "sessionAffinity": "CLIENT_IP",
        });
        let wanted = json!({
            "name": "b", "protocol": "UDP",
            "backends": [{ "group": "https://www.googleapis.com/compute/v1/projects/p/zones/z/networkEndpointGroups/n" }],
        });
        let read = |value| Thing::BackendService(serde_json::from_value(value).unwrap());
        let put = overlay(&read(wanted), read(there)).unwrap().to_json().unwrap();
        assert_eq!(
            put,
            json!({
                "name": "b", "fingerprint": "abc=", "protocol": "UDP", "aFieldOfTomorrow": { "x": 1 },
                "failoverPolicy": { "dropTrafficIfUnhealthy": true },
                "backends": [{
                    "group": "https://www.googleapis.com/compute/v1/projects/p/zones/z/networkEndpointGroups/n",
                    "description": "mine",
                }],
            })
        );
    }
}
