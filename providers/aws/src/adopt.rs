//! Taking over a load balancer that was there before: first the plan, then the operator's word, then the changes.

use landfall_core::names::hash_of;
use landfall_core::plan::Step;

use crate::api::ids::LoadBalancerArn;
use crate::change::{Change, GroupChange};
use crate::error::AwsError;
use crate::marks;
use crate::observe::{Balancer, Observed};
use crate::resources::Wanted;

/// Fails unless there is nothing to take over, or the operator agreed to these changes.
///
/// Once the load balancer has our marks it is ours to converge: a run that was killed half-way goes on.
pub(crate) fn confirm(
    wanted: &Wanted,
    observed: &Observed,
    changes: &[Change],
    confirmed: Option<&str>,
) -> Result<(), AwsError> {
    let Some(arn) = &wanted.balancer.adopt else { return Ok(()) };
    let Some(balancer) = observed.balancers.iter().find(|balancer| balancer.it.arn == *arn) else {
        return Ok(());
    };
    if is_taken_over(balancer, wanted) {
        return Ok(());
    }
    refuse_impossible(wanted, balancer, arn)?;
    let plan = plan_text(changes);
    let fingerprint = hash_of(&[arn.as_str(), &plan]);
    if confirmed == Some(fingerprint.as_str()) {
        return Ok(());
    }
    Err(AwsError::AdoptionNeedsConfirmation {
        whom: wanted.lb.to_string(),
        arn: arn.to_string(),
        plan,
        fingerprint,
    })
}

/// Whether a load balancer that is to be taken over has been.
pub(crate) fn is_taken_over(balancer: &Balancer, wanted: &Wanted) -> bool {
    let ours = marks::mark(&balancer.tags).is_some_and(|mark| mark.lb == wanted.lb);
    ours && marks::is_adopted(&balancer.tags)
}

/// Targets come and go with the nodes between the plan and the operator's word, so they are not part of it.
fn plan_text(changes: &[Change]) -> String {
    let agreed = changes.iter().filter(|change| !matches!(change, Change::Group(_, GroupChange::Targets(_))));
    let steps: Vec<Step> = agreed.flat_map(Change::steps).collect();
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A listener can be given back only if it forwarded to one target group, under the protocol that it keeps.
fn refuse_impossible(wanted: &Wanted, balancer: &Balancer, arn: &LoadBalancerArn) -> Result<(), AwsError> {
    let refused = |reason: String| {
        let (whom, arn) = (wanted.lb.to_string(), arn.to_string());
        Err(AwsError::NotAdoptable { whom, arn, reason })
    };
    for listener in balancer.details.iter().flat_map(|details| &details.listeners) {
        let port = listener.it.port;
        let Some(wish) = wanted.listeners.iter().find(|wish| wish.port == port) else { continue };
        match listener.it.spec.protocol {
            Some(protocol) if protocol == wish.protocol => {}
            Some(protocol) => {
                return refused(format!(
                    "its listener on port {port} has the protocol {protocol} and the Service asks for {}: make them \
                     equal, or delete the listener",
                    wish.protocol
                ));
            }
            None => {
                return refused(format!(
                    "its listener on port {port} has a protocol that Landfall does not serve: delete the listener"
                ));
            }
        }
        if marks::original_tls(&listener.it.spec).is_none() {
            return refused(format!(
                "the certificate of its listener on port {port} has a name that fits in no tag, so it could not be \
                 given back later: give it another, or delete the listener"
            ));
        }
        if listener.it.spec.forward.is_none() {
            return refused(format!(
                "its listener on port {port} forwards to other than one target group, which could not be given back \
                 later: make it forward to one, or delete it"
            ));
        }
    }
    Ok(())
}
