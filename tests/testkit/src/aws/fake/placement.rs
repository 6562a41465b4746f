//! Where a load balancer may be: subnets, addresses, families.

use std::collections::BTreeMap;

use landfall_aws::api::ec2::Subnet;
use landfall_aws::api::elb::{AddressType, SubnetMapping};
use landfall_aws::api::ids::VpcId;
use landfall_core::params::aws::Scheme;

use super::refused::{Done, refuse};
use super::state::State;

/// Free addresses that a subnet must have for a load balancer.
const FREE: u32 = 8;
/// The code for settings that do not go together.
pub(super) const INVALID: &str = "InvalidConfigurationRequest";

/// Where a load balancer shall be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placement<'a> {
    pub(super) scheme: Scheme,
    pub(super) address_type: AddressType,
    pub(super) source_nat: bool,
    pub(super) subnets: &'a [SubnetMapping],
}

impl State {
    /// Checks all rules about subnets for a load balancer that is in some already. Answers the network.
    pub(super) fn check_placement(&self, wanted: &Placement<'_>, has: &[SubnetMapping]) -> Done<VpcId> {
        let vpc = self.check_zones(wanted.subnets)?;
        if wanted.scheme == Scheme::InternetFacing && !self.network.has_internet(&vpc) {
            return refuse("InvalidSubnet", format!("VPC {vpc} has no internet gateway"));
        }
        if wanted.source_nat && wanted.address_type != AddressType::Dualstack {
            return refuse(INVALID, "Source NAT for IPv6 needs a load balancer of type dualstack");
        }
        let with_allocation = wanted.subnets.iter().filter(|mapping| mapping.allocation.is_some()).count();
        if with_allocation != 0 && with_allocation != wanted.subnets.len() {
            return refuse(INVALID, "Either all subnets have an allocation ID or none");
        }
        for mapping in wanted.subnets {
            let subnet = self.network.subnet(&mapping.subnet)?;
            check_addresses(wanted, mapping, subnet)?;
            self.check_change(mapping, subnet, has)?;
        }
        Ok(vpc)
    }

    /// One subnet per zone, all of one network.
    fn check_zones(&self, mappings: &[SubnetMapping]) -> Done<VpcId> {
        let mut zones = BTreeMap::new();
        let mut network = None;
        for mapping in mappings {
            let subnet = self.network.subnet(&mapping.subnet)?;
            if let Some(other) = zones.insert(&subnet.zone, &subnet.id) {
                return refuse(INVALID, format!("Both {other} and {} are in {}", subnet.id, subnet.zone));
            }
            if network.replace(&subnet.vpc).is_some_and(|other| *other != subnet.vpc) {
                return refuse(INVALID, "All subnets must belong to the same VPC");
            }
        }
        match network {
            Some(vpc) => Ok(vpc.clone()),
            None => refuse("ValidationError", "At least one subnet must be specified"),
        }
    }

    /// What a subnet gives on top of what the load balancer has there already.
    fn check_change(&self, mapping: &SubnetMapping, subnet: &Subnet, has: &[SubnetMapping]) -> Done<()> {
        if let Some(held) = has.iter().find(|held| held.subnet == mapping.subnet) {
            let fixed = (&held.allocation, held.private_ipv4) != (&mapping.allocation, mapping.private_ipv4)
                || held.ipv6.is_some_and(|address| mapping.ipv6 != Some(address));
            if fixed {
                return refuse(INVALID, format!("The addresses in {} cannot be changed", subnet.id));
            }
            return Ok(());
        }
        let zone_of = |held: &SubnetMapping| self.network.subnets.get(&held.subnet).map(|it| &it.zone);
        if has.iter().any(|held| zone_of(held) == Some(&subnet.zone)) {
            return refuse(INVALID, format!("The subnet of {} cannot be changed", subnet.zone));
        }
        let free = self.free(subnet);
        if free < FREE {
            let text =
                format!("Not enough IP space available in {}. ELB requires at least {FREE}", subnet.id);
            return refuse(
                "InvalidSubnet",
                format!("{text} free IP addresses in each subnet, there are {free}."),
            );
        }
        self.check_taken(mapping)
    }

    /// Nobody else has the addresses asked for.
    fn check_taken(&self, mapping: &SubnetMapping) -> Done<()> {
        if let Some(allocation) = &mapping.allocation {
            if !self.network.allocations.contains(allocation) {
                return refuse(
                    "AllocationIdNotFound",
                    format!("The allocation ID '{allocation}' does not exist"),
                );
            }
            if self.interfaces.values().any(|one| one.allocation.as_ref() == Some(allocation)) {
                return refuse("ResourceInUse", format!("The allocation ID '{allocation}' is in use"));
            }
        }
        let taken = |address| self.interfaces.values().any(|one| one.address == Some(address));
        if let Some(address) = mapping.private_ipv4.filter(|address| taken(*address)) {
            return refuse(INVALID, format!("The address {address} is in use"));
        }
        Ok(())
    }
}

/// Fixed addresses go with scheme and family, and lie in the subnet.
fn check_addresses(wanted: &Placement<'_>, mapping: &SubnetMapping, subnet: &Subnet) -> Done<()> {
    let id = &subnet.id;
    let dual = wanted.address_type == AddressType::Dualstack;
    if dual && subnet.ipv6_cidrs.is_empty() {
        return refuse("InvalidSubnet", format!("{id} has no associated IPv6 CIDR block"));
    }
    if mapping.allocation.is_some() && wanted.scheme == Scheme::Internal {
        return refuse(INVALID, "An allocation ID cannot be given for an internal load balancer");
    }
    if let Some(address) = mapping.private_ipv4 {
        if wanted.scheme == Scheme::InternetFacing {
            return refuse(INVALID, "A private address cannot be given for an internet-facing load balancer");
        }
        if !subnet.cidr.is_some_and(|range| range.contains(&address)) {
            return refuse(INVALID, format!("The address {address} is not in {id}"));
        }
    }
    if let Some(address) = mapping.ipv6
        && !(dual && subnet.ipv6_cidrs.iter().any(|range| range.contains(&address)))
    {
        return refuse(
            INVALID,
            format!("The address {address} is not in {id}, or the type is not dualstack"),
        );
    }
    check_prefix(wanted, mapping, subnet)
}

/// A prefix for source NAT is `auto_assigned` or a /80 of the subnet.
fn check_prefix(wanted: &Placement<'_>, mapping: &SubnetMapping, subnet: &Subnet) -> Done<()> {
    let Some(prefix) = &mapping.source_nat_prefix else { return Ok(()) };
    let of_subnet = |range: ipnet::Ipv6Net| {
        range.prefix_len() == 80 && subnet.ipv6_cidrs.iter().any(|outer| outer.contains(&range))
    };
    let fits = prefix == "auto_assigned" || prefix.parse().is_ok_and(of_subnet);
    if !(wanted.source_nat && fits) {
        return refuse(INVALID, format!("The source NAT prefix {prefix} is not valid for {}", subnet.id));
    }
    Ok(())
}
