//! A decision as steps that can be printed.

use std::net::IpAddr;

use landfall_core::net::IpFamily;
use landfall_core::plan::{Action, Step};

use crate::book::{Book, Claim};
use crate::choose::Decision;
use crate::family::AddressPair;
use crate::party::{Party, label};

/// The resource kind of everything here.
pub(crate) const ADDRESS: &str = "address";

/// What changes: new addresses first, then changes of what is kept, what is given up last.
///
/// An address taken back because the status shows it already is no step: nothing changes for anybody.
pub(crate) fn steps(book: &Book, decision: &Decision) -> Vec<Step> {
    let own = book.claim(&decision.claim.party.id);
    let before = decision.heir_of.as_ref().or(own).map(|claim| claim.addresses).unwrap_or_default();
    let (mut steps, mut last) = (Vec::new(), Vec::new());
    for family in IpFamily::BOTH {
        let (old, new) = (*before.get(family), *decision.claim.addresses.get(family));
        if let Some(address) = new.filter(|_| old != new && !decision.adopted.get(family)) {
            steps.push(create(book, decision, address));
        }
        if let Some(address) = new.filter(|_| old == new) {
            steps.extend(update(decision, own, address));
        }
        if let Some(address) = old.filter(|_| old != new) {
            last.push(Step::new(Action::Delete, ADDRESS, address.to_string()));
        }
    }
    steps.extend(last);
    steps
}

fn create(book: &Book, decision: &Decision, address: IpAddr) -> Step {
    let pool = pool_of(book, address).unwrap_or_default();
    let step = Step::new(Action::Create, ADDRESS, address.to_string())
        .set("pool", pool)
        .set("family", IpFamily::of(&address).as_str())
        .set("ports", ports(&decision.claim.party));
    let sharers: Vec<_> = book.holders(address).map(|claim| claim.party.label()).collect();
    if sharers.is_empty() { step } else { step.set("sharedWith", sharers.join(", ")) }
}

/// What changes about an address that is kept: all of its holder's terms, and who can no longer share it. Nobody is
/// evicted from any other address, so an eviction always shows here.
fn update(decision: &Decision, own: Option<&Claim>, address: IpAddr) -> Option<Step> {
    let (party, before) = (&decision.claim.party, &decision.heir_of.as_ref().or(own)?.party);
    let mut step = Step::new(Action::Update, ADDRESS, address.to_string());
    if before.id != party.id {
        step = step.change("holder", label(&before.id), party.label());
    }
    if before.terms.ports != party.terms.ports {
        step = step.change("ports", ports(before), ports(party));
    }
    if before.terms.key != party.terms.key {
        let text = |party: &Party| party.terms.key.as_ref().map(ToString::to_string);
        step = step.change("sharingKey", text(before), text(party));
    }
    if before.terms.backend != party.terms.backend {
        let text = |party: &Party| party.terms.backend.to_string();
        step = step.change("externalTrafficPolicy", text(before), text(party));
    }
    let family = IpFamily::of(&address);
    for (leaving, _) in decision.evicted.iter().filter(|(_, lost)| *lost == family) {
        step = step.unset("sharedWith", leaving.label());
    }
    (!step.diff.is_empty()).then_some(step)
}

fn ports(party: &Party) -> String {
    party.terms.ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Name of the pool that owns an address.
pub(crate) fn pool_of(book: &Book, address: IpAddr) -> Option<String> {
    let place = book.pools().locate(address)?;
    book.pools().get(place.pool).map(|pool| pool.name.clone())
}

/// The addresses of a pair in the order in which they are published.
pub(crate) fn in_order(addresses: &AddressPair, families: &[IpFamily]) -> Vec<IpAddr> {
    families.iter().filter_map(|&family| *addresses.get(family)).collect()
}
