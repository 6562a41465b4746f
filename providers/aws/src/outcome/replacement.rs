//! What is told of a replacement: what it waits for, and when the predecessor goes.

use std::time::Duration;

use jiff::Timestamp;
use landfall_core::error::{Category, Classified as _};
use landfall_core::outcome::Problem;

use crate::error::AwsError;
use crate::handover::Fate;
use crate::observe::Balancer;
use crate::resources::Wanted;
use crate::roles::{self, Roles};

/// No sooner than that is looked again, as clocks and timers differ by less.
const AT_LEAST: Duration = Duration::from_secs(1);

/// Whether the load balancer wanted takes traffic, and clients are not sent there yet.
pub(super) fn is_under_way(roles: &Roles<'_>) -> bool {
    roles.current.is_some_and(roles::is_active) && !roles.handover.is_done()
}

/// When the next predecessor can go.
pub(super) fn look_again(roles: &Roles<'_>) -> Option<Duration> {
    let next = roles.handover.next(&roles.predecessors)?;
    Some(next.unsigned_abs().max(AT_LEAST))
}

/// What operators should know of it.
pub(super) fn told(wanted: &Wanted, roles: &Roles<'_>) -> Vec<Problem> {
    let predecessors = roles.predecessors.iter();
    let of_predecessor = |balancer: &&Balancer| of_predecessor(wanted, roles, balancer);
    held_back(roles)
        .into_iter()
        .chain(waiting(roles))
        .chain(predecessors.filter_map(of_predecessor))
        .collect()
}

/// The load balancer would be replaced, were it not for a member whose wish is refused.
fn held_back(roles: &Roles<'_>) -> Option<Problem> {
    let current = roles.current.filter(|_| roles.held)?;
    let message = format!(
        "the load balancer {:?} must be replaced, and stays as it is until the wishes of all Services on it can be read: \
         the refused one says why",
        current.it.name
    );
    Some(problem("ReplacementHeld", message))
}

/// The successor is active, and its targets are not healthy where those of its predecessor are.
fn waiting(roles: &Roles<'_>) -> Option<Problem> {
    let handover = &roles.handover;
    let current = roles.current?;
    let until = handover.waits_until(current)?;
    let holder = handover.holder?;
    let ports: Vec<String> =
        handover.lacking.iter().map(|(member, port)| format!("port {port} of {}", member.service)).collect();
    let message = format!(
        "the load balancer {:?} takes over from {:?} once it has a healthy target as well for {}, at {} at the latest",
        current.it.name,
        holder.it.name,
        ports.join(", "),
        seconds(until)
    );
    Some(problem("HandoverWaits", message))
}

/// A predecessor that nobody needs goes, unless AWS would not delete it.
fn of_predecessor(wanted: &Wanted, roles: &Roles<'_>, balancer: &Balancer) -> Option<Problem> {
    let current = roles.current.filter(|_| roles.handover.is_done())?;
    if roles::is_protected(balancer) {
        let (whom, name) = (wanted.lb.to_string(), balancer.it.name.clone());
        let error = AwsError::DeletionProtected { whom, name, source: None };
        return Some(Problem {
            member: None,
            port: None,
            category: error.category(),
            message: error.to_string(),
        });
    }
    let Fate::Leaves(until) = roles.handover.fate(balancer) else { return None };
    let message = format!(
        "the predecessor {:?} goes at {}; until then it serves clients that have not seen yet that {:?} took over",
        balancer.it.name,
        seconds(until),
        current.it.name
    );
    Some(problem("PredecessorLeaves", message))
}

/// The next whole second.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().saturating_add(i64::from(at.subsec_nanosecond() > 0))).unwrap_or(at)
}

fn problem(word: &'static str, message: String) -> Problem {
    Problem { member: None, port: None, category: Category::new(word), message }
}
