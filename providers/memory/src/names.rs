//! Names of the objects: deterministic, readable, unique over clusters, load balancers and members.

use landfall_core::ids::{ClusterId, LbId};
use landfall_core::model::{IpMode, MemberRef, TargetKind};
use landfall_core::names::{NameRule, hash_of};
use landfall_core::net::PortKey;

use crate::resources::BalancerWish;

/// What the cloud accepts.
const RULE: NameRule = NameRule { prefix: "lf", limit: 63 };

/// The names of one load balancer's objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) cluster: &'a ClusterId,
    pub(crate) lb: &'a LbId,
}

impl Names<'_> {
    /// A balancer. What is fixed at its creation is part of the name, so that a successor can stand next to it;
    /// `turn` counts further names for the rare case that those before are taken by our own predecessors.
    pub(crate) fn balancer(&self, wish: &BalancerWish, turn: usize) -> String {
        let requested: Vec<String> = wish.requested.iter().map(ToString::to_string).collect();
        let mode = match wish.mode {
            IpMode::Vip => "vip",
            IpMode::Proxy => "proxy",
        };
        let mut suffix = mode.to_owned();
        if !requested.is_empty() {
            suffix = format!("{suffix}-{}", short(&[&requested.join(",")]));
        }
        if turn > 0 {
            suffix = format!("{suffix}-{turn}");
        }
        self.name(&suffix)
    }

    /// The listener of a balancer on a port.
    pub(crate) fn listener(&self, balancer: &str, key: PortKey) -> String {
        self.name(&format!("{}-{}", short(&[balancer]), port(key)))
    }

    /// The pool behind a member's port.
    pub(crate) fn pool(&self, member: &MemberRef, key: PortKey, targets: TargetKind) -> String {
        let kind = match targets {
            TargetKind::Endpoints => "pods",
            TargetKind::Nodes | TargetKind::NodesWithEndpoints | TargetKind::None => "nodes",
        };
        self.name(&format!("{}-{}-{kind}", of_member(member), port(key)))
    }

    /// The firewall rule of a member.
    pub(crate) fn rule(&self, member: &MemberRef) -> String {
        self.name(&format!("{}-sources", of_member(member)))
    }

    fn name(&self, suffix: &str) -> String {
        RULE.name(self.cluster, self.lb, suffix)
    }
}

fn port(key: PortKey) -> String {
    format!("{}-{}", key.port, key.protocol.as_str().to_lowercase())
}

fn of_member(member: &MemberRef) -> String {
    short(&[&member.service.to_string(), member.uid.as_str()])
}

/// Enough of a hash to tell the objects of one load balancer apart at a glance; the whole name carries a full one.
fn short(parts: &[&str]) -> String {
    hash_of(parts).chars().take(5).collect()
}
