//! The load balancer itself.

use std::collections::BTreeSet;

use ipnet::Ipv6Net;
use landfall_core::net::IpFamily;

use super::groups::attribute_change;
use super::{Diff, guards, stays, tags};
use crate::api::Attributes;
use crate::api::elb::{AddressType, NlbProtocol, SubnetChange, SubnetMapping};
use crate::api::ids::SubnetId;
use crate::change::{BalancerChange, Change, GuardRef, NewBalancer};
use crate::defaults;
use crate::marks;
use crate::observe::{Balancer, BalancerDetails};

/// It is made, or gets other security groups.
pub(super) fn balancer(diff: &Diff<'_>) -> Vec<Change> {
    let changes = match diff.roles.current {
        None => made(diff),
        Some(_) if diff.roles.held => Vec::new(),
        Some(current) => guards(diff, current).into_iter().collect(),
    };
    named(diff, changes)
}

/// What depends on its shape, or keeps AWS from changing that.
pub(super) fn settings(diff: &Diff<'_>) -> Vec<Change> {
    let current = diff.roles.current.filter(|_| !diff.roles.held);
    let Some(details) = current.and_then(|current| current.details.as_ref()) else { return Vec::new() };
    let mut attributes = attributes(diff, &details.attributes);
    if let Some(BalancerChange::Attributes(change)) = attributes.as_mut().filter(|_| diff.waits.is_some()) {
        change.0.retain(|key, _| !key.starts_with("ipv6."));
        attributes.take_if(|it| matches!(it, BalancerChange::Attributes(change) if change.0.is_empty()));
    }
    let changes = attributes.into_iter().chain(capacity(diff, details));
    named(diff, changes.collect())
}

/// The security groups of predecessors that stay: who may connect to a load balancer does not depend on the host name that
/// clients have. One that was made without any can have none, and one that has some cannot be without.
pub(super) fn predecessors(diff: &Diff<'_>) -> Vec<Change> {
    let (wanted, retained) = (guards::on_balancer(diff), &diff.wanted.retained);
    let is_meant = |it: &&&Balancer| {
        let guarded = !it.it.security_groups.is_empty() && !wanted.is_empty();
        let ours = !marks::is_adopted(&it.tags) && it.it.vpc == diff.wanted.vpc;
        guarded && ours && stays(diff, it) && retained.is_empty()
    };
    let change = |it: &&Balancer| {
        let change = of_predecessor(diff, it, &wanted)?;
        Some(Change::Balancer(it.it.name.clone(), change))
    };
    diff.roles.predecessors.iter().filter(is_meant).filter_map(change).collect()
}

/// A predecessor keeps its way to the nodes while its successor has not proven to have one. The backend group, which lets
/// nobody in, stays on it to its end. Where the nodes are open to a group that is about to go, that goes once they let the
/// backend group in, or else when the successor takes over.
fn of_predecessor(diff: &Diff<'_>, it: &Balancer, wanted: &[GuardRef]) -> Option<BalancerChange> {
    let from: Vec<_> = it.it.security_groups.iter().cloned().map(GuardRef::Known).collect();
    let backend = diff.observed.backend.as_ref().map(|group| GuardRef::Known(group.id.clone()));
    let backend = backend.filter(|backend| from.contains(backend));
    let has_way = backend.is_some() || diff.roles.handover.is_ready();
    let mut to = wanted.to_vec();
    to.extend(backend.filter(|backend| !wanted.contains(backend)));
    let is_safe = has_way || from.iter().all(|guard| to.contains(guard));
    let differs = from.iter().collect::<BTreeSet<_>>() != to.iter().collect();
    (differs && (is_safe || diff.wanted.backend.is_some())).then_some(BalancerChange::Guards {
        from,
        to,
        private_link_rules: None,
        only_if_let_in: !is_safe,
    })
}

/// What a load balancer has room for: IPv6 targets need IPv6, and UDP on both families needs IPv6 targets and source NAT
/// ("Listeners for your Network Load Balancers").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    address_type: AddressType,
    source_nat: bool,
}

