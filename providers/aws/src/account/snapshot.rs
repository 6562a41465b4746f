//! Reading the account.

use super::Account;
use super::state::{Extent, Listing};
use crate::api::Tags;
use crate::api::ec2::WhichSecurityGroups;
use crate::api::elb::{LoadBalancer, TAGS_AT_ONCE, TargetGroup, WhichBalancers, WhichGroups};
use crate::client::Client;
use crate::error::AwsError;
use crate::marks;

use std::collections::{HashMap, HashSet};

/// `LoadBalancer::kind` of what we make.
pub(crate) const NETWORK: &str = "network";

/// Lists the account and takes over what the lists tell. Any failed page fails the whole: then what was known stays
/// as it was, and as old.
pub(super) async fn read(client: &Client, account: &Account, extent: Extent) -> Result<(), AwsError> {
    let began = account.state().moment();
    let balancers = client.load_balancers(&WhichBalancers::All).await?;
    let groups = client.target_groups(&WhichGroups::All).await?;
    let ours = WhichSecurityGroups::Tagged(marks::of_cluster(account.cluster()));
    let security = client.security_groups(&ours).await?;
    let unread = unread(account, extent, &balancers, &groups);
    let mut tags = tags(client, &unread).await?;
    let unread: HashSet<String> = unread.into_iter().collect();
    // What has no tags although they were asked for is gone by now.
    let gone = |arn: &str, tags: &HashMap<String, Tags>| unread.contains(arn) && !tags.contains_key(arn);
    let balancers = balancers.into_iter().filter(|it| !gone(it.arn.as_str(), &tags)).collect::<Vec<_>>();
    let groups = groups.into_iter().filter(|it| !gone(it.arn.as_str(), &tags)).collect::<Vec<_>>();
    let balancers = balancers.into_iter().map(|it| (tags.remove(it.arn.as_str()), it));
    let balancers = balancers.map(|(tags, it)| (it, tags)).collect();
    let groups = groups.into_iter().map(|it| (tags.remove(it.arn.as_str()), it));
    let groups = groups.map(|(tags, it)| (it, tags)).collect();
    account.state().merge(Listing { extent, began, balancers, groups, security });
    Ok(())
}

/// Of what the tags must be read. Not of what cannot be ours: load balancers of another kind and their target groups.
fn unread(
    account: &Account,
    extent: Extent,
    balancers: &[LoadBalancer],
    groups: &[TargetGroup],
) -> Vec<String> {
    let balancers = balancers.iter().filter(|it| it.kind == NETWORK).map(|it| it.arn.as_str());
    let groups = groups.iter().filter(|it| it.protocol.is_some()).map(|it| it.arn.as_str());
    let state = account.state();
    let unread = balancers.chain(groups).filter(|arn| extent == Extent::Full || !state.has_seen(arn));
    unread.map(str::to_owned).collect()
}

/// The tags of resources, by ARN. Those that are gone are left out.
async fn tags(client: &Client, arns: &[String]) -> Result<HashMap<String, Tags>, AwsError> {
    let mut tags = HashMap::with_capacity(arns.len());
    let mut parts: Vec<&[String]> = arns.chunks(TAGS_AT_ONCE).rev().collect();
    while let Some(part) = parts.pop() {
        match client.tags(part).await {
            Ok(found) => tags.extend(found),
            // One that was deleted meanwhile fails the request: halves tell which.
            Err(error) if is_gone(&error) && part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(tags)
}

/// Describes every load balancer that is being set up.
pub(super) async fn describe(client: &Client, account: &Account) -> Result<(), AwsError> {
    let (began, arns) = {
        let mut state = account.state();
        (state.moment(), state.provisioning())
    };
    let mut described = Vec::with_capacity(arns.len());
    for part in arns.chunks(TAGS_AT_ONCE) {
        match client.load_balancers(&WhichBalancers::Known(part.to_vec())).await {
            Ok(balancers) => described.extend(balancers),
            // Lists tell which, and what else is gone with it.
            Err(error) if is_gone(&error) => return read(client, account, Extent::Light).await,
            Err(error) => return Err(error),
        }
    }
    account.state().describe(described, began);
    Ok(())
}

/// Whether AWS says that something that was asked for does not exist.
pub(crate) fn is_gone(error: &AwsError) -> bool {
    let codes = ["LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound"];
    error.code().is_some_and(|code| codes.contains(&code))
}
