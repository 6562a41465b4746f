//! Reading the account.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use landfall_core::error::{Classified as _, ErrorClass};

use super::Account;
use super::heard::{Extent, Listing, Moment};
use crate::api::Tags;
use crate::api::ec2::{SecurityGroup, WhichSecurityGroups};
use crate::api::elb::{LoadBalancer, TAGS_AT_ONCE, TargetGroup, WhichBalancers};
use crate::client::{Client, Pages};
use crate::error::AwsError;
use crate::{marks, names};

/// `LoadBalancer::kind` of what we make.
pub(crate) const NETWORK: &str = "network";

/// How long lists that could not be read to their end are good to go on with.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// Lists as far as they are read. What failed in the middle, or was dropped there, goes on where it was: in an account
/// where everybody is throttled, lists that always begin anew never come to their end.
#[derive(Debug)]
pub(super) struct Reading {
    began: Moment,
    balancers: Pages<LoadBalancer>,
    groups: Pages<TargetGroup>,
    security: Option<Vec<SecurityGroup>>,
    /// By ARN; `None` for what is gone since it was listed.
    tags: HashMap<String, Option<Tags>>,
}

/// Lists the account and takes over what the lists tell, once they are complete: till then what was known stays as it
/// was, and as old. Goes on with lists that were begun before if `would_do` says so of their beginning.
pub(super) async fn read(
    client: &Client,
    account: &Account,
    extent: Extent,
    would_do: impl Fn(Moment) -> bool,
) -> Result<(), AwsError> {
    let mut kept = account.reading.lock().await;
    let fits = |reading: &Reading| {
        let began = reading.began;
        began.at.elapsed() < GOOD_FOR && account.state().is_of_this_term(began) && would_do(began)
    };
    let reading = kept.take().filter(fits).unwrap_or_else(|| Reading::new(account.state().moment()));
    if let Err(error) = kept.insert(reading).go_on(client, account, extent).await {
        if !is_passing(&error) {
            *kept = None;
        }
        return Err(error);
    }
    if let Some(reading) = kept.take() {
        account.state().merge(reading.listing(extent));
    }
    Ok(())
}

/// Whether the same request is likely to be answered another time.
fn is_passing(error: &AwsError) -> bool {
    let passing = matches!(
        error.class(),
        ErrorClass::Throttled { .. } | ErrorClass::Transient | ErrorClass::Waiting { .. }
    );
    passing && !error.is_unreadable()
}

impl Reading {
    fn new(began: Moment) -> Self {
        let (balancers, groups) = (Pages::default(), Pages::default());
        Self { began, balancers, groups, security: None, tags: HashMap::new() }
    }

    async fn go_on(&mut self, client: &Client, account: &Account, extent: Extent) -> Result<(), AwsError> {
        client.all_load_balancers(&mut self.balancers).await?;
        client.all_target_groups(&mut self.groups).await?;
        if self.security.is_none() {
            let ours = WhichSecurityGroups::Tagged(marks::of_cluster(account.cluster()));
            self.security = Some(client.security_groups(&ours).await?);
        }
        self.read_tags(client, self.unread(account, extent)).await
    }

    /// Of what the tags must be read. Not of what cannot be ours: load balancers of another kind, and target groups
    /// with names that we do not give.
    fn unread(&self, account: &Account, extent: Extent) -> Vec<String> {
        let balancers =
            self.balancers.items().iter().filter(|it| it.kind == NETWORK).map(|it| it.arn.as_str());
        let groups = self.groups.items().iter().filter(|it| names::may_be_ours(&it.name));
        let state = account.state();
        let unread = balancers
            .chain(groups.map(|it| it.arn.as_str()))
            .filter(|arn| extent == Extent::Full || !state.has_seen(arn))
            .filter(|arn| !self.tags.contains_key(*arn));
        unread.map(str::to_owned).collect()
    }

    async fn read_tags(&mut self, client: &Client, arns: Vec<String>) -> Result<(), AwsError> {
        for part in arns.chunks(TAGS_AT_ONCE) {
            self.tags.extend(tags_of_some(client, part).await?);
        }
        Ok(())
    }

    fn listing(self, extent: Extent) -> Listing {
        let Self { began, balancers, groups, security, mut tags } = self;
        let gone: HashSet<String> =
            tags.iter().filter(|(_, tags)| tags.is_none()).map(|(arn, _)| arn.clone()).collect();
        let mut told = |arn: &str| tags.remove(arn).flatten();
        let balancers = balancers.into_items().into_iter().filter(|it| !gone.contains(it.arn.as_str()));
        let balancers =
            balancers.map(|it| (told(it.arn.as_str()), it)).map(|(tags, it)| (it, tags)).collect();
        let groups = groups.into_items().into_iter().filter(|it| !gone.contains(it.arn.as_str()));
        let groups = groups.map(|it| (told(it.arn.as_str()), it)).map(|(tags, it)| (it, tags)).collect();
        Listing { extent, began, balancers, groups, security: security.unwrap_or_default() }
    }
}

/// The tags of as many resources as fit in one request, by ARN; `None` for those that are gone.
pub(super) async fn tags_of_some(
    client: &Client,
    arns: &[String],
) -> Result<HashMap<String, Option<Tags>>, AwsError> {
    let mut tags = HashMap::with_capacity(arns.len());
    let mut parts = vec![arns];
    while let Some(part) = parts.pop() {
        match client.tags(part).await {
            Ok(found) => tags.extend(found.into_iter().map(|(arn, tags)| (arn, Some(tags)))),
            // One that was deleted meanwhile fails the request: halves tell which.
            Err(error) if is_gone(&error) && part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(error) if is_gone(&error) => tags.extend(part.iter().map(|arn| (arn.clone(), None))),
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
            Err(error) if is_gone(&error) => {
                return read(client, account, Extent::Light, |before| before.tick > began.tick).await;
            }
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
