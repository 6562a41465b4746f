//! The provider on a stateful fake of AWS.

mod adopt;
mod budgets;
mod create;
mod release;
mod replace;
mod stage;
mod targets;
mod update;
