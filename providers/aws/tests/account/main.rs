//! The account's snapshot and what is read besides, against the stateful fake of AWS: what is seen, and how many calls
//! it takes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adoption;
mod doubt;
mod release;
mod sweeps;
mod targets;
mod world;
