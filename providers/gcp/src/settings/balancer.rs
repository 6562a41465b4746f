//! Settings of the load balancer as a whole: the oldest member that says something decides, else the class, else a
//! default.

use landfall_core::net::IpFamily;
use landfall_core::params::gcp::{Backends, GcpParams, NetworkTier, Scheme};

use super::model::BalancerSettings;
use super::said::{By, Findings, Group, Said, Source};
use super::{addresses, keys, labels, parse};

/// The annotation's words.
const TIERS: [(&str, NetworkTier); 2] =
    [("Premium", NetworkTier::Premium), ("Standard", NetworkTier::Standard)];
/// The words of annotation and class.
pub(super) const BACKENDS: [(&str, Backends); 2] =
    [("NetworkEndpointGroup", Backends::NetworkEndpointGroup), ("InstanceGroup", Backends::InstanceGroup)];

/// Reads them. `class` has been checked.
pub(super) fn read(
    group: &Group<'_>,
    class: &GcpParams,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> BalancerSettings {
    let addresses = addresses::read(group, class, scheme, findings);
    let backends = group.decide(keys::BACKENDS, |text| parse::word(text, &BACKENDS), findings);
    BalancerSettings {
        tier: tier(group, class, scheme.value, findings),
        global_access: global_access(group, class, scheme, findings),
        scheme: scheme.value,
        families: families(group),
        subnetwork: addresses.subnetwork,
        ipv6_subnetwork: addresses.ipv6_subnetwork,
        addresses: addresses.names,
        requested: addresses.requested,
        ip_collection: addresses.collection,
        backends: backends
            .map(|said| said.value)
            .or(class.backends)
            .unwrap_or(Backends::NetworkEndpointGroup),
        labels: labels::read(group, &class.labels, findings),
    }
}

/// Those of all members; the first one of the oldest member is the primary one.
fn families(group: &Group<'_>) -> Vec<IpFamily> {
    let mut families = Vec::with_capacity(IpFamily::BOTH.len());
    for family in group.sources().flat_map(|source| &source.member.families) {
        if !families.contains(family) {
            families.push(*family);
        }
    }
    families
}

/// Who can reach it, and who said so: much else depends on it.
pub(super) fn scheme(group: &Group<'_>, class: &GcpParams, findings: &mut Findings) -> Said<Scheme> {
    let said = group.decide_by(findings, scheme_of_member);
    said.or_else(|| class.scheme.map(|scheme| Said::by_class(scheme, "scheme", word_of(scheme))))
        .unwrap_or_else(|| Said {
            value: Scheme::External,
            by: By::default(keys::TYPE, word_of(Scheme::External)),
        })
}

const fn word_of(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Internal => "Internal",
        Scheme::External => "External",
    }
}

/// The key of today, else its former name, as Google's controllers read them.
fn scheme_of_member(source: Source<'_>, findings: &mut Findings) -> Option<Said<Scheme>> {
    let words = [
        ("Internal", Scheme::Internal),
        ("internal", Scheme::Internal),
        ("External", Scheme::External),
        ("external", Scheme::External),
    ];
    let said = source.read(keys::TYPE, |text| parse::word(text, &words), findings);
    let former = source.read(keys::FORMER_TYPE, |text| parse::word(text, &words), findings);
    if let (Some(said), Some(former)) = (&said, &former)
        && said.value != former.value
    {
        let why = format!("{} goes before it", keys::TYPE);
        findings.ignored(source, &format!("{} {:?}", keys::FORMER_TYPE, former.by.text), &why);
    }
    said.or(former)
}

fn tier(group: &Group<'_>, class: &GcpParams, scheme: Scheme, findings: &mut Findings) -> NetworkTier {
    let said = group.decide(keys::TIER, |text| parse::word(text, &TIERS), findings);
    if scheme == Scheme::Internal {
        if let Some(Said { value: NetworkTier::Standard, by }) = said {
            for source in group.sources().filter(|source| source.origin == by.origin) {
                findings.ignored(source, keys::TIER, "internal addresses are always premium");
            }
        }
        return NetworkTier::Premium;
    }
    let of_class = || class.network_tier.map(|tier| Said::by_class(tier, "networkTier", format!("{tier:?}")));
    let Some(said) = said.or_else(of_class) else { return NetworkTier::Premium };
    if said.value == NetworkTier::Standard {
        for source in group.of_family(IpFamily::V6) {
            let by = source.by("spec.ipFamilies", IpFamily::V6.as_str());
            let why = "IPv6 addresses are premium only: take Premium, or IPv4 alone";
            findings.contradiction(&said.by, &by, why);
        }
    }
    said.value
}

/// The class's word is for those that are internal; a Service that asks for it must be.
fn global_access(
    group: &Group<'_>,
    class: &GcpParams,
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> bool {
    let said = group.decide(keys::GLOBAL_ACCESS, parse::boolean, findings);
    let internal = scheme.value == Scheme::Internal;
    match said {
        Some(said) => {
            if said.value && !internal {
                let why = "an external load balancer is reached from everywhere: remove it, or ask for an internal one";
                findings.contradiction(&said.by, &scheme.by, why);
            }
            said.value && internal
        }
        None => internal && class.global_access.unwrap_or_default(),
    }
}
