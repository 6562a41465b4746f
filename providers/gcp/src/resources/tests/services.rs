//! Backend services and health checks.

use rstest::rstest;

use super::*;
use crate::api::types::SessionAffinity;

#[rstest]
#[case(vec![(TCP, 80)], "TCP", 30)]
#[case(vec![(UDP, 53)], "UDP", 0)]
#[case(vec![(TCP, 53), (UDP, 53)], "UNSPECIFIED", 0)]
fn the_protocol_is_that_of_the_ports(
    #[case] ports: Vec<(Protocol, u16)>,
    #[case] protocol: &str,
    #[case] draining: u32,
) {
    let wanted = graph(&web(|it| it.listening(&ports)));
    let it = &wanted.backend_services[0].it;
    assert_eq!(it.protocol.as_deref(), Some(protocol));
    assert_eq!(it.connection_draining.as_ref().unwrap().draining_timeout_sec, draining);
    assert_eq!(it.session_affinity, Some(SessionAffinity::None));
    assert_eq!(it.backends.len(), 3, "one group per zone");
    assert_eq!(it.health_checks, [wanted.health_checks[0].reference.url()]);
}

#[test]
fn a_change_of_the_protocol_keeps_the_backend_service() {
    let name =
        |ports: &[(Protocol, u16)]| graph(&web(|it| it.listening(ports))).backend_services[0].it.name.clone();
    assert_eq!(name(&[(TCP, 80)]), name(&[(TCP, 80), (UDP, 80)]));
    let internal = graph(&web(internal)).backend_services[0].it.name.clone();
    assert_ne!(name(&[(TCP, 80)]), internal, "a scheme cannot be changed");
}

#[test]
fn services_with_the_default_check_share_it() {
    let members = vec![
        member("one").born(1),
        member("two").born(2).listening(&tcp([81])),
        member("three").local(32_000),
    ];
    let mut members = members;
    members[2].listeners[0].port = 82;
    let wanted = graph(&group(ProviderName::Gcp, "key", members));
    assert_eq!(wanted.backend_services.len(), 3);
    let shared: Vec<bool> = wanted.health_checks.iter().map(|check| check.shared).collect();
    assert_eq!((shared.len(), shared.iter().filter(|shared| **shared).count()), (2, 1));
}

#[rstest]
#[case::http("HTTP", Some("WEIGHTED_MAGLEV"), &[])]
#[case::tcp("TCP", None, &["NotWeighted"])]
fn weights_come_from_answers_to_checks(
    #[case] protocol: &str,
    #[case] policy: Option<&str>,
    #[case] told: &[&str],
) {
    let weighted = |it: Member| {
        it.local(32_000)
            .annotated("networking.gke.io/weighted-load-balancing", "pods-per-node")
            .annotated("landfall.dev/gcp-health-check-protocol", protocol)
    };
    let wanted = graph(&web(weighted));
    assert_eq!(wanted.backend_services[0].it.locality_lb_policy.as_deref(), policy);
    assert_eq!(categories(&wanted), told);
}

#[test]
fn clients_of_an_internal_one_are_kept_in_their_zone_on_request() {
    let kept = |it: Member| internal(it).annotated("landfall.dev/gcp-zonal-affinity", "SpillCrossZone");
    let wanted = graph(&web(kept));
    let policy = wanted.backend_services[0].it.traffic_policy.clone().unwrap();
    let spillover = policy.zonal_affinity.unwrap().spillover;
    assert_eq!(spillover.as_deref(), Some("ZONAL_AFFINITY_SPILL_CROSS_ZONE"));
}
