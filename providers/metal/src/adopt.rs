//! Taking over what the statuses show, and finding out who lost what.

use std::collections::BTreeSet;
use std::net::IpAddr;

use landfall_core::class::Sharing;
use landfall_core::ids::LbId;
use landfall_core::net::IpFamily;
use landfall_core::pools::Holding;

use crate::annotations;
use crate::book::{Book, Claim};
use crate::candidates::open;
use crate::family::AddressPair;
use crate::party::{MemberFacts, Party, Seniority};

/// Replaces every claim by what the statuses show. Returns who shows an address that another one has.
///
/// Older load balancers come first (by creation, then by name), so the result does not depend on the order of
/// the list. An address in no pool is taken over as well: it stays its holder's until there is another one, and
/// is whole again if its pool comes back.
pub(crate) fn adopt(book: &mut Book, holdings: &[Holding]) -> BTreeSet<LbId> {
    book.clear();
    let mut parties: Vec<(Seniority, Party, Vec<IpAddr>)> = holdings.iter().filter_map(read).collect();
    parties.sort_by(|(a, one, _), (b, two, _)| (a, &one.id).cmp(&(b, &two.id)));
    let mut losers = BTreeSet::new();
    for (_, party, published) in parties {
        let id = party.id.clone();
        let mut addresses = book.claim(&id).map(|claim| claim.addresses).unwrap_or_default();
        for family in IpFamily::BOTH {
            let shown: Vec<_> = published.iter().copied().filter(|a| IpFamily::of(a) == family).collect();
            if addresses.get(family).is_none() {
                *addresses.get_mut(family) = pick(book, &party, &shown);
            }
            if shown.iter().any(|address| *addresses.get(family) != Some(*address)) {
                losers.insert(id.clone());
            }
        }
        if addresses != AddressPair::default() {
            book.put(Claim { party, addresses });
        }
    }
    losers
}

/// Reads a holding with the best effort: what cannot be read of its annotations counts as not given. `None` if
/// its status shows no address.
fn read(holding: &Holding) -> Option<(Seniority, Party, Vec<IpAddr>)> {
    let published: Vec<_> =
        holding.members.iter().flat_map(|member| member.published.iter().copied()).collect();
    if published.is_empty() {
        return None;
    }
    let wishes: Vec<_> = holding.members.iter().map(|member| annotations::read(member).0).collect();
    let facts = holding.members.iter().zip(&wishes).map(|(member, wish)| MemberFacts::of(member, wish));
    let pools = wishes.iter().find_map(|wish| Some(wish.pools.clone()?.value));
    let sharing = match holding.sharing {
        // The keys are refused from now on. What they led to stays, as with every refused wish.
        Sharing::None => Sharing::default(),
        other => other,
    };
    let party = Party::new(holding.id.clone(), facts.collect(), pools, sharing)?;
    Some((party.seniority.clone(), party, published))
}

/// The first address that a pool open to the party contains, else the first that nobody else has.
fn pick(book: &Book, party: &Party, shown: &[IpAddr]) -> Option<IpAddr> {
    let free = |address: &&IpAddr| {
        book.holders(**address).all(|other| other.party.terms.clash(&party.terms).is_none())
    };
    shown
        .iter()
        .filter(free)
        .find(|address| is_home(book, party, **address))
        .or_else(|| shown.iter().find(free))
        .copied()
}

fn is_home(book: &Book, party: &Party, address: IpAddr) -> bool {
    book.pools().homes(address).any(|(_, pool)| open(pool, party).is_ok())
}

/// Who holds an address that no pool open to it contains.
pub(crate) fn displaced(book: &Book) -> BTreeSet<LbId> {
    let lost =
        |claim: &&Claim| claim.addresses.addresses().any(|address| !is_home(book, &claim.party, address));
    book.claims().filter(lost).map(|claim| claim.party.id.clone()).collect()
}
