//! The decision: what a load balancer keeps, gets, or is refused.
//!
//! Pure: reads the book and changes nothing, so a plan is the same decision left unapplied. In this order:
//!
//! 1. A requested address, or an error that says why not. Nothing else changes before it can be had.
//! 2. What it holds (or what the load balancer held whose members it has taken over) stays, while a pool open to
//!    it contains the address and its sharers agree.
//! 3. An address that its status shows is taken back, if it is free and its pool is open.
//! 4. An address that is held already under its sharing key, if it fits.
//! 5. The first free address, pool after pool. Both families come from one pool if one has both; else each from
//!    the first pool that has one, the pool of an address that is there already going first.
//!
//! A family that the Service can do without ([`Wish::required`]) is left out with a note if there is none, also if
//! it had one until now: a whole Service does not stop for what it can do without.

use std::net::IpAddr;

use landfall_core::model::{DesiredLb, IpMode};
use landfall_core::net::IpFamily;

use crate::book::{Book, Claim};
use crate::candidates::{candidates, giving_on_request, open};
use crate::error::MetalError;
use crate::family::{AddressPair, ByFamily, to_address};
use crate::party::{Party, label};
use crate::pool::Pool;
use crate::sharing::Clash;
use crate::wish::Wish;

/// What shall be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    /// The claim to write.
    pub(crate) claim: Claim,
    /// Addresses that its status showed and nobody held.
    pub(crate) adopted: ByFamily<bool>,
    /// The load balancer that held the addresses before, if it is another one: its claim ends.
    pub(crate) heir_of: Option<Claim>,
    /// Younger load balancers that can no longer share with this one and have to leave.
    pub(crate) evicted: Vec<(Party, IpFamily)>,
    /// Optional families without an address.
    pub(crate) without: Vec<Lack>,
    /// The order in which addresses are published.
    pub(crate) families: Vec<IpFamily>,
    /// What to publish as ipMode.
    pub(crate) mode: IpMode,
}

/// An optional family without an address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lack {
    /// The family.
    pub(crate) family: IpFamily,
    /// The address it had or showed, and why that could not stay.
    pub(crate) lost: Option<String>,
    /// Why there is no other.
    pub(crate) cause: MetalError,
}

/// Decides for one load balancer.
pub(crate) fn decide(book: &Book, desired: &DesiredLb) -> Result<Decision, MetalError> {
    if !book.is_loaded() {
        return Err(MetalError::PoolsNotLoaded { lb: label(&desired.id) });
    }
    let wish = Wish::read(desired).map_err(|refusals| MetalError::Refused { refusals })?;
    let mut members = wish.members.clone();
    members.extend(desired.retained.iter().filter_map(|who| book.facts(&who.uid)).cloned());
    let party = Party::new(desired.id.clone(), members, wish.pools.clone(), desired.sharing)
        .ok_or_else(|| MetalError::NoMembers { lb: label(&desired.id) })?;
    let heir_of = predecessor(book, &party);
    let current = heir_of.or_else(|| book.claim(&party.id)).map(|claim| claim.addresses).unwrap_or_default();
    let mut choice = Choice {
        book,
        wish: &wish,
        party: &party,
        heir_of,
        current,
        taken: AddressPair::default(),
        adopted: ByFamily::default(),
        losses: ByFamily::default(),
        evicted: Vec::new(),
        without: Vec::new(),
    };
    for &family in &wish.families {
        choice.keep(family)?;
    }
    choice.fill()?;
    let Choice { heir_of, taken, adopted, evicted, without, .. } = choice;
    let heir_of = heir_of.cloned();
    Ok(Decision {
        claim: Claim { party, addresses: taken },
        adopted,
        heir_of,
        evicted,
        without,
        families: wish.families,
        mode: wish.mode,
    })
}

/// The load balancer whose addresses go over to a new one: all its members are members of the new one. Of
/// several, that of the oldest member.
fn predecessor<'a>(book: &'a Book, party: &Party) -> Option<&'a Claim> {
    if book.claim(&party.id).is_some() {
        return None;
    }
    party
        .members
        .iter()
        .flat_map(|member| book.holding_member(&member.who.uid))
        .find(|claim| claim.party.members.iter().all(|member| party.has(&member.who)))
}

struct Choice<'a> {
    book: &'a Book,
    wish: &'a Wish,
    party: &'a Party,
    heir_of: Option<&'a Claim>,
    current: AddressPair,
    taken: AddressPair,
    adopted: ByFamily<bool>,
    losses: ByFamily<Option<(IpAddr, Loss)>>,
    evicted: Vec<(Party, IpFamily)>,
    without: Vec<Lack>,
}

/// Why an address cannot be kept.
enum Loss {
    NoPool,
    Closed(String),
    Held { by: String, clash: Clash },
}

