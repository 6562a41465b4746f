//! What exists of one load balancer: selected from the account's snapshot by marks, with what all load balancers share,
//! the members of the groups that a wish names, and strangers in its way.

use std::collections::BTreeSet;

use landfall_core::ids::LbId;

use crate::account::Account;
use crate::api::Reference;
use crate::client::Client;
use crate::error::GcpError;
use crate::resources::{AddressSource, Wanted};

mod model;

pub(crate) use model::each;
pub use model::{Foreign, Found, Observed, Owner, Thing};

/// What exists of a load balancer, as far as it takes to compare it with a wish.
///
/// Fails if anything that is needed cannot be read. Nothing is ever taken to be absent because of that.
pub async fn observe(client: &Client, account: &Account, wanted: &Wanted) -> Result<Observed, GcpError> {
    let needed = needed(wanted);
    account.refresh(client, &wanted.lb, &needed).await?;
    let groups = wanted.groups.iter().map(|group| &group.reference).collect();
    account.know_members(client, &groups).await?;
    Ok(account.observed(&wanted.lb, &needed))
}

/// What exists of a load balancer that goes.
pub async fn observe_to_release(client: &Client, account: &Account, lb: &LbId) -> Result<Observed, GcpError> {
    account.refresh_to_release(client, lb).await?;
    Ok(account.observed(lb, &BTreeSet::new()))
}

/// What is known of a load balancer after changes to it, without reading anything.
pub(crate) fn look_back(account: &Account, wanted: &Wanted) -> Observed {
    account.observed(&wanted.lb, &needed(wanted))
}

/// Everything that a wish names and that we make.
fn needed(wanted: &Wanted) -> BTreeSet<&Reference> {
    let checks = wanted.health_checks.iter().map(|wish| &wish.reference);
    let groups = wanted.groups.iter().map(|wish| &wish.reference);
    let services = wanted.backend_services.iter().map(|wish| &wish.reference);
    let firewalls = wanted.firewalls.iter().map(|wish| &wish.reference);
    let rules = wanted.forwarding_rules.iter().map(|wish| &wish.reference);
    let addresses = wanted.addresses.iter().filter_map(|wish| match &wish.source {
        AddressSource::Chosen { reference, .. } => Some(reference),
        AddressSource::Given { .. } => None,
    });
    checks.chain(groups).chain(services).chain(firewalls).chain(rules).chain(addresses).collect()
}
