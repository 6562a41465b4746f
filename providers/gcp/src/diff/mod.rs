//! From what exists to what is wanted: changes in stages. Pure.
//!
//! The stages are the safety: what is referred to before what refers, the address held before a forwarding rule is
//! replaced on it, clients let in before an address is told, everything new before anything old goes. Only a forwarding
//! rule that stands in the way of its successor goes before it.

use landfall_core::model::MemberRef;

use crate::api::{Kind, Reference};
use crate::change::{Change, Stage, What};
use crate::error::GcpError;
use crate::observe::{Foreign, Observed, Owner};
use crate::resources::Wanted;

mod addresses;
mod base;
mod fields;
mod firewalls;
mod rules;
mod services;
mod spare;

pub(crate) use addresses::{chosen, ip_of, read_ip, text_of};

/// The changes, by stage. Empty if nothing is to be done.
pub(crate) fn diff(wanted: &Wanted, observed: &Observed) -> Result<Vec<Change>, GcpError> {
    let diff = Diff { wanted, observed };
    let turnover = rules::turnover(&diff);
    let holds = addresses::holds(&diff, &turnover);
    refuse_strangers(wanted, observed, &holds)?;
    let mut changes = base::checks(&diff);
    changes.extend(base::groups(&diff));
    changes.extend(base::members(&diff));
    changes.extend(holds);
    changes.extend(services::services(&diff, &turnover));
    changes.extend(rules::rules(&diff, &turnover));
    changes.extend(firewalls::firewalls(&diff));
    changes.extend(addresses::labels(&diff));
    changes.extend(addresses::spare(&diff, &turnover));
    changes.extend(spare::spare(&diff));
    // What all share is made before the rest. Stable: within a stage the order is that of above.
    changes.sort_by_key(|change| (!change.shared, change.stage));
    Ok(changes)
}

/// What the parts of the comparison share.
struct Diff<'a> {
    wanted: &'a Wanted,
    observed: &'a Observed,
}

impl Diff<'_> {
    /// Whether something belongs to this load balancer and to no member whose wish is refused for now.
    fn is_disposable(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Shared => false,
            Owner::Lb { member, .. } => !member.as_ref().is_some_and(|member| self.is_retained(member)),
        }
    }

    fn is_retained(&self, member: &MemberRef) -> bool {
        self.wanted.retained.contains(member)
    }
}

/// A change that removes something.
fn delete(stage: Stage, reference: &Reference) -> Change {
    Change::new(stage, reference, What::Delete)
}

/// Whether something that is not this load balancer's has a name that it needs now. Reservations are needed when they are
/// to be made; everything else is needed always.
fn refuse_strangers(wanted: &Wanted, observed: &Observed, holds: &[Change]) -> Result<(), GcpError> {
    let is_needed = |it: &&Foreign| {
        it.reference.kind != Kind::Address || holds.iter().any(|hold| hold.reference == it.reference)
    };
    let Some(foreign) = observed.foreign.iter().find(is_needed) else { return Ok(()) };
    Err(GcpError::Foreign {
        whom: wanted.lb.to_string(),
        what: Box::new(foreign.reference.clone()),
        owner: foreign.owner.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests;
