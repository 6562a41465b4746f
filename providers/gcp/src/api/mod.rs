//! Compute Engine as the provider sees it: a handful of uniform calls on resources that are told by [`Reference`].
//!
//! The API is uniform: every kind of resource is listed, read, inserted, changed and deleted in the same way, and each
//! change answers with an operation that ends later. So [`Compute`] has one method per verb, with the resources in the
//! API's own JSON; [`types`] gives them their Rust form, and keeps the fields that it does not know.
//!
//! Two implementations exist: the official client ([`crate::sdk`]) and the fake Compute Engine of the testkit.
//! Implementations do no pacing, no retries and no interpretation: one call of a method is one request, and its answer
//! is told as it came. Source: the Compute Engine API, version v1.

mod called;
pub mod compute;
pub mod error;
pub mod kind;
pub mod operation;
pub mod place;
pub mod types;

pub use compute::{Compute, Page, RequestId};
pub use error::ApiError;
pub use kind::{Kind, Method, Verb};
pub use operation::{Operation, OperationRef};
pub use place::{Place, Reference, Scope};

/// The answer to one request.
pub type Answer<T> = Result<T, ApiError>;
