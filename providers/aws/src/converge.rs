//! From a wish to an outcome: look, compare, change, tell.

use landfall_core::outcome::Outcome;
use tokio::sync::{Mutex, RwLock};

use crate::account::Account;
use crate::adopt;
use crate::apply::{Applied, apply};
use crate::change::{Change, GuardChange, GuardRole};
use crate::client::Client;
use crate::diff::diff;
use crate::error::{AwsError, leaves_doubt};
use crate::observe::{Look, Observed, observe};
use crate::outcome;
use crate::quota::Limits;
use crate::resources::Wanted;

/// What runs for different load balancers at the same time share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Held for reading by whoever brings a load balancer to its wish, for writing by whoever removes the group that
    /// all of them carry: so it never goes while somebody puts it on.
    pub(crate) users: RwLock<()>,
    /// Held by whoever makes that group, or opens nodes to it: one does, and the others find it done.
    making: Mutex<()>,
    /// What the account may have.
    pub(crate) limits: Limits,
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
    pub(crate) async fn plan(&self, wanted: &Wanted) -> Result<Vec<Change>, AwsError> {
        let observed = self.look(wanted).await?.observed;
        let changes = diff(wanted, &observed, self.account.time_of_day())?;
        if !changes.is_empty() {
            self.account.look_closely(&wanted.lb);
        }
        Ok(changes)
    }

    /// Brings a load balancer to its wish. `confirmed` is the operator's word for taking one over.
    pub(crate) async fn ensure(&self, wanted: &Wanted, confirmed: Option<&str>) -> Result<Outcome, AwsError> {
        let _user = self.shared.users.read().await;
        let mut applied = Applied::default();
        let Look { mut observed, look_again } = self.look(wanted).await?;
        let mut now = self.account.time_of_day();
        let mut changes = diff(wanted, &observed, now)?;
        adopt::confirm(wanted, &observed, &changes, confirmed)?;
        if changes.iter().any(is_shared) {
            let _maker = self.shared.making.lock().await;
            // Somebody else may have made them meanwhile.
            self.account.look_closely(&wanted.lb);
            observed = self.look(wanted).await?.observed;
            now = self.account.time_of_day();
            changes = diff(wanted, &observed, now)?;
            adopt::confirm(wanted, &observed, &changes, confirmed)?;
            let last = changes.iter().rposition(is_shared).map_or(0, |last| last + 1);
            let rest = changes.split_off(last);
            self.apply(wanted, changes, &mut observed, &mut applied, false).await?;
            changes = rest;
        }
        if changes.is_empty() {
            return Ok(outcome::of(wanted, &observed, applied, look_again, now));
        }
        self.apply(wanted, changes, &mut observed, &mut applied, true).await?;
        let look_again = self.account.look_again(&wanted.lb);
        Ok(outcome::of(wanted, &observed, applied, look_again, now))
    }

    async fn look(&self, wanted: &Wanted) -> Result<Look, AwsError> {
        observe(self.client, self.account, &wanted.lb, Some(wanted)).await
    }

    /// Applies changes and writes back what came of them: that they were all there are to make, if they are `complete`;
    /// what was made before one failed in a way that surely changed nothing; and else the doubt.
    async fn apply(
        &self,
        wanted: &Wanted,
        changes: Vec<Change>,
        observed: &mut Observed,
        applied: &mut Applied,
        complete: bool,
    ) -> Result<(), AwsError> {
        if changes.is_empty() {
            return Ok(());
        }
        let client = if observed.balancers.is_empty() { &self.client.making() } else { self.client };
        let entry = self.account.open(&wanted.lb);
        let result = apply((client, self.account), changes, observed, applied).await;
        if let Some(answer) = applied.shape.take() {
            self.account.shape_answered(wanted, answer);
        }
        match result {
            Ok(()) if complete => {
                entry.complete(observed);
                Ok(())
            }
            Ok(()) => {
                entry.settle(observed);
                Ok(())
            }
            Err(error) => {
                if !leaves_doubt(&error) && !applied.unsure {
                    entry.settle(observed);
                }
                Err(self.shared.limits.explain(self.client, observed, error).await)
            }
        }
    }
}

/// Whether a change is about what all load balancers of the cluster share.
fn is_shared(change: &Change) -> bool {
    matches!(change, Change::Guard(_, GuardChange::Create(GuardRole::Backend, _) | GuardChange::LetIn { .. }))
}
