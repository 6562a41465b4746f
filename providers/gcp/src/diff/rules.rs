//! Forwarding rules: which stay, which come, which go, and which of those must go first.

use std::net::IpAddr;

use landfall_core::net::IpFamily;

use super::addresses::{chosen, ip_of, is_internal, same_url};
use super::{Diff, delete};
use crate::api::Reference;
use crate::api::types::{ForwardingRule, Purpose};
use crate::change::{Change, Stage, What};
use crate::observe::Thing;
use crate::resources::{AddressSource, ForwardingRuleWish};

/// What becomes of the forwarding rules.
pub(super) struct Turnover<'a> {
    /// To be made.
    pub(super) new: Vec<&'a ForwardingRuleWish>,
    /// To go, and whether that is before the new ones come.
    pub(super) old: Vec<(&'a Reference, &'a ForwardingRule, bool)>,
}

impl Turnover<'_> {
    /// Whether new rules get an address that rules have already.
    pub(super) fn reuses(&self, diff: &Diff<'_>, family: IpFamily, address: IpAddr) -> bool {
        let has = |rule: &ForwardingRule| ip_of(rule) == Some(address);
        self.new.iter().any(|wish| wish.family == family)
            && diff.observed.rules().any(|(_, _, rule)| has(rule))
    }

    /// Whether a rule that goes before the new ones come keeps a backend service from becoming one for that protocol.
    pub(super) fn holds_back(&self, service: &Reference, protocol: &str) -> bool {
        let leads_there = |rule: &ForwardingRule| leads_to(rule, service);
        self.old.iter().any(|(_, rule, _)| leads_there(rule) && !takes(protocol, rule))
    }
}

/// Compares the forwarding rules.
pub(super) fn turnover<'a>(diff: &Diff<'a>) -> Turnover<'a> {
    let (wanted, observed) = (diff.wanted, diff.observed);
    let new: Vec<_> = wanted
        .forwarding_rules
        .iter()
        .filter(|wish| observed.rule(&wish.reference).is_none_or(|there| is_wrong(diff, wish, there)))
        .collect();
    let is_wanted = |reference: &Reference| {
        wanted.forwarding_rules.iter().any(|wish| wish.reference == *reference)
            && !new.iter().any(|wish| wish.reference == *reference)
    };
    let old =
        observed.rules().filter(|(reference, owner, _)| diff.is_disposable(owner) && !is_wanted(reference));
    let old = old.map(|(reference, _, rule)| (reference, rule, is_in_the_way(diff, &new, reference, rule)));
    let old = old.collect();
    Turnover { new, old }
}

/// Rules that come, go, or change in place.
pub(super) fn rules(diff: &Diff<'_>, turnover: &Turnover<'_>) -> Vec<Change> {
    let insert = turnover.new.iter().map(|wish| {
        let it = Box::new(Thing::ForwardingRule(wish.it.clone()));
        Change::new(Stage::Rules, &wish.reference, What::Insert(it)).towards(Some(wish.family))
    });
    let stage = |first: bool| if first { Stage::Clear } else { Stage::SpareRules };
    let old = turnover.old.iter().map(|(reference, _, first)| delete(stage(*first), reference));
    insert.chain(old).chain(in_place(diff, turnover)).collect()
}

/// What can be changed of a rule that stays.
fn in_place(diff: &Diff<'_>, turnover: &Turnover<'_>) -> Vec<Change> {
    let stays = |wish: &&ForwardingRuleWish| !turnover.new.iter().any(|new| new.reference == wish.reference);
    let mut changes = Vec::new();
    for wish in diff.wanted.forwarding_rules.iter().filter(stays) {
        let Some(there) = diff.observed.rule(&wish.reference) else { continue };
        let access = |rule: &ForwardingRule| rule.allow_global_access.unwrap_or_default();
        if access(&wish.it) != access(there) {
            let what = What::GlobalAccess(access(&wish.it));
            changes.push(Change::new(Stage::Rules, &wish.reference, what));
        }
        if wish.it.labels != there.labels {
            let what = What::Labels(wish.it.labels.clone());
            changes.push(Change::new(Stage::Firewall, &wish.reference, what));
        }
    }
    changes
}

