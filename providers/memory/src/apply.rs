//! Makes decided changes, one call each, and keeps the picture of the world in step.

use landfall_core::plan::Step;

use crate::change::{Change, Edit};
use crate::client::Client;
use crate::cloud::{Lifecycle, Object, Spec};
use crate::error::MemoryError;
use crate::observe::Observed;

/// Makes the changes in order and answers the steps taken. Stops at the first failure; the next run goes on
/// from what it then observes.
pub(crate) async fn apply(
    client: &Client<'_>,
    changes: Vec<Change>,
    observed: &mut Observed,
) -> Result<Vec<Step>, MemoryError> {
    let mut steps = Vec::with_capacity(changes.len());
    for change in changes {
        let step = change.step();
        tracing::debug!(%step, "applying");
        one(client, change, observed).await?;
        steps.push(step);
    }
    Ok(steps)
}

async fn one(client: &Client<'_>, change: Change, observed: &mut Observed) -> Result<(), MemoryError> {
    match change {
        Change::Balancer(edit) => make(client, edit, &mut observed.balancers).await?,
        Change::Listener(edit) => make(client, edit, &mut observed.listeners).await?,
        Change::Pool(edit) => {
            if let Edit::Delete(name) = &edit {
                observed.targets.remove(name);
            }
            make(client, edit, &mut observed.pools).await?;
        }
        Change::Rule(edit) => make(client, edit, &mut observed.rules).await?,
        Change::Register { pool, targets } => {
            let health = client.register(&pool, &targets).await?;
            observed.targets.entry(pool).or_default().extend(health);
        }
        Change::Deregister { pool, targets } => {
            client.deregister(&pool, &targets).await?;
            if let Some(registered) = observed.targets.get_mut(&pool) {
                registered.retain(|target, _| !targets.contains(target));
            }
        }
    }
    Ok(())
}

async fn make<S: Spec>(
    client: &Client<'_>,
    edit: Edit<S>,
    objects: &mut Vec<Object<S>>,
) -> Result<(), MemoryError> {
    match edit {
        Edit::Create(draft) => objects.push(client.create(draft).await?),
        Edit::Update { to, .. } => {
            let updated = client.update(to).await?;
            objects.retain(|object| object.name() != updated.name());
            objects.push(updated);
        }
        Edit::Delete(name) => {
            client.delete::<S>(&name).await?;
            objects.retain(|object| object.name() != name || object.status.lifecycle == Lifecycle::Deleting);
        }
    }
    Ok(())
}
