//! Addresses of a load balancer and the subnets that they come from.

use std::net::IpAddr;

use landfall_core::annotations::ADDRESSES;
use landfall_core::net::IpFamily;
use landfall_core::params::gcp::{GcpParams, Scheme};

use super::keys;
use super::parse::{self, Parsed};
use super::said::{Findings, Group, Said, Source};

/// What is said about them.
pub(super) struct Addresses {
    pub(super) subnetwork: Option<String>,
    pub(super) ipv6_subnetwork: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) requested: Vec<IpAddr>,
    pub(super) collection: Option<String>,
}

/// Reads them. `class` has been checked.
pub(super) fn read(
    group: &Group<'_>,
    class: &GcpParams,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> Addresses {
    let subnet = group
        .decide_by(findings, |source, findings| subnet_of_member(source, scheme.value, findings))
        .map(|said| (said.value, Some(said.by)))
        .or_else(|| class.subnetwork.clone().map(|name| (name, None)));
    let collection = group.decide(keys::IP_COLLECTION, collection, findings);
    if let Some(said) = &collection {
        needs_external_ipv6(said, group, scheme, findings);
        if let Some((_, Some(by))) = &subnet {
            let why = "an address out of a prefix of yours comes from no subnet; give one of the two";
            findings.contradiction(&said.by, by, why);
        }
    }
    let subnet = subnet.map(|(name, _)| name);
    let internal = scheme.value == Scheme::Internal;
    Addresses {
        subnetwork: subnet.clone().filter(|_| internal),
        ipv6_subnetwork: subnet.filter(|_| collection.is_none()),
        names: names(group, findings),
        requested: requested(group),
        collection: collection.map(|said| said.value),
    }
}

/// The newer key, else the older one, which is about internal load balancers only. External IPv4 addresses come from no
/// subnet.
fn subnet_of_member(source: Source<'_>, scheme: Scheme, findings: &mut Findings) -> Option<Said<String>> {
    let said = source.read(keys::SUBNET, parse::name, findings);
    let older = source.read(keys::INTERNAL_SUBNET, parse::name, findings);
    if scheme == Scheme::External {
        if older.is_some() {
            findings.ignored(source, keys::INTERNAL_SUBNET, "the load balancer is external");
        }
        if said.is_some() && !source.member.families.contains(&IpFamily::V6) {
            let why = "external IPv4 addresses come from no subnet, and the Service has no IPv6";
            findings.ignored(source, keys::SUBNET, why);
        }
        return said;
    }
    if let (Some(said), Some(older)) = (&said, &older)
        && said.value != older.value
    {
        findings.ignored(source, keys::INTERNAL_SUBNET, &format!("{} goes before it", keys::SUBNET));
    }
    said.or(older)
}

/// A prefix of one's own gives external IPv6 addresses, and Google takes it only where there is no IPv4 beside them.
fn needs_external_ipv6(
    said: &Said<String>,
    group: &Group<'_>,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) {
    if scheme.value == Scheme::Internal {
        findings.contradiction(&said.by, &scheme.by, "it gives external addresses");
    }
    for source in group.of_family(IpFamily::V4) {
        let by = source.by("spec.ipFamilies", IpFamily::V4.as_str());
        let why = "it is for load balancers with IPv6 alone";
        findings.contradiction(&said.by, &by, why);
    }
}

/// A prefix as the field `ipCollection` of forwarding rules takes it.
fn collection(text: &str) -> Parsed<String> {
    let path = match text.strip_prefix("https://") {
        Some(rest) => rest.split_once("/compute/v1/").map_or("", |(_, path)| path),
        None => text,
    };
    let segments: Vec<&str> = path.split('/').collect();
    let regional = match segments.as_slice() {
        ["projects", project, rest @ ..] if !project.is_empty() => rest,
        rest => rest,
    };
    match regional {
        ["regions", region, "publicDelegatedPrefixes", name]
            if parse::name(region).is_ok() && parse::name(name).is_ok() =>
        {
            Ok(text.to_owned())
        }
        _ => Err("must be the URL of a prefix: projects/PROJECT/regions/REGION/publicDelegatedPrefixes/NAME"
            .to_owned()),
    }
}

/// Names of reserved addresses: one per family, so two at most.
fn names(group: &Group<'_>, findings: &mut Findings) -> Vec<String> {
    let most = IpFamily::BOTH.len();
    let said = group.decide(keys::ADDRESS_NAMES, |text| parse::list(text, most, parse::name), findings);
    let Some(said) = said else { return Vec::new() };
    for source in group.sources().filter(|source| !source.member.requested.is_empty()) {
        let why =
            format!("{} goes before it, for each family that it names an address of", keys::ADDRESS_NAMES);
        findings.ignored(source, asked_by(source), &why);
    }
    said.value
}

/// Where a member asks for an address by itself.
fn asked_by(source: Source<'_>) -> &'static str {
    if source.text(ADDRESSES).is_some() { ADDRESSES } else { "spec.loadBalancerIP" }
}

/// The addresses that members ask for by themselves, without duplicates. The controller saw to it that there is one per
/// family at most, and that the Service has the family.
fn requested(group: &Group<'_>) -> Vec<IpAddr> {
    let mut asked = Vec::new();
    for address in group.sources().flat_map(|source| &source.member.requested) {
        if !asked.contains(address) {
            asked.push(*address);
        }
    }
    asked
}
