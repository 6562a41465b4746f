//! Families, subnets and fixed addresses of a load balancer, and what they demand of each other.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_core::annotations::SOURCE_RANGES;
use landfall_core::model::{FamilyPolicy, Member};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::params::aws::Scheme;

use super::keys;
use super::parse::{self, Parsed};
use super::said::{By, Findings, Group, Origin, Said, problem};
use crate::api::elb::AddressType;

/// What is said about them.
pub(super) struct Addresses {
    pub(super) kind: Said<AddressType>,
    pub(super) subnets: Vec<String>,
    pub(super) allocations: Vec<String>,
    pub(super) private_ipv4: Vec<Ipv4Addr>,
    pub(super) ipv6: Vec<Ipv6Addr>,
    pub(super) source_nat: bool,
    pub(super) source_nat_prefixes: Vec<String>,
}

/// Reads them. `subnets` are the class's.
pub(super) fn read(
    group: &Group<'_>,
    subnets: &[String],
    scheme: &Said<Scheme>,
    findings: &mut Findings,
) -> Addresses {
    let kind = kind(group, findings);
    families_fit(group, &kind, findings);
    datagrams_fit(group, &kind, findings);
    sources_fit(group, &kind, findings);
    let subnets = subnets_of(group, subnets, findings);
    let fixed = Fixed {
        allocations: group.decide(keys::ALLOCATIONS, |text| parse::list(text, allocation), findings),
        private_ipv4: group.decide(keys::PRIVATE_IPV4, |text| parse::list(text, parse::ipv4), findings),
        ipv6: group.decide(keys::IPV6, |text| parse::list(text, parse::ipv6), findings),
    };
    fixed.check(scheme, &kind, subnets.as_ref(), findings);
    let nat = source_nat(group, &kind, findings);
    let prefixes = nat_prefixes(group, &nat, subnets.as_ref(), findings);
    Addresses {
        kind,
        subnets: subnets.map(|said| said.value).unwrap_or_default(),
        allocations: fixed.allocations.map(|said| said.value).unwrap_or_default(),
        private_ipv4: fixed.private_ipv4.map(|said| said.value).unwrap_or_default(),
        ipv6: fixed.ipv6.map(|said| said.value).unwrap_or_default(),
        source_nat: nat.value,
        source_nat_prefixes: prefixes,
    }
}

/// The annotation, else dual stack as soon as one member has IPv6.
fn kind(group: &Group<'_>, findings: &mut Findings) -> Said<AddressType> {
    let words = [("ipv4", AddressType::Ipv4), ("dualstack", AddressType::Dualstack)];
    let said = group.decide(keys::ADDRESS_TYPE, |text| parse::one_of(text, &words), findings);
    said.unwrap_or_else(|| {
        let ipv6 = group.sources().find(|source| source.member.families.contains(&IpFamily::V6));
        match ipv6 {
            Some(source) => {
                let by = source.by("spec.ipFamilies", IpFamily::V6.as_str());
                Said { value: AddressType::Dualstack, by }
            }
            None => Said { value: AddressType::Ipv4, by: By::default(keys::ADDRESS_TYPE, "ipv4") },
        }
    })
}

/// The family of a listener's targets: the member's primary one, as kube-proxy and pods have that in any case. With UDP
/// a dualstack load balancer forwards to IPv6 targets only (Network Load Balancers, "Target group type" of a UDP
/// listener); `None` if the member has no IPv6 then.
pub(super) fn target_family(member: &Member, udp: bool, kind: AddressType) -> Option<IpFamily> {
    if udp && kind == AddressType::Dualstack {
        return member.families.iter().copied().find(|family| *family == IpFamily::V6);
    }
    Some(member.families.first().copied().unwrap_or(IpFamily::V4))
}

