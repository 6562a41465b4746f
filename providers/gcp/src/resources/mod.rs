//! Settings and facts become the resource graph. Pure.

use landfall_core::ids::{ClusterId, Scope};
use landfall_core::model::{DesiredLb, Member};

use crate::names::Names;
use crate::settings::{MemberSettings, Settings};

mod addresses;
mod chunks;
mod firewalls;
mod groups;
mod health;
mod model;
mod ports;
mod rules;
mod services;
mod shards;
mod targets;

pub(crate) use addresses::IPV6_PREFIX;
pub use model::{
    AddressSource, AddressWish, BackendServiceWish, Cell, Facts, FirewallWish, ForwardingRuleWish, GroupWish,
    HealthCheckWish, NodeFact, SubnetFact, Wanted,
};
pub use shards::{SHARD_NODES, shard_of, shards};

/// What the graph is made from.
#[derive(Debug, Clone, Copy)]
struct Inputs<'a> {
    cluster: &'a ClusterId,
    desired: &'a DesiredLb,
    settings: &'a Settings,
    facts: &'a Facts,
}

/// A member with its settings.
#[derive(Debug, Clone, Copy)]
struct Served<'a> {
    member: &'a Member,
    settings: &'a MemberSettings,
}

impl<'a> Inputs<'a> {
    fn names(&self) -> Names<'a> {
        Names { cluster: self.cluster, lb: &self.desired.id }
    }

    /// Members with their settings, oldest first. One without settings was refused.
    fn members(&self) -> Vec<Served<'a>> {
        let settings = &self.settings.members;
        let known = self.desired.members.iter();
        let mut members: Vec<_> = known
            .filter_map(|member| Some(Served { member, settings: settings.get(&member.service)? }))
            .collect();
        members.sort_by_key(|served| (served.member.created, &served.member.service));
        members
    }

    /// Whether Services can join: then each has forwarding rules of its own from the beginning, as an internal address
    /// is either for one rule or for several.
    fn is_group(&self) -> bool {
        matches!(self.desired.id.scope, Scope::Share { .. })
    }
}

/// Everything that a load balancer takes. Does not depend on the order of members and nodes.
pub fn wanted(cluster: &ClusterId, desired: &DesiredLb, settings: &Settings, facts: &Facts) -> Wanted {
    let inputs = Inputs { cluster, desired, settings, facts };
    let mut problems = facts.problems.clone();
    let members = inputs.members();
    let nodes = groups::of(&inputs, &members, &mut problems);
    let mut backend_services: Vec<_> =
        members.iter().map(|served| services::wish(&inputs, served, &nodes, &mut problems)).collect();
    let mut forwarding_rules = rules::wishes(&inputs, &members, &mut problems);
    let addresses = addresses::wishes(&inputs, &forwarding_rules);
    let firewalls = firewalls::wishes(&inputs, &members, &forwarding_rules, &mut problems);
    backend_services.sort_by(|a, b| a.reference.cmp(&b.reference));
    forwarding_rules.sort_by(|a, b| a.reference.cmp(&b.reference));
    Wanted {
        lb: desired.id.clone(),
        addresses,
        health_checks: health::wishes(&inputs, &members),
        groups: nodes.wishes,
        backend_services,
        firewalls,
        forwarding_rules,
        retained: desired.retained.iter().cloned().collect(),
        problems,
    }
}

#[cfg(test)]
mod tests;
