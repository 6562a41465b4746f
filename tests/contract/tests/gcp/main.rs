//! The contract, kept by the GCP provider on a stateful fake of Compute Engine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

mod fake;
mod harm;
mod site;
mod wishes;
