//! Who may have a reserved address of the user. Services that do not share one must not come to have it together: whoever
//! has a forwarding rule on it keeps it, and of several that want it at the same time the first one gets it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use landfall_core::ids::LbId;
use tokio::time::Instant;

use crate::account::Account;
use crate::api::Reference;
use crate::network::{AddressError, NetworkError};
use crate::resources::{AddressSource, Wanted};

/// How long a claim lasts that is not renewed: well over the five minutes after which a run that failed is tried again.
const LASTS: Duration = Duration::from_mins(15);

/// Which load balancer is about to put a forwarding rule on which reserved address.
///
/// A claim is taken before anything is made and ends with a run that succeeded: then the forwarding rule tells who has
/// the address. It outlives a run that failed, which may have taken the only rule away and not yet made the next one, but
/// not a wish that does not name the address any more, or that cannot be made, nor a load balancer that is not tried again.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<HashMap<Reference, Claim>>);

#[derive(Debug)]
struct Claim {
    lb: LbId,
    /// When it ends unless it is renewed.
    until: Instant,
}

impl Claims {
    /// Whether a load balancer can have the reserved addresses of its wish.
    pub(crate) fn check(&self, account: &Account, wanted: &Wanted) -> Result<(), NetworkError> {
        check(&self.lock(), account, wanted)
    }

    /// Claims the reserved addresses of a wish, and no longer those of an earlier one, also if these are taken.
    pub(crate) fn take(&self, account: &Account, wanted: &Wanted) -> Result<(), NetworkError> {
        let mut claims = self.lock();
        let now = Instant::now();
        let is_named = |reservation: &Reference| given(wanted).any(|(named, _)| named == reservation);
        claims.retain(|reservation, claim| {
            now < claim.until && (claim.lb != wanted.lb || is_named(reservation))
        });
        check(&claims, account, wanted)?;
        let claim = || Claim { lb: wanted.lb.clone(), until: now + LASTS };
        claims.extend(given(wanted).map(|(reservation, _)| (reservation.clone(), claim())));
        Ok(())
    }

    /// A load balancer needs its claims no longer.
    pub(crate) fn end(&self, lb: &LbId) {
        self.lock().retain(|_, claim| claim.lb != *lb);
    }

    /// Forgets all claims: others may have been at work meanwhile.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Reference, Claim>> {
        // A panic of another holder leaves whole claims.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(claims: &HashMap<Reference, Claim>, account: &Account, wanted: &Wanted) -> Result<(), NetworkError> {
    for (reservation, address) in given(wanted) {
        let claim =
            claims.get(reservation).filter(|claim| Instant::now() < claim.until).map(|claim| &claim.lb);
        let mut holders = account.holders(address);
        if holders.remove(&wanted.lb) || claim == Some(&wanted.lb) {
            // Two came to have it in spite of all: made by two processes, or by one that ended in between.
            let age = |lb: &LbId| (account.born(lb).unwrap_or(Timestamp::MAX), lb.clone());
            let mine = age(&wanted.lb);
            holders.retain(|other| age(other) < mine);
        } else {
            holders.extend(claim.cloned());
        }
        if !holders.is_empty() {
            let holders = holders.iter().map(|lb| format!("the load balancer {lb}")).collect();
            let asked = format!("{} ({address})", reservation.name);
            return Err(NetworkError::address(asked, AddressError::Taken(holders)));
        }
    }
    Ok(())
}

/// The reserved addresses of the user that a wish names.
fn given(wanted: &Wanted) -> impl Iterator<Item = (&Reference, IpAddr)> {
    wanted.addresses.iter().filter_map(|wish| match &wish.source {
        AddressSource::Given { reference, address } => Some((reference, *address)),
        AddressSource::Chosen { .. } => None,
    })
}
