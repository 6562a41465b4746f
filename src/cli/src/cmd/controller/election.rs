//! Leader election, or the lack of it.

use anyhow::{Context, Result};
use kube::Client;
use landfall_runtime::lease::{Claim, Elector, Identity, KubeLease, Leadership, LeaseMetrics, Timing};
use landfall_runtime::metrics::Metrics;
use tokio::sync::watch;

/// How this process comes to lead.
pub(super) enum Election {
    /// It always does. The sender is kept because its end would count as the end of the election.
    Off(watch::Sender<Leadership>),
    /// By holding a Lease.
    Lease(Elector),
}

impl Election {
    /// Leads from the start to the end.
    pub(super) fn off() -> Self {
        Self::Off(watch::Sender::new(Leadership::Leading(Claim::always())))
    }

    /// Takes part in the election over the Lease of this namespace and name.
    pub(super) fn start(
        client: Client,
        (namespace, name): (&str, &str),
        identity: Identity,
        metrics: &Metrics,
    ) -> Self {
        let store = KubeLease::new(client, namespace, name);
        let metrics = LeaseMetrics::register(metrics);
        Self::Lease(Elector::start(store, identity, Timing::default(), metrics))
    }

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
