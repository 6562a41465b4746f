//! Forwarding rules.

use std::collections::BTreeSet;
use std::net::IpAddr;

use landfall_core::error::Category;
use landfall_core::model::{Listener, Member, MemberRef};
use landfall_core::net::{IpFamily, PortKey, Protocol};
use landfall_core::outcome::Problem;
use landfall_core::params::gcp::{NetworkTier, Scheme};

use super::chunks::{PORTS_PER_RULE, chunks};
use super::model::ForwardingRuleWish;
use super::{Inputs, Served, services};
use crate::api::Kind;
use crate::api::types::ForwardingRule;
use crate::marks;

/// Internal forwarding rules that share an address at most.
const INTERNAL_RULES: usize = 10;

/// What a forwarding rule lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    /// `TCP`, `UDP` or `L3_DEFAULT`.
    protocol: &'static str,
    /// The ports; none for all.
    ports: Vec<u16>,
}

/// The forwarding rules of all members and families.
pub(super) fn wishes(
    inputs: &Inputs<'_>,
    members: &[Served<'_>],
    problems: &mut Vec<Problem>,
) -> Vec<ForwardingRuleWish> {
    let mut wishes = Vec::new();
    for family in &inputs.settings.balancer.families {
        let retained = retained(inputs, *family);
        let mut room = match inputs.settings.balancer.scheme {
            Scheme::Internal => INTERNAL_RULES.saturating_sub(retained),
            Scheme::External => usize::MAX,
        };
        for served in members.iter().filter(|served| served.member.families.contains(family)) {
            for shape in shapes(inputs, served, *family) {
                if room == 0 {
                    problems.extend(beyond(served.member, &shape));
                    continue;
                }
                room -= 1;
                wishes.push(wish(inputs, served, *family, &shape));
            }
        }
    }
    wishes
}

/// How many forwarding rules of one family members have whose wish is refused at the moment.
pub(super) fn retained(inputs: &Inputs<'_>, family: IpFamily) -> usize {
    let is_retained = |rule: &&ForwardingRule| {
        let member = marks::mark(&rule.description).and_then(|mark| mark.member);
        family_of(rule) == family && member.is_some_and(|member| inputs.desired.retained.contains(&member))
    };
    inputs.facts.rules.iter().filter(is_retained).count()
}

/// Whether one of the rules takes what is sent to a listener at the address of this family.
pub(super) fn take(
    rules: &[ForwardingRuleWish],
    member: &MemberRef,
    family: IpFamily,
    listener: &Listener,
) -> bool {
    let mut of_member = rules.iter().filter(|rule| rule.member == *member && rule.family == family);
    of_member.any(|rule| {
        let by_port = rule.it.ip_protocol.as_deref() == Some(listener.protocol.as_str())
            && rule.it.ports.contains(&listener.port.to_string());
        rule.it.all_ports == Some(true) || by_port
    })
}

/// The family of a rule's address; IPv4 unless told.
fn family_of(rule: &ForwardingRule) -> IpFamily {
    if rule.ip_version.as_deref() == Some(version(IpFamily::V6)) { IpFamily::V6 } else { IpFamily::V4 }
}

/// The API's word.
pub(super) const fn version(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "IPV4",
        IpFamily::V6 => "IPV6",
    }
}

fn shapes(inputs: &Inputs<'_>, served: &Served<'_>, family: IpFamily) -> Vec<Shape> {
    if inputs.settings.balancer.scheme == Scheme::Internal && !inputs.is_group() {
        return whole(served.member).into_iter().collect();
    }
    let mut shapes = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let wanted = ports(served.member, protocol);
        let existing = existing(inputs, served, family, protocol);
        let lists = chunks(&wanted, &existing).into_iter();
        shapes.extend(lists.map(|ports| Shape { protocol: protocol.as_str(), ports }));
    }
    shapes
}

/// The only rule of an internal address. Firewall rules let in no more than the ports that are asked for, whatever it
/// lets through.
fn whole(member: &Member) -> Option<Shape> {
    let (tcp, udp) = (ports(member, Protocol::Tcp), ports(member, Protocol::Udp));
    let (protocol, ports) = match (tcp.is_empty(), udp.is_empty()) {
        (true, true) => return None,
        (false, false) => return Some(Shape { protocol: "L3_DEFAULT", ports: Vec::new() }),
        (false, true) => (Protocol::Tcp, tcp),
        (true, false) => (Protocol::Udp, udp),
    };
    let listed = if ports.len() <= PORTS_PER_RULE { ports.into_iter().collect() } else { Vec::new() };
    Some(Shape { protocol: protocol.as_str(), ports: listed })
}

fn ports(member: &Member, protocol: Protocol) -> BTreeSet<u16> {
    let listeners = member.listeners.iter().filter(|listener| listener.protocol == protocol);
    listeners.map(|listener| listener.port).collect()
}

