//! Points in time.

use tokio::time::Instant;

/// A point in time, told apart from others at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(super) tick: u64,
    pub(super) at: Instant,
}
