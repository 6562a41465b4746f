//! A small, honest Kubernetes API server: in process for kube clients, over HTTP for `kubectl`.
//!
//! It keeps objects, resource versions, watch history, finalizers, the status split, Service allocation and
//! the rest of what controllers rely on, as the real server does; it has no authentication, admission,
//! garbage collection by owner, or conversion. [`Hooks`] make it fail on demand, [`Journal`] tells what it was
//! asked.

pub mod apply;
mod body;
pub mod clock;
pub mod discovery;
mod encode;
mod engine;
pub mod error;
mod handlers;
mod history;
pub mod hooks;
pub mod journal;
pub mod kinds;
mod list;
mod metadata;
mod negotiate;
pub mod openapi;
pub mod options;
pub mod patch;
mod reply;
mod request;
mod selector;
mod serve;
mod server;
pub mod service;
mod store;
mod strategy;
pub mod strict;
pub mod table;
mod typed;
mod watch;

pub use clock::Clock;
pub use error::ApiError;
pub use handlers::Dropped;
pub use hooks::{Fault, Hooks, Matcher, Strikes};
pub use journal::{Call, Entry, Journal, Permission};
pub use options::{JournalMode, Options, StartError};
pub use request::Verb;
pub use serve::{Served, kubeconfig};
pub use server::{ApiServer, ApiService};
