//! What all load balancers of the provider share: a snapshot of the project, patched by our own writes.
//!
//! Compute Engine lists every kind of resource in bulk and with all its fields. So one reader lists them for all who
//! look, and only two things are read when they are needed: who is in a group, and how the nodes are.
//!
//! Whoever changes a resource holds a `Writing` meanwhile. It puts the resource in doubt until what became of it is
//! written back; a future that is dropped half-way leaves the doubt, and the next look lists its collection again. While
//! an operation runs, lists may lack what it makes: looks then ask for its state, and the doubt stays until it has ended.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use landfall_core::error::{Classified as _, ErrorClass};
use landfall_core::ids::{ClusterId, LbId};
use tokio::time::Instant;

use crate::api::types::{Endpoint, ForwardingRule};
use crate::api::{ApiError, Kind, OperationRef, Place, Reference};
use crate::client::{Client, Pending};
use crate::error::{GcpError, is_about_credentials};
use crate::observe::{Observed, Thing};
use crate::resources::Cell;

mod doubts;
mod flight;
mod freshness;
mod health;
mod held;
mod holders;
mod idle;
pub(crate) mod list;
mod moment;
mod parts;
mod refusals;
mod rosters;
mod state;
mod things;

pub(crate) use doubts::Unsettled;
use flight::Flight;
pub use freshness::Freshness;
pub(crate) use moment::Moment;
use parts::zone_of;
pub(crate) use rosters::Refused;
use state::State;

/// The resources of one kind in one place: what one list tells.
pub(crate) type Collection = (Place, Kind);

/// When the last list of each collection that succeeded was begun.
type Lists = HashMap<Collection, Moment>;

/// What a wish builds upon.
#[derive(Debug)]
pub(crate) struct Existing {
    /// Forwarding rules of the load balancer.
    pub(crate) rules: Vec<ForwardingRule>,
    /// Over how many shards the nodes of the cluster are spread; 1 if there is none.
    pub(crate) shards: usize,
    /// Where groups are that serve any load balancer.
    pub(crate) cells: BTreeSet<Cell>,
}

/// What is known of the project. Shared by all load balancers.
#[derive(Debug)]
pub struct Account {
    cluster: ClusterId,
    freshness: Freshness,
    region: Place,
    state: Mutex<State>,
    zones: Flight<GcpError>,
    lists: Flight<GcpError>,
    rosters: Flight<GcpError>,
}

