//! Addresses: which one each family has, when it is held, and when it is let go.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::net::IpFamily;

use super::Diff;
use super::rules::{Turnover, family_of};
use crate::api::Reference;
use crate::api::types::{Address, AddressType, ForwardingRule, Scheme};
use crate::change::{Change, Stage, What};
use crate::defaults::path;
use crate::observe::{Observed, Thing};
use crate::resources::{AddressSource, AddressWish, IPV6_PREFIX, Wanted};

/// The tier of an address that tells none.
const PREMIUM: &str = "PREMIUM";

/// The address that a family has, or is to have; `None` if Google is to choose one.
pub(crate) fn chosen(wanted: &Wanted, observed: &Observed, family: IpFamily) -> Option<IpAddr> {
    let wish = wanted.addresses.iter().find(|wish| wish.family == family)?;
    let (reservation, asked) = match &wish.source {
        AddressSource::Given { address, .. } => return Some(*address),
        AddressSource::Chosen { reservation, asked, .. } => (reservation, *asked),
    };
    let reserved = || observed.addresses().map(|(_, _, it)| it).filter(|it| fits(it, reservation, family));
    let by_name = || reserved().find(|it| it.name == reservation.name);
    asked
        .or_else(|| by_name().and_then(ip_of_address))
        .or_else(|| of_rules(wanted, observed, family))
        .or_else(|| reserved().find_map(ip_of_address))
}

/// The address of the rules that are there, if those wanted can have it: rather one of a rule that stays.
fn of_rules(wanted: &Wanted, observed: &Observed, family: IpFamily) -> Option<IpAddr> {
    let wish = wanted.forwarding_rules.iter().find(|wish| wish.family == family);
    let can_have = |rule: &ForwardingRule| wish.is_none_or(|wish| same_pool(rule, &wish.it));
    let rules = observed.rules().filter(|(_, _, rule)| family_of(rule) == family && can_have(rule));
    let stays =
        |reference: &Reference| wanted.forwarding_rules.iter().any(|wish| wish.reference == *reference);
    let best = rules.filter_map(|(reference, _, rule)| Some((!stays(reference), ip_of(rule)?))).min();
    best.map(|(_, address)| address)
}

/// Whether two rules can have one address: it comes from the same pool for both.
fn same_pool(rule: &ForwardingRule, other: &ForwardingRule) -> bool {
    let tier = |rule: &ForwardingRule| rule.network_tier.clone().unwrap_or_else(|| PREMIUM.to_owned());
    rule.load_balancing_scheme == other.load_balancing_scheme
        && tier(rule) == tier(other)
        && (other.subnetwork.is_none() || same_url(rule.subnetwork.as_deref(), other.subnetwork.as_deref()))
}

fn fits(address: &Address, wish: &Address, family: IpFamily) -> bool {
    let kind = |it: &Address| it.address_type.clone().unwrap_or(AddressType::External);
    let tier = |it: &Address| it.network_tier.clone().unwrap_or_else(|| PREMIUM.to_owned());
    ip_of_address(address).is_some_and(|ip| IpFamily::of(&ip) == family)
        && kind(address) == kind(wish)
        && (kind(wish) == AddressType::Internal || tier(address) == tier(wish))
        && (wish.purpose.is_none() || address.purpose == wish.purpose)
        && (wish.subnetwork.is_none() || same_url(address.subnetwork.as_deref(), wish.subnetwork.as_deref()))
}

/// Reservations to make: where one is to be kept, and where the address of a rule must outlive it for a moment.
pub(super) fn holds(diff: &Diff<'_>, turnover: &Turnover<'_>) -> Vec<Change> {
    diff.wanted.addresses.iter().filter_map(|wish| hold(diff, turnover, wish)).collect()
}

fn hold(diff: &Diff<'_>, turnover: &Turnover<'_>, wish: &AddressWish) -> Option<Change> {
    let AddressSource::Chosen { reference, reservation, keep, .. } = &wish.source else { return None };
    let address = chosen(diff.wanted, diff.observed, wish.family);
    let is_reserved = diff.observed.addresses().any(|(_, _, it)| match address {
        Some(address) => ip_of_address(it) == Some(address),
        None => it.name == reservation.name,
    });
    let is_reused = address.is_some_and(|address| turnover.reuses(diff, wish.family, address));
    // Who held it may have let it go since: that does no harm before a rule leaves the address.
    let is_held = address.is_some_and(|address| diff.observed.held_by_others.contains(&address));
    let is_needed = is_reused || (*keep && !is_held);
    if is_reserved || !is_needed {
        return None;
    }
    let mut it = (**reservation).clone();
    it.address = address.map(|address| address.to_string());
    if it.address.is_some() && it.rest.remove("ipCollection").is_some() {
        // The address tells which prefix it is of.
        it.prefix_length = None;
    }
    if !keep {
        // It goes in a moment.
        it.labels.clear();
    }
    Some(Change::new(Stage::Base, reference, What::Insert(Box::new(Thing::Address(it)))))
}

