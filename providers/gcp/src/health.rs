//! How the nodes of a load balancer are, asked for where it is time to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use landfall_core::model::MemberRef;
use tokio::time::Instant;

use crate::account::Account;
use crate::api::Reference;
use crate::api::types::TargetHealth;
use crate::client::Client;
use crate::error::GcpError;
use crate::observe::Observed;
use crate::resources::{BackendServiceWish, Wanted};

/// What was told last of the nodes behind each member.
pub(crate) type Health = BTreeMap<MemberRef, Arc<[TargetHealth]>>;

/// Asks for the health of nodes behind those backend services of which it is time to. Also tells when it is time again.
///
/// That the question fails says nothing about the load balancer, which is as wanted: it is asked again later.
pub(crate) async fn ask(
    client: &Client,
    account: &Account,
    wanted: &Wanted,
    observed: &Observed,
) -> (Health, Option<Duration>) {
    let freshness = account.freshness();
    let (mut health, mut next) = (Health::new(), None::<Duration>);
    for wish in &wanted.backend_services {
        let service = &wish.reference;
        let due_in = |now| account.state().health.due_in(service, now, freshness);
        if due_in(Instant::now()).is_zero() {
            match of_service(client, wish, observed).await {
                Ok(told) => account.state().health.learn(service, told, Instant::now(), freshness),
                Err(error) => tracing::info!(lb = %wanted.lb, %error, "the health of nodes is not known"),
            }
        }
        let due = due_in(Instant::now()).max(freshness.health);
        next = Some(next.map_or(due, |next| next.min(due)));
        health.extend(account.state().health.told(service).map(|told| (wish.member.clone(), told)));
    }
    (health, next)
}

/// One question per group that has members.
async fn of_service(
    client: &Client,
    wish: &BackendServiceWish,
    observed: &Observed,
) -> Result<Vec<TargetHealth>, GcpError> {
    let mut all = Vec::new();
    for backend in &wish.it.backends {
        let group = Reference::parse(&backend.group);
        let members = group.and_then(|group| observed.members.get(&group));
        if members.is_some_and(|members| !members.is_empty()) {
            all.extend(client.health(&wish.reference, &backend.group).await?.health_status);
        }
    }
    Ok(all)
}