impl Account {
    /// What is in this region. Nothing is known yet, and nothing is read before somebody looks.
    pub fn new(cluster: ClusterId, region: Place, freshness: Freshness) -> Self {
        let state = Mutex::new(State::new(cluster.clone(), region.clone(), freshness));
        let (zones, lists, rosters) = (Flight::new(), Flight::new(), Flight::new());
        Self { cluster, freshness, region, state, zones, lists, rosters }
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

    /// Where load balancers are made.
    pub(crate) fn region(&self) -> &Place {
        &self.region
    }

    /// Notes where firewall rules are: in the global scope of the network's project.
    pub(crate) fn set_network_project(&self, project: &str) {
        self.state().firewalls = Some(Place::global(project));
    }

    /// Sees to it that it is known where firewall rules are, also if neither the configuration nor a wish told the network
    /// yet: groups of nodes, forwarding rules and addresses do. Without any there is nothing in another project than the
    /// load balancers' own.
    pub(crate) async fn find_network_project(&self, client: &Client) -> Result<(), GcpError> {
        if self.state().firewalls.is_some() {
            return Ok(());
        }
        self.list(client).await?;
        let found = self.state().network_project();
        self.set_network_project(found.as_ref().unwrap_or(&self.region.project));
        Ok(())
    }

    /// Whether a place belongs to the host project of a Shared VPC and not to the load balancers' own.
    pub(crate) fn is_host(&self, place: &Place) -> bool {
        place.project != self.region.project
    }

    /// What must be known of a load balancer before its wish can be made, from lists that are fresh enough.
    pub(crate) async fn existing(&self, client: &Client, lb: &LbId) -> Result<Existing, GcpError> {
        self.refresh(client, lb, &BTreeSet::new()).await?;
        Ok(self.state().existing(lb))
    }

    /// Sees to it that the lists are fresh enough for a look at a load balancer that needs these resources, and that
    /// strangers in their way are still there.
    pub(crate) async fn refresh(
        &self,
        client: &Client,
        lb: &LbId,
        needed: &BTreeSet<&Reference>,
    ) -> Result<(), GcpError> {
        self.know_zones(client).await?;
        let zones = needed.iter().filter_map(|reference| zone_of(&reference.place)).map(str::to_owned);
        self.state().add_zones(zones.collect::<Vec<_>>());
        self.look_at_operations(client, lb, needed).await;
        let look = self.state().moment();
        self.list_what(client, || self.state().lacks(lb, look)).await?;
        self.list_what(client, || self.state().conflicts(lb, needed)).await
    }

    /// As [`refresh`](Self::refresh), for a load balancer that goes: sees to it that what was made in doubt is known, as
    /// soon as the lists can tell it.
    pub(crate) async fn refresh_to_release(&self, client: &Client, lb: &LbId) -> Result<(), GcpError> {
        self.refresh(client, lb, &BTreeSet::new()).await?;
        self.list_what(client, || self.state().ripe(lb)).await
    }

    /// Lists everything.
    pub(crate) async fn list(&self, client: &Client) -> Result<(), GcpError> {
        self.know_zones(client).await?;
        let look = self.state().moment();
        self.list_what(client, || self.state().unlisted_since(look)).await
    }

    /// Sees to it that the members of these groups are known, of those that exist.
    pub(crate) async fn know_members(
        &self,
        client: &Client,
        groups: &BTreeSet<&Reference>,
    ) -> Result<(), GcpError> {
        let lacks = || {
            let (state, now) = (self.state(), Instant::now());
            let due = groups.iter().filter(|&&group| state.has(group) && state.rosters.is_due(group, now));
            let due: Vec<Reference> = due.map(|&group| group.clone()).collect();
            (!due.is_empty()).then_some(due)
        };
        self.rosters.until(lacks, |due| self.read_members(client, due)).await
    }

    /// Whether lists that were begun now could lack what a load balancer made without seeing how it ended, and why.
    pub(crate) async fn unsettled(&self, client: &Client, lb: &LbId) -> Option<Unsettled> {
        self.look_at_operations(client, lb, &BTreeSet::new()).await;
        self.state().unsettled(lb)
    }

    /// What is known of a load balancer, with strangers in the way of what it needs.
    pub(crate) fn observed(&self, lb: &LbId, needed: &BTreeSet<&Reference>) -> Observed {
        self.state().observed(lb, needed)
    }

    /// To be taken before a resource is changed for a load balancer. `pending` tells the operation that the change waits
    /// for.
    pub(crate) fn writing(&self, lb: &LbId, reference: &Reference, pending: Pending) -> Writing<'_> {
        self.state().open(lb, reference);
        Writing { account: self, reference: reference.clone(), pending, settled: false }
    }

    /// Now, later than every moment before.
    pub(crate) fn moment(&self) -> Moment {
        self.state().moment()
    }

