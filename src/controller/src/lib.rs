//! The controller: watches the cluster, drives the providers, reports back.
//!
//! ```text
//! watch ──► store ──► Cluster (indexes) ──► Queue (one per provider) ──► Worker
//!                        │                                              │ gather → desired() → ensure → report
//!                        └── Snapshot ◄─────────────────────────────────┘
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | [`config`] | the settings |
//! | [`store`], [`watch`] | one plain store and one watch per kind |
//! | [`slim`] | what is kept of an object |
//! | [`placement`], [`cluster`] | who belongs to which load balancer; the stores together |
//! | [`queue`], [`queues`] | what has to be looked at, when, in which order |
//! | [`work`] | one look at one load balancer |
//! | [`patch`], [`writer`] | the one status write: as a value, and done |
//! | [`events`] | events, on changes only |
//! | [`policy`] | what follows from how a look ended |
//! | [`pools`], [`classes`], [`orphans`] | the work beside the Services |
//! | [`run`], `shared`, `term` | the tasks, what they share, and when they may write |
//!
//! Nothing here names a provider: it is generic over [`landfall_core::provider::Provider`].

pub mod classes;
pub mod cluster;
pub mod config;
pub mod events;
pub mod metrics;
pub mod orphans;
pub mod patch;
pub mod placement;
pub mod policy;
pub mod pools;
pub mod queue;
pub mod queues;
pub mod run;
mod shared;
pub mod slim;
pub mod store;
mod term;
pub mod watch;
pub mod work;
pub mod writer;

pub use config::Config;
pub use run::{Controller, Parts};
