//! From a wish to an outcome: look, compare, change, tell.

use std::collections::BTreeSet;

use landfall_core::model::DesiredLb;
use landfall_core::outcome::Outcome;
use tokio::sync::{Mutex, RwLock};

use crate::account::{Account, Moment};
use crate::apply::{Applied, Worker};
use crate::change::{Change, Stage, What};
use crate::claims::Claims;
use crate::client::Client;
use crate::diff::diff;
use crate::error::GcpError;
use crate::health;
use crate::network::NetworkCache;
use crate::observe::{look_back, observe};
use crate::outcome;
use crate::quota::Quotas;
use crate::resources::{AddressSource, Wanted};
use crate::tidy::{come_to_use, refuse_going, tidy};

/// What runs for different load balancers at the same time share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Held for reading by whoever brings a load balancer to its wish, for writing by whoever removes what all of them
    /// share, or chooses what of it goes: so that never goes while somebody begins to use it.
    pub(crate) users: RwLock<()>,
    /// Held by whoever removes groups that nothing leads to.
    pub(crate) tidying: Mutex<()>,
    /// Held by whoever makes or changes what all share: one does, and the others find it done.
    making: Mutex<()>,
    /// Who is about to have which reserved address.
    pub(crate) claims: Claims,
    /// What the project may have.
    quotas: Quotas,
}

/// What a run works with.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) client: &'a Client,
    pub(crate) account: &'a Account,
    pub(crate) network: &'a NetworkCache,
    pub(crate) shared: &'a Shared,
    /// When the run began: what it wishes is not older.
    pub(crate) since: Moment,
}

impl Tools<'_> {
    /// The changes that bring a load balancer to its wish. Reads only.
    pub(crate) async fn plan(&self, wanted: &Wanted) -> Result<Vec<Change>, GcpError> {
        self.know_holders(wanted).await?;
        self.shared.claims.check(self.account, wanted)?;
        self.changes(wanted).await
    }

    /// Sees to it that it is known who has reserved addresses. Where firewall rules are, which tell it too, may be known
    /// only since the wish is made.
    async fn know_holders(&self, wanted: &Wanted) -> Result<(), GcpError> {
        self.account.refresh(self.client, &wanted.lb, &BTreeSet::new()).await
    }

    async fn changes(&self, wanted: &Wanted) -> Result<Vec<Change>, GcpError> {
        diff(wanted, &observe(self.client, self.account, wanted).await?)
    }

    /// Brings a load balancer to its wish.
    pub(crate) async fn ensure(&self, desired: &DesiredLb, wanted: &Wanted) -> Result<Outcome, GcpError> {
        let user = self.shared.users.read().await;
        come_to_use(*self, wanted).await;
        self.know_holders(wanted).await?;
        self.shared.claims.take(self.account, wanted)?;
        let mut applied = Applied::default();
        let mut changes = self.changes(wanted).await?;
        refuse_going(*self, wanted)?;
        let mut shared = Ok(());
        if changes.iter().any(|change| change.shared) {
            (changes, shared) = self.make_shared(wanted, &mut applied).await?;
        }
        let unsure = self.unsure(wanted);
        if unsure.is_some() {
            // What served before stays as it is.
            changes.retain(|change| change.stage < Stage::Clear);
        }
        self.apply(wanted, changes, &mut applied).await?;
        unsure.map_or(Ok(()), Err)?;
        self.shared.claims.end(&wanted.lb);
        shared?;
        applied.leaves_nodes |= self.changes_nodes(wanted);
        let observed = look_back(self.account, wanted);
        let (health, look_again) = health::ask(self.client, self.account, wanted, &observed).await;
        let outcome = outcome::of(desired, wanted, &observed, applied, &health, look_again);
        drop(user);
        tidy(*self, wanted).await;
        Ok(outcome)
    }

    /// What serves the wish and Google is still making or changing, if there is such a thing: lists tell it already, and
    /// it may yet fail.
    fn unsure(&self, wanted: &Wanted) -> Option<GcpError> {
        let rules = wanted.forwarding_rules.iter().map(|wish| &wish.reference);
        let services = wanted.backend_services.iter().map(|wish| &wish.reference);
        let firewalls = wanted.firewalls.iter().filter(|wish| wish.member.is_some());
        let addresses = wanted.addresses.iter().filter_map(|wish| match &wish.source {
            AddressSource::Chosen { reference, .. } => Some(reference),
            AddressSource::Given { .. } => None,
        });
        let state = self.account.state();
        let mut all = addresses.chain(services).chain(rules).chain(firewalls.map(|wish| &wish.reference));
        all.find_map(|it| Some(self.client.still_running(it, state.doubts.running(it)?, None)))
    }

    /// Whether Google is still changing a group that the wish needs. Who is in it may look as wanted, and that may fail.
    fn changes_nodes(&self, wanted: &Wanted) -> bool {
        let state = self.account.state();
        wanted.groups.iter().any(|wish| state.doubts.running(&wish.reference).is_some())
    }

    /// Makes what all share, one load balancer at a time. Answers the changes that are left, and what went wrong if they
    /// can be made nevertheless: groups serve with the nodes that they have.
    async fn make_shared(
        &self,
        wanted: &Wanted,
        applied: &mut Applied,
    ) -> Result<(Vec<Change>, Result<(), GcpError>), GcpError> {
        let _maker = self.shared.making.lock().await;
        // Somebody else may have made them meanwhile.
        let (mut common, own): (Vec<_>, Vec<_>) =
            self.changes(wanted).await?.into_iter().partition(|change| change.shared);
        let all = common.len();
        common.retain(|change| !self.is_superseded(change));
        applied.leaves_nodes = common.len() < all;
        let made = self.apply(wanted, common, applied).await;
        match made {
            Err(error) if !self.is_founded(wanted) => Err(error),
            made => Ok((own, made)),
        }
    }

    /// Whether a change is of members of a group that a wish has changed that was begun later: it knew the nodes better.
    fn is_superseded(&self, change: &Change) -> bool {
        let of_members = matches!(change.what, What::Members(_));
        of_members && self.account.state().rosters.is_superseded(&change.reference, self.since)
    }

    /// Whether everything shared is there that the rest refers to.
    fn is_founded(&self, wanted: &Wanted) -> bool {
        let groups = wanted.groups.iter().filter(|wish| wish.shared).map(|wish| &wish.reference);
        let checks = wanted.health_checks.iter().filter(|wish| wish.shared).map(|wish| &wish.reference);
        let state = self.account.state();
        groups.chain(checks).all(|reference| state.has(reference))
    }

    async fn apply(
        &self,
        wanted: &Wanted,
        changes: Vec<Change>,
        applied: &mut Applied,
    ) -> Result<(), GcpError> {
        let Self { client, account, network, shared, since } = *self;
        let worker = Worker { client, account, network, since, lb: &wanted.lb, wanted: Some(wanted) };
        match worker.apply(changes, applied).await {
            Ok(()) => Ok(()),
            Err(error) => Err(shared.quotas.explain(client, error).await),
        }
    }
}
