//! What all load balancers of the provider share: a snapshot of the account, patched by our own writes.
//!
//! AWS lists load balancers, target groups and tags in bulk, and grants ten reads per second to a whole account. So one
//! reader lists them for all who look, and what cannot be listed is read when it is needed: see [`crate::observe`].
//!
//! Whoever changes a load balancer holds an [`Entry`] meanwhile. It puts what is known in doubt until the changes are
//! written back; a future that is dropped half-way leaves the doubt, and the next look reads again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::ids::{ClusterId, LbId};
use tokio::time::Instant;

use crate::api::ec2::SecurityGroup;
use crate::api::elb::TAGS_AT_ONCE;
use crate::api::ids::SecurityGroupId;
use crate::client::Client;
use crate::clock::Clock;
use crate::error::AwsError;
use crate::observe::{Balancer, Observed};
use crate::resources::Wanted;

mod doors;
mod flight;
mod freshness;
mod heard;
pub(crate) mod known;
pub(crate) mod needs;
mod refused;
mod roster;
pub(crate) mod snapshot;
pub(crate) mod state;
mod watch;

use flight::Flight;
pub use freshness::Freshness;
use heard::{Extent, Heard, Moment};
use snapshot::Reading;
use state::State;

/// What is known of the account. Shared by all load balancers.
#[derive(Debug)]
pub struct Account {
    cluster: ClusterId,
    freshness: Freshness,
    clock: Clock,
    state: Mutex<State>,
    /// Lists that are being read, or could not be read to their end.
    reading: tokio::sync::Mutex<Option<Reading>>,
    lists: Flight<AwsError>,
    polls: Flight<AwsError>,
}

impl Account {
    /// Nothing is known yet, and nothing is read before somebody looks.
    pub fn new(cluster: ClusterId, freshness: Freshness) -> Self {
        let state = Mutex::new(State::new(cluster.clone(), freshness));
        let clock = Clock::of_system();
        let reading = tokio::sync::Mutex::default();
        Self { cluster, freshness, clock, state, reading, lists: Flight::new(), polls: Flight::new() }
    }

    /// Takes the time of day from this clock instead of the machine's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The time of day.
    pub fn time_of_day(&self) -> Timestamp {
        self.clock.now()
    }

    /// AWS may not tell yet what was made after that.
    pub(crate) fn lately(&self) -> Timestamp {
        let settling = SignedDuration::try_from(self.freshness.settling).unwrap_or(SignedDuration::MAX);
        self.time_of_day().checked_sub(settling).unwrap_or(Timestamp::MIN)
    }

    /// Forgets all that is known: somebody else may have changed it. To be called while nobody looks.
    pub fn forget(&self) {
        self.state().forget();
    }

    /// The cluster whose marks count.
    pub fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// How old what is known may be.
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    /// The load balancers with the marks, from lists that are fresh enough. For what must be known before the wish can
    /// be made: an existing load balancer keeps its zones and its name.
    pub async fn balancers(&self, client: &Client, lb: &LbId) -> Result<Vec<Balancer>, AwsError> {
        self.refresh(client, lb).await?;
        let state = self.state();
        Ok(state.known(lb).map(|known| known.balancers.clone()).unwrap_or_default())
    }

