//! Removing everything that carries a load balancer's marks.
//!
//! The order is that of the references: the load balancer with its listeners, target groups, what lets the backend group
//! in, the security groups. AWS lets go of some of it seconds or minutes later; then the next attempt goes on. Nothing
//! waits in here.

use std::time::Duration;

use landfall_core::ids::LbId;

use crate::api::ec2::{Rule, SecurityGroup, Source, WhichSecurityGroups};
use crate::api::ids::SecurityGroupId;
use crate::apply::{Applied, apply, is_in_use};
use crate::change::{Change, GroupChange, GuardChange, GuardRef, kinds};
use crate::converge::Tools;
use crate::defaults::DELETION_PROTECTION;
use crate::diff;
use crate::error::{AwsError, leaves_doubt};
use crate::marks;
use crate::observe::{Balancer, Foreign, Observed, observe};

/// When to try again to remove what AWS has not let go of.
const POLL: Duration = Duration::from_secs(15);

/// The same for what somebody has to let go of.
const HELD: Duration = Duration::from_mins(1);

/// Removes it all. Succeeds only when nothing is left.
pub(crate) async fn release(tools: Tools<'_>, lb: &LbId) -> Result<(), AwsError> {
    let Tools { client, account, .. } = tools;
    let unsettled = account.unsettled(lb);
    let mut observed = observe(client, account, lb, None).await?.observed;
    for Foreign { kind, name, .. } in &observed.foreign {
        tracing::warn!(lb = client.whom(), kind, name, "no longer carries our marks, so it is left alone");
    }
    refuse_protected(client.whom(), &observed)?;
    let entry = account.open(lb);
    match (remove(tools, lb, &mut observed).await, unsettled) {
        (Err(error), _) if leaves_doubt(&error) => return Err(error),
        (Ok(()), Some(poll)) => {
            entry.settle_in_doubt(&observed);
            return Err(AwsError::Unsettled { whom: client.whom().to_owned(), poll });
        }
        (result, _) => {
            entry.settle(&observed);
            result?;
        }
    }
    release_backend(tools, lb).await
}

/// Removes what is this load balancer's alone.
async fn remove(tools: Tools<'_>, lb: &LbId, observed: &mut Observed) -> Result<(), AwsError> {
    let mut applied = Applied::default();
    apply((tools.client, tools.account), give_back(lb, observed), observed, &mut applied).await?;
    for balancer in observed.balancers.clone() {
        if marks::mark(&balancer.tags).is_some() {
            delete(tools, &balancer, observed).await?;
        }
    }
    let groups: Vec<_> = observed.groups.iter().map(|group| group.it.name.clone()).collect();
    let mut changes: Vec<Change> =
        groups.into_iter().map(|name| Change::Group(name, GroupChange::Delete)).collect();
    changes.extend(observed.frontend.iter().map(delete_guard));
    apply((tools.client, tools.account), changes, observed, &mut applied).await?;
    let guard = observed.frontend.first();
    still_there(tools, observed, guard).await
}

/// Removes the group that all load balancers carry, with what lets it in, if this was the last of them. Meanwhile nobody
/// makes another one; of those who remove theirs at the same time, one does it and the others look again.
async fn release_backend(tools: Tools<'_>, lb: &LbId) -> Result<(), AwsError> {
    let Tools { client, account, shared } = tools;
    let nobody_else = shared.users.try_write();
    let Some(backend) = account.unneeded_backend(lb) else { return Ok(()) };
    if nobody_else.is_err() {
        let by = vec!["whoever makes or removes another load balancer now".to_owned()];
        return Err(in_use(tools, kinds::GUARD, backend.id.as_str(), by));
    }
    let letting_in = WhichSecurityGroups::LettingIn(backend.id.clone());
    let node_groups = client.security_groups(&letting_in).await?;
    let mut changes = close(&backend, &node_groups, &marks::backend_rule(account.cluster()));
    changes.push(delete_guard(&backend));
    let entry = account.open_with_backend(lb, &backend.id);
    let mut observed = Observed { backend: Some(backend), node_groups, ..Observed::default() };
    match apply((client, account), changes, &mut observed, &mut Applied::default()).await {
        Err(error) if leaves_doubt(&error) => return Err(error),
        result => {
            entry.settle(&observed);
            result?;
        }
    }
    still_there(tools, &observed, observed.backend.as_ref()).await
}

/// What is done to load balancers that were there before us: they stay, without anything of ours.
fn give_back(lb: &LbId, observed: &Observed) -> Vec<Change> {
    let adopted = observed.balancers.iter().filter(|balancer| marks::is_adopted(&balancer.tags));
    adopted.flat_map(|balancer| diff::let_go(lb, observed, balancer)).collect()
}

