//! AWS Network Load Balancers through ELBv2.
//!
//! The shape is that of every cloud provider:
//!
//! ```text
//! DesiredLb ──settings──► Settings ─┐
//! EC2 ────────network───► Facts ────┴─resources──► Wanted ─┐
//! AWS ────────account───► snapshot ──────observe─► Observed ┴─diff─► [Change] ──apply──► Outcome
//! ```
//!
//! `settings`, `resources`, `roles`, `handover`, `diff` and `outcome` are pure. `account` holds what all load balancers
//! share: the snapshot of the account, patched by our own writes. Every call goes through `client`, which paces, bounds
//! and names it.

pub mod account;
mod adopt;
pub mod api;
mod apply;
pub mod calls;
mod change;
mod circuit;
pub mod client;
pub mod clock;
pub mod connect;
mod converge;
pub mod defaults;
mod diff;
pub mod error;
mod handover;
pub mod inventory;
pub mod marks;
pub mod names;
pub mod network;
pub mod observe;
pub mod observer;
mod outcome;
pub mod pace;
pub mod provider;
mod quota;
mod release;
pub mod resources;
mod rezone;
mod roles;
pub mod sdk;
pub mod settings;
mod targets;
#[cfg(test)]
mod testing;
mod text;

pub use connect::connect;
