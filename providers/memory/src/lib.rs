//! In-memory provider with a scriptable cloud: the reference implementation of the contract.
//!
//! Two halves. [`cloud`] is a small cloud: separate objects that reference each other, made by separate calls
//! that can be slow, fail, or lose their answer; tests script it and look inside. The rest is a provider in the
//! shape that every cloud provider has:
//!
//! ```text
//! DesiredLb ──resources──► Wanted ─┐
//! cloud ─────observe─────► Observed ─┴─diff─► [Change] ──apply──► Outcome
//! ```
//!
//! It spawns no tasks and remembers nothing: what it knows about the world it has read in the same call.

mod apply;
mod change;
mod client;
pub mod cloud;
mod diff;
mod error;
mod marks;
mod names;
mod observe;
mod outcome;
mod provider;
mod release;
mod resources;
mod roles;
mod settings;
mod validate;

pub use error::MemoryError;
pub use provider::MemoryProvider;
