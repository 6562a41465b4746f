//! What exists in the cloud: balancers, listeners, target pools, firewall rules and registered targets.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use landfall_core::model::{IpMode, TargetKind};
use landfall_core::net::{IpFamily, PortKey, Protocol, SourceRanges};
use serde::Serialize;

/// Free texts on an object; the only place where ownership is written down.
pub type Tags = BTreeMap<String, String>;

/// The kinds of named objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A load balancer with its addresses.
    Balancer,
    /// A port of a balancer, forwarding to a pool.
    Listener,
    /// Targets with a health check.
    Pool,
    /// Who may connect to which ports.
    Rule,
}

impl Kind {
    /// The word in plans and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Balancer => "balancer",
            Self::Listener => "listener",
            Self::Pool => "target-pool",
            Self::Rule => "firewall-rule",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a caller asks for: a name, unique per kind, with tags and settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<S> {
    /// Unique per kind.
    pub name: String,
    /// Free texts.
    pub tags: Tags,
    /// Settings.
    pub spec: S,
}

/// What exists: the draft as accepted, and what the cloud decided itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Object<S> {
    /// As asked for, created or last updated.
    pub draft: Draft<S>,
    /// As decided by the cloud.
    pub status: Status,
}

impl<S> Object<S> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.draft.name
    }

    /// Its settings.
    pub fn spec(&self) -> &S {
        &self.draft.spec
    }
}

/// What the cloud decides about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Addresses of a balancer, one per family; other kinds have none.
    pub addresses: Vec<IpAddr>,
    /// How far it is.
    pub lifecycle: Lifecycle,
}

/// How far an object is. Everything but balancers is active at once and gone at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// Being made; takes no traffic yet.
    Provisioning,
    /// In service.
    Active,
    /// On the way out; still holds its name and addresses.
    Deleting,
}

/// Settings of a balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalancerSpec {
    /// Whether it passes packets on or ends connections. Fixed at creation.
    pub mode: IpMode,
    /// Families it has an address of. Families come and go in place.
    pub families: Vec<IpFamily>,
    /// Particular addresses asked for, at most one per family; applied when a family is added.
    pub requested: Vec<IpAddr>,
}

/// Settings of a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListenerSpec {
    /// Name of its balancer. Fixed at creation.
    pub balancer: String,
    /// Port and protocol, once per balancer. Fixed at creation.
    pub key: PortKey,
    /// Name of the pool that takes its traffic.
    pub pool: String,
}

/// Settings of a target pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolSpec {
    /// Protocol of its listeners. Fixed at creation.
    pub protocol: Protocol,
    /// What its targets are. Fixed at creation.
    pub targets: TargetKind,
    /// How targets are checked.
    pub health: Probe,
    /// Seconds for which a client stays on one target; `None` for no affinity.
    pub affinity_seconds: Option<u32>,
}

/// A health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Probe {
    /// A TCP connection to the target's own port.
    Connect,
    /// An HTTP request that must be answered by 200.
    Http {
        /// Port on the target.
        port: u16,
        /// Path.
        path: &'static str,
    },
}

/// Settings of a firewall rule. What no rule admits is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSpec {
    /// Ports admitted.
    pub ports: Vec<PortKey>,
    /// Sources admitted.
    pub sources: SourceRanges,
}

/// A target in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Target {
    /// A node's provider id, or a pod's address.
    pub id: String,
    /// Port on it.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.id, self.port)
    }
}

/// What the health check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether the target takes traffic; `None` while the first checks run.
    pub healthy: Option<bool>,
    /// Why not.
    pub reason: Option<String>,
}
