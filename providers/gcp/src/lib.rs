//! GCP passthrough Network Load Balancers on Compute Engine.
//!
//! The shape is that of every cloud provider:
//!
//! ```text
//! DesiredLb ──settings──► Settings ─┐
//! GCP ────────network───► Facts ────┴─resources──► Wanted ─┐
//! GCP ────────account───► snapshot ──────observe─► Observed ┴─diff─► [Change] ──apply──► Outcome
//! ```
//!
//! `settings`, `resources`, `diff` and `outcome` are pure. `account` holds what all load balancers share: the snapshot of
//! the project, patched by our own writes. Every call goes through `client`, which paces, bounds and names it, and follows
//! operations to their end.

pub mod account;
pub mod api;
mod apply;
pub mod calls;
mod change;
mod circuit;
mod claims;
pub mod client;
pub mod connect;
mod converge;
mod culprit;
pub mod defaults;
mod diff;
pub mod error;
mod health;
mod inventory;
pub mod marks;
pub mod names;
pub mod network;
pub mod observe;
pub mod observer;
mod outcome;
pub mod pace;
pub mod provider;
pub mod quota;
mod release;
pub mod resources;
pub mod sdk;
pub mod settings;
mod text;
mod tidy;
