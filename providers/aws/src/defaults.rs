//! Documented defaults of attributes: what an attribute is that nobody asks for.
//!
//! AWS leaves attributes out of its answers in some cases, and then the default holds. An attribute that is asked for
//! no longer is set back to it. Keys that are not here have no default that we know, and are left as they are found.
//! Sources: `API_LoadBalancerAttribute`, `API_TargetGroupAttribute` and `API_ListenerAttribute` of the Elastic Load
//! Balancing API reference, and the pages on target group attributes and on zonal shift of the user guide for Network
//! Load Balancers.

use landfall_core::params::aws::Scheme;

use crate::api::Attributes;
use crate::api::elb::{AddressType, GroupTargets, NlbProtocol};

/// Whether traffic is spread over the zones: attribute of load balancers and of target groups.
pub const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
/// Whether a load balancer is protected from deletion.
pub const DELETION_PROTECTION: &str = "deletion_protection.enabled";

/// The default of an attribute of a Network Load Balancer.
///
/// Two have a default and are never set back to it: `deletion_protection.enabled`, because lifting a protection that
/// somebody else switched on must be somebody's decision, and `secondary_ips.auto_assigned.per_subnet`, because AWS
/// does not let it shrink. The bucket of access logs means nothing while they are off. A load balancer of IPv4 cannot
/// have `ipv6.deny_all_igw_traffic`.
pub fn balancer(scheme: Scheme, address_type: AddressType, key: &str) -> Option<&'static str> {
    Some(match key {
        CROSS_ZONE | "access_logs.s3.enabled" | "zonal_shift.config.enabled" => "false",
        "access_logs.s3.prefix" => "",
        "dns_record.client_routing_policy" => "any_availability_zone",
        "ipv6.deny_all_igw_traffic" if address_type == AddressType::Dualstack => match scheme {
            Scheme::Internal => "true",
            Scheme::InternetFacing => "false",
        },
        _ => return None,
    })
}

/// The default of an attribute of a target group of a Network Load Balancer.
pub fn group(protocol: NlbProtocol, targets: GroupTargets, key: &str) -> Option<&'static str> {
    let datagrams = protocol.has_udp();
    Some(match key {
        "deregistration_delay.timeout_seconds" => "300",
        "deregistration_delay.connection_termination.enabled" => word(datagrams),
        "stickiness.enabled" | "proxy_protocol_v2.enabled" => "false",
        "stickiness.type" => "source_ip",
        "preserve_client_ip.enabled" => word(datagrams || targets == GroupTargets::Instance),
        CROSS_ZONE => "use_load_balancer_configuration",
        "target_health_state.unhealthy.connection_termination.enabled" if !datagrams => "true",
        "target_health_state.unhealthy.draining_interval_seconds" if !datagrams => "0",
        "target_group_health.dns_failover.minimum_healthy_targets.count"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count" => "1",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage" => "off",
        _ => return None,
    })
}

/// The default of an attribute of a listener of a Network Load Balancer.
pub fn listener(protocol: NlbProtocol, key: &str) -> Option<&'static str> {
    (protocol.has_idle_timeout() && key == "tcp.idle_timeout.seconds").then_some("350")
}

/// What has to be set so that attributes found become the ones wanted and all others have their default.
pub fn changes(
    wanted: &Attributes,
    found: &Attributes,
    default: impl Fn(&str) -> Option<&'static str>,
) -> Attributes {
    let now = |key: &str| found.get(key).map(String::as_str).or_else(|| default(key));
    let asked = wanted.iter().filter(|(key, value)| now(key) != Some(value.as_str()));
    let mut set: Attributes = asked.map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in found.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
        if let Some(default) = default(key).filter(|default| default != value) {
            set.insert(key.clone(), default.to_owned());
        }
    }
    set
}

fn word(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[rstest]
    #[case::nothing_to_do(&[(CROSS_ZONE, "true")], &[(CROSS_ZONE, "true")], &[])]
    #[case::set(&[(CROSS_ZONE, "true")], &[(CROSS_ZONE, "false")], &[(CROSS_ZONE, "true")])]
    #[case::left_out_by_aws(&[(CROSS_ZONE, "false")], &[], &[])]
    #[case::left_out_and_wanted(&[(CROSS_ZONE, "true")], &[], &[(CROSS_ZONE, "true")])]
    #[case::restored(&[], &[(CROSS_ZONE, "true")], &[(CROSS_ZONE, "false")])]
    #[case::default_found(&[], &[(CROSS_ZONE, "false")], &[])]
    #[case::protection_stays(&[], &[(DELETION_PROTECTION, "true")], &[])]
    #[case::protection_lifted_on_demand(
        &[(DELETION_PROTECTION, "false")],
        &[(DELETION_PROTECTION, "true")],
        &[(DELETION_PROTECTION, "false")]
    )]
    #[case::unknown_stays(&[], &[("new.attribute", "x")], &[])]
    #[case::unknown_is_set(&[("new.attribute", "x")], &[], &[("new.attribute", "x")])]
    #[case::addresses_never_shrink(&[], &[("secondary_ips.auto_assigned.per_subnet", "3")], &[])]
    fn attributes_become_what_is_wanted(
        #[case] wanted: &[(&str, &str)],
        #[case] found: &[(&str, &str)],
        #[case] set: &[(&str, &str)],
    ) {
        let changes =
            changes(&map(wanted), &map(found), |key| balancer(Scheme::Internal, AddressType::Ipv4, key));
        assert_eq!(changes, map(set));
    }

    #[rstest]
    #[case(NlbProtocol::Tcp, GroupTargets::Instance, "true")]
    #[case(NlbProtocol::Tcp, GroupTargets::Ip, "false")]
    #[case(NlbProtocol::Tls, GroupTargets::Ip, "false")]
    #[case(NlbProtocol::Udp, GroupTargets::Ip, "true")]
    #[case(NlbProtocol::TcpUdp, GroupTargets::Ip, "true")]
    fn the_client_address_is_kept_by_default_except_for_streams_to_addresses(
        #[case] protocol: NlbProtocol,
        #[case] targets: GroupTargets,
        #[case] kept: &str,
    ) {
        assert_eq!(group(protocol, targets, "preserve_client_ip.enabled"), Some(kept));
    }

    #[test]
    fn gateways_reach_public_load_balancers_alone() {
        let of = |scheme, kind| balancer(scheme, kind, "ipv6.deny_all_igw_traffic");
        assert_eq!(of(Scheme::Internal, AddressType::Dualstack), Some("true"));
        assert_eq!(of(Scheme::InternetFacing, AddressType::Dualstack), Some("false"));
        assert_eq!(of(Scheme::Internal, AddressType::Ipv4), None, "AWS refuses it there");
    }
}
