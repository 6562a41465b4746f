//! Subnets that nobody named: by role tags, else by routes, one per zone.

use std::collections::BTreeMap;

use landfall_core::params::aws::Scheme;

use super::{AVAILABILITY_ZONE, CLUSTER_TAG, Chosen, PassedOver, Question, Reason, role};
use crate::api::ec2::Subnet;
use crate::network::NetworkError;

/// One subnet per zone. A zone's current one stays while it can, and no zone is given up; zones that have become usable
/// are added.
pub(super) fn choose<'a>(question: &Question<'a>) -> Result<Chosen<'a>, NetworkError> {
    let mut by_zone = current(question);
    let mut passed_over = Vec::new();
    let mut left = question.addresses().map(|count| count.saturating_sub(by_zone.len()));
    for (subnet, verdict) in judged(question) {
        let zone = subnet.zone.as_str();
        let reason = match (verdict, by_zone.get(zone)) {
            (_, Some(used)) if used.id == subnet.id => continue,
            (Some(reason), _) => reason,
            (None, Some(used)) => Reason::Other(used.id.clone()),
            // With Elastic IPs nothing but their number says which zones are meant.
            (None, None) if left == Some(0) && !question.current.is_empty() => Reason::NoAddressLeft,
            (None, None) => {
                by_zone.insert(zone, subnet);
                left = left.map(|count| count.saturating_sub(1));
                continue;
            }
        };
        passed_over.push(PassedOver { subnet: subnet.id.clone(), zone: subnet.zone.clone(), reason });
    }
    passed_over.sort_by(|a, b| (&a.zone, &a.subnet).cmp(&(&b.zone, &b.subnet)));
    check(question, &by_zone, passed_over)
}

fn check<'a>(
    question: &Question<'a>,
    by_zone: &BTreeMap<&'a str, &'a Subnet>,
    passed_over: Vec<PassedOver>,
) -> Result<Chosen<'a>, NetworkError> {
    let lost = question.current.iter().find(|mapping| !by_zone.contains_key(mapping.zone.as_str()));
    let reason = lost.and_then(|mapping| {
        passed_over.iter().find(|each| each.subnet == mapping.subnet).map(|each| each.reason.clone())
    });
    match (lost, reason) {
        (Some(mapping), Some(reason)) => {
            Err(NetworkError::UnfitSubnet { subnet: mapping.subnet.clone(), reason })
        }
        _ if by_zone.is_empty() => Err(NetworkError::NoSubnets {
            vpc: question.known.vpc.id.clone(),
            role: role(question.settings.scheme),
            passed_over,
        }),
        _ => Ok(Chosen { subnets: by_zone.values().copied().collect(), passed_over }),
    }
}

/// The subnets in use that still fit.
fn current<'a>(question: &Question<'a>) -> BTreeMap<&'a str, &'a Subnet> {
    let has = |subnet: &&Subnet| question.current.iter().any(|mapping| mapping.subnet == subnet.id);
    let used = question.known.subnets.iter().filter(has);
    used.filter(|subnet| question.flaw(subnet).is_none())
        .map(|subnet| (subnet.zone.as_str(), subnet))
        .collect()
}

/// All subnets, the best ones of a zone first, each with what speaks against it.
fn judged<'a>(question: &Question<'a>) -> Vec<(&'a Subnet, Option<Reason>)> {
    let mut subnets: Vec<(&Subnet, Option<Reason>)> =
        question.known.subnets.iter().map(|subnet| (subnet, obstacle(question, subnet))).collect();
    let role = role(question.settings.scheme);
    let fits = |judged: &[(&Subnet, Option<Reason>)], is_meant: &dyn Fn(&Subnet) -> bool| {
        judged.iter().any(|(subnet, reason)| reason.is_none() && is_meant(subnet))
    };
    let has_role = |subnet: &Subnet| is_tagged(subnet, role);
    let is_private = |subnet: &Subnet| !is_public(question, subnet);
    let by_role = fits(&subnets, &has_role);
    let by_route = fits(&subnets, &is_private);
    for (subnet, reason) in &mut subnets {
        let mismatch = match question.settings.scheme {
            _ if by_role => (!has_role(subnet)).then_some(Reason::NoRole(role)),
            Scheme::InternetFacing => is_private(subnet).then_some(Reason::Private),
            // An internal load balancer works in a public subnet too, so it is better than none.
            Scheme::Internal => (by_route && !is_private(subnet)).then_some(Reason::Public),
        };
        *reason = reason.take().or(mismatch).or_else(|| question.crowd(subnet));
    }
    subnets.sort_by_key(|(subnet, _)| (!is_own(question, subnet), subnet.id.clone()));
    subnets
}

/// What speaks against a subnet whatever other subnets there are.
fn obstacle(question: &Question<'_>, subnet: &Subnet) -> Option<Reason> {
    let locale = question.locale(subnet);
    if locale != AVAILABILITY_ZONE {
        return Some(Reason::Locale(locale.to_owned()));
    }
    let missing = || (!question.has_fixed_address(subnet)).then_some(Reason::NoFixedAddress);
    question.flaw(subnet).or_else(|| other_cluster(question, subnet)).or_else(missing)
}

/// The first tag of another cluster, if there is none of this one.
fn other_cluster(question: &Question<'_>, subnet: &Subnet) -> Option<Reason> {
    if question.own_tags.is_empty() || is_own(question, subnet) {
        return None;
    }
    let tag = subnet.tags.keys().find(|key| key.starts_with(CLUSTER_TAG))?;
    Some(Reason::OtherCluster(tag.clone()))
}

fn is_own(question: &Question<'_>, subnet: &Subnet) -> bool {
    question.own_tags.iter().any(|tag| subnet.tags.contains_key(tag))
}

/// Whether a role tag is set: its value is empty or 1.
fn is_tagged(subnet: &Subnet, tag: &str) -> bool {
    subnet.tags.get(tag).is_some_and(|value| value.is_empty() || value == "1")
}

/// Whether a subnet has a route to an internet gateway. One without a route table of its own has the main one.
fn is_public(question: &Question<'_>, subnet: &Subnet) -> bool {
    let tables = &question.known.tables;
    let own = tables.iter().find(|table| table.subnets.contains(&subnet.id));
    own.or_else(|| tables.iter().find(|table| table.main)).is_some_and(|table| table.internet)
}
