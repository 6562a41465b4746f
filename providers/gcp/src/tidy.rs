//! Removing shared groups that nothing leads to any more: of shards, zones, subnets and schemes that are not used.

use crate::apply::{Applied, Worker};
use crate::change::{Change, Stage, What};
use crate::converge::Tools;
use crate::resources::Wanted;

/// Removes them, unless somebody is at work on a load balancer, who may be about to use one: then it is the turn of who
/// ends later. One that cannot go now is tried again much later; the load balancer at hand does not depend on it.
pub(crate) async fn tidy(tools: Tools<'_>, wanted: &Wanted) {
    let Tools { client, account, network, shared, since } = tools;
    if account.state().idle_groups().is_empty() {
        return;
    }
    let Ok(_nobody_else) = shared.users.try_write() else { return };
    let idle = account.state().idle_groups();
    let changes = idle.iter().map(|group| Change::new(Stage::SpareRest, group, What::Delete)).collect();
    let worker = Worker { client, account, network, since, lb: &wanted.lb, wanted: Some(wanted) };
    let mut applied = Applied::default();
    if let Err(error) = worker.apply(changes, &mut applied).await {
        tracing::info!(%error, "a group that no load balancer leads to is not removed yet");
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