    /// What is known. Never to be held over a call.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic of another holder leaves data that is whole: every change of it is a plain assignment, and what it was
        // about is in doubt.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn know_zones(&self, client: &Client) -> Result<(), GcpError> {
        let lacks = || self.state().zones().is_none().then_some(());
        self.zones.until(lacks, |()| list::read_zones(client, self)).await
    }

    /// Looks whether operations have ended of changes in doubt. A look that fails tells nothing about them. Who looks at the
    /// same time does not wait for that: until it is known, they have not ended.
    async fn look_at_operations(&self, client: &Client, lb: &LbId, needed: &BTreeSet<&Reference>) {
        let due = self.state().running(lb, needed);
        join_all(due.iter().map(|(what, operation)| self.look_at(client, what, operation))).await;
    }

    async fn look_at(&self, client: &Client, what: &Reference, operation: &OperationRef) {
        match client.is_done(what, operation).await {
            Ok(true) => self.state().ended(what, operation),
            Ok(false) => self.state().doubts.runs(what, operation),
            // Nobody could ever go on.
            Err(error) if error.is_forbidden() => self.state().lose_sight(what, operation),
            Err(error) if is_refusal(&error) && self.state().doubts.is_out_of_sight(what, operation) => {
                tracing::warn!(%what, operation = operation.name, %error, "the state of an operation is asked for no longer");
                self.state().lose_sight(what, operation);
            }
            Err(error) => {
                tracing::info!(%what, operation = operation.name, %error, "the state of an operation is not known");
                self.state().doubts.runs(what, operation);
            }
        }
    }

    async fn list_what(&self, client: &Client, what: impl Fn() -> Vec<Collection>) -> Result<(), GcpError> {
        let lacks = || Some(what()).filter(|what| !what.is_empty());
        self.lists.until(lacks, |what| list::read(client, self, what)).await
    }

    async fn read_members(&self, client: &Client, groups: Vec<Reference>) -> Result<(), GcpError> {
        for group in groups {
            let members = read_members(client, &group).await;
            let members = match members {
                // Gone since it was listed: the next list tells, and until then it has nobody.
                Err(error) if error.is_not_found() => BTreeSet::new(),
                answer => answer?,
            };
            let due = Instant::now() + self.freshness.details_of(&group.name);
            self.state().rosters.learn(group, Arc::new(members), due);
        }
        Ok(())
    }
}

/// Whether Google refuses a question itself, which is answered no better later.
fn is_refusal(error: &GcpError) -> bool {
    let refused = |answer: &ApiError| answer.status().is_some_and(|status| (400..500).contains(&status));
    let passes = matches!(error.class(), ErrorClass::Throttled { .. });
    !passes && error.answer().is_some_and(|answer| refused(answer) && !is_about_credentials(answer))
}

/// The members of a group as they are now.
pub(crate) async fn read_members(client: &Client, group: &Reference) -> Result<BTreeSet<Endpoint>, GcpError> {
    match group.kind {
        Kind::InstanceGroup => {
            let urls = client.instances_of(group).await?;
            let name = |url: &String| url.rsplit('/').next().unwrap_or(url).to_owned();
            Ok(urls.iter().map(|url| Endpoint { instance: name(url), ip_address: None }).collect())
        }
        _ => Ok(client.endpoints(group).await?.into_iter().collect()),
    }
}

/// The right to change a resource, and the duty to write back what became of it.
///
/// Dropped without that, it leaves a doubt: right after a crash, a dropped future, and an error that
/// [leaves open](crate::error::leaves_doubt) whether the change took effect.
#[derive(Debug)]
#[must_use = "dropping it means that nobody knows what was changed"]
pub(crate) struct Writing<'a> {
    account: &'a Account,
    reference: Reference,
    pending: Pending,
    settled: bool,
}

impl Writing<'_> {
    /// This is what there is now.
    pub(crate) fn put(mut self, it: Arc<Thing>) {
        self.settled = true;
        self.account.state().write(&self.reference, Some(it));
    }

    /// A group has these members now.
    pub(crate) fn members(mut self, it: Arc<Thing>, members: Arc<BTreeSet<Endpoint>>) {
        self.settled = true;
        let due = Instant::now() + self.account.freshness.details_of(&self.reference.name);
        let mut state = self.account.state();
        state.write(&self.reference, Some(it));
        state.rosters.learn(self.reference.clone(), members, due);
    }

    /// It is gone.
    pub(crate) fn gone(mut self) {
        self.settled = true;
        self.account.state().write(&self.reference, None);
    }

    /// The change surely had no effect.
    pub(crate) fn unchanged(mut self) {
        self.settled = true;
        self.account.state().unchanged(&self.reference);
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.account.state().doubt(&self.reference, self.pending.take());
        }
    }
}