impl<'a> Choice<'a> {
    /// Takes the requested address, or what is held or shown.
    fn keep(&mut self, family: IpFamily) -> Result<(), MetalError> {
        let (current, requested) = (*self.current.get(family), *self.wish.requested.get(family));
        if let Some(address) = current.filter(|&address| requested.is_none_or(|wanted| wanted == address)) {
            match self.keepable(address) {
                Ok(()) => {
                    self.evict_juniors(address);
                    *self.taken.get_mut(family) = Some(address);
                }
                Err(loss) => *self.losses.get_mut(family) = Some((address, loss)),
            }
        }
        if let (Some(address), None) = (requested, self.taken.get(family)) {
            self.request(address)?;
            *self.taken.get_mut(family) = Some(address);
        }
        if current.is_none() {
            self.adopt(family);
        }
        Ok(())
    }

    /// Whether a held address may stay. Younger sharers that no longer fit do not count: they have to leave.
    fn keepable(&self, address: IpAddr) -> Result<(), Loss> {
        self.is_home(address)?;
        self.clashes(address)
            .find(|(other, _)| other.party.seniority < self.party.seniority)
            .map_or(Ok(()), |(other, clash)| Err(Loss::Held { by: other.party.label(), clash }))
    }

    fn is_home(&self, address: IpAddr) -> Result<(), Loss> {
        let mut closed = None;
        for (_, pool) in self.book.pools().homes(address) {
            match open(pool, self.party) {
                Ok(()) => return Ok(()),
                Err(reason) => _ = closed.get_or_insert(format!("pool {} {reason}", pool.name)),
            }
        }
        Err(closed.map_or(Loss::NoPool, Loss::Closed))
    }

    /// Holders of an address who do not fit.
    fn clashes(&self, address: IpAddr) -> impl Iterator<Item = (&'a Claim, Clash)> {
        let (party, heir_of) = (self.party, self.heir_of);
        self.book
            .holders(address)
            .filter(move |other| {
                other.party.id != party.id && heir_of.is_none_or(|heir_of| heir_of.party.id != other.party.id)
            })
            .filter_map(move |other| Some((other, party.terms.clash(&other.party.terms)?)))
    }

    fn evict_juniors(&mut self, address: IpAddr) {
        let juniors: Vec<_> =
            self.clashes(address).map(|(other, _)| (other.party.clone(), IpFamily::of(&address))).collect();
        self.evicted.extend(juniors);
    }

    /// Takes back what the status shows. A requested address was looked at already.
    fn adopt(&mut self, family: IpFamily) {
        for &address in self.wish.published.get(family) {
            let taken = *self.taken.get(family);
            if taken.is_some() {
                *self.adopted.get_mut(family) |= taken == Some(address);
                continue;
            }
            match self.adoptable(address) {
                Ok(()) => {
                    *self.taken.get_mut(family) = Some(address);
                    *self.adopted.get_mut(family) = true;
                    *self.losses.get_mut(family) = None;
                }
                Err(loss) => _ = self.losses.get_mut(family).get_or_insert((address, loss)),
            }
        }
    }

    fn adoptable(&self, address: IpAddr) -> Result<(), Loss> {
        self.is_home(address)?;
        self.clashes(address)
            .next()
            .map_or(Ok(()), |(other, clash)| Err(Loss::Held { by: other.party.label(), clash }))
    }

    /// Whether a requested address that is not held can be had.
    fn request(&self, address: IpAddr) -> Result<(), MetalError> {
        let shown = self.wish.published.get(IpFamily::of(&address)).contains(&address);
        let pool = self.home_of_request(address, shown)?;
        if let Some((other, clash)) = self.clashes(address).next() {
            return Err(MetalError::AddressInUse {
                address,
                pool: pool.name.clone(),
                holder: other.party.label(),
                reason: clash.to_string(),
            });
        }
        if !shown && !self.book.pools().offers(address) {
            let why = "leaves out addresses that mean something to the network (avoidNetworkAndBroadcast): network and broadcast, .0 and .255, subnet-router anycast";
            return Err(not_allowed(address, pool, why));
        }
        Ok(())
    }

