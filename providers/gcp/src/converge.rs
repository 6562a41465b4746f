//! From a wish to an outcome: look, compare, change, tell.

use landfall_core::model::DesiredLb;
use landfall_core::outcome::Outcome;
use tokio::sync::{Mutex, RwLock};

use crate::account::Account;
use crate::apply::{Applied, Worker};
use crate::change::Change;
use crate::client::Client;
use crate::diff::diff;
use crate::error::GcpError;
use crate::health;
use crate::observe::{look_back, observe};
use crate::outcome;
use crate::quota::Quotas;
use crate::resources::Wanted;

/// What runs for different load balancers at the same time share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Held for reading by whoever brings a load balancer to its wish, for writing by whoever removes what all of them
    /// share: so that never goes while somebody begins to use it.
    pub(crate) users: RwLock<()>,
    /// Held by whoever makes or changes what all share: one does, and the others find it done.
    making: Mutex<()>,
    /// What the project may have.
    quotas: Quotas,
}

/// What a run works with.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) client: &'a Client,
    pub(crate) account: &'a Account,
    pub(crate) shared: &'a Shared,
}

impl Tools<'_> {
    /// The changes that bring a load balancer to its wish. Reads only.
    pub(crate) async fn plan(&self, wanted: &Wanted) -> Result<Vec<Change>, GcpError> {
        diff(wanted, &observe(self.client, self.account, wanted).await?)
    }

    /// Brings a load balancer to its wish.
    pub(crate) async fn ensure(&self, desired: &DesiredLb, wanted: &Wanted) -> Result<Outcome, GcpError> {
        let _user = self.shared.users.read().await;
        let mut applied = Applied::default();
        let mut changes = self.plan(wanted).await?;
        if changes.iter().any(|change| change.shared) {
            let _maker = self.shared.making.lock().await;
            // Somebody else may have made them meanwhile.
            let (common, own): (Vec<_>, Vec<_>) =
                self.plan(wanted).await?.into_iter().partition(|change| change.shared);
            self.apply(wanted, common, &mut applied).await?;
            changes = own;
        }
        self.apply(wanted, changes, &mut applied).await?;
        let observed = look_back(self.account, wanted);
        let (health, look_again) = health::ask(self.client, self.account, wanted, &observed).await;
        Ok(outcome::of(desired, wanted, &observed, applied, &health, look_again))
    }

    async fn apply(
        &self,
        wanted: &Wanted,
        changes: Vec<Change>,
        applied: &mut Applied,
    ) -> Result<(), GcpError> {
        let Self { client, account, shared } = self;
        let worker = Worker { client, account, lb: &wanted.lb, wanted: Some(wanted) };
        match worker.apply(changes, applied).await {
            Ok(()) => Ok(()),
            Err(error) => Err(shared.quotas.explain(client, error).await),
        }
    }
}
