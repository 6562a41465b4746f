//! The handle on a running election: who leads, and the orderly end.

use std::time::Duration;

use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::campaign::Campaign;
use super::{Claim, Identity, LeaseMetrics, LeaseStore, StoreError, Timing};

/// Which side this process is on.
#[derive(Clone, Debug)]
pub enum Leadership {
    /// Somebody else leads, or nobody does. Only watch and compute.
    Standby {
        /// The holder in the record last read.
        holder: Option<String>,
    },
    /// This process leads while the claim lasts.
    Leading(Claim),
}

/// A running election. Dropping it ends the claim at once and leaves the lease to run out; use
/// [`Elector::release`] for an orderly end.
#[derive(Debug)]
pub struct Elector {
    leadership: watch::Receiver<Leadership>,
    release: oneshot::Sender<()>,
    task: JoinHandle<Result<Released, ReleaseError>>,
}

/// How an orderly end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The record has no holder any more: a standby can take over at once.
    Freed,
    /// The lease was not ours.
    NotHeld,
}

/// The lease could not be released: standbys have to wait for the lease duration.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// Work under the claim did not stop, so giving the lease away would not have been safe.
    #[error("the lease was kept, because guarded work had not ended {0:?} after the claim was given up")]
    StillAtWork(Duration),
    /// The API server did not answer in time.
    #[error("the lease could not be released: no answer within {0:?}")]
    TimedOut(Duration),
    /// The API server refused, or could not be reached.
    #[error("the lease could not be released")]
    Store(#[from] StoreError),
    /// The election had ended by itself, by a bug.
    #[error("the election task has failed")]
    Task(#[from] tokio::task::JoinError),
}

impl Elector {
    /// Starts to take part, in a task of its own.
    pub fn start<S: LeaseStore>(store: S, identity: Identity, timing: Timing, metrics: LeaseMetrics) -> Self {
        let (campaign, leadership) = Campaign::new(store, identity, timing, metrics);
        let (release, asked) = oneshot::channel();
        Self { leadership, release, task: tokio::spawn(campaign.run(asked)) }
    }

    /// Changes of leadership, latest value first. A claim that ran out is followed by `Standby` as soon as the
    /// election task runs; the claim itself does not wait for that. If the sender is gone, the election has ended.
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.clone()
    }

    /// Ends the election and gives the lease away.
    ///
    /// Call it **after** the work has stopped ([`crate::shutdown::Shutdown::drain`]). The order is enforced as far
    /// as it can be: the claim ends first, then work inside [`Claim::guard`] is awaited, then the record is written.
    /// Takes up to three attempt timeouts when the API server hangs.
    pub async fn release(self) -> Result<Released, ReleaseError> {
        // A task that has ended does not listen any more; its result tells why.
        let _ = self.release.send(());
        self.task.await?
    }
}
