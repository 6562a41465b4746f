//! What a decision, or the lack of one, leaves in the book.

use landfall_core::model::DesiredLb;

use crate::book::Book;
use crate::choose::Decision;

/// Carries a decision out. Who lacks an optional family stays restless: it may be had later.
pub(crate) fn apply(book: &mut Book, decision: &Decision) {
    if let Some(before) = &decision.heir_of {
        book.release(&before.party.id);
    }
    for (party, family) in &decision.evicted {
        book.evict(&party.id, *family);
    }
    if decision.without.is_empty() {
        book.restless.remove(&decision.claim.party.id);
    } else {
        book.restless.insert(decision.claim.party.id.clone());
    }
    book.put(decision.claim.clone());
}

/// What remains of a wish that could not be had: the load balancer is restless and keeps what it holds.
///
/// Its status goes on showing the addresses, and kube-proxy serves the ports of its Services on them as they are
/// now. So these ports are taken as well as the old ones, but for those that a sharer holds already.
pub(crate) fn hold_on(book: &mut Book, desired: &DesiredLb) {
    if !book.is_loaded() {
        return;
    }
    book.restless.insert(desired.id.clone());
    let Some(mut claim) = book.claim(&desired.id).cloned() else { return };
    let holders = claim.addresses.addresses().flat_map(|address| book.holders(address));
    let others = holders.filter(|other| other.party.id != desired.id);
    let taken = others.flat_map(|other| other.party.terms.ports.iter().copied()).collect();
    if claim.party.need_also(&desired.members, &taken) {
        book.put(claim);
    }
}
