//! The pure half of Landfall: the model, the decisions, the provider contract.
//!
//! Nothing in this crate performs I/O, reads a clock, rolls dice or looks at the environment. Time and
//! jitter come in as parameters, so every rule is a table test.
//!
//! ```text
//! Snapshot ──desired()──► DesiredLb ──Provider::ensure──► Outcome ──report──► ingress, conditions
//!     │                       └──────Provider::plan────► Plan (printable)
//!     └── Refusal (per member: what is wrong, what is accepted)
//! ```

pub mod annotations;
pub mod class;
pub mod desired;
pub mod endpoints;
pub mod error;
pub mod group;
pub mod ids;
pub mod member;
pub mod model;
pub mod names;
pub mod net;
pub mod nodes;
pub mod outcome;
pub mod params;
pub mod plan;
pub mod pools;
pub mod provider;
pub mod refusal;
pub mod report;
pub mod selector;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
