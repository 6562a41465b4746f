//! The rate quotas of Compute Engine.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::{Scope, Verb};

/// Methods that share a rate quota. Source: "Rate quotas" in the documentation of Compute Engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Reads of one resource.
    Read,
    /// Lists, also of what a group contains.
    List,
    /// Reads of operations.
    OperationRead,
    /// Changes to regional and zonal resources.
    Mutation,
    /// Changes to global resources.
    GlobalMutation,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 5] =
        [Self::Read, Self::List, Self::OperationRead, Self::Mutation, Self::GlobalMutation];

    /// The group of a method on resources of this scope.
    pub const fn of(verb: Verb, scope: &Scope) -> Self {
        match verb {
            Verb::List | Verb::ListEndpoints | Verb::ListInstances => Self::List,
            Verb::Get | Verb::GetHealth => Self::Read,
            Verb::GetOperation => Self::OperationRead,
            _ if matches!(scope, Scope::Global) => Self::GlobalMutation,
            _ => Self::Mutation,
        }
    }

    /// The word for metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::OperationRead => "operation-read",
            Self::Mutation => "mutation",
            Self::GlobalMutation => "global-mutation",
        }
    }
}

/// A token bucket: its capacity, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests at once when it is full; at least 1.
    pub burst: u32,
    /// Time in which one request more is allowed; not zero.
    pub interval: Duration,
}

/// The rates that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    by_group: BTreeMap<Group, Rate>,
}

impl Limits {
    /// The documented defaults: 1,500 requests per minute, project and group. Google counts by the minute, so the burst
    /// and what comes in a minute are together less than that. Requests for the project of a Shared VPC count as well,
    /// although it has quotas of its own.
    pub fn documented() -> Self {
        let rate = Rate { burst: 100, interval: Duration::from_millis(43) };
        Self { by_group: Group::ALL.into_iter().map(|group| (group, rate)).collect() }
    }

    /// No pacing: for endpoints that do not limit the rate, such as fakes.
    pub fn none() -> Self {
        Self { by_group: BTreeMap::new() }
    }

    /// The rate of a group.
    pub fn of(&self, group: Group) -> Option<Rate> {
        self.by_group.get(&group).copied()
    }
}
