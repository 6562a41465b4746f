//! Makes decided changes, stage by stage, and writes back what became of each.

use std::time::Duration;

use futures::future::join_all;
use landfall_core::ids::LbId;
use landfall_core::outcome::Problem;
use landfall_core::plan::Step;
use tokio::time::Instant;

use crate::account::{Account, Moment, Writing};
use crate::api::{Kind, Reference};
use crate::change::{Change, Stage, What};
use crate::client::Client;
use crate::error::GcpError;
use crate::network::NetworkCache;
use crate::observe::{self, Observed};
use crate::resources::Wanted;

pub(crate) mod command;
pub(crate) mod members;
mod overlay;
mod write;

/// How long what the controller may not do is not tried again: a bit less than until whoever wants it looks again.
const REFUSED: Duration = Duration::from_mins(4);

/// What came of changes.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// The steps taken, in order.
    pub(crate) steps: Vec<Step>,
    /// What Google did not take although the rest is done.
    pub(crate) problems: Vec<Problem>,
    /// Something could not go yet because it is still used: to be tried again soon.
    pub(crate) postponed: Vec<Reference>,
    /// Nodes of groups that serve were left to a wish that was begun later, or to an operation that goes on: to be looked
    /// at again soon.
    pub(crate) leaves_nodes: bool,
}

/// How one change ended that did not fail.
enum Done {
    /// It is made.
    Made,
    /// There was nothing to do after all.
    Spared,
    /// What must go is still used.
    Postponed,
    /// Google is changing the nodes of a group that serves.
    NodesLeft,
    /// It is not made, and somebody should know.
    With(Box<Problem>),
}

/// What changes work with.
#[derive(Clone, Copy)]
pub(crate) struct Worker<'a> {
    pub(crate) client: &'a Client,
    pub(crate) account: &'a Account,
    pub(crate) network: &'a NetworkCache,
    /// When the wish was begun, or the release.
    pub(crate) since: Moment,
    /// Whose changes they are.
    pub(crate) lb: &'a LbId,
    /// The wish; `None` for a release, which fills in no addresses.
    pub(crate) wanted: Option<&'a Wanted>,
}

impl Worker<'_> {
    /// Makes changes that are ordered by stage, those of one stage at the same time, and adds to what was applied. Stops
    /// after the first stage of which one failed; the next run goes on from what it then observes.
    pub(crate) async fn apply(&self, changes: Vec<Change>, applied: &mut Applied) -> Result<(), GcpError> {
        for stage in changes.chunk_by(|one, other| one.stage == other.stage) {
            let results = join_all(stage.iter().map(|change| self.make(change))).await;
            let mut failed = None;
            for (change, result) in stage.iter().zip(results) {
                match result {
                    Ok(Done::Made) => applied.steps.push(change.step()),
                    Ok(Done::Spared) => {}
                    Ok(Done::Postponed) => applied.postponed.push(change.reference.clone()),
                    Ok(Done::NodesLeft) => applied.leaves_nodes = true,
                    Ok(Done::With(problem)) => applied.problems.push(*problem),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            failed.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    async fn make(&self, change: &Change) -> Result<Done, GcpError> {
        tracing::debug!(lb = %self.lb, step = %change.step(), "applying");
        let reference = &change.reference;
        if let Some(error) = self.known_refusal(change) {
            return Ok(Done::With(Box::new(self.left_to_others(change, &error)?)));
        }
        match self.attempt(change).await {
            Err(error) if is_spare(change.stage) && error.is_in_use() => Ok(Done::Postponed),
            // The rules of a Shared VPC may be the business of its host project's administrators alone.
            Err(error) if self.is_theirs(reference) && error.is_forbidden() => {
                let (method, until) = (change.method(), Instant::now() + REFUSED);
                self.account.state().refusals.note(&reference.place, method, error.clone(), until);
                Ok(Done::With(Box::new(self.left_to_others(change, &error)?)))
            }
            // What all share serves with the nodes that it has.
            Err(error) if change.shared && members::is_changing(&error) => Ok(Done::NodesLeft),
            Err(error) if change.shared && matches!(change.what, What::Members(_)) => {
                members::problem(reference, &error).map(|it| Done::With(Box::new(it))).ok_or(error)
            }
            made => made,
        }
    }

    /// Makes a change, unless an earlier one of the same resource goes on: what it leaves behind is not known.
    async fn attempt(&self, change: &Change) -> Result<Done, GcpError> {
        let reference = &change.reference;
        if let Some(operation) = self.account.state().doubts.running(reference) {
            return Err(self.client.still_running(reference, operation, None));
        }
        let client = &self.client.for_one();
        let worker = Worker { client, ..*self };
        match &change.what {
            What::Insert(it) => worker.insert(change, it).await,
            What::Update(it) => worker.update(change, it).await,
            What::GlobalAccess(allowed) => worker.global_access(reference, *allowed).await,
            What::Labels(labels) => worker.labels(reference, labels).await,
            What::Members(members) => worker.members(reference, members).await,
            What::Delete => worker.delete(reference).await,
        }
    }

    /// The right to change a resource.
    fn writing(&self, reference: &Reference) -> Writing<'_> {
        self.account.writing(self.lb, reference, self.client.pending().clone())
    }

    /// What Google answered to a change like this one, which it may be that others have to make.
    fn known_refusal(&self, change: &Change) -> Option<GcpError> {
        let place = self.is_theirs(&change.reference).then_some(&change.reference.place)?;
        self.account.state().refusals.get(place, change.method(), Instant::now())
    }

    /// Whether a change may be left to others. Not in a release: what is left behind has to be known.
    fn is_theirs(&self, reference: &Reference) -> bool {
        let of_host = reference.kind == Kind::Firewall && self.account.is_host(&reference.place);
        of_host && self.wanted.is_some()
    }

    /// What exists now, as far as it is known.
    fn observed(&self) -> Observed {
        match self.wanted {
            Some(wanted) => observe::look_back(self.account, wanted),
            None => self.account.observed(self.lb, &std::collections::BTreeSet::new()),
        }
    }
}

/// Whether a change only tidies up.
fn is_spare(stage: Stage) -> bool {
    matches!(stage, Stage::SpareRules | Stage::SpareServices | Stage::SpareRest)
}
