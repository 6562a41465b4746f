//! Zones of a load balancer whose subnet becomes another one. Pure.
//!
//! AWS takes no subnet for a zone that has one: the old one has to be left first, with the zone's address, and only then
//! can the new one be entered ("Update the Availability Zones for your Network Load Balancer" in the user guide). That is
//! done in place where another zone serves meanwhile; where none does, there has to be a successor.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::elb::{LoadBalancer, SubnetMapping};
use crate::api::ids::SubnetId;

/// The subnets wanted, each with its zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subnets<'a> {
    /// The subnets.
    pub(crate) subnets: &'a [SubnetMapping],
    /// Their zones.
    pub(crate) zones: &'a BTreeMap<SubnetId, String>,
}

impl<'a> Subnets<'a> {
    /// The zones that a load balancer is in by another subnet than is wanted.
    pub(crate) fn moved(self, it: &LoadBalancer) -> BTreeSet<&'a str> {
        let wanted = self.subnets.iter().filter_map(|mapping| self.zones.get_key_value(&mapping.subnet));
        let is_moved = |subnet: &SubnetId, zone: &str| {
            it.zones.iter().any(|has| has.zone == zone && has.subnet != *subnet)
        };
        wanted.filter(|(subnet, zone)| is_moved(subnet, zone)).map(|(_, zone)| zone.as_str()).collect()
    }

    /// Whether zones change their subnet, and no other one serves while they do.
    pub(crate) fn strands(self, it: &LoadBalancer) -> bool {
        let stays = |mapping: &SubnetMapping| it.zones.iter().any(|zone| zone.subnet == mapping.subnet);
        !self.subnets.iter().any(stays) && !self.moved(it).is_empty()
    }

    /// The subnets without those of zones that have another one.
    pub(crate) fn without_moved(self, it: &LoadBalancer) -> Vec<SubnetMapping> {
        let moved = self.moved(it);
        let is_moved = |mapping: &SubnetMapping| {
            self.zones.get(&mapping.subnet).is_some_and(|zone| moved.contains(zone.as_str()))
        };
        self.subnets.iter().filter(|mapping| !is_moved(mapping)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::{made, subnet, wish};

    /// A load balancer with these subnets; the zone of a subnet is its first letter.
    fn balancer(subnets: &[&str]) -> LoadBalancer {
        let mut wanted = wish();
        wanted.balancer.subnets = subnets.iter().map(|name| subnet(name)).collect();
        let mut it = made(&wanted).balancers.remove(0).it;
        for zone in &mut it.zones {
            zone.zone = zone_of(&zone.subnet);
        }
        it
    }

    fn zone_of(subnet: &SubnetId) -> String {
        subnet.as_str().trim_start_matches("subnet-").chars().take(1).collect()
    }

    #[rstest]
    #[case::same(&["a1", "b1"], &["a1", "b1"], &[], false, &["a1", "b1"])]
    #[case::one_more(&["a1"], &["a1", "b1"], &[], false, &["a1", "b1"])]
    #[case::one_less(&["a1", "b1"], &["a1"], &[], false, &["a1"])]
    #[case::one_moves(&["a1", "b1"], &["a2", "b1"], &["a"], false, &["b1"])]
    #[case::all_move(&["a1", "b1"], &["a2", "b2"], &["a", "b"], true, &[])]
    #[case::the_only_one_moves(&["a1"], &["a2"], &["a"], true, &[])]
    #[case::a_new_zone_does_not_serve_yet(&["a1"], &["a2", "b1"], &["a"], true, &["b1"])]
    #[case::to_other_zones(&["a1"], &["b1"], &[], false, &["b1"])]
    #[case::keeps_what_it_has(&["a1"], &[], &[], false, &[])]
    fn zones_move_in_place_where_another_serves(
        #[case] has: &[&str],
        #[case] wanted: &[&str],
        #[case] moved: &[&str],
        #[case] strands: bool,
        #[case] first: &[&str],
    ) {
        let it = balancer(has);
        let subnets: Vec<_> = wanted.iter().map(|name| subnet(name)).collect();
        let zones = subnets.iter().map(|it| (it.subnet.clone(), zone_of(&it.subnet))).collect();
        let wanted = Subnets { subnets: &subnets, zones: &zones };
        assert_eq!(wanted.moved(&it), moved.iter().copied().collect());
        assert_eq!(wanted.strands(&it), strands);
        assert_eq!(wanted.without_moved(&it), first.iter().map(|name| subnet(name)).collect::<Vec<_>>());
    }
}
