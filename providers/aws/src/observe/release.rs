//! What is left of a load balancer that nobody wants any more.

use landfall_core::ids::LbId;

use super::{BalancerDetails, Look, details};
use crate::account::Account;
use crate::account::known::Known;
use crate::api::ec2::WhichSecurityGroups;
use crate::client::Client;
use crate::error::AwsError;
use crate::marks;

/// Everything with the marks, and what its removal depends on: whether a load balancer is protected, what listeners of
/// one that was taken over did before, and whether anybody else needs the backend group.
pub(super) async fn observe(client: &Client, account: &Account, lb: &LbId) -> Result<Look, AwsError> {
    let mut observed = {
        let mut state = account.state();
        let mut observed = state.known(lb).map(Known::observed).unwrap_or_default();
        observed.backend = state.backend.clone().filter(|_| state.is_last(lb));
        state.lend(lb, observed.backend.as_ref().map(|group| group.id.clone()));
        observed
    };
    for balancer in &mut observed.balancers {
        let attributes = client.balancer_attributes(&balancer.it.arn).await?;
        let mut listeners = Vec::new();
        if marks::is_adopted(&balancer.tags) {
            listeners = details::listeners(client, &balancer.it.arn).await?;
        }
        balancer.details = Some(BalancerDetails { attributes, capacity: None, listeners });
    }
    if let Some(backend) = &observed.backend {
        observed.node_groups =
            client.security_groups(&WhichSecurityGroups::LettingIn(backend.id.clone())).await?;
        account.state().doors.forget();
    }
    Ok(Look { observed, look_again: None })
}
