//! The API server as its clients see it: through kube, and request by request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests; clippy exempts only the test functions themselves"
)]

mod applying;
mod burst;
mod collections;
mod common;
mod definitions;
mod deletion;
mod events;
mod finalizers;
mod interference;
mod namespaces;
mod negotiation;
mod stacks;
mod streams;
mod watching;
mod writes;
