//! The load balancer that is to be taken over.

use super::{Balancer, Observed, details};
use crate::account::Account;
use crate::account::snapshot::{NETWORK, is_gone};
use crate::api::Tags;
use crate::api::elb::{LoadBalancer, WhichBalancers};
use crate::client::Client;
use crate::error::AwsError;
use crate::marks;
use crate::resources::Wanted;

/// Adds the load balancer that the wish takes over, unless it has the marks already.
pub(super) async fn observe(
    client: &Client,
    account: &Account,
    wanted: &Wanted,
    observed: &mut Observed,
) -> Result<(), AwsError> {
    let Some(arn) = &wanted.balancer.adopt else { return Ok(()) };
    if observed.balancers.iter().any(|balancer| balancer.it.arn == *arn) {
        return Ok(());
    }
    let refused = |reason: String| AwsError::NotAdoptable {
        whom: client.whom().to_owned(),
        arn: arn.to_string(),
        reason,
    };
    let absent = || refused("there is no such load balancer in this account and region".to_owned());
    let found = match client.load_balancers(&WhichBalancers::Known(vec![arn.clone()])).await {
        Err(error) if is_gone(&error) => return Err(absent()),
        answer => answer?,
    };
    let it = found.into_iter().find(|it| it.arn == *arn).ok_or_else(absent)?;
    let tags = client.tags(&[arn.to_string()]).await?;
    let tags = tags.into_iter().find(|(of, _)| of == arn.as_str()).map(|(_, tags)| tags).unwrap_or_default();
    check(account, wanted, &it, &tags).map_err(refused)?;
    let details = Some(details::of_balancer(client, arn).await?);
    observed.balancers.push(Balancer { it, tags, details });
    Ok(())
}

/// Why it cannot be taken over, if it cannot.
fn check(account: &Account, wanted: &Wanted, it: &LoadBalancer, tags: &Tags) -> Result<(), String> {
    if it.kind != NETWORK {
        return Err(format!("it is of type {:?}, and only network load balancers can be", it.kind));
    }
    if it.vpc != wanted.vpc {
        return Err(format!("it is in the network {}, and the cluster is in {}", it.vpc, wanted.vpc));
    }
    if marks::carries(tags, &marks::of_lb(account.cluster(), &wanted.lb)) {
        return Ok(());
    }
    match marks::mark(tags) {
        Some(mark) if marks::carries(tags, &marks::of_cluster(account.cluster())) => {
            Err(format!("it belongs to {} of this cluster", mark.lb))
        }
        Some(mark) => Err(format!("it belongs to {} of another cluster", mark.lb)),
        None => Ok(()),
    }
}
