//! AWS as the provider sees it: the calls it makes, as traits over plain values.
//!
//! Two implementations exist: the SDK clients ([`crate::sdk`] for ELBv2, the crate `landfall-aws-ec2` for EC2) and the
//! stateful fake of the testkit. Implementations do no pacing, no retries and no interpretation: one call of a method
//! is one request, and its answer is told as it came. Sources: the API references of Elastic Load Balancing
//! (version 2015-12-01) and EC2 (version 2016-11-15).

use std::collections::BTreeMap;

pub mod action;
pub mod ec2;
pub mod elb;
pub mod error;
pub mod ids;

pub use action::{Action, Category};
pub use error::ApiError;

/// The answer to one request.
pub type Answer<T> = Result<T, ApiError>;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Attributes of a load balancer, listener or target group, by key.
pub type Attributes = BTreeMap<String, String>;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The only page.
    pub fn last(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
