//! Makes decided changes and keeps the picture of the world in step, call by call.

use jiff::Timestamp;
use landfall_core::error::{Classified as _, ErrorClass};
use landfall_core::outcome::Problem;
use landfall_core::plan::Step;

use crate::account::Account;
use crate::api::elb::LoadBalancer;
use crate::api::ids::LoadBalancerArn;
use crate::change::{Change, ListenerRef, kinds};
use crate::client::Client;
use crate::error::AwsError;
use crate::observe::{Balancer, Group, Observed};

mod balancers;
mod groups;
mod guards;
mod listeners;
mod renewal;
mod tags;

use renewal::Renewal;

/// What came of changes.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// The steps taken, in order.
    pub(crate) steps: Vec<Step>,
    /// What AWS did not take although the rest is done.
    pub(crate) problems: Vec<Problem>,
    /// Something could not go yet because it is still used: to be tried again soon.
    pub(crate) postponed: bool,
    /// Something was made of which it is not known whether it is ours, be the error as harmless as it may.
    pub(crate) unsure: bool,
    /// Nodes could not be opened.
    pub(crate) closed: bool,
    /// What AWS answered last to another shape of the load balancer: that it takes it, or why it does not.
    pub(crate) shape: Option<Result<(), String>>,
}

/// How one change ended that did not fail.
enum Done {
    /// It is made.
    Made,
    /// What must go is still used.
    Postponed,
    /// It is not made, or not in full, and somebody should know.
    With(Vec<Problem>),
}

/// Makes the changes in order and adds to what was applied. Stops at the first failure; the next run goes on from what
/// it then observes. A listener that is away only to be made anew comes back as it was: what keeps it from that may be
/// refused for as long as nobody does anything about it.
pub(crate) async fn apply(
    (client, account): (&Client, &Account),
    changes: impl IntoIterator<Item = Change>,
    observed: &mut Observed,
    applied: &mut Applied,
) -> Result<(), AwsError> {
    let changes: Vec<Change> = changes.into_iter().collect();
    let (lately, renewal) = (account.lately(), Renewal::of(&changes));
    let (kept, dropped) = (Vec::new(), Vec::new());
    let closed = applied.closed;
    let mut world =
        World { client, observed, lately, kept, dropped, renewal, unsure: false, closed, shape: None };
    for change in changes {
        let steps = change.steps();
        for step in &steps {
            tracing::debug!(lb = client.whom(), %step, "applying");
        }
        let made = match world.make(change).await {
            Err(error) => Err(world.put_back(error).await),
            made => made,
        };
        applied.unsure |= world.unsure;
        applied.closed |= world.closed;
        applied.shape = world.shape.take().or_else(|| applied.shape.take());
        match made? {
            Done::Made => applied.steps.extend(steps),
            Done::Postponed => applied.postponed = true,
            Done::With(problems) => applied.problems.extend(problems),
        }
    }
    Ok(())
}

/// The calls, and what is known to exist.
struct World<'a> {
    client: &'a Client,
    observed: &'a mut Observed,
    /// AWS may not tell yet the tags of what was made after that.
    lately: Timestamp,
    /// Load balancers that AWS would not delete: what they use need not be tried.
    kept: Vec<LoadBalancerArn>,
    /// Listeners that could not be given back.
    dropped: Vec<ListenerRef>,
    /// Listeners that go and are made anew.
    renewal: Renewal,
    /// See [`Applied::unsure`].
    unsure: bool,
    /// See [`Applied::closed`].
    closed: bool,
    /// See [`Applied::shape`].
    shape: Option<Result<(), String>>,
}

impl World<'_> {
    async fn make(&mut self, change: Change) -> Result<Done, AwsError> {
        match change {
            Change::Guard(guard, change) => self.guard(&guard, change).await,
            Change::Group(name, change) => self.group(&name, change).await,
            Change::Balancer(name, change) => self.balancer(&name, change).await,
            Change::Listener(listener, change) => self.listener(&listener, change).await,
            Change::Tags(retag) => self.tags(&retag).await,
        }
    }

    fn find_balancer(&mut self, name: &str) -> Result<&mut Balancer, AwsError> {
        let lost = self.lost(kinds::BALANCER, name);
        self.observed.balancers.iter_mut().find(|balancer| balancer.it.name == name).ok_or(lost)
    }

    fn find_group(&mut self, name: &str) -> Result<&mut Group, AwsError> {
        let lost = self.lost(kinds::GROUP, name);
        self.observed.groups.iter_mut().find(|group| group.it.name == name).ok_or(lost)
    }

    /// Which load balancers' listeners forward to which target groups, after one's listeners changed.
    fn relink(&mut self, balancer: &LoadBalancer) {
        let arn = &balancer.arn;
        let of = self.observed.balancers.iter().find(|other| other.it.arn == *arn);
        let details = of.and_then(|balancer| balancer.details.as_ref());
        let listeners = details.map(|details| details.listeners.as_slice()).unwrap_or_default();
        for group in &mut self.observed.groups {
            group.it.load_balancers.retain(|other| other != arn);
            if listeners.iter().any(|listener| listener.it.spec.forward.as_ref() == Some(&group.it.arn)) {
                group.it.load_balancers.push(arn.clone());
            }
        }
    }

    fn lost(&self, kind: &'static str, name: &str) -> AwsError {
        AwsError::Lost { whom: self.client.whom().to_owned(), kind, name: name.to_owned() }
    }
}

/// Takes "still used" for a reason to try again later.
fn unless_in_use(answer: Result<(), AwsError>) -> Result<Done, AwsError> {
    match answer {
        Ok(()) => Ok(Done::Made),
        Err(error) if is_in_use(&error) => Ok(Done::Postponed),
        Err(error) => Err(error),
    }
}

/// Whether somebody has to do something before the same request can succeed.
fn is_settled(error: &AwsError) -> bool {
    matches!(error.class(), ErrorClass::Quota | ErrorClass::Denied | ErrorClass::Rejected)
}

/// Whether AWS refused to delete something because something else uses it.
pub(crate) fn is_in_use(error: &AwsError) -> bool {
    matches!(error.code(), Some("ResourceInUse" | "DependencyViolation" | "InvalidGroup.InUse"))
}
