//! The security group that clients pass.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use landfall_core::error::Category;
use landfall_core::model::Member;
use landfall_core::net::IpFamily;
use landfall_core::outcome::Problem;

use super::model::SecurityGroupWish;
use super::{Inputs, Served, is_managed, tags};
use crate::api::ec2::{Allow, Rule, Source};
use crate::api::elb::{AddressType, NlbProtocol};
use crate::marks;
use crate::settings::MemberSettings;

/// ICMP "fragmentation needed", RFC 792, for path MTU discovery (RFC 1191).
const FRAGMENTATION_NEEDED: Allow = Allow::Icmp(3, 4);
/// `ICMPv6` "packet too big", RFC 4443, for path MTU discovery (RFC 8201).
const PACKET_TOO_BIG: Allow = Allow::Icmpv6(2, 0);

/// The group with a rule per range of ports and source of each member; `None` if it is not ours to manage.
pub(super) fn wish(
    inputs: &Inputs<'_>,
    served: &[Served<'_>],
    problems: &mut Vec<Problem>,
) -> Option<SecurityGroupWish> {
    if !is_managed(&inputs.settings.balancer.security) {
        return None;
    }
    let (namespace, name) = inputs.desired.id.label();
    let rules = rules(inputs, served);
    problems.extend(too_many(inputs, &rules));
    Some(SecurityGroupWish {
        name: inputs.names().frontend(),
        description: format!("Clients of {namespace}/{name}, managed by Landfall"),
        rules,
        tags: tags::with(&inputs.settings.balancer.tags, marks::of_lb(inputs.cluster, &inputs.desired.id)),
    })
}

fn rules(inputs: &Inputs<'_>, served: &[Served<'_>]) -> BTreeSet<Rule> {
    // What a rule lets in from where is its identity to AWS: two members cannot have the same, so the older one has it.
    let mut rules: BTreeMap<(Allow, Source), String> = BTreeMap::new();
    for (member, settings) in inputs.members() {
        let own: Vec<&Served<'_>> =
            served.iter().filter(|each| each.member.service == member.service).collect();
        let mut allowed = ports(&own);
        if settings.path_mtu && !own.is_empty() {
            allowed.extend([FRAGMENTATION_NEEDED, PACKET_TOO_BIG]);
        }
        for source in sources(inputs, member, settings) {
            for allow in allowed.iter().filter(|allow| is_of_family(inputs, allow, &source)) {
                let rule = (allow.clone(), source.clone());
                rules.entry(rule).or_insert_with(|| marks::rule_of(&member.as_ref()));
            }
        }
    }
    let rules = rules.into_iter();
    rules.map(|((allow, source), description)| Rule { allow, source, description }).collect()
}

/// The ports of a member's listeners; neighbours are one range.
fn ports(served: &[&Served<'_>]) -> Vec<Allow> {
    let of = |protocols: &[NlbProtocol]| {
        let meant = served.iter().filter(|each| protocols.contains(&each.listener.protocol));
        ranges(meant.map(|each| each.listener.port).collect())
    };
    let tcp = of(&[NlbProtocol::Tcp, NlbProtocol::Tls, NlbProtocol::TcpUdp]);
    let udp = of(&[NlbProtocol::Udp, NlbProtocol::TcpUdp]);
    let tcp = tcp.into_iter().map(|(first, last)| Allow::Tcp(first, last));
    tcp.chain(udp.into_iter().map(|(first, last)| Allow::Udp(first, last))).collect()
}

fn ranges(ports: BTreeSet<u16>) -> Vec<(u16, u16)> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in ports {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == port => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    ranges
}

/// Who may connect to a member: its prefix lists, and its source ranges of the families that it is served in, without
/// those that lie in others. Prefix lists alone replace the default, which is everybody.
fn sources(inputs: &Inputs<'_>, member: &Member, settings: &MemberSettings) -> Vec<Source> {
    let lists = settings.prefix_lists.iter().map(|id| Source::PrefixList(id.clone()));
    let mut sources: Vec<Source> = lists.collect();
    if settings.prefix_lists.is_empty() || member.sources_given {
        let families = IpFamily::BOTH.into_iter().filter(|family| is_served_in(inputs, member, *family));
        let given: Vec<IpNet> = families.flat_map(|family| member.sources.of(family).to_vec()).collect();
        sources.extend(IpNet::aggregate(&given).into_iter().map(|range| match range {
            IpNet::V4(range) => Source::V4(range),
            IpNet::V6(range) => Source::V6(range),
        }));
    }
    sources
}

/// Whether clients of a family reach a member. No load balancer has IPv6 alone, so a Service without IPv4 is closed to
/// IPv4 by the rules. Where no Service has IPv6, the address type was asked for, and then IPv6 is for all of them.
fn is_served_in(inputs: &Inputs<'_>, member: &Member, family: IpFamily) -> bool {
    let asked_for = || !inputs.desired.families().contains(&family);
    let serves = member.families.contains(&family) || (family == IpFamily::V6 && asked_for());
    serves && (family == IpFamily::V4 || is_dual(inputs))
}

fn is_dual(inputs: &Inputs<'_>) -> bool {
    inputs.settings.balancer.address_type == AddressType::Dualstack
}

/// ICMP has no sources of the other family. The id of a prefix list does not tell its family: where clients can have
/// both, it gets both.
fn is_of_family(inputs: &Inputs<'_>, allow: &Allow, source: &Source) -> bool {
    match (allow, source) {
        (Allow::Icmp(..), Source::V6(_)) | (Allow::Icmpv6(..), Source::V4(_)) => false,
        (Allow::Icmpv6(..), Source::PrefixList(_)) => is_dual(inputs),
        _ => true,
    }
}

/// AWS counts IPv4 and IPv6 rules apart, and a prefix list in both with its largest size, which is more than one.
fn too_many(inputs: &Inputs<'_>, rules: &BTreeSet<Rule>) -> Option<Problem> {
    let quota = inputs.facts.quotas.rules;
    let count = |is_meant: fn(&Source) -> bool| rules.iter().filter(|rule| is_meant(&rule.source)).count();
    let lists = count(|source| matches!(source, Source::PrefixList(_)));
    let v4 = count(|source| matches!(source, Source::V4(_))) + lists;
    let v6 = count(|source| matches!(source, Source::V6(_))) + lists;
    (v4.max(v6) > quota).then(|| Problem {
        member: None,
        port: None,
        category: Category::new("TooManyRules"),
        message: format!(
            "{v4} IPv4 and {v6} IPv6 rules are needed for ports and source ranges, and a security group has at most \
             {quota} of each unless the quota \"Inbound or outbound rules per security group\" was raised; \
             use fewer or larger source ranges, ports next to each other, or a group of your own"
        ),
    })
}