/// UDP needs targets of the family that the load balancer forwards it to.
fn datagrams_fit(group: &Group<'_>, kind: &Said<AddressType>, findings: &mut Findings) {
    for source in group.sources() {
        for (index, listener) in source.member.listeners.iter().enumerate() {
            let udp = listener.protocol == Protocol::Udp;
            if target_family(source.member, udp, kind.value).is_none() {
                let by = source.by(format!("spec.ports[{index}]"), listener.key().to_string());
                let why = "a dualstack load balancer forwards UDP to IPv6 targets only: give the Service of the UDP \
                           port IPv6 in spec.ipFamilies, or say ip-address-type: ipv4";
                findings.contradiction(&by, &kind.by, why);
            }
        }
    }
}

/// A member that cannot do without IPv6 needs dual stack. One that prefers both does with its primary family.
fn families_fit(group: &Group<'_>, kind: &Said<AddressType>, findings: &mut Findings) {
    if kind.value == AddressType::Dualstack {
        return;
    }
    for source in group.sources() {
        let member = source.member;
        let (field, text) = if member.families.first() == Some(&IpFamily::V6) {
            ("spec.ipFamilies", IpFamily::V6.as_str())
        } else if needs_both(member) {
            ("spec.ipFamilyPolicy", "RequireDualStack")
        } else {
            continue;
        };
        findings.contradiction(&kind.by, &source.by(field, text), "the Service needs dualstack");
    }
}

fn needs_both(member: &Member) -> bool {
    member.family_policy == FamilyPolicy::RequireDualStack && member.families.contains(&IpFamily::V6)
}

/// IPv6 ranges let nobody in where there is no IPv6. Harmless beside IPv4 ranges; alone, they shut everybody out.
fn sources_fit(group: &Group<'_>, kind: &Said<AddressType>, findings: &mut Findings) {
    if kind.value == AddressType::Dualstack {
        return;
    }
    for source in group.sources() {
        let ranges = &source.member.sources;
        if !source.member.sources_given || ranges.v6.is_empty() {
            continue;
        }
        let text: Vec<String> = ranges.v6.iter().map(ToString::to_string).collect();
        let by = source.by(sources_field(source.member), text.join(","));
        if ranges.v4.is_empty() {
            findings.contradiction(&by, &kind.by, "no IPv4 range is given, so nobody could connect");
        } else {
            let message = format!("{} {} has no effect: the load balancer has no IPv6", by.field, by.text);
            findings.tell(source, None, problem::IGNORED, message);
        }
    }
}

/// Where the source ranges of a member were found.
pub(super) fn sources_field(member: &Member) -> &'static str {
    if member.annotations.contains_key(SOURCE_RANGES) {
        SOURCE_RANGES
    } else {
        "spec.loadBalancerSourceRanges"
    }
}

fn subnets_of(group: &Group<'_>, class: &[String], findings: &mut Findings) -> Option<Said<Vec<String>>> {
    let said = group.decide(keys::SUBNETS, |text| parse::list(text, subnet), findings);
    let of_class = || Said { value: class.to_vec(), by: By::class("subnets", class.join(",")) };
    said.or_else(|| (!class.is_empty()).then(of_class))
}

/// A subnet id, or any other text as a `Name` tag.
pub(super) fn subnet(text: &str) -> Parsed<String> {
    if text.starts_with("subnet-") { parse::aws_id(text, "subnet-") } else { name_tag(text) }
}

/// A value of the tag `Name`.
pub(super) fn name_tag(text: &str) -> Parsed<String> {
    if text.chars().count() <= 256 {
        Ok(text.to_owned())
    } else {
        Err("must be an id or a Name tag of up to 256 characters".to_owned())
    }
}

fn allocation(text: &str) -> Parsed<String> {
    parse::aws_id(text, "eipalloc-")
}

/// Fixed addresses, one per subnet.
struct Fixed {
    allocations: Option<Said<Vec<String>>>,
    private_ipv4: Option<Said<Vec<Ipv4Addr>>>,
    ipv6: Option<Said<Vec<Ipv6Addr>>>,
}

