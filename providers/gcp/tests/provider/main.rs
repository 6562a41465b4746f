//! The provider on a stateful fake of Compute Engine.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod addresses;
mod create;
mod host_project;
mod idle;
mod instance_groups;
mod internal;
mod nodes;
mod operations;
mod shared_vpc;
mod stage;
mod update;
