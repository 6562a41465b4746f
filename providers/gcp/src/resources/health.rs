//! Health checks.

use landfall_core::model::TrafficPolicy;

use super::model::HealthCheckWish;
use super::{Inputs, Served};
use crate::api::types::HealthCheck;
use crate::api::{Kind, Reference};
use crate::marks::{self, Role};
use crate::names;
use crate::settings::{HealthSettings, shared_check};

/// The health checks of the members, the shared one once.
pub(super) fn wishes(inputs: &Inputs<'_>, members: &[Served<'_>]) -> Vec<HealthCheckWish> {
    let mut wishes: Vec<HealthCheckWish> = members.iter().map(|served| wish(inputs, served)).collect();
    wishes.sort_by(|a, b| a.reference.cmp(&b.reference));
    wishes.dedup();
    wishes
}

/// Where the health check of a member is.
pub(super) fn reference(inputs: &Inputs<'_>, served: &Served<'_>) -> Reference {
    let place = &inputs.facts.region;
    let name = match served.settings.health {
        HealthSettings::Shared => names::shared_health_check(inputs.cluster, &place.to_string()),
        HealthSettings::Own(_) => inputs.names().health_check(&served.member.as_ref()),
    };
    place.at(Kind::HealthCheck, name)
}

/// The port that is checked.
pub(super) fn port(settings: &HealthSettings) -> u16 {
    let HealthSettings::Own(check) = settings else { return TrafficPolicy::KUBE_PROXY_PORT };
    let http = check.http_health_check.as_ref().or(check.https_health_check.as_ref()).map(|http| http.port);
    let tcp = check.tcp_health_check.as_ref().map(|tcp| tcp.port);
    http.or(tcp).unwrap_or(TrafficPolicy::KUBE_PROXY_PORT)
}

fn wish(inputs: &Inputs<'_>, served: &Served<'_>) -> HealthCheckWish {
    let reference = reference(inputs, served);
    let name = reference.name.clone();
    match &served.settings.health {
        HealthSettings::Shared => {
            let description = marks::shared(inputs.cluster, Role::SharedHealthCheck);
            let it = HealthCheck { name, description, ..shared_check() };
            HealthCheckWish { it, reference, shared: true }
        }
        HealthSettings::Own(check) => {
            let description = marks::of_member(inputs.cluster, &inputs.desired.id, &served.member.as_ref());
            let it = HealthCheck { name, description, ..(**check).clone() };
            HealthCheckWish { it, reference, shared: false }
        }
    }
}
