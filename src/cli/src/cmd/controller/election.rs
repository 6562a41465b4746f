//! Leader election, or the lack of it.

use anyhow::{Context, Result};
use landfall_api::names::LEASE_NAME;
use landfall_runtime::client::Clients;
use landfall_runtime::lease::{Claim, Elector, Identity, KubeLease, Leadership, LeaseMetrics, Timing};
use landfall_runtime::metrics::Metrics;
use tokio::sync::watch;

use super::ControllerArgs;

/// What is needed to stand for election.
pub(super) struct Candidate {
    lease: Option<(KubeLease, Identity, LeaseMetrics)>,
}

impl Candidate {
    /// Stands for election over the Lease that the flags name, or leads without one.
    pub(super) fn new(
        args: &ControllerArgs,
        clients: &Clients,
        identity: &Identity,
        metrics: &Metrics,
    ) -> Self {
        let lease = args.leader_elect.then(|| {
            let namespace = args.lease_namespace.as_deref().unwrap_or(&clients.namespace);
            let store = KubeLease::new(clients.writes.clone(), namespace, LEASE_NAME);
            (store, identity.clone(), LeaseMetrics::register(metrics))
        });
        Self { lease }
    }

    /// Begins to take part.
    pub(super) fn elect(self) -> Election {
        match self.lease {
            None => Election::Off(watch::Sender::new(Leadership::Leading(Claim::always()))),
            Some((store, identity, metrics)) => {
                Election::Lease(Elector::start(store, identity, Timing::default(), metrics))
            }
        }
    }
}

/// How this process comes to lead.
pub(super) enum Election {
    /// It always does. The sender is kept because its end would count as the end of the election.
    Off(watch::Sender<Leadership>),
    /// By holding a Lease.
    Lease(Elector),
}

impl Election {
    /// Changes of leadership.
    pub(super) fn leadership(&self) -> watch::Receiver<Leadership> {
        match self {
            Self::Off(sender) => sender.subscribe(),
            Self::Lease(elector) => elector.leadership(),
        }
    }

    /// Gives the lease away. To be called after the work has stopped.
    pub(super) async fn release(self) -> Result<()> {
        if let Self::Lease(elector) = self {
            elector.release().await.context("a standby has to wait for the lease duration")?;
        }
        Ok(())
    }
}