/// The lists of ports of rules that are there and could stay: a rule's name tells whether all else is as wanted.
fn existing(
    inputs: &Inputs<'_>,
    served: &Served<'_>,
    family: IpFamily,
    protocol: Protocol,
) -> Vec<BTreeSet<u16>> {
    let lists = inputs.facts.rules.iter().filter_map(|rule| {
        let ports: BTreeSet<u16> = rule.ports.iter().map(|port| port.parse().ok()).collect::<Option<_>>()?;
        let shape = Shape { protocol: protocol.as_str(), ports: ports.iter().copied().collect() };
        (wish(inputs, served, family, &shape).reference.name == rule.name).then_some(ports)
    });
    lists.collect()
}

fn wish(inputs: &Inputs<'_>, served: &Served<'_>, family: IpFamily, shape: &Shape) -> ForwardingRuleWish {
    let (balancer, facts) = (&inputs.settings.balancer, inputs.facts);
    let member = served.member.as_ref();
    let in_network = balancer.scheme == Scheme::Internal;
    let collection = balancer.ip_collection.clone().filter(|_| !in_network && family == IpFamily::V6);
    // A prefix of the project is of no subnet, and Google takes one of the two.
    let has_subnet = in_network || (family == IpFamily::V6 && collection.is_none());
    let subnet = facts.subnets.get(&family).filter(|_| has_subnet).map(|subnet| subnet.reference.url());
    let mut it = ForwardingRule {
        description: marks::of_member(inputs.cluster, &inputs.desired.id, &member),
        ip_protocol: Some(shape.protocol.to_owned()),
        ports: shape.ports.iter().map(ToString::to_string).collect(),
        all_ports: shape.ports.is_empty().then_some(true),
        backend_service: Some(services::reference(inputs, served).url()),
        load_balancing_scheme: Some(services::scheme(balancer.scheme)),
        network: in_network.then(|| facts.network.url()),
        subnetwork: subnet,
        network_tier: Some(tier(inputs, family).as_str().to_owned()),
        ip_version: Some(version(family).to_owned()),
        allow_global_access: in_network.then_some(balancer.global_access),
        ip_collection: collection,
        labels: marks::labels(inputs.cluster, &balancer.labels),
        ..ForwardingRule::default()
    };
    it.name = name(inputs, &member, &it, family);
    let reference = facts.region.at(Kind::ForwardingRule, it.name.clone());
    ForwardingRuleWish { it, reference, family, member }
}

/// The tier of a family's address: only external IPv4 addresses have a choice.
pub(super) fn tier(inputs: &Inputs<'_>, family: IpFamily) -> NetworkTier {
    let balancer = &inputs.settings.balancer;
    match (balancer.scheme, family) {
        (Scheme::External, IpFamily::V4) => balancer.tier,
        _ => NetworkTier::Premium,
    }
}

/// The name of a rule. One of another address has another name, so that it can stand next to its predecessor; one that is
/// there and has the address keeps its name, however it came by it.
fn name(inputs: &Inputs<'_>, member: &MemberRef, it: &ForwardingRule, family: IpFamily) -> String {
    let asked = asked(inputs, family);
    let named = |address: &str| inputs.names().forwarding_rule(member, it, address);
    let has_it = |rule: &&ForwardingRule| asked.is_none() || address_of(rule) == asked;
    let stays = inputs.facts.rules.iter().filter(has_it).find(|rule| {
        let by_address = address_of(rule).map(|address| named(&address.to_string()));
        rule.name == named("") || by_address.as_ref() == Some(&rule.name)
    });
    match stays {
        Some(rule) => rule.name.clone(),
        None => named(&asked.map(|address| address.to_string()).unwrap_or_default()),
    }
}

/// The address of a rule, without the length of its prefix.
fn address_of(rule: &ForwardingRule) -> Option<IpAddr> {
    rule.ip_address.as_deref()?.split('/').next()?.parse().ok()
}

/// The address that was asked for; `None` if any will do.
fn asked(inputs: &Inputs<'_>, family: IpFamily) -> Option<IpAddr> {
    if let Some((_, address)) = inputs.facts.addresses.get(&family) {
        return Some(*address);
    }
    let mut requested = inputs.settings.balancer.requested.iter().copied();
    requested.find(|address| IpFamily::of(address) == family)
}

fn beyond(member: &Member, shape: &Shape) -> Vec<Problem> {
    let protocols = member.listeners.iter().filter(|listener| listener.protocol.as_str() == shape.protocol);
    let keys = protocols.filter(|listener| shape.ports.contains(&listener.port)).map(Listener::key);
    let problem = |key: PortKey| Problem {
        member: Some(member.service.clone()),
        port: Some(key),
        category: Category::new("TooManyForwardingRules"),
        message: format!(
            "{key} is not served: an internal address has at most {INTERNAL_RULES} forwarding rules of \
             {PORTS_PER_RULE} ports, each for one protocol of one Service; let some Services share another one, or none"
        ),
    };
    keys.map(problem).collect()
}
