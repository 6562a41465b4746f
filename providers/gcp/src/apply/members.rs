//! Members of groups come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use landfall_core::error::{Category, Classified as _, ErrorClass, ProviderError};
use landfall_core::outcome::Problem;
use tokio::time::Instant;

use super::{Done, Worker};
use crate::account::read_members;
use crate::api::types::Endpoint;
use crate::api::{Kind, Reference};
use crate::change::Members;
use crate::error::{GcpError, is_about_credentials};
use crate::observe::Observed;
use crate::resources::{GroupWish, Wanted};
use crate::text::some_of;

/// How long members that Google did not take are left out: a bit less than until whoever wants them looks again.
const LEFT_OUT: Duration = Duration::from_mins(4);

/// How many members are told apart, by trying smaller and smaller parts, that Google does not take. Those that are then
/// still together are left out together.
const TOLD_APART: usize = 8;

impl Worker<'_> {
    /// Those that come are added before those that go are taken out. If Google refuses it, the members are read, and the
    /// rest is done: it takes a machine's endpoint out itself when that goes. Those that it does not take although they
    /// are not there are left out for a while, so that one of them does not keep out the others.
    pub(super) async fn members(&self, group: &Reference, members: &Members) -> Result<Done, GcpError> {
        let observed = self.observed();
        let it = observed.things.get(group).map(|found| Arc::clone(&found.it));
        let it = it.ok_or_else(|| self.lost(group))?;
        let there = observed.members.get(group).map(|there| (**there).clone()).unwrap_or_default();
        self.account.state().rosters.change(group, self.since);
        let writing = self.writing(group);
        let new: Vec<Endpoint> = members.new.keys().cloned().collect();
        // An error may leave some of it done: then the writing is dropped, and leaves a doubt.
        let (mut there, refused) = match self.exchange(group, &new, &members.gone).await {
            Ok(()) => (there, BTreeMap::new()),
            Err(error) if is_refusal(&error) => {
                tracing::debug!(lb = %self.lb, %group, error = %error, "members are read and changed again");
                self.exchange_again(group, members).await?
            }
            Err(error) => return Err(error),
        };
        there.retain(|endpoint| !members.gone.contains(endpoint));
        there.extend(new.into_iter().filter(|endpoint| !refused.contains_key(endpoint)));
        writing.members(it, Arc::new(there));
        if !refused.is_empty() {
            // They may not be what they were when they were read.
            self.network.forget_instances(&group.place);
            self.account.state().rosters.refuse(group, refused, Instant::now() + LEFT_OUT);
        }
        Ok(Done::Made)
    }

    async fn exchange(&self, group: &Reference, new: &[Endpoint], gone: &[Endpoint]) -> Result<(), GcpError> {
        self.add(group, new).await?;
        self.take_out(group, gone).await
    }

    /// Does what is left to do after a refusal. Tells who was there before, and who is not taken.
    async fn exchange_again(
        &self,
        group: &Reference,
        members: &Members,
    ) -> Result<(BTreeSet<Endpoint>, BTreeMap<Endpoint, String>), GcpError> {
        let there = read_members(self.client, group).await?;
        let new = members.new.keys().filter(|endpoint| !there.contains(*endpoint)).cloned();
        let refused = self.add_those_taken(group, new.collect()).await?;
        let gone: Vec<_> = members.gone.iter().filter(|&one| there.contains(one)).cloned().collect();
        self.take_out(group, &gone).await?;
        Ok((there, refused))
    }

    /// Adds those that Google takes, by halves, and tells the others.
    async fn add_those_taken(
        &self,
        group: &Reference,
        new: Vec<Endpoint>,
    ) -> Result<BTreeMap<Endpoint, String>, GcpError> {
        let mut refused = BTreeMap::new();
        let mut parts = vec![new];
        while let Some(mut part) = parts.pop() {
            match self.add(group, &part).await {
                Ok(()) => {}
                Err(error) if is_refusal(&error) => {
                    if part.len() == 1 || refused.len() >= TOLD_APART {
                        let why = ProviderError::from(error).explain();
                        refused.extend(part.into_iter().map(|endpoint| (endpoint, why.clone())));
                    } else {
                        let rest = part.split_off(part.len() / 2);
                        parts.extend([rest, part]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    async fn add(&self, group: &Reference, all: &[Endpoint]) -> Result<(), GcpError> {
        match group.kind {
            Kind::InstanceGroup => self.client.add_instances(group, &urls(group, all)).await,
            _ => self.client.attach(group, all).await,
        }
    }

    async fn take_out(&self, group: &Reference, all: &[Endpoint]) -> Result<(), GcpError> {
        match group.kind {
            Kind::InstanceGroup => self.client.remove_instances(group, &urls(group, all)).await,
            _ => self.client.detach(group, all).await,
        }
    }
}

fn urls(group: &Reference, all: &[Endpoint]) -> Vec<String> {
    all.iter().map(|endpoint| group.place.at(Kind::Instance, &endpoint.instance).url()).collect()
}

/// Whether Google looked at a request and found something wrong with what it says.
fn is_refusal(error: &GcpError) -> bool {
    let Some(answer) = error.answer().filter(|answer| answer.status().is_some()) else { return false };
    let class = matches!(error.class(), ErrorClass::Rejected | ErrorClass::Denied | ErrorClass::Conflict);
    class && !answer.is_in_doubt() && !error.is_forbidden() && !is_about_credentials(answer)
}

/// Whether Google has not ended to change the members of a group that is there.
pub(super) fn is_changing(error: &GcpError) -> bool {
    matches!(error, GcpError::StillRunning { method, .. } if method.verb.is_of_members())
}

/// What the operator should know if the members of a group that all share could not be changed. `None` if it is tried
/// again soon.
pub(super) fn problem(group: &Reference, error: &GcpError) -> Option<Problem> {
    let lasts = matches!(
        error.class(),
        ErrorClass::Rejected | ErrorClass::Denied | ErrorClass::Quota | ErrorClass::Bug
    );
    lasts.then(|| Problem {
        member: None,
        port: None,
        category: error.category(),
        message: format!(
            "nodes that joined or left are not changed in the group {group}: {}",
            ProviderError::from(error.clone()).explain()
        ),
    })
}

/// The nodes that are wanted in groups, and that Google does not take.
pub(crate) fn left_out(wanted: &Wanted, observed: &Observed) -> Vec<Problem> {
    let of_group = |wish: &GroupWish| {
        let refused = observed.refused.get(&wish.reference)?;
        let both = wish.members.iter().filter_map(|(one, node)| Some((&**node, refused.get(one)?)));
        let (nodes, answers): (BTreeSet<&str>, BTreeSet<&String>) = both.unzip();
        Some(Problem {
            member: None,
            port: None,
            category: Category::new("NodeRefused"),
            message: format!(
                "Google does not take these nodes into the group {}, so they get no traffic: {}: {}",
                wish.reference,
                some_of(&nodes),
                answers.first()?
            ),
        })
    };
    wanted.groups.iter().filter_map(of_group).collect()
}
