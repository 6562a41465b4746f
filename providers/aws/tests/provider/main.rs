//! The provider on a stateful fake of AWS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod actions;
mod adopt;
mod budgets;
mod create;
mod families;
mod release;
mod replace;
mod rezone;
mod stage;
mod targets;
mod update;
