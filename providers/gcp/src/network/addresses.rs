//! Reserved addresses that are asked for, by name or by themselves.

use std::collections::BTreeMap;
use std::net::IpAddr;

use landfall_core::error::Category;
use landfall_core::ids::Scope;
use landfall_core::net::IpFamily;
use landfall_core::outcome::Problem;
use landfall_core::params::gcp::Scheme;

use super::{AddressError, NetworkError, Question};
use crate::api::types::{Address, AddressType, ForwardingRule, Purpose};
use crate::api::{Kind, Reference};
use crate::diff::ip_of;
use crate::marks;
use crate::resources::SubnetFact;
use crate::settings::BalancerSettings;

/// Reservations by family.
type Reserved = BTreeMap<IpFamily, (Reference, IpAddr)>;

/// Whether a wish asks for addresses at all.
pub(super) fn are_asked_for(settings: &BalancerSettings) -> bool {
    !settings.addresses.is_empty() || !settings.requested.is_empty()
}

/// A reservation that is asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    /// Its name or address, as it was asked for.
    by: String,
    it: &'a Address,
    address: IpAddr,
}

/// The reservations that are asked for by name, the first of each family. One of a family that is not served is told.
pub(super) fn asked_for<'a>(
    question: &Question<'a>,
    problems: &mut Vec<Problem>,
) -> Result<BTreeMap<IpFamily, Asked<'a>>, NetworkError> {
    let balancer = &question.settings.balancer;
    let mut asked = BTreeMap::new();
    for name in &balancer.addresses {
        let wrong = |reason| NetworkError::address(name, reason);
        let found = question.known.addresses.iter().find(|address| address.name == *name);
        let it = found.ok_or_else(|| wrong(AddressError::NotFound(question.known.region.clone())))?;
        let address = literal(it)
            .ok_or_else(|| wrong(AddressError::Unreadable(it.address.clone().unwrap_or_default())))?;
        let family = IpFamily::of(&address);
        if !balancer.families.contains(&family) || asked.contains_key(&family) {
            problems.push(unused(name, family, asked.contains_key(&family)));
        } else {
            asked.insert(family, Asked { by: name.clone(), it, address });
        }
    }
    Ok(asked)
}

/// The subnet of the reservation that is asked for.
pub(super) fn subnet_of_asked(question: &Question<'_>, family: IpFamily) -> Option<Reference> {
    let asked = asked_for(question, &mut Vec::new()).ok()?;
    let by_name = asked.get(&family).map(|asked| asked.it);
    let reserved = by_name.or_else(|| by_itself(question, requested(question, family)?))?;
    Reference::parse(reserved.subnetwork.as_deref()?)
}

/// Whether the reservations do that are asked for; names go before addresses. An address of which no reservation of the
/// user is known is left out: if it can be had, we reserve it.
pub(super) fn judge<'a>(
    question: &Question<'a>,
    mut asked: BTreeMap<IpFamily, Asked<'a>>,
    subnets: &BTreeMap<IpFamily, SubnetFact>,
) -> Result<Reserved, NetworkError> {
    for family in &question.settings.balancer.families {
        let Some(address) = requested(question, *family).filter(|_| !asked.contains_key(family)) else {
            continue;
        };
        match by_itself(question, address) {
            // Reserved by us, for this one.
            Some(it) if is_own(question, it) => {}
            Some(it) => drop(asked.insert(*family, Asked { by: address.to_string(), it, address })),
            None => unreserved(question, address, subnets.get(family))?,
        }
    }
    let mut reserved = Reserved::new();
    for (family, asked) in asked {
        let reason = fits(question, family, &asked, subnets.get(&family));
        reason.map_err(|reason| NetworkError::address(&asked.by, reason))?;
        let reference = question.known.region.at(Kind::Address, asked.it.name.clone());
        reserved.insert(family, (reference, asked.address));
    }
    Ok(reserved)
}

fn requested(question: &Question<'_>, family: IpFamily) -> Option<IpAddr> {
    let mut requested = question.settings.balancer.requested.iter().copied();
    requested.find(|address| IpFamily::of(address) == family)
}

/// The reservation of an address.
fn by_itself<'a>(question: &Question<'a>, address: IpAddr) -> Option<&'a Address> {
    question.known.addresses.iter().find(|it| literal(it) == Some(address))
}

/// An address without its prefix length.
fn literal(it: &Address) -> Option<IpAddr> {
    it.address.as_deref()?.split('/').next()?.parse().ok()
}

fn is_own(question: &Question<'_>, it: &Address) -> bool {
    marks::mark(&it.description).is_some_and(|mark| mark.lb == question.desired.id)
}

