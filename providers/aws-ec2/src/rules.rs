//! Inbound rules: ours have one source each, EC2's permissions have many.

use std::str::FromStr;

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use landfall_aws::api::ec2::{Allow, Rule, Source};
use landfall_aws::api::ids::SecurityGroupId;
use landfall_aws::sdk::errors::{Thing, Unreadable};

/// The sources of a permission, each as a rule of its own.
pub(crate) fn flatten(of: Thing<'_>, permission: IpPermission) -> Result<Vec<Rule>, Unreadable> {
    let protocol = of.need("IpPermissions.IpProtocol", permission.ip_protocol)?;
    let allow = allow(protocol, permission.from_port, permission.to_port);
    let mut rules = Vec::new();
    let mut add = |source, description: Option<String>| {
        rules.push(Rule { allow: allow.clone(), source, description: description.unwrap_or_default() });
    };
    for range in permission.ip_ranges.into_iter().flatten() {
        add(Source::V4(parsed(of, "IpRanges.CidrIp", range.cidr_ip)?), range.description);
    }
    for range in permission.ipv6_ranges.into_iter().flatten() {
        add(Source::V6(parsed(of, "Ipv6Ranges.CidrIpv6", range.cidr_ipv6)?), range.description);
    }
    for list in permission.prefix_list_ids.into_iter().flatten() {
        add(
            Source::PrefixList(of.need("PrefixListIds.PrefixListId", list.prefix_list_id)?),
            list.description,
        );
    }
    for pair in permission.user_id_group_pairs.into_iter().flatten() {
        let group = of.need("UserIdGroupPairs.GroupId", pair.group_id)?;
        add(Source::Group(SecurityGroupId::new(group)), pair.description);
    }
    Ok(rules)
}

fn parsed<T: FromStr>(of: Thing<'_>, field: &str, value: Option<String>) -> Result<T, Unreadable> {
    let value = of.need(field, value)?;
    value.parse().map_err(|_| of.odd(field, value))
}

/// EC2 names the four protocols that have ports or types; every other one is a number, and -1 is all of them.
fn allow(protocol: String, from: Option<i32>, to: Option<i32>) -> Allow {
    let (first, last) = (from.unwrap_or(-1), to.unwrap_or(-1));
    let ports = u16::try_from(first).ok().zip(u16::try_from(last).ok());
    match (protocol.as_str(), ports) {
        ("tcp", Some((first, last))) => Allow::Tcp(first, last),
        ("udp", Some((first, last))) => Allow::Udp(first, last),
        ("icmp", _) => Allow::Icmp(first, last),
        ("icmpv6", _) => Allow::Icmpv6(first, last),
        _ => Allow::Other(protocol, first, last),
    }
}

/// A rule as a permission of its own.
pub(crate) fn permission(rule: &Rule) -> IpPermission {
    let (protocol, from, to) = match &rule.allow {
        Allow::Tcp(first, last) => ("tcp", i32::from(*first), i32::from(*last)),
        Allow::Udp(first, last) => ("udp", i32::from(*first), i32::from(*last)),
        Allow::Icmp(kind, code) => ("icmp", *kind, *code),
        Allow::Icmpv6(kind, code) => ("icmpv6", *kind, *code),
        Allow::Other(protocol, from, to) => (protocol.as_str(), *from, *to),
    };
    let permission = IpPermission::builder().ip_protocol(protocol).from_port(from).to_port(to);
    let description = (!rule.description.is_empty()).then(|| rule.description.clone());
    match &rule.source {
        Source::V4(range) => permission
            .ip_ranges(IpRange::builder().cidr_ip(range.to_string()).set_description(description).build()),
        Source::V6(range) => permission.ipv6_ranges(
            Ipv6Range::builder().cidr_ipv6(range.to_string()).set_description(description).build(),
        ),
        Source::PrefixList(id) => permission
            .prefix_list_ids(PrefixListId::builder().prefix_list_id(id).set_description(description).build()),
        Source::Group(id) => permission.user_id_group_pairs(
            UserIdGroupPair::builder().group_id(id.as_str()).set_description(description).build(),
        ),
    }
    .build()
}

#[cfg(test)]
mod tests;
