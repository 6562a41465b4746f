//! Fixed addresses: which one goes to which subnet.

use std::net::IpAddr;

use ipnet::Ipv6Net;

use super::NetworkError;
use super::subnets::holds;
use crate::api::ec2::Subnet;
use crate::api::elb::SubnetMapping;
use crate::settings::{BalancerSettings, keys};

/// AWS chooses the prefix.
const AUTO: &str = "auto_assigned";

/// The subnets with their fixed addresses. Allocations and prefixes go by position, addresses by range.
pub(super) fn mappings(
    settings: &BalancerSettings,
    subnets: &[&Subnet],
) -> Result<Vec<SubnetMapping>, NetworkError> {
    let mut mappings: Vec<SubnetMapping> = subnets.iter().map(|subnet| plain(subnet)).collect();
    if subnets.is_empty() {
        return Ok(mappings);
    }
    let allocations = in_order(keys::ALLOCATIONS, &settings.allocations, subnets)?;
    let v4: Vec<IpAddr> = settings.private_ipv4.iter().map(|ip| IpAddr::V4(*ip)).collect();
    let v6: Vec<IpAddr> = settings.ipv6.iter().map(|ip| IpAddr::V6(*ip)).collect();
    let v4 = by_range(keys::PRIVATE_IPV4, &v4, subnets)?;
    let v6 = by_range(keys::IPV6, &v6, subnets)?;
    let prefixes = in_order(keys::SOURCE_NAT_PREFIXES, &settings.source_nat_prefixes, subnets)?;
    for (i, (mapping, subnet)) in mappings.iter_mut().zip(subnets).enumerate() {
        mapping.allocation = allocations.get(i).cloned();
        mapping.source_nat_prefix = prefixes.get(i).cloned();
        mapping.source_nat_prefix.iter().try_for_each(|prefix| check_prefix(prefix, subnet))?;
        if let Some(IpAddr::V4(address)) = v4.get(i) {
            mapping.private_ipv4 = Some(*address);
        }
        if let Some(IpAddr::V6(address)) = v6.get(i) {
            mapping.ipv6 = Some(*address);
        }
    }
    Ok(mappings)
}

fn plain(subnet: &Subnet) -> SubnetMapping {
    SubnetMapping {
        subnet: subnet.id.clone(),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    }
}

/// Nothing, or one per subnet.
fn in_order<T>(field: &'static str, items: &[T], subnets: &[&Subnet]) -> Result<Vec<T>, NetworkError>
where
    T: Clone,
{
    if !items.is_empty() && items.len() != subnets.len() {
        return Err(NetworkError::AddressCount { field, given: items.len(), subnets: subnets.len() });
    }
    Ok(items.to_vec())
}

/// Nothing, or the address in the range of each subnet, in their order.
fn by_range(
    field: &'static str,
    addresses: &[IpAddr],
    subnets: &[&Subnet],
) -> Result<Vec<IpAddr>, NetworkError> {
    let lost = addresses.iter().find(|address| !subnets.iter().any(|subnet| holds(subnet, **address)));
    if let Some(address) = lost {
        return Err(NetworkError::AddressNotInSubnet {
            field,
            value: address.to_string(),
            subnets: subnets.iter().map(|subnet| subnet.id.clone()).collect(),
        });
    }
    let mut sorted = Vec::with_capacity(addresses.len());
    for subnet in subnets {
        let inside: Vec<IpAddr> = addresses.iter().copied().filter(|ip| holds(subnet, *ip)).collect();
        if inside.len() > 1 {
            return Err(NetworkError::TwoAddressesInSubnet {
                field,
                addresses: inside,
                subnet: subnet.id.clone(),
            });
        }
        sorted.extend(inside);
    }
    in_order(field, &sorted, subnets)
}

fn check_prefix(prefix: &str, subnet: &Subnet) -> Result<(), NetworkError> {
    let inside = |prefix: Ipv6Net| subnet.ipv6_cidrs.iter().any(|range| range.contains(&prefix));
    if prefix == AUTO || prefix.parse().is_ok_and(inside) {
        return Ok(());
    }
    Err(NetworkError::AddressNotInSubnet {
        field: keys::SOURCE_NAT_PREFIXES,
        value: prefix.to_owned(),
        subnets: vec![subnet.id.clone()],
    })
}