async fn delete(tools: Tools<'_>, balancer: &Balancer, observed: &mut Observed) -> Result<(), AwsError> {
    let arn = &balancer.it.arn;
    match tools.client.delete_balancer(arn).await {
        Ok(()) => {
            observed.balancers.retain(|other| other.it.arn != *arn);
            for group in &mut observed.groups {
                group.it.load_balancers.retain(|other| other != arn);
            }
            Ok(())
        }
        // Nothing but an endpoint service holds a load balancer.
        Err(error) if is_in_use(&error) => {
            let by = "a VPC endpoint service: remove it, or take the load balancer out of it";
            let (whom, what) =
                (tools.client.whom().to_owned(), format!("{} {}", kinds::BALANCER, balancer.it.name));
            Err(AwsError::StillInUse { whom, what, by: vec![by.to_owned()], poll: HELD })
        }
        Err(error) => Err(error),
    }
}

/// What takes our rules out of the nodes' groups, when the backend group goes.
fn close(backend: &SecurityGroup, node_groups: &[SecurityGroup], mark: &str) -> Vec<Change> {
    let source = Source::Group(backend.id.clone());
    let ours = |rule: &&Rule| rule.source == source && rule.description == mark;
    let revoke = |group: &SecurityGroup| {
        let rules: Vec<Rule> = group.ingress.iter().filter(ours).cloned().collect();
        let id = GuardRef::Known(group.id.clone());
        (!rules.is_empty()).then_some(Change::Guard(id, GuardChange::Revoke(rules)))
    };
    node_groups.iter().filter_map(revoke).collect()
}

fn delete_guard(group: &SecurityGroup) -> Change {
    Change::Guard(GuardRef::Known(group.id.clone()), GuardChange::Delete)
}

fn refuse_protected(whom: &str, observed: &Observed) -> Result<(), AwsError> {
    let is_protected = |balancer: &&Balancer| {
        let details = balancer.details.as_ref();
        let value = details.and_then(|details| details.attributes.get(DELETION_PROTECTION));
        !marks::is_adopted(&balancer.tags) && value.is_some_and(|value| value == "true")
    };
    match observed.balancers.iter().find(is_protected) {
        None => Ok(()),
        Some(balancer) => Err(AwsError::DeletionProtected {
            whom: whom.to_owned(),
            name: balancer.it.name.clone(),
            source: None,
        }),
    }
}

/// Names what is left, and who holds it.
async fn still_there(
    tools: Tools<'_>,
    observed: &Observed,
    guard: Option<&SecurityGroup>,
) -> Result<(), AwsError> {
    if let Some(group) = guard {
        let mut by = interfaces(tools, &group.id).await?;
        let rules = observed.node_groups.iter().filter(|other| lets_in(other, &group.id));
        by.extend(rules.map(|other| format!("a rule of the security group {}", other.id)));
        by.extend(observed.foreign.iter().map(left_alone));
        return Err(in_use(tools, kinds::GUARD, group.id.as_str(), by));
    }
    match observed.groups.first() {
        Some(group) => {
            let by = group.it.load_balancers.iter().map(|arn| {
                let is_ours = observed.balancers.iter().any(|balancer| balancer.it.arn == *arn);
                let remark = if is_ours { "" } else { ", which does not carry our marks (any more)" };
                format!("the load balancer {arn}{remark}")
            });
            let by = by.chain(observed.foreign.iter().map(left_alone)).collect();
            Err(in_use(tools, kinds::GROUP, &group.it.name, by))
        }
        None => Ok(()),
    }
}

fn left_alone(Foreign { kind, name, .. }: &Foreign) -> String {
    format!("the {kind} {name:?}, which no longer carries our marks and is left alone: delete it yourself")
}

fn lets_in(group: &SecurityGroup, other: &SecurityGroupId) -> bool {
    group.ingress.iter().any(|rule| rule.source == Source::Group(other.clone()))
}

async fn interfaces(tools: Tools<'_>, group: &SecurityGroupId) -> Result<Vec<String>, AwsError> {
    let all = tools.client.interfaces(group).await?;
    Ok(all.into_iter().map(|it| format!("network interface {} ({})", it.id, it.description)).collect())
}

fn in_use(tools: Tools<'_>, kind: &str, name: &str, by: Vec<String>) -> AwsError {
    let (whom, what) = (tools.client.whom().to_owned(), format!("{kind} {name}"));
    AwsError::StillInUse { whom, what, by, poll: POLL }
}
