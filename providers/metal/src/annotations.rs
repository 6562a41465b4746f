//! What one Service asks for in its annotations.
//!
//! | annotation | meaning |
//! |---|---|
//! | `landfall.dev/address-pools` | names of pools, comma separated, most preferred first |
//! | `metallb.io/address-pool` | name of one pool |
//! | `metallb.io/loadBalancerIPs` | addresses, comma separated, at most one per family |
//! | `metallb.io/allow-shared-ip` | key: load balancers with equal keys may hold one address |
//!
//! The prefix `metallb.universe.tf/` of older MetalLB releases means the same as `metallb.io/`.

use std::net::IpAddr;

use landfall_core::annotations::{ADDRESS_POOLS, ADDRESSES, list};
use landfall_core::error::Category;
use landfall_core::model::Member;
use landfall_core::net::IpFamily;
use landfall_core::refusal::{Refusal, categories};

use crate::error::categories::FAMILY_MISMATCH;
use crate::family::AddressPair;

/// What one Service asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberWish {
    /// Addresses it wants to have.
    pub(crate) requested: Sourced<AddressPair>,
    /// Pools it wants its addresses from, most preferred first.
    pub(crate) pools: Option<Sourced<Vec<String>>>,
    /// With whom it shares an address.
    pub(crate) share_key: Option<Sourced<String>>,
}

/// A value and where the user wrote it, so that a refusal names what was set and not one of its other spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub(crate) value: T,
    /// Annotation key or path.
    pub(crate) field: &'static str,
}

const POOL: Alias = Alias { key: "metallb.io/address-pool", legacy: "metallb.universe.tf/address-pool" };
const METALLB_ADDRESSES: Alias =
    Alias { key: "metallb.io/loadBalancerIPs", legacy: "metallb.universe.tf/loadBalancerIPs" };
const SHARED_IP: Alias =
    Alias { key: "metallb.io/allow-shared-ip", legacy: "metallb.universe.tf/allow-shared-ip" };

/// Reads the wish as far as it can be read, and says what cannot.
pub(crate) fn read(member: &Member) -> (MemberWish, Vec<Refusal>) {
    let mut reader = Reader { member, refusals: Vec::new() };
    let wish =
        MemberWish { requested: reader.requested(), pools: reader.pools(), share_key: reader.share_key() };
    (wish, reader.refusals)
}

/// One meaning, two keys.
struct Alias {
    key: &'static str,
    legacy: &'static str,
}

struct Reader<'a> {
    member: &'a Member,
    refusals: Vec<Refusal>,
}

impl<'a> Reader<'a> {
    fn requested(&mut self) -> Sourced<AddressPair> {
        let field = core_field(self.member);
        let from_core = Sourced { value: self.pair(field, &self.member.requested), field };
        let Some((key, value)) = self.one_of(&METALLB_ADDRESSES) else { return from_core };
        let mut addresses = Vec::new();
        for part in list(value) {
            match part.parse::<IpAddr>() {
                Ok(address) => addresses.push(address),
                Err(_) => self.invalid(key, value, format!("{part:?} is not an IP address")),
            }
        }
        if addresses.is_empty() {
            self.invalid(key, value, "must list one IP address, or one per family".to_owned());
            return from_core;
        }
        let from_metallb = self.pair(key, &addresses);
        if from_core.value != AddressPair::default() && from_core.value != from_metallb {
            self.conflict(key, value, format!("must be equal to {field}, or one of the two left out"));
        }
        Sourced { value: from_metallb, field: key }
    }

    /// At most one address per family, each of a family that the Service has.
    fn pair(&mut self, field: &'static str, addresses: &[IpAddr]) -> AddressPair {
        let mut pair = AddressPair::default();
        for &address in addresses {
            let family = IpFamily::of(&address);
            let slot = pair.get_mut(family);
            if slot.is_some_and(|other| other != address) {
                self.invalid(field, &address.to_string(), format!("at most one {family} address"));
            } else if self.member.families.contains(&family) {
                *slot = Some(address);
            } else {
                let has: Vec<_> = self.member.families.iter().map(|family| family.as_str()).collect();
                let message = format!("is an {family} address, but spec.ipFamilies is [{}]", has.join(", "));
                self.refuse(FAMILY_MISMATCH, field, &address.to_string(), message);
            }
        }
        pair
    }

    fn pools(&mut self) -> Option<Sourced<Vec<String>>> {
        let ours = self.member.annotations.get(ADDRESS_POOLS).map(|value| (value, names(value)));
        let metallb = self.one_of(&POOL).map(|(key, value)| (key, value, vec![value.trim().to_owned()]));
        if let Some((value, names)) = &ours
            && names.is_empty()
        {
            self.invalid(ADDRESS_POOLS, value, "must name at least one AddressPool".to_owned());
            return None;
        }
        if let Some((key, value, _)) = &metallb
            && value.trim().is_empty()
        {
            self.invalid(key, value, "must name an AddressPool".to_owned());
            return None;
        }
        match (ours, metallb) {
            (Some((value, ours)), Some((key, _, metallb))) if ours != metallb => {
                self.conflict(
                    ADDRESS_POOLS,
                    value,
                    format!("must be equal to {key}, or one of the two left out"),
                );
                Some(Sourced { value: ours, field: ADDRESS_POOLS })
            }
            (Some((_, value)), _) => Some(Sourced { value, field: ADDRESS_POOLS }),
            (None, Some((field, _, value))) => Some(Sourced { value, field }),
            (None, None) => None,
        }
    }

    fn share_key(&mut self) -> Option<Sourced<String>> {
        let (key, value) = self.one_of(&SHARED_IP)?;
        if value.trim().is_empty() {
            self.invalid(
                key,
                value,
                "must be a key: Services with equal keys may share an address".to_owned(),
            );
            return None;
        }
        Some(Sourced { value: value.trim().to_owned(), field: key })
    }

    /// The value under the current or the legacy key; both only if they say the same.
    fn one_of(&mut self, alias: &Alias) -> Option<(&'static str, &'a str)> {
        let member = self.member;
        let get = |key: &'static str| member.annotations.get(key).map(|value| (key, value.as_str()));
        let (current, legacy) = (get(alias.key), get(alias.legacy));
        if let (Some((key, new)), Some((old_key, old))) = (current, legacy)
            && new != old
        {
            self.conflict(key, new, format!("must be equal to {old_key}, or one of the two left out"));
        }
        current.or(legacy)
    }

    fn invalid(&mut self, field: &str, value: &str, message: String) {
        self.refuse(categories::INVALID_VALUE, field, value, message);
    }

    fn conflict(&mut self, field: &str, value: &str, message: String) {
        self.refuse(categories::CONFLICTING_VALUES, field, value, message);
    }

    fn refuse(&mut self, category: Category, field: &str, value: &str, message: String) {
        self.refusals.push(Refusal::of(&self.member.service, category, field, value, message));
    }
}

/// Where core found the requested addresses of a member.
fn core_field(member: &Member) -> &'static str {
    if member.annotations.contains_key(ADDRESSES) { ADDRESSES } else { "spec.loadBalancerIP" }
}

/// Names of a list, each once.
fn names(value: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in list(value) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}
