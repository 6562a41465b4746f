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

pub mod api;
pub mod calls;
mod circuit;
pub mod client;
pub mod defaults;
pub mod error;
pub mod marks;
pub mod names;
pub mod network;
pub mod observer;
pub mod pace;
pub mod quota;
pub mod resources;
pub mod settings;
mod text;
