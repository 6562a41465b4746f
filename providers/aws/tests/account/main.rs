//! The account's snapshot and what is read besides, against the stateful fake of AWS: what is seen, and how many calls
//! it takes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adoption;
mod doubt;
mod lists;
mod release;
mod sweeps;
mod targets;
mod world;
