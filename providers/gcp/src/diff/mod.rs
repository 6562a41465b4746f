//! From what exists to what is wanted: changes in stages. Pure.
//!
//! The stages are the safety: what is referred to before what refers, the address held before a forwarding rule is
//! replaced on it, clients let in before an address is told, everything new before anything old goes. Only a forwarding
//! rule that stands in the way of its successor goes before it.

use landfall_core::model::MemberRef;

use crate::api::Reference;
use crate::change::{Change, Stage, What};
use crate::error::GcpError;
use crate::observe::{Observed, Owner};
use crate::resources::Wanted;

mod addresses;
mod base;
mod fields;
mod firewalls;
mod rules;
mod services;
mod spare;

pub(crate) use addresses::{chosen, ip_of, text_of};

/// The changes, by stage. Empty if nothing is to be done.
pub(crate) fn diff(wanted: &Wanted, observed: &Observed) -> Result<Vec<Change>, GcpError> {
    refuse_strangers(wanted, observed)?;
    let diff = Diff { wanted, observed };
    let turnover = rules::turnover(&diff);
    let mut changes = base::checks(&diff);
    changes.extend(base::groups(&diff));
    changes.extend(base::members(&diff));
    changes.extend(addresses::holds(&diff, &turnover));
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

fn refuse_strangers(wanted: &Wanted, observed: &Observed) -> Result<(), GcpError> {
    let Some(foreign) = observed.foreign.first() else { return Ok(()) };
    Err(GcpError::Foreign {
        whom: wanted.lb.to_string(),
        what: Box::new(foreign.reference.clone()),
        owner: foreign.owner.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests;