/// Whether a rule of the right name is not what it should be in a way that cannot be changed. Its name tells what it was
/// made as; others may have led it elsewhere since, and addresses may have been taken from it.
fn is_wrong(diff: &Diff<'_>, wish: &ForwardingRuleWish, there: &ForwardingRule) -> bool {
    let address = chosen(diff.wanted, diff.observed, wish.family);
    let moved = address.is_some() && ip_of(there) != address;
    moved || !same_url(there.backend_service.as_deref(), wish.it.backend_service.as_deref())
}

/// Whether an old rule must go before new ones can come.
fn is_in_the_way(
    diff: &Diff<'_>,
    new: &[&ForwardingRuleWish],
    reference: &Reference,
    old: &ForwardingRule,
) -> bool {
    new.iter().any(|wish| {
        let address = chosen(diff.wanted, diff.observed, wish.family);
        let meets = address.is_some() && address == ip_of(old) && family_of(old) == wish.family;
        let alone = is_internal(old) && !shares(diff, wish.family);
        wish.reference == *reference || (meets && (alone || overlap(old, &wish.it)))
    }) || is_of_another_protocol(diff, old)
}

/// Whether a backend service that this rule leads to is to have a protocol that it cannot have under this rule.
fn is_of_another_protocol(diff: &Diff<'_>, old: &ForwardingRule) -> bool {
    let mut services = diff.wanted.backend_services.iter().filter(|wish| leads_to(old, &wish.reference));
    services.any(|wish| !takes(wish.it.protocol.as_deref().unwrap_or("TCP"), old))
}

/// Whether several rules can have the internal address of a family.
fn shares(diff: &Diff<'_>, family: IpFamily) -> bool {
    diff.wanted.addresses.iter().any(|wish| match &wish.source {
        AddressSource::Chosen { reservation, .. } => {
            wish.family == family && reservation.purpose == Some(Purpose::SharedVip)
        }
        AddressSource::Given { .. } => false,
    })
}

/// Whether two rules would take the same traffic on one address.
fn overlap(one: &ForwardingRule, other: &ForwardingRule) -> bool {
    let whole = |rule: &ForwardingRule| rule.ip_protocol.as_deref() == Some("L3_DEFAULT");
    if whole(one) || whole(other) {
        return true;
    }
    let protocol = |rule: &ForwardingRule| rule.ip_protocol.clone().unwrap_or_else(|| "TCP".to_owned());
    let (mine, theirs) = (ranges(one), ranges(other));
    let meet = |(from, to): &(u16, u16)| theirs.iter().any(|(first, last)| from <= last && first <= to);
    protocol(one) == protocol(other) && mine.iter().any(meet)
}

/// The ports of a rule. What cannot be read is taken for all.
fn ranges(rule: &ForwardingRule) -> Vec<(u16, u16)> {
    let range = |text: &String| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        Some((from.parse().ok()?, to.parse().ok()?))
    };
    let told: Option<Vec<_>> = rule.ports.iter().chain(&rule.port_range).map(range).collect();
    told.filter(|ranges| !ranges.is_empty()).unwrap_or_else(|| vec![(0, u16::MAX)])
}

fn leads_to(rule: &ForwardingRule, service: &Reference) -> bool {
    rule.backend_service.as_deref().and_then(Reference::parse).as_ref() == Some(service)
}

/// Whether a backend service of this protocol takes the traffic of a rule.
fn takes(protocol: &str, rule: &ForwardingRule) -> bool {
    protocol == "UNSPECIFIED" || rule.ip_protocol.as_deref().unwrap_or("TCP") == protocol
}

/// The family of a rule's address; IPv4 unless told.
pub(super) fn family_of(rule: &ForwardingRule) -> IpFamily {
    if rule.ip_version.as_deref() == Some("IPV6") {
        return IpFamily::V6;
    }
    ip_of(rule).map_or(IpFamily::V4, |address| IpFamily::of(&address))
}