impl Shape {
    /// The shape now, and after all changes. They differ only for one that is there.
    pub(super) fn of(diff: &Diff<'_>) -> (Self, Self) {
        let wish = &diff.wanted.balancer;
        let Some(current) = diff.roles.current else {
            let wanted = Self { address_type: wish.address_type, source_nat: wish.source_nat };
            return (wanted, wanted);
        };
        let now = Self { address_type: current.it.address_type, source_nat: current.it.source_nat };
        let after = reshaped(diff).into_iter().fold(now, |shape, change| match change {
            BalancerChange::Subnets { to, .. } => {
                Self { address_type: to.address_type, source_nat: to.source_nat }
            }
            BalancerChange::AddressType { to, .. } => Self { address_type: to, ..shape },
            _ => shape,
        });
        (now, after)
    }

    /// Whether there can be a listener of this protocol that forwards to targets of this family.
    pub(super) fn takes(self, protocol: NlbProtocol, family: IpFamily) -> bool {
        match self.address_type {
            AddressType::Ipv4 => family == IpFamily::V4,
            AddressType::Dualstack => !protocol.has_udp() || (family == IpFamily::V6 && self.source_nat),
        }
    }
}

/// Whether the load balancer is to have other address families or another source NAT than it has.
pub(super) fn changes_families(diff: &Diff<'_>, current: &Balancer) -> bool {
    let wish = &diff.wanted.balancer;
    (current.it.address_type, current.it.source_nat) != (wish.address_type, wish.source_nat)
}

/// Other subnets, source NAT or families.
pub(super) fn reshape(diff: &Diff<'_>) -> Vec<Change> {
    named(diff, reshaped(diff))
}

fn reshaped(diff: &Diff<'_>) -> Vec<BalancerChange> {
    let may_change = !diff.roles.held && diff.waits.is_none();
    let Some(current) = diff.roles.current.filter(|_| may_change) else { return Vec::new() };
    if moves(diff, current) {
        return moved(diff, current);
    }
    let (from, to) = (current.it.address_type, diff.wanted.balancer.address_type);
    let differs = from != to && !narrows(diff, current);
    differs.then_some(BalancerChange::AddressType { from, to }).into_iter().collect()
}

fn made(diff: &Diff<'_>) -> Vec<BalancerChange> {
    let wish = &diff.wanted.balancer;
    let guards = guards::on_balancer(diff);
    let mut changes = vec![BalancerChange::Create(NewBalancer {
        scheme: wish.scheme,
        address_type: wish.address_type,
        subnets: wish.subnets.clone(),
        guards: guards.clone(),
        source_nat: wish.source_nat,
        tags: tags::with_memory(&wish.tags),
    })];
    if wish.private_link_rules == Some(false) && !guards.is_empty() {
        changes.push(BalancerChange::Guards {
            from: guards.clone(),
            to: guards,
            private_link_rules: Some(false),
            only_if_let_in: false,
        });
    }
    changes.extend(attributes(diff, &Attributes::new()));
    if wish.capacity.is_some() {
        changes.push(BalancerChange::Capacity { from: None, to: wish.capacity });
    }
    changes
}

/// Whether only what is asked for is changed, and nothing set to its default: on one that was taken over, and while the
/// one who asked for the rest may not be heard.
fn keeps_rest(diff: &Diff<'_>) -> bool {
    diff.is_adopted() || diff.is_partial()
}

/// Whether its subnets or its source NAT change, which is one call.
fn moves(diff: &Diff<'_>, current: &Balancer) -> bool {
    let wish = &diff.wanted.balancer;
    // One that is taken over keeps its subnets, unless others are asked for. One whose zones would all have to be left at
    // once keeps them if it may not be replaced.
    if wish.subnets.is_empty() || diff.is_partial() || wish.placed().strands(&current.it) {
        return false;
    }
    let to: BTreeSet<SubnetId> = wish.subnets.iter().map(|mapping| mapping.subnet.clone()).collect();
    subnets_of(current) != to || current.it.source_nat != wish.source_nat || moves_prefix(diff, current)
}

/// Whether source NAT is to take its addresses from another prefix than that which AWS tells. One that AWS may choose
/// stays.
fn moves_prefix(diff: &Diff<'_>, current: &Balancer) -> bool {
    let moves = |mapping: &SubnetMapping| {
        let Some(prefix) = mapping.fixed_source_nat() else { return false };
        let zone = current.it.zones.iter().find(|zone| zone.subnet == mapping.subnet);
        let told = zone.map(|zone| zone.source_nat_prefixes.as_slice()).unwrap_or_default();
        !told.is_empty() && !told.iter().any(|other| is_same(other, prefix))
    };
    diff.wanted.balancer.source_nat && diff.wanted.balancer.subnets.iter().any(moves)
}

