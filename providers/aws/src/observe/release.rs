//! What is left of a load balancer that nobody wants any more.

use std::collections::HashMap;

use landfall_core::ids::LbId;

use super::{BalancerDetails, Foreign, Look, Observed, details};
use crate::account::Account;
use crate::account::known::Known;
use crate::api::Tags;
use crate::change::kinds;
use crate::client::Client;
use crate::error::AwsError;
use crate::marks;

/// Everything with the marks, and what its removal depends on: whether a load balancer is protected, and what listeners
/// of one that was taken over did before. The marks are read once more, since the lists may be minutes old: what has
/// lost them is [foreign](Observed::foreign).
pub(super) async fn observe(client: &Client, account: &Account, lb: &LbId) -> Result<Look, AwsError> {
    account.clear_doubt(client, lb).await?;
    let mut observed = {
        let state = account.state();
        let known = state.known(lb).map(Known::observed).unwrap_or_default();
        Observed { backend: state.backend.clone(), ..known }
    };
    set_apart(client, account, lb, &mut observed).await?;
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

/// Sets apart what no longer carries the marks. Tags may lag behind what we made: then it is too early to tell.
async fn set_apart(
    client: &Client,
    account: &Account,
    lb: &LbId,
    observed: &mut Observed,
) -> Result<(), AwsError> {
    let arns = observed.balancers.iter().map(|balancer| balancer.it.arn.to_string());
    let arns: Vec<String> =
        arns.chain(observed.groups.iter().map(|group| group.it.arn.to_string())).collect();
    let mut tags: HashMap<String, Tags> = client.tags(&arns).await?.into_iter().collect();
    let marks = marks::of_lb(account.cluster(), lb);
    let Observed { balancers, groups, foreign, .. } = observed;
    for it in &mut *balancers {
        it.tags = tags.remove(it.it.arn.as_str()).unwrap_or_default();
    }
    for it in &mut *groups {
        it.tags = tags.remove(it.it.arn.as_str()).unwrap_or_default();
    }
    let lost = balancers.extract_if(.., |it| !marks::carries(&it.tags, &marks));
    foreign.extend(lost.map(|it| stranger(kinds::BALANCER, it.it.name, &it.tags)));
    let lost = groups.extract_if(.., |it| !marks::carries(&it.tags, &marks));
    foreign.extend(lost.map(|it| stranger(kinds::GROUP, it.it.name, &it.tags)));
    match account.settling(lb).filter(|_| !foreign.is_empty()) {
        Some(poll) => Err(AwsError::Unsettled { whom: client.whom().to_owned(), poll }),
        None => Ok(()),
    }
}

fn stranger(kind: &'static str, name: String, tags: &Tags) -> Foreign {
    Foreign { kind, name, owner: marks::mark(tags).map(|mark| mark.lb) }
}