/// Labels of reservations that differ.
pub(super) fn labels(diff: &Diff<'_>) -> Vec<Change> {
    let wishes = diff.wanted.addresses.iter().filter_map(|wish| match &wish.source {
        AddressSource::Chosen { reference, reservation, keep: true, .. } => Some((reference, reservation)),
        _ => None,
    });
    let change = wishes.filter_map(|(reference, wish)| {
        let there = diff.observed.address(reference)?;
        let change = Change::new(Stage::Firewall, reference, What::Labels(wish.labels.clone()));
        (there.labels != wish.labels).then_some(change)
    });
    change.collect()
}

/// Reservations that nobody needs any more: the forwarding rules have the addresses by then, or nobody wants them.
pub(super) fn spare(diff: &Diff<'_>, turnover: &Turnover<'_>) -> Vec<Change> {
    if !diff.wanted.retained.is_empty() {
        return Vec::new();
    }
    let mut spare: Vec<Reference> = diff
        .observed
        .addresses()
        .filter(|(_, owner, it)| diff.is_disposable(owner) && !is_kept(diff, it))
        .map(|(reference, ..)| reference.clone())
        .collect();
    let holds = holds(diff, turnover).into_iter().map(|change| change.reference);
    spare.extend(holds.filter(|reference| !keeps_by_name(diff, &reference.name)));
    spare.iter().map(|reference| super::delete(Stage::SpareServices, reference)).collect()
}

fn is_kept(diff: &Diff<'_>, it: &Address) -> bool {
    diff.wanted.addresses.iter().any(|wish| match &wish.source {
        AddressSource::Chosen { reservation, keep: true, .. } => {
            let address = chosen(diff.wanted, diff.observed, wish.family);
            // One that was reserved under another name does as well.
            reservation.name == it.name || (address.is_some() && ip_of_address(it) == address)
        }
        _ => false,
    })
}

fn keeps_by_name(diff: &Diff<'_>, name: &str) -> bool {
    diff.wanted.addresses.iter().any(|wish| match &wish.source {
        AddressSource::Chosen { reservation, keep, .. } => *keep && reservation.name == name,
        AddressSource::Given { .. } => false,
    })
}

/// The address of a forwarding rule. Those of IPv6 are the first of a prefix.
pub(crate) fn ip_of(rule: &ForwardingRule) -> Option<IpAddr> {
    read_ip(rule.ip_address.as_deref()?)
}

fn ip_of_address(address: &Address) -> Option<IpAddr> {
    read_ip(address.address.as_deref()?)
}

/// An address, or the first one of a range.
pub(crate) fn read_ip(text: &str) -> Option<IpAddr> {
    let address = || text.parse::<IpNet>().ok().map(|net| net.addr());
    text.parse().ok().or_else(address)
}

/// An address as forwarding rules and destination ranges have it. IPv6 addresses of load balancers are prefixes, as long as
/// the forwarding rule or the reservation tells that has it: those that a project brought along are of other lengths.
pub(crate) fn text_of(observed: &Observed, address: IpAddr) -> String {
    if address.is_ipv4() {
        return address.to_string();
    }
    let rules = observed.rules().filter(|(_, _, rule)| ip_of(rule) == Some(address));
    let of_rules = rules.filter_map(|(_, _, rule)| rule.ip_address.as_deref()?.parse::<IpNet>().ok());
    let reserved = observed.addresses().filter(|(_, _, it)| ip_of_address(it) == Some(address));
    let told = of_rules.map(|net| net.prefix_len()).chain(reserved.filter_map(|(_, _, it)| it.prefix_length));
    format!("{address}/{}", told.min().unwrap_or(IPV6_PREFIX))
}

/// Whether two URLs tell the same resource.
pub(super) fn same_url(one: Option<&str>, other: Option<&str>) -> bool {
    one.map(path) == other.map(path)
}

/// Whether several rules can have an internal address, as far as its rules tell.
pub(super) fn is_internal(rule: &ForwardingRule) -> bool {
    rule.load_balancing_scheme == Some(Scheme::Internal)
}
