//! Who wants to know what calls are made: the metrics of the program, and tests that count.

use std::time::Duration;

use crate::api::Method;
use crate::pace::Group;

/// Told of every call. Its methods are called on the way of a request and must not block.
pub trait Observer: Send + Sync + 'static {
    /// A request was answered, or given up. `outcome` is `ok`, or the word of the [`ErrorClass`] that the failure has;
    /// `took` is the time from sending to the answer, without the wait for its turn. An operation is not a request:
    /// each look at its state is.
    ///
    /// [`ErrorClass`]: landfall_core::error::ErrorClass
    fn called(&self, method: Method, outcome: &'static str, took: Duration);

    /// A request waited for its turn so that Google's rate quotas are kept.
    fn paced(&self, group: Group, waited: Duration);

    /// The provider pauses because Google does not accept its credentials (`true`), or goes on (`false`).
    fn circuit(&self, open: bool);
}

/// Wants to know nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn called(&self, _: Method, _: &'static str, _: Duration) {}
    fn paced(&self, _: Group, _: Duration) {}
    fn circuit(&self, _: bool) {}
}
