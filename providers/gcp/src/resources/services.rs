//! Backend services.

use landfall_core::error::Category;
use landfall_core::outcome::Problem;
use landfall_core::params::gcp::Scheme;

use super::groups::Groups;
use super::model::BackendServiceWish;
use super::{Inputs, Served, health};
use crate::api::types::{
    self, Backend, BackendService, BalancingMode, ConnectionDraining, TrafficDistribution, ZonalAffinity,
};
use crate::api::{Kind, Reference};
use crate::marks;
use crate::settings::HealthSettings;

/// Where the backend service of a member is.
pub(super) fn reference(inputs: &Inputs<'_>, served: &Served<'_>) -> Reference {
    let scheme = inputs.settings.balancer.scheme;
    let name = inputs.names().backend_service(&served.member.as_ref(), scheme);
    inputs.facts.region.at(Kind::BackendService, name)
}

/// The API's value.
pub(super) fn scheme(scheme: Scheme) -> types::Scheme {
    match scheme {
        Scheme::External => types::Scheme::External,
        Scheme::Internal => types::Scheme::Internal,
    }
}

/// The backend service of a member.
pub(super) fn wish(
    inputs: &Inputs<'_>,
    served: &Served<'_>,
    groups: &Groups,
    problems: &mut Vec<Problem>,
) -> BackendServiceWish {
    let Served { member, settings } = *served;
    let (owner, reference) = (member.as_ref(), reference(inputs, served));
    let in_network = inputs.settings.balancer.scheme == Scheme::Internal;
    let backends = groups.behind(&owner).iter().map(|group| Backend {
        group: group.url(),
        balancing_mode: Some(BalancingMode::Connection),
        ..Backend::default()
    });
    let zonal = settings.zonal_affinity.as_ref().filter(|_| in_network).map(|word| TrafficDistribution {
        zonal_affinity: Some(ZonalAffinity { spillover: Some(word.clone()), ..ZonalAffinity::default() }),
        ..TrafficDistribution::default()
    });
    let it = BackendService {
        name: reference.name.clone(),
        description: marks::of_service(inputs.cluster, &inputs.desired.id, &owner, groups.shards),
        protocol: Some(settings.protocol.as_str().to_owned()),
        load_balancing_scheme: Some(scheme(inputs.settings.balancer.scheme)),
        session_affinity: Some(settings.affinity.clone()),
        health_checks: vec![health::reference(inputs, served).url()],
        backends: backends.collect(),
        connection_draining: Some(ConnectionDraining { draining_timeout_sec: settings.draining_seconds }),
        connection_tracking_policy: settings.tracking.clone(),
        locality_lb_policy: policy(inputs, served, problems),
        traffic_policy: zonal,
        log_config: settings.logging.clone(),
        ..BackendService::default()
    };
    BackendServiceWish { it, reference, member: owner }
}

/// How connections are spread, where that is not Google's default.
fn policy(inputs: &Inputs<'_>, served: &Served<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    if !served.settings.weighted {
        return None;
    }
    if let HealthSettings::Own(check) = &served.settings.health
        && check.tcp_health_check.is_some()
    {
        problems.push(Problem {
            member: Some(served.member.service.clone()),
            port: None,
            category: Category::new("NotWeighted"),
            message:
                "nodes get equal shares: they tell the number of their pods in answers to health checks, and \
                      those by TCP have none; use HTTP"
                    .to_owned(),
        });
        return None;
    }
    Some(match inputs.settings.balancer.scheme {
        Scheme::External => "WEIGHTED_MAGLEV".to_owned(),
        Scheme::Internal => "WEIGHTED_GCP_RENDEZVOUS".to_owned(),
    })
}
