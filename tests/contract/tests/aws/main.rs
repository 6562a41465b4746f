//! The contract, kept by the AWS provider on a stateful fake and on moto.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

mod fake;
mod harm;
mod moto;
mod site;
mod wishes;