/// An address that nobody has reserved can be had if it is that of our forwarding rules, or is in the subnet.
fn unreserved(
    question: &Question<'_>,
    address: IpAddr,
    subnet: Option<&SubnetFact>,
) -> Result<(), NetworkError> {
    let has = |rule: &ForwardingRule| {
        let text = rule.ip_address.as_deref().and_then(|text| text.split('/').next());
        text.and_then(|text| text.parse().ok()) == Some(address)
    };
    if question.known.rules.iter().any(has) {
        return Ok(());
    }
    if question.settings.balancer.scheme == Scheme::External {
        let reason = AddressError::NotFound(question.known.region.clone());
        return Err(NetworkError::address(address.to_string(), reason));
    }
    inside(address, subnet).map_err(|reason| NetworkError::address(address.to_string(), reason))
}

/// Whether an address is in the ranges of a subnet, as far as they are known.
fn inside(address: IpAddr, subnet: Option<&SubnetFact>) -> Result<(), AddressError> {
    match subnet {
        Some(subnet)
            if !subnet.ranges.is_empty() && !subnet.ranges.iter().any(|range| range.contains(&address)) =>
        {
            Err(AddressError::NotInSubnet { subnet: subnet.reference.clone(), ranges: subnet.ranges.clone() })
        }
        _ => Ok(()),
    }
}

fn fits(
    question: &Question<'_>,
    family: IpFamily,
    asked: &Asked<'_>,
    subnet: Option<&SubnetFact>,
) -> Result<(), AddressError> {
    let (balancer, it) = (&question.settings.balancer, asked.it);
    let found = it.address_type.clone().unwrap_or(AddressType::External);
    let wanted = balancer.scheme.as_str();
    if found.as_str() != wanted {
        return Err(AddressError::WrongType { found: found.to_string(), wanted });
    }
    match balancer.scheme {
        Scheme::Internal => inside(asked.address, subnet)?,
        Scheme::External if family == IpFamily::V4 => {
            let (found, wanted) = (it.network_tier.as_deref().unwrap_or("PREMIUM"), balancer.tier.as_str());
            if found != wanted {
                return Err(AddressError::WrongTier { found: found.to_owned(), wanted });
            }
        }
        Scheme::External => {}
    }
    purpose(question, family, it)?;
    let others = users(question, it);
    if others.is_empty() { Ok(()) } else { Err(AddressError::Taken(others)) }
}

/// What a reservation is for.
fn purpose(question: &Question<'_>, family: IpFamily, it: &Address) -> Result<(), AddressError> {
    let wrong = |found: &str, wanted| Err(AddressError::WrongPurpose { found: found.to_owned(), wanted });
    match question.settings.balancer.scheme {
        Scheme::External => match it.ipv6_endpoint_type.as_deref() {
            Some(found) if found != "NETLB" => wrong(found, "NETLB"),
            _ => Ok(()),
        },
        Scheme::Internal => {
            let is_group = matches!(question.desired.id.scope, Scope::Share { .. });
            match (it.purpose.as_ref().unwrap_or(&Purpose::GceEndpoint), is_group && family == IpFamily::V4) {
                (Purpose::SharedVip, _) | (Purpose::GceEndpoint, false) => Ok(()),
                (found, true) => wrong(found.as_str(), Purpose::SharedVip.as_str()),
                (found, false) => wrong(found.as_str(), Purpose::GceEndpoint.as_str()),
            }
        }
    }
}

/// What uses a reservation besides the forwarding rules of this load balancer. Where it has some on the address already,
/// others with other ports took nothing from it; of two load balancers of this cluster [`crate::claims`] decides.
fn users(question: &Question<'_>, it: &Address) -> Vec<String> {
    let known = question.known;
    if literal(it).is_some_and(|address| known.rules.iter().any(|rule| ip_of(rule) == Some(address))) {
        return Vec::new();
    }
    let is_ours = |url: &str| {
        let user = Reference::parse(url).filter(|user| user.kind == Kind::ForwardingRule);
        user.is_some_and(|user| {
            user.place == known.region && known.rules.iter().any(|rule| rule.name == user.name)
        })
    };
    let mut others: Vec<String> = it.users.iter().filter(|url| !is_ours(url)).map(|url| named(url)).collect();
    if others.is_empty() && is_foreign(question, it) {
        others.push("another load balancer of Landfall".to_owned());
    }
    others
}

/// What a URL leads to, for people.
fn named(url: &str) -> String {
    let told = |it: Reference| format!("the {} {}", it.kind, it.name);
    Reference::parse(url).map_or_else(|| url.to_owned(), told)
}

/// Whether it is reserved by us for another load balancer.
fn is_foreign(question: &Question<'_>, it: &Address) -> bool {
    marks::mark(&it.description).is_some_and(|mark| mark.lb != question.desired.id)
}

fn unused(name: &str, family: IpFamily, is_second: bool) -> Problem {
    let why = if is_second {
        format!("there is another one of {family} before it")
    } else {
        format!("the Service has no {family}")
    };
    Problem {
        member: None,
        port: None,
        category: Category::new("AddressNotUsed"),
        message: format!("the reserved address {name} is not used: {why}"),
    }
}
