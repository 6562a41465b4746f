//! Leader election over a `coordination.k8s.io/v1` Lease.
//!
//! # What it promises
//!
//! - **At most one claim is good at any instant.** A holder's [`Claim`] ends `renew_deadline` after the *start* of its
//!   last successful renewal, on its own monotonic clock. Another process takes the lease no earlier than the lease
//!   duration after it *saw* that renewal, on its own monotonic clock. The second is later than the first by at least
//!   their difference (5 s by default), which is the time for writes in flight to end. No clocks of two machines are
//!   ever compared, so clock jumps and skew do not matter.
//! - **A lost claim is known without help**: [`Claim::check`] reads the clock itself, so a stalled renewal task, a
//!   silent API server or a paused process cannot keep it alive. [`Claim::guard`] drops work at that moment.
//! - **A write between our read and ours is never wiped**: all writes name the resource version they replace.
//! - **Hand-over is quick**: [`Elector::release`] empties the record once the work has ended, and standbys look twice
//!   per retry period, so that one of them leads about a second later.
//!
//! # What it does not promise
//!
//! A claim is no fence at the far side: a request that was sent while the claim was good may take effect later. Writes
//! must be idempotent and bounded in time. A Lease deleted by hand is waited out by everybody who had seen it, but a
//! process that starts at that very moment cannot know of it, nor can a standby know of a Lease that came and went
//! between two of its looks. A record edited by hand is taken at its word.
//!
//! # Use
//!
//! ```no_run
//! # use landfall_runtime::lease::*;
//! # async fn program(client: kube::Client, metrics: &landfall_runtime::metrics::Metrics) -> Result<(), ReleaseError> {
//! let store = KubeLease::new(client, "landfall-system", "landfall-controller");
//! let elector =
//!     Elector::start(store, Identity::of_this_host(), Timing::default(), LeaseMetrics::register(metrics));
//! let mut leadership = elector.leadership();
//! while leadership.changed().await.is_ok() {
//!     let current = leadership.borrow_and_update().clone();
//!     if let Leadership::Leading(claim) = current {
//!         // Start the work with this claim; it is told of the loss by `claim.lost()`.
//!         # let _ = claim;
//!     }
//! }
//! // After the work has stopped:
//! elector.release().await?;
//! # Ok(()) }
//! ```

mod campaign;
mod claim;
mod decide;
mod elector;
mod identity;
mod metrics;
mod record;
mod store;
#[cfg(test)]
mod tests;
mod timing;

pub use claim::{Claim, LostClaim};
pub use decide::{Decision, Observation, decide};
pub use elector::{Elector, Leadership, ReleaseError, Released};
pub use identity::{EmptyIdentity, Identity};
pub use metrics::LeaseMetrics;
pub use record::Record;
pub use store::{KubeLease, LeaseStore, StoreError};
pub use timing::{Timing, TimingError};