impl Fixed {
    fn check(
        &self,
        scheme: &Said<Scheme>,
        kind: &Said<AddressType>,
        subnets: Option<&Said<Vec<String>>>,
        findings: &mut Findings,
    ) {
        if let Some(allocations) = &self.allocations {
            one_per_subnet(allocations, subnets, findings);
            if scheme.value == Scheme::Internal {
                let why = "Elastic IPs need an internet-facing load balancer";
                findings.contradiction(&allocations.by, &scheme.by, why);
            }
        }
        if let Some(private) = &self.private_ipv4 {
            one_per_subnet(private, subnets, findings);
            if scheme.value == Scheme::InternetFacing {
                let why = "fixed private addresses need an internal load balancer";
                findings.contradiction(&private.by, &scheme.by, why);
            }
        }
        if let Some(ipv6) = &self.ipv6 {
            one_per_subnet(ipv6, subnets, findings);
            needs_dualstack(&ipv6.by, kind, findings);
        }
    }
}

fn one_per_subnet<T>(list: &Said<Vec<T>>, subnets: Option<&Said<Vec<String>>>, findings: &mut Findings) {
    let Some(subnets) = subnets else { return };
    let (given, wanted) = (list.value.len(), subnets.value.len());
    if given != wanted {
        let why = format!("one per subnet is needed, and {given} are given for {wanted} subnets");
        findings.contradiction(&list.by, &subnets.by, &why);
    }
}

fn needs_dualstack(by: &By, kind: &Said<AddressType>, findings: &mut Findings) {
    if kind.value == AddressType::Ipv4 {
        findings.contradiction(by, &kind.by, "it needs a dualstack load balancer");
    }
}

/// The annotation, else on where UDP over IPv6 needs it.
fn source_nat(group: &Group<'_>, kind: &Said<AddressType>, findings: &mut Findings) -> Said<bool> {
    let udp = group
        .sources()
        .find(|source| source.member.listeners.iter().any(|listener| listener.protocol == Protocol::Udp))
        .filter(|_| kind.value == AddressType::Dualstack);
    let Some(said) = group.decide(keys::SOURCE_NAT, parse::switch, findings) else {
        let value = udp.is_some();
        return Said { value, by: By::default(keys::SOURCE_NAT, if value { "on" } else { "off" }) };
    };
    match udp {
        Some(source) if !said.value => {
            let by = source.by("spec.ports", "UDP");
            findings.contradiction(&said.by, &by, "UDP on a dualstack load balancer needs it on");
        }
        _ if said.value => needs_dualstack(&said.by, kind, findings),
        _ => {}
    }
    said
}

fn nat_prefixes(
    group: &Group<'_>,
    nat: &Said<bool>,
    subnets: Option<&Said<Vec<String>>>,
    findings: &mut Findings,
) -> Vec<String> {
    let said = group.decide(keys::SOURCE_NAT_PREFIXES, prefixes, findings);
    let Some(said) = said else { return Vec::new() };
    if !nat.value || nat.by.origin == Origin::Default {
        let why = "give enable-prefix-for-ipv6-source-nat: on with it";
        findings.contradiction(&said.by, &nat.by, why);
    }
    one_per_subnet(&said, subnets, findings);
    said.value
}

/// `auto_assigned`, which may repeat, or IPv6 ranges of length 80.
fn prefixes(text: &str) -> Parsed<Vec<String>> {
    let prefix = |item: &str| {
        let range = item.parse::<ipnet::Ipv6Net>().ok().filter(|range| range.prefix_len() == 80);
        let whole = range.is_some_and(|range| range.trunc() == range);
        if whole || item == "auto_assigned" {
            Ok(item.to_owned())
        } else {
            Err(format!("{item:?} must be auto_assigned or an IPv6 prefix of length 80"))
        }
    };
    let items: Vec<String> =
        landfall_core::annotations::list(text).map(prefix).collect::<Result<_, String>>()?;
    if items.is_empty() { Err("must list one prefix per subnet".to_owned()) } else { Ok(items) }
}
