//! Removing shared groups that nothing leads to any more: of shards and schemes that are not used. Those of a zone or a
//! subnet that has no nodes left are led to, empty, while there is a load balancer of their scheme.

use std::time::Duration;

use tokio::time::timeout;

use crate::api::Verb;
use crate::apply::{Applied, Worker};
use crate::change::{Change, Stage, What};
use crate::converge::Tools;
use crate::error::GcpError;
use crate::resources::Wanted;

/// How long a run waits for groups to go. Google goes on without it.
const BOUND: Duration = Duration::from_secs(10);

/// Removes them, unless somebody is at work on a load balancer, who may be about to use one: then it is the turn of who
/// ends later. Who begins meanwhile waits only if it needs one of them. One that cannot go now is tried again much later;
/// the load balancer at hand does not depend on it.
pub(crate) async fn tidy(tools: Tools<'_>, wanted: &Wanted) {
    let Tools { client, account, network, shared, since } = tools;
    if account.state().idle_groups().is_empty() {
        return;
    }
    let (Ok(nobody_else), Ok(_tidying)) = (shared.users.try_write(), shared.tidying.try_lock()) else {
        return;
    };
    let idle = account.state().idle_groups();
    drop(nobody_else);
    let changes = idle.iter().map(|group| Change::new(Stage::SpareRest, group, What::Delete)).collect();
    let worker = Worker { client, account, network, since, lb: &wanted.lb, wanted: Some(wanted) };
    let mut applied = Applied::default();
    match timeout(BOUND, worker.apply(changes, &mut applied)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(%error, "a group that no load balancer leads to is not removed yet"),
        Err(_) => tracing::info!("a group that no load balancer leads to is removed slowly"),
    }
    for group in &idle {
        let mut state = account.state();
        if state.has(group) {
            // Somebody else may use it.
            state.idle.stays(group);
        } else {
            tracing::info!(%group, "removed: no load balancer has led to it for long");
        }
    }
}

/// To be called by who is about to use groups, as one of the users. Puts off that they go, and waits for the end if that
/// has begun: those that are gone then are made again.
pub(crate) async fn come_to_use(tools: Tools<'_>, wanted: &Wanted) {
    let may_go = tools.account.state().come_to_use(wanted.groups.iter().map(|wish| &wish.reference));
    if may_go {
        let _end = tools.shared.tidying.lock().await;
    }
}

/// Nobody leads to a group whose removal goes on although nobody waits for that any more.
pub(crate) fn refuse_going(tools: Tools<'_>, wanted: &Wanted) -> Result<(), GcpError> {
    let state = tools.account.state();
    let going = wanted.groups.iter().find_map(|wish| {
        let operation = state.doubts.running(&wish.reference)?;
        (operation.verb == Verb::Delete).then_some((&wish.reference, operation))
    });
    going.map_or(Ok(()), |(group, operation)| Err(tools.client.still_running(group, operation, None)))
}
