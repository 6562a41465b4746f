//! What a provider reports after it converged a load balancer.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::error::Category;
use crate::ids::ServiceKey;
use crate::model::IpMode;
use crate::net::PortKey;
use crate::plan::Step;

/// The state of one load balancer after `ensure`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// What was done, in order. Empty if the world was as desired already.
    pub steps: Vec<Step>,
    /// Addresses that serve now. Also filled while provisioning, as soon as they are known.
    pub ingress: Vec<Ingress>,
    /// How far it is.
    pub phase: Phase,
    /// Health of the targets by listener, where the provider tells.
    pub targets: Vec<TargetHealth>,
    /// Things that the operator should know although the rest works.
    pub problems: Vec<Problem>,
    /// When to look again although nothing changed here: targets whose first checks run, settings that are yet to be
    /// compared. `None` means at the next resync.
    pub look_again: Option<Duration>,
}

impl Outcome {
    /// Ready, nothing done.
    pub fn ready(ingress: Vec<Ingress>) -> Self {
        Self {
            steps: Vec::new(),
            ingress,
            phase: Phase::Ready,
            targets: Vec::new(),
            problems: Vec::new(),
            look_again: None,
        }
    }
}

/// One entry of `status.loadBalancer.ingress`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Ingress {
    /// An address.
    Ip {
        /// The address.
        ip: IpAddr,
        /// What kube-proxy may assume about it.
        mode: IpMode,
    },
    /// A DNS name.
    Hostname(
        /// RFC 1123 subdomain.
        String,
    ),
}

impl Ingress {
    /// An address that arrives at the nodes unchanged.
    pub fn vip(ip: IpAddr) -> Self {
        Self::Ip { ip, mode: IpMode::Vip }
    }
}

/// How far a load balancer is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Phase {
    /// Everything desired is in place.
    Ready,
    /// The provider is still working on it.
    Provisioning {
        /// When to look again.
        poll: Duration,
    },
    /// It serves, but not all that was asked for.
    Degraded {
        /// Condition reason.
        category: Category,
        /// A sentence for the operator.
        message: String,
    },
}

/// What the provider's checks say about the targets of one listener: figures for the many that are well, names for
/// those that are not, so that a thousand healthy nodes cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetHealth {
    /// The Service whose listener sends there.
    pub member: ServiceKey,
    /// The listener.
    pub listener: PortKey,
    /// How many get traffic.
    pub healthy: usize,
    /// How many wait for their first checks.
    pub unknown: usize,
    /// Those that get none.
    pub unhealthy: Vec<UnhealthyTarget>,
}

/// A target that gets no traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnhealthyTarget {
    /// Node name or pod address.
    pub target: String,
    /// The provider's word for why.
    pub reason: Option<String>,
}

impl TargetHealth {
    /// A listener without targets.
    pub fn none(member: ServiceKey, listener: PortKey) -> Self {
        Self { member, listener, healthy: 0, unknown: 0, unhealthy: Vec::new() }
    }

    /// Counts a target; `healthy` is `None` while its first checks run.
    pub fn add(&mut self, healthy: Option<bool>, target: UnhealthyTarget) {
        match healthy {
            Some(true) => self.healthy += 1,
            None => self.unknown += 1,
            Some(false) => self.unhealthy.push(target),
        }
    }

    /// How many targets there are.
    pub fn total(&self) -> usize {
        self.healthy + self.unknown + self.unhealthy.len()
    }

    /// Whether no target gets traffic, and no check is still running that could find one.
    pub fn is_down(&self) -> bool {
        !self.unhealthy.is_empty() && self.healthy == 0 && self.unknown == 0
    }
}

/// A part of the wish that is not served although the rest is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whose; `None` for all members.
    pub member: Option<ServiceKey>,
    /// The port, if it is about one: shows up in `status.loadBalancer.ingress[].ports[].error`.
    pub port: Option<PortKey>,
    /// Condition reason and metric label.
    pub category: Category,
    /// A sentence for the operator.
    pub message: String,
}
