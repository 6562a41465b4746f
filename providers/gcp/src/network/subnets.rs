//! The subnets that addresses come from.

use std::collections::BTreeSet;

use ipnet::IpNet;
use landfall_core::net::IpFamily;
use landfall_core::params::gcp::Scheme;

use super::{NetworkError, Question, SubnetError, addresses};
use crate::api::types::{ForwardingRule, Subnetwork};
use crate::api::{Kind, Place, Reference, Scope};
use crate::defaults;
use crate::resources::SubnetFact;

/// The subnets that a wish needs: internal addresses come from one, and external IPv6 addresses do.
pub(super) fn needed(question: &Question<'_>) -> Result<Vec<(IpFamily, Reference)>, NetworkError> {
    let balancer = &question.settings.balancer;
    let families = balancer.families.iter().copied();
    families
        .filter(|family| balancer.scheme == Scheme::Internal || *family == IpFamily::V6)
        .map(|family| Ok((family, choose(question, family)?)))
        .collect()
}

/// The subnet of a family: the one that is asked for, that of the address that is asked for, the one that is configured,
/// that of the forwarding rules that are there, or that of the nodes.
fn choose(question: &Question<'_>, family: IpFamily) -> Result<Reference, NetworkError> {
    let (balancer, known) = (&question.settings.balancer, question.known);
    let asked = match family {
        IpFamily::V4 => &balancer.subnetwork,
        IpFamily::V6 => &balancer.ipv6_subnetwork,
    };
    if let Some(name) = asked {
        return Ok(named(question, name));
    }
    if let Some(subnet) = addresses::subnet_of_asked(question, family) {
        return Ok(subnet);
    }
    if let Some(name) = &known.subnetwork {
        return Ok(named(question, name));
    }
    let of_nodes: BTreeSet<Reference> = of_nodes(question);
    let in_use = known.rules.iter().filter(|rule| is_of(rule, family)).filter_map(subnet_of);
    let in_use = in_use.into_iter().find(|subnet| of_nodes.is_empty() || of_nodes.contains(subnet));
    in_use.or_else(|| of_nodes.into_iter().next()).ok_or(NetworkError::NoSubnet(family))
}

/// A subnet of the network, by its name: it is in the network's project, which may be the host of a Shared VPC.
fn named(question: &Question<'_>, name: &str) -> Reference {
    let known = question.known;
    let project = known.network.place.project.clone();
    let place = match &known.region.scope {
        Scope::Region(region) | Scope::Zone(region) => Place::region(project, region.clone()),
        Scope::Global => Place::global(project),
    };
    place.at(Kind::Subnetwork, name)
}

fn of_nodes(question: &Question<'_>) -> BTreeSet<Reference> {
    let known = question.known;
    let interfaces = known.instances.values().filter_map(|instance| instance.network_interfaces.first());
    let inside = interfaces.filter(|interface| {
        interface.network.as_deref().and_then(Reference::parse).as_ref() == Some(&known.network)
    });
    let subnets = inside.filter_map(|interface| Reference::parse(interface.subnetwork.as_deref()?));
    let region = named(question, "").place;
    subnets.filter(|subnet| subnet.place == region).collect()
}

fn is_of(rule: &ForwardingRule, family: IpFamily) -> bool {
    (rule.ip_version.as_deref() == Some("IPV6")) == (family == IpFamily::V6)
}

fn subnet_of(rule: &ForwardingRule) -> Option<Reference> {
    Reference::parse(rule.subnetwork.as_deref()?)
}

/// Whether a subnet does, and its ranges.
pub(super) fn judge(
    question: &Question<'_>,
    family: IpFamily,
    reference: Reference,
) -> Result<SubnetFact, NetworkError> {
    let known = question.known;
    let found = known.subnets.get(&reference).ok_or(SubnetError::NotFound);
    let ranges = found.and_then(|subnet| {
        let network = subnet.network.as_deref().unwrap_or_default();
        if Reference::parse(network).as_ref() != Some(&known.network) {
            return Err(SubnetError::OtherNetwork(defaults::path(network)));
        }
        if let Some(purpose) = subnet.purpose.as_deref().filter(|purpose| *purpose != "PRIVATE") {
            return Err(SubnetError::Purpose(purpose.to_owned()));
        }
        ranges(question, family, subnet)
    });
    match ranges {
        Ok(ranges) => {
            let external_ipv6 =
                family == IpFamily::V6 && question.settings.balancer.scheme == Scheme::External;
            Ok(SubnetFact { reference, ranges, external_ipv6 })
        }
        Err(reason) => {
            Err(NetworkError::Subnet { subnet: Box::new(reference), family, reason: Box::new(reason) })
        }
    }
}

fn ranges(question: &Question<'_>, family: IpFamily, subnet: &Subnetwork) -> Result<Vec<IpNet>, SubnetError> {
    let stack = subnet.stack_type.as_deref().unwrap_or("IPV4_ONLY");
    if family == IpFamily::V4 {
        if stack == "IPV6_ONLY" {
            return Err(SubnetError::Stack("it has IPv6 addresses only".to_owned()));
        }
        return Ok(read(subnet.ip_cidr_range.as_deref()));
    }
    let wanted = question.settings.balancer.scheme.as_str();
    match subnet.ipv6_access_type.as_deref() {
        Some(found) if found == wanted => {}
        Some(found) => {
            let text = format!("its IPv6 access type is {found}, and the load balancer is {wanted}");
            return Err(SubnetError::Stack(text));
        }
        None => {
            let text = format!("it has no IPv6 range; add one with the access type {wanted}");
            return Err(SubnetError::Stack(text));
        }
    }
    Ok(match question.settings.balancer.scheme {
        Scheme::External => read(subnet.external_ipv6_prefix.as_deref()),
        Scheme::Internal => read(subnet.internal_ipv6_prefix.as_deref()),
    })
}

/// A range that cannot be read limits nothing: Google checks addresses itself.
fn read(range: Option<&str>) -> Vec<IpNet> {
    range.and_then(|text| text.parse().ok()).into_iter().collect()
}
