//! Addresses.

use landfall_core::net::IpFamily;
use landfall_core::params::gcp::Scheme;

use super::model::{AddressSource, AddressWish, ForwardingRuleWish};
use super::{Inputs, rules};
use crate::api::Kind;
use crate::api::types::{Address, AddressType, Purpose};
use crate::marks;

/// Length of the prefix that an external IPv6 address of a load balancer is, unless it is of a prefix of the project,
/// which tells its own length.
pub(crate) const IPV6_PREFIX: u8 = 96;

/// One address per family, primary first.
pub(super) fn wishes(inputs: &Inputs<'_>, rules: &[ForwardingRuleWish]) -> Vec<AddressWish> {
    let families = inputs.settings.balancer.families.iter();
    families.map(|family| AddressWish { family: *family, source: source(inputs, *family, rules) }).collect()
}

fn source(inputs: &Inputs<'_>, family: IpFamily, rules: &[ForwardingRuleWish]) -> AddressSource {
    if let Some((reference, address)) = inputs.facts.addresses.get(&family) {
        return AddressSource::Given { reference: reference.clone(), address: *address };
    }
    let of_family = rules.iter().filter(|rule| rule.family == family).count();
    let users = of_family + rules::retained(inputs, family);
    let mut requested = inputs.settings.balancer.requested.iter().copied();
    let asked = requested.find(|address| IpFamily::of(address) == family);
    let mut reservation = reservation(inputs, family);
    reservation.name = inputs.names().address(&reservation, asked);
    // One that is asked for need not be reserved for one rule, which has it as long as it is there.
    let keep = users > 1 || is_internal_group(inputs);
    let reference = inputs.facts.region.at(Kind::Address, reservation.name.clone());
    AddressSource::Chosen { reference, reservation: Box::new(reservation), keep, asked }
}

/// An internal address is for several rules from the beginning or not at all.
fn is_internal_group(inputs: &Inputs<'_>) -> bool {
    inputs.is_group() && inputs.settings.balancer.scheme == Scheme::Internal
}

fn reservation(inputs: &Inputs<'_>, family: IpFamily) -> Address {
    let balancer = &inputs.settings.balancer;
    let subnet = inputs.facts.subnets.get(&family).map(|subnet| subnet.reference.url());
    let mut address = Address {
        description: marks::of_lb(inputs.cluster, &inputs.desired.id),
        ip_version: Some(rules::version(family).to_owned()),
        labels: marks::labels(inputs.cluster, &balancer.labels),
        ..Address::default()
    };
    match balancer.scheme {
        Scheme::Internal => {
            let several = inputs.is_group() && family == IpFamily::V4;
            address.address_type = Some(AddressType::Internal);
            address.purpose = Some(if several { Purpose::SharedVip } else { Purpose::GceEndpoint });
        }
        Scheme::External => {
            address.address_type = Some(AddressType::External);
            address.network_tier = Some(rules::tier(inputs, family).as_str().to_owned());
        }
    }
    let of_prefix = balancer.scheme == Scheme::External && balancer.ip_collection.is_some();
    let has_subnet = balancer.scheme == Scheme::Internal || (family == IpFamily::V6 && !of_prefix);
    address.subnetwork = subnet.filter(|_| has_subnet);
    if balancer.scheme == Scheme::External && family == IpFamily::V6 {
        address.ipv6_endpoint_type = Some("NETLB".to_owned());
        address.prefix_length = (!of_prefix).then_some(IPV6_PREFIX);
        let collection = balancer.ip_collection.iter();
        address.rest.extend(collection.map(|url| ("ipCollection".to_owned(), url.as_str().into())));
    }
    address
}
