//! What one server is set up with.

use std::time::Duration;

use super::error::ApiError;
use super::service::{ConfigError, ServiceConfig};

/// How much of the requests the journal keeps. Counters are exact in every mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalMode {
    /// The newest entries, at most this many.
    Newest(usize),
    /// No entries: for benchmarks.
    Counters,
}

/// Options of an [`ApiServer`](super::ApiServer).
#[derive(Debug, Clone)]
pub struct Options {
    /// Where cluster IPs and node ports come from.
    pub services: ServiceConfig,
    /// Changes each resource remembers for watches and pages; older ones give 410.
    pub history: usize,
    /// What the journal keeps.
    pub journal: JournalMode,
    /// How often an idle watch that asked for bookmarks gets one.
    pub bookmark_every: Duration,
    /// How long a watch without `timeoutSeconds` lasts (`--min-request-timeout`).
    pub watch_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            services: ServiceConfig::default(),
            history: 16_384,
            journal: JournalMode::Newest(10_000),
            bookmark_every: Duration::from_mins(1),
            watch_timeout: Duration::from_mins(30),
        }
    }
}

impl Options {
    /// The default on a cluster with IPv4 Services alone.
    pub fn ipv4_only() -> Self {
        let services = ServiceConfig { secondary: None, ..ServiceConfig::default() };
        Self { services, ..Self::default() }
    }

    /// The default on a cluster with IPv6 Services alone.
    pub fn ipv6_only() -> Self {
        let dual = ServiceConfig::default();
        let services =
            ServiceConfig { primary: dual.secondary.unwrap_or(dual.primary), secondary: None, ..dual };
        Self { services, ..Self::default() }
    }

    /// Keeps no journal entries.
    pub fn without_journal(self) -> Self {
        Self { journal: JournalMode::Counters, ..self }
    }

    /// Other ranges for Services.
    pub fn with_services(self, services: ServiceConfig) -> Self {
        Self { services, ..self }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ranges for Services cannot work.
    #[error("service ranges: {0}")]
    Services(#[from] ConfigError),
    /// The first objects were refused.
    #[error("initial objects: {0}")]
    Objects(#[from] ApiError),
}
