//! What is left of a load balancer that nobody wants any more.

use landfall_core::ids::LbId;

use super::{BalancerDetails, Look, Observed, details};
use crate::account::Account;
use crate::account::known::Known;
use crate::client::Client;
use crate::error::AwsError;
use crate::marks;

/// Everything with the marks, and what its removal depends on: whether a load balancer is protected, and what listeners
/// of one that was taken over did before.
pub(super) async fn observe(client: &Client, account: &Account, lb: &LbId) -> Result<Look, AwsError> {
    account.clear_doubt(client, lb).await?;
    let mut observed = {
        let state = account.state();
        let known = state.known(lb).map(Known::observed).unwrap_or_default();
        Observed { backend: state.backend.clone(), ..known }
    };
    for balancer in &mut observed.balancers {
        let attributes = client.balancer_attributes(&balancer.it.arn).await?;
        let mut listeners = Vec::new();
        if marks::is_adopted(&balancer.tags) {
            listeners = details::listeners(client, &balancer.it.arn).await?;
        }
        balancer.details = Some(BalancerDetails { attributes, capacity: None, listeners });
    }
    Ok(Look { observed, look_again: None })
}
