//! Removing everything that carries a load balancer's marks.
//!
//! The order is that of the references: forwarding rules and firewall rules, backend services and reservations, health
//! checks. What all load balancers share goes with the last of them. Nothing waits in here for what is still used, or for
//! what Google is still making for it: it is looked at again.

use std::collections::BTreeSet;
use std::time::Duration;

use landfall_core::ids::LbId;

use crate::account::Unsettled;
use crate::api::types::{BackendService, ForwardingRule};
use crate::api::{Kind, Reference, Verb};
use crate::apply::{Applied, Worker};
use crate::change::{Change, Stage, What};
use crate::converge::Tools;
use crate::error::GcpError;
use crate::observe::{Observed, Owner, observe_to_release};

/// When to try again to remove what is still used.
const POLL: Duration = Duration::from_secs(15);

/// Removes it all. Succeeds only when nothing is left.
pub(crate) async fn release(tools: Tools<'_>, lb: &LbId) -> Result<(), GcpError> {
    let Tools { client, account, .. } = tools;
    tools.shared.claims.end(lb);
    account.find_network_project(client).await?;
    let unsettled = account.unsettled(client, lb).await;
    let observed = observe_to_release(client, account, lb).await?;
    if let Some(why) = &observed.hidden_firewalls {
        tracing::warn!(%lb, why, "firewall rules that an administrator made for it may be left");
    }
    let mut own = deletions(&observed, |owner| matches!(owner, Owner::Lb { .. }));
    if let Some(Unsettled::Running(_, operation)) = &unsettled
        && operation.verb != Verb::Delete
    {
        // What is being made may refer to all else.
        own.retain(|change| change.stage == Stage::SpareRules);
    }
    remove(tools, lb, own).await?;
    match unsettled {
        Some(Unsettled::Running(what, operation)) => Err(client.still_running(&what, &operation, None)),
        Some(Unsettled::For(poll)) => Err(GcpError::Unsettled { whom: client.whom().to_owned(), poll }),
        None => release_shared(tools, lb).await,
    }
}

/// Removes what all load balancers share, if this was the last of them. Meanwhile nobody makes another one; of those who
/// remove theirs at the same time, one does it and the others look again.
async fn release_shared(tools: Tools<'_>, lb: &LbId) -> Result<(), GcpError> {
    let Tools { client, account, shared, .. } = tools;
    let nobody_else = shared.users.try_write();
    if !account.state().is_last(lb) {
        return Ok(());
    }
    let observed = account.observed(lb, &BTreeSet::new());
    let changes = deletions(&observed, |owner| matches!(owner, Owner::Shared));
    let Some(first) = changes.first() else { return Ok(()) };
    if nobody_else.is_err() {
        let by = vec!["whoever makes or removes another load balancer now".to_owned()];
        let (whom, what) = (client.whom().to_owned(), Box::new(first.reference.clone()));
        return Err(GcpError::StillInUse { whom, what, by, poll: POLL });
    }
    remove(tools, lb, changes).await
}

fn deletions(observed: &Observed, whose: impl Fn(&Owner) -> bool) -> Vec<Change> {
    let ours = observed.things.iter().filter(|(_, found)| whose(&found.owner));
    let deletion = |reference: &Reference| Change::new(stage(reference.kind), reference, What::Delete);
    let mut changes: Vec<Change> = ours.map(|(reference, _)| deletion(reference)).collect();
    changes.sort_by_key(|change| change.stage);
    changes
}

/// When something of a kind goes.
const fn stage(kind: Kind) -> Stage {
    match kind {
        Kind::ForwardingRule | Kind::Firewall => Stage::SpareRules,
        Kind::BackendService | Kind::Address => Stage::SpareServices,
        _ => Stage::SpareRest,
    }
}

/// Removes things, and names what is left and who holds it.
async fn remove(tools: Tools<'_>, lb: &LbId, changes: Vec<Change>) -> Result<(), GcpError> {
    let Tools { client, account, network, since, .. } = tools;
    let mut applied = Applied::default();
    let worker = Worker { client, account, network, since, lb, wanted: None };
    worker.apply(changes, &mut applied).await?;
    let Some(what) = applied.postponed.into_iter().next() else { return Ok(()) };
    let by = users(tools, &what).await?;
    Err(GcpError::StillInUse { whom: client.whom().to_owned(), what: Box::new(what), by, poll: POLL })
}

/// What refers to something, be it ours or not.
async fn users(tools: Tools<'_>, what: &Reference) -> Result<Vec<String>, GcpError> {
    let Tools { client, account, .. } = tools;
    let region = account.region();
    let is_it = |url: &str| Reference::parse(url).as_ref() == Some(what);
    match what.kind {
        Kind::BackendService | Kind::Address => {
            let rules = client.list::<ForwardingRule>(region, None).await?;
            let leads = |rule: &ForwardingRule| rule.backend_service.as_deref().is_some_and(is_it);
            let users = rules.into_iter().filter(leads);
            Ok(users.map(|rule| format!("the forwarding rule {}", rule.name)).collect())
        }
        Kind::HealthCheck | Kind::EndpointGroup | Kind::InstanceGroup => {
            let services = client.list::<BackendService>(region, None).await?;
            let refers = |service: &BackendService| {
                let groups = service.backends.iter().map(|backend| &backend.group);
                service.health_checks.iter().chain(groups).any(|url| is_it(url))
            };
            let users = services.into_iter().filter(refers);
            Ok(users.map(|service| format!("the backend service {}", service.name)).collect())
        }
        _ => Ok(Vec::new()),
    }
}