    /// To be taken before anything of a load balancer is changed, after the last look.
    pub fn open(&self, lb: &LbId) -> Entry<'_> {
        let before = self.state().doubt(lb, true);
        Entry { account: self, lb: lb.clone(), before, settled: false }
    }

    /// As [`open`](Self::open), to remove the backend group, too: if it is missing from what is written back, it is gone.
    pub(crate) fn open_with_backend(&self, lb: &LbId, backend: &SecurityGroupId) -> Entry<'_> {
        let mut state = self.state();
        state.known_mut(lb).lent = Some(backend.clone());
        // They are about to be closed.
        state.doors.forget();
        drop(state);
        self.open(lb)
    }

    /// The backend group, if nothing of any load balancer but this one exists or may come to exist.
    pub(crate) fn unneeded_backend(&self, lb: &LbId) -> Option<SecurityGroup> {
        let state = self.state();
        state.backend.clone().filter(|_| state.is_last(lb))
    }

    /// How long the lists may yet lack what somebody made of a load balancer without having written it back.
    pub(crate) fn unsettled(&self, lb: &LbId) -> Option<Duration> {
        self.state().known(lb).and_then(|known| known.unsettled(Instant::now(), &self.freshness))
    }

    /// How long tags and lists may yet lack what we last changed of a load balancer.
    pub(crate) fn settling(&self, lb: &LbId) -> Option<Duration> {
        self.state().known(lb).and_then(|known| known.settling(Instant::now(), &self.freshness))
    }

    /// When to look again at a load balancer although nothing changes here; `None` if nothing is known of it.
    pub(crate) fn look_again(&self, lb: &LbId) -> Option<Duration> {
        self.state().known(lb).map(|known| known.look_again(Instant::now(), &self.freshness))
    }

    /// Sees to it that the lists are fresh enough for a look at a load balancer.
    pub(crate) async fn refresh(&self, client: &Client, lb: &LbId) -> Result<(), AwsError> {
        let look = self.state().moment();
        self.list_while(client, |state, heard| state.lacks(lb, look, heard)).await
    }

    /// Sees to it that what was made in doubt is known, as soon as the lists can tell it.
    pub(crate) async fn clear_doubt(&self, client: &Client, lb: &LbId) -> Result<(), AwsError> {
        self.list_while(client, |state, heard| state.is_ripe(lb, heard).then_some(Extent::Full)).await
    }

    /// Sees to it that nothing is held to be in the way of a wish that is gone since, or whose tags AWS tells only now.
    pub(crate) async fn recheck(&self, client: &Client, lb: &LbId, wanted: &Wanted) -> Result<(), AwsError> {
        let look = self.state().moment();
        let old =
            |state: &State, heard| state.is_conflict_old(lb, wanted, look, heard).then_some(Extent::Light);
        self.list_while(client, old).await?;
        let strangers = self.state().strangers_since(lb, wanted, look);
        let mut is_wrong = false;
        for part in strangers.chunks(TAGS_AT_ONCE) {
            let tags = snapshot::tags_of_some(client, part).await?;
            is_wrong |= self.state().unsee_those_of_ours(&tags);
        }
        let lacks = |_: &State, heard: Heard| (is_wrong && !heard.lists_since(look)).then_some(Extent::Light);
        self.list_while(client, lacks).await
    }

    /// Lists everything, all tags included.
    pub(crate) async fn list(&self, client: &Client) -> Result<(), AwsError> {
        let look = self.state().moment();
        self.list_while(client, |_, heard| (!heard.all_since(look)).then_some(Extent::Full)).await
    }

    /// Lists until nothing is lacking any more.
    async fn list_while(
        &self,
        client: &Client,
        lacks: impl Fn(&State, Heard) -> Option<Extent> + Sync,
    ) -> Result<(), AwsError> {
        let now = || {
            let state = self.state();
            lacks(&state, state.heard())
        };
        let would_do = |extent, began| {
            let state = self.state();
            lacks(&state, state.heard().and(extent, began)).is_none()
        };
        let read = |extent| snapshot::read(client, self, extent, move |began| would_do(extent, began));
        self.lists.until(now, read).await
    }

    /// Sees to it that a load balancer that is being set up was described lately, with all others that are.
    pub(crate) async fn poll(&self, client: &Client, lb: &LbId) -> Result<(), AwsError> {
        let due = || self.state().is_poll_due(lb).then_some(());
        self.polls.until(due, |()| snapshot::describe(client, self)).await
    }

    /// Notes that what is known of a load balancer was found to be wrong.
    pub(crate) fn doubt(&self, lb: &LbId) {
        self.state().doubt(lb, false);
    }

    /// The next look compares everything again: what the last one found was not acted upon.
    pub(crate) fn look_closely(&self, lb: &LbId) {
        self.state().known_mut(lb).look_closely(Instant::now());
    }

    /// Notes what AWS answered to the shape wished: that it takes it, or why it does not.
    pub(crate) fn shape_answered(&self, wanted: &Wanted, answer: Result<(), String>) {
        self.state().known_mut(&wanted.lb).shape_answered(&wanted.balancer, answer, Instant::now());
    }

    /// What is known. Never to be held over a call.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// The right to change a load balancer, and the duty to write back what was changed.
///
/// Dropped without either, it leaves a doubt: the next look lists the account again and reads all details. That is right
/// after a crash, a dropped future, an error that [leaves open](AwsError::is_in_doubt) whether a change took effect, and
/// one that shows that what was known is wrong (something has vanished, or a name is taken).
#[derive(Debug)]
#[must_use = "dropping it means that nobody knows what was changed"]
pub struct Entry<'a> {
    account: &'a Account,
    lb: LbId,
    /// The doubt that there was before.
    before: Option<Moment>,
    settled: bool,
}

impl Entry<'_> {
    /// Writes back what exists after some of the changes: the rest failed in a way that surely changed nothing, or waits
    /// for something.
    pub fn settle(self, observed: &Observed) {
        self.write(observed, false);
    }

    /// Writes back what exists after all of the changes. Details are forgotten where the load balancer has the mark of
    /// what was applied: from now on that stands for them.
    pub fn complete(self, observed: &Observed) {
        self.write(observed, true);
    }

    /// As [`settle`](Self::settle), and leaves the doubt that there was before: what was made in doubt may not have been
    /// found.
    pub(crate) fn settle_in_doubt(mut self, observed: &Observed) {
        let mut state = self.account.state();
        state.settle(&self.lb, observed, false);
        state.doubt_since(&self.lb, self.before);
        self.settled = true;
    }

    fn write(mut self, observed: &Observed, complete: bool) {
        self.account.state().settle(&self.lb, observed, complete);
        self.settled = true;
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.account.state().doubt(&self.lb, false);
        }
    }
}

/// A panic of another holder leaves data that is whole: every change of it is a plain assignment, and what it was about
/// is in doubt.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