    /// The pool that a requested address comes from. What the status shows already is not given out anew, so it
    /// is enough that the pool is open.
    fn home_of_request(&self, address: IpAddr, shown: bool) -> Result<&'a Pool, MetalError> {
        let pools = self.book.pools();
        let mut refused = None;
        for (_, pool) in pools.homes(address) {
            let verdict = if shown { open(pool, self.party) } else { giving_on_request(pool, self.party) };
            match verdict {
                Ok(()) => return Ok(pool),
                // The owner comes first, and its reason is the one that matters.
                Err(reason) => _ = refused.get_or_insert_with(|| not_allowed(address, pool, reason)),
            }
        }
        Err(refused.unwrap_or_else(|| MetalError::AddressNotInPool { address, known: pools.names() }))
    }

    /// Finds addresses for the families that have none.
    fn fill(&mut self) -> Result<(), MetalError> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        match candidates(self.book.pools(), self.party) {
            Ok(order) => {
                self.take_shared(&order, &missing);
                self.take_free(&order);
                let short = self.missing();
                if short.is_empty() {
                    Ok(())
                } else {
                    self.go_without(&short, &|short| self::exhausted(self.book, self.party, &order, short))
                }
            }
            Err(error) => self.go_without(&missing, &|_| error.clone()),
        }
    }

    fn missing(&self) -> Vec<IpFamily> {
        self.wish.families.iter().copied().filter(|family| self.taken.get(*family).is_none()).collect()
    }

    /// An address under the own sharing key, in the most preferred pool that has one that fits.
    fn take_shared(&mut self, order: &[usize], missing: &[IpFamily]) {
        for &family in missing {
            let mut best: Option<(usize, IpAddr)> = None;
            for address in self.book.shared(&self.party.terms, family) {
                let home = self.book.pools().locate(address).map(|place| place.pool);
                let Some(rank) = order.iter().position(|&index| Some(index) == home) else { continue };
                let better = best.is_none_or(|(other, _)| rank < other);
                if better && self.clashes(address).next().is_none() {
                    best = Some((rank, address));
                }
                if best.is_some_and(|(rank, _)| rank == 0) {
                    break;
                }
            }
            *self.taken.get_mut(family) = best.map(|(_, address)| address);
        }
    }

    fn take_free(&mut self, order: &[usize]) {
        let missing = self.missing();
        let anchor = self.taken.addresses().find_map(|address| self.book.pools().locate(address));
        let whole = order.iter().copied().find(|&pool| missing.iter().all(|&f| self.free(pool, f).is_some()));
        let first = match anchor {
            Some(place) if order.contains(&place.pool) => Some(place.pool),
            _ => whole,
        };
        for family in missing {
            *self.taken.get_mut(family) =
                first.into_iter().chain(order.iter().copied()).find_map(|pool| self.free(pool, family));
        }
    }

    fn free(&self, pool: usize, family: IpFamily) -> Option<IpAddr> {
        to_address(family, self.book.pools().get(pool)?.spaces.get(family).first_free()?)
    }

    /// Notes the families that it can do without; an error if it cannot.
    fn go_without(
        &mut self,
        short: &[IpFamily],
        error: &dyn Fn(&[IpFamily]) -> MetalError,
    ) -> Result<(), MetalError> {
        let nothing = self.taken == AddressPair::default();
        let needed = |family: &&IpFamily| nothing || *self.wish.required.get(**family);
        if !short.iter().any(|family| needed(&family)) {
            let lack = |&family| Lack { family, lost: self.loss(family), cause: error(&[family]) };
            self.without = short.iter().map(lack).collect();
            return Ok(());
        }
        let losses: Vec<_> = short.iter().filter(needed).filter_map(|&family| self.loss(family)).collect();
        if losses.is_empty() {
            return Err(error(short));
        }
        Err(MetalError::NowhereToMove { lb: self.party.label(), losses, cause: Box::new(error(short)) })
    }

    fn loss(&self, family: IpFamily) -> Option<String> {
        let (address, loss) = self.losses.get(family).as_ref()?;
        Some(match loss {
            Loss::NoPool => format!("{address} (in no AddressPool any more)"),
            Loss::Closed(reason) => format!("{address} ({reason})"),
            Loss::Held { by, clash } => format!("{address} (held by {by}: {clash})"),
        })
    }
}

fn not_allowed(address: IpAddr, pool: &Pool, why: impl std::fmt::Display) -> MetalError {
    MetalError::AddressNotAllowed { address, reason: format!("pool {} {why}", pool.name) }
}

/// Says for every candidate how full it is.
fn exhausted(book: &Book, party: &Party, order: &[usize], short: &[IpFamily]) -> MetalError {
    let usage = order.iter().filter_map(|&index| book.pools().get(index)).flat_map(|pool| {
        short.iter().map(move |&family| {
            let space = pool.spaces.get(family);
            match (space.used(), space.capacity()) {
                (_, 0) => format!("pool {} has no {family} addresses", pool.name),
                (used, capacity) => {
                    format!("pool {} has {used} of {capacity} {family} addresses in use", pool.name)
                }
            }
        })
    });
    let families = short.iter().map(|family| family.as_str()).collect::<Vec<_>>().join(" and ");
    MetalError::PoolExhausted { lb: party.label(), families, usage: usage.collect() }
}
