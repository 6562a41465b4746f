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
    /// Per-target health, where the provider tells.
    pub targets: Vec<TargetHealth>,
    /// Things that the operator should know although the rest works.
    pub problems: Vec<Problem>,
}

impl Outcome {
    /// Ready, nothing done.
    pub fn ready(ingress: Vec<Ingress>) -> Self {
        Self { steps: Vec::new(), ingress, phase: Phase::Ready, targets: Vec::new(), problems: Vec::new() }
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

/// What the provider says about one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetHealth {
    /// The Service whose listener sends there.
    pub member: ServiceKey,
    /// The listener.
    pub listener: PortKey,
    /// Node name or pod address.
    pub target: String,
    /// Whether it gets traffic; `None` while the first checks run.
    pub healthy: Option<bool>,
    /// The provider's word for why not.
    pub reason: Option<String>,
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
