//! What exists of one load balancer: from the account's snapshot, and from calls about it where the lists do not tell.
//!
//! The mark of what was applied last stands for everything that only such calls tell. As long as it is the one of the
//! wish, nothing is read until a slow verification is due. That is what makes looking at a thousand load balancers that
//! are as wanted cost no more than the lists.

use std::time::Duration;

use landfall_core::ids::LbId;
use tokio::time::Instant;

use crate::account::Account;
use crate::account::snapshot::is_gone;
use crate::api::Action;
use crate::client::Client;
use crate::error::AwsError;
use crate::resources::Wanted;

mod adopt;
mod details;
mod model;
mod release;

pub use model::{Balancer, BalancerDetails, Foreign, Group, ListenerDetails, Observed, RefusedShape};

/// What a look at a load balancer showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What exists.
    pub observed: Observed,
    /// When to look again although nothing was changed here: for a load balancer that is being set up, for targets whose
    /// first checks run, and for a verification that is due. `None` for a release.
    pub look_again: Option<Duration>,
}

/// What exists of a load balancer, as far as it takes to compare it with a wish, or without one to release it. For a
/// release, load balancers have their attributes alone as details, and listeners if they were taken over.
///
/// Fails if anything that is needed cannot be read. Nothing is ever taken to be absent because of that.
pub async fn observe(
    client: &Client,
    account: &Account,
    lb: &LbId,
    wanted: Option<&Wanted>,
) -> Result<Look, AwsError> {
    match look(client, account, lb, wanted).await {
        // Something that the lists told of is gone since; they are read again, once.
        Err(error) if is_gone(&error) => {
            account.doubt(lb);
            look(client, account, lb, wanted).await
        }
        result => result,
    }
}

async fn look(
    client: &Client,
    account: &Account,
    lb: &LbId,
    wanted: Option<&Wanted>,
) -> Result<Look, AwsError> {
    account.refresh(client, lb).await?;
    account.poll(client, lb).await?;
    match wanted {
        Some(wanted) => for_wish(client, account, lb, wanted).await,
        None => release::observe(client, account, lb).await,
    }
}

async fn for_wish(client: &Client, account: &Account, lb: &LbId, wanted: &Wanted) -> Result<Look, AwsError> {
    account.recheck(client, lb, wanted).await?;
    let time_of_day = account.time_of_day();
    let (needs, mut observed) = {
        let mut state = account.state();
        let foreign = state.foreign(lb, wanted);
        let known = state.known_mut(lb);
        let may_wait = !account.freshness().details.is_zero();
        if may_wait && client.is_slowed(Action::DescribeTargetHealth) {
            known.put_off(Instant::now());
        }
        known.expect(wanted);
        let needs = known.needs(wanted, Instant::now(), time_of_day);
        (needs, Observed { foreign, ..known.observed() })
    };
    details::read(client, &needs, &mut observed).await?;
    let look_again = {
        let mut state = account.state();
        let look_again = state.learn(wanted, &needs, &observed);
        observed.stale = state.known_mut(lb).stale(Instant::now(), account.freshness());
        look_again
    };
    adopt::observe(client, account, wanted, &mut observed).await?;
    backend(client, account, wanted, &mut observed).await?;
    Ok(Look { observed, look_again: Some(look_again) })
}

/// The backend group, and those groups of nodes that are not known to let it in.
async fn backend(
    client: &Client,
    account: &Account,
    wanted: &Wanted,
    observed: &mut Observed,
) -> Result<(), AwsError> {
    let unknown = {
        let mut state = account.state();
        observed.backend.clone_from(&state.backend);
        // One that does not want it may have to be rid of it.
        let Some(wish) = &wanted.backend else { return Ok(()) };
        let id = observed.backend.as_ref().map(|group| group.id.clone());
        state.known_mut(&wanted.lb).lent.clone_from(&id);
        state.doors.unknown(id.as_ref(), &wish.node_groups, &wish.allow, Instant::now())
    };
    observed.node_groups = details::security_groups(client, unknown).await?;
    if let Some(group) = &observed.backend {
        let until = Instant::now() + account.freshness().details;
        account.state().doors.learn(&group.id, &observed.node_groups, until);
    }
    Ok(())
}