/// Whether two texts are the same prefix: one can be written in several ways.
fn is_same(one: &str, other: &str) -> bool {
    match (one.parse::<Ipv6Net>(), other.parse::<Ipv6Net>()) {
        (Ok(one), Ok(other)) => one.trunc() == other.trunc(),
        _ => one == other,
    }
}

/// Whether it would give up IPv6, which nobody asked for.
fn narrows(diff: &Diff<'_>, current: &Balancer) -> bool {
    keeps_rest(diff) && current.it.address_type == AddressType::Dualstack
}

/// Zones whose subnet becomes another one are left first and entered again after that.
fn moved(diff: &Diff<'_>, current: &Balancer) -> Vec<BalancerChange> {
    let wish = &diff.wanted.balancer;
    let change = |from, subnets, left: BTreeSet<&str>| {
        let (address_type, source_nat) = (wish.address_type, wish.source_nat);
        let to = SubnetChange { subnets, address_type, source_nat };
        let left = left.into_iter().map(str::to_owned).collect();
        BalancerChange::Subnets { from, to, zones: wish.zones.clone(), left }
    };
    let (from, left) = (subnets_of(current), wish.placed().moved(&current.it));
    if left.is_empty() {
        return vec![change(from, wish.subnets.clone(), left)];
    }
    let without = wish.placed().without_moved(&current.it);
    let between = without.iter().map(|mapping| mapping.subnet.clone()).collect();
    vec![change(from, without, left), change(between, wish.subnets.clone(), BTreeSet::new())]
}

fn subnets_of(balancer: &Balancer) -> BTreeSet<SubnetId> {
    balancer.it.zones.iter().map(|zone| zone.subnet.clone()).collect()
}

/// The security groups, and whether they hold for `PrivateLink` traffic where AWS tells. Those that it had stay where
/// [only what is asked for](keeps_rest) is changed.
fn guards(diff: &Diff<'_>, current: &Balancer) -> Option<BalancerChange> {
    let has: Vec<GuardRef> = current.it.security_groups.iter().cloned().map(GuardRef::Known).collect();
    // It was made without any, and AWS never adds one to such.
    if has.is_empty() {
        return None;
    }
    let mut to = guards::on_balancer(diff);
    if keeps_rest(diff) {
        let ours = diff.observed.frontend.iter().chain(&diff.observed.backend);
        let ours: Vec<_> = ours.map(|group| GuardRef::Known(group.id.clone())).collect();
        let stays = |guard: &&GuardRef| !to.contains(guard) && (diff.is_partial() || !ours.contains(guard));
        let kept = has.iter().filter(stays).cloned().collect::<Vec<_>>();
        to = kept.into_iter().chain(to).collect();
    }
    let asked = diff.wanted.balancer.private_link_rules;
    let flag = if keeps_rest(diff) { asked } else { Some(asked.unwrap_or(true)) };
    let private_link_rules =
        flag.filter(|flag| current.it.private_link_rules.is_some_and(|now| now != *flag));
    let differs = has.iter().collect::<BTreeSet<_>>() != to.iter().collect();
    (differs || private_link_rules.is_some()).then_some(BalancerChange::Guards {
        from: has,
        to,
        private_link_rules,
        only_if_let_in: false,
    })
}

fn attributes(diff: &Diff<'_>, found: &Attributes) -> Option<BalancerChange> {
    let wish = &diff.wanted.balancer;
    let default = |key: &str| {
        if keeps_rest(diff) { None } else { defaults::balancer(wish.scheme, wish.address_type, key) }
    };
    attribute_change(&wish.attributes, found, default).map(BalancerChange::Attributes)
}

fn capacity(diff: &Diff<'_>, details: &BalancerDetails) -> Option<BalancerChange> {
    let (from, to) = (details.capacity.filter(|units| *units > 0), diff.wanted.balancer.capacity);
    let leave = keeps_rest(diff) && to.is_none();
    (from != to && !leave).then_some(BalancerChange::Capacity { from, to })
}

fn named(diff: &Diff<'_>, changes: Vec<BalancerChange>) -> Vec<Change> {
    let name = diff.balancer_name();
    changes.into_iter().map(|change| Change::Balancer(name.to_owned(), change)).collect()
}
