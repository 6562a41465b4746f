//! The provider on a stateful fake of AWS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod actions;
mod adopt;
mod budgets;
mod create;
mod families;
mod pace;
mod release;
mod replace;
mod rezone;
mod stage;
mod strangers;
mod tally;
mod targets;
mod throttling;
mod update;
