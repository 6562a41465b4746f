//! The resource graph of a load balancer. Pure.
//!
//! ```text
//! load balancer ── listener per port ── target group ── targets
//!       ├── frontend group: who may connect
//!       └── backend group: shared by the cluster, let in by the nodes' groups
//! ```

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::ids::ClusterId;
use landfall_core::model::{DesiredLb, Member};

use crate::api::elb::{LoadBalancer, SubnetMapping};
use crate::marks;
use crate::names::{self, Fixed, Names};
use crate::rezone::Subnets;
use crate::roles;
use crate::settings::{ListenerSettings, MemberSettings, Security, Settings};

mod backend;
mod fingerprint;
mod frontend;
mod groups;
mod limits;
mod model;
mod tags;
mod targets;
mod zones;

pub use model::{
    BackendWish, BalancerWish, Facts, InstanceFact, ListenerWish, Quotas, SecurityGroupWish, TargetGroupWish,
    Wanted,
};

/// What the graph is made from.
#[derive(Debug, Clone, Copy)]
struct Inputs<'a> {
    cluster: &'a ClusterId,
    desired: &'a DesiredLb,
    settings: &'a Settings,
    facts: &'a Facts,
}

impl<'a> Inputs<'a> {
    fn names(&self) -> Names<'a> {
        Names { cluster: self.cluster, lb: &self.desired.id }
    }

    /// Members with their settings, oldest first. One without settings was refused.
    fn members(&self) -> Vec<(&'a Member, &'a MemberSettings)> {
        let settings = &self.settings.members;
        let known = self.desired.members.iter();
        let mut members: Vec<_> =
            known.filter_map(|member| Some((member, settings.get(&member.service)?))).collect();
        members.sort_by(|(a, _), (b, _)| (a.created, &a.service).cmp(&(b.created, &b.service)));
        members
    }
}

/// A listener to be served.
#[derive(Debug, Clone, Copy)]
struct Served<'a> {
    member: &'a Member,
    settings: &'a MemberSettings,
    listener: &'a ListenerSettings,
}

/// Everything that a load balancer takes. Does not depend on the order of members and nodes.
pub fn wanted(cluster: &ClusterId, desired: &DesiredLb, settings: &Settings, facts: &Facts) -> Wanted {
    let inputs = Inputs { cluster, desired, settings, facts };
    let mut problems = facts.problems.clone();
    let served = limits::listeners(&inputs, &mut problems);
    let frontend = frontend::wish(&inputs, &served, &mut problems);
    let backend = backend::wish(&inputs, &served);
    let balancer = balancer(&inputs, frontend.is_some(), backend.is_some());

    let is_guarded = balancer.is_guarded(frontend.is_some(), backend.is_some());
    let identity = identity(&inputs, &balancer, is_guarded);
    let mut groups = Vec::with_capacity(served.len());
    let mut listeners = Vec::with_capacity(served.len());
    for each in &served {
        let group = groups::target_group(&inputs, identity, each, &mut problems);
        listeners.push(groups::listener(&inputs, each, &group.name));
        groups.push(group);
    }
    targets::explain_none(&inputs, &served, &groups, &mut problems);
    zones::explain_unused(&inputs, &served, &groups, &mut problems);
    problems.extend(limits::targets(&inputs, &mut groups));
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    listeners.sort_by_key(|listener| listener.port);

    let retained: BTreeSet<_> = desired.retained.iter().cloned().collect();
    let lb = desired.id.clone();
    let vpc = facts.vpc.clone();
    Wanted { lb, vpc, balancer, frontend, backend, groups, listeners, retained, problems }
}

fn balancer(inputs: &Inputs<'_>, frontend: bool, backend: bool) -> BalancerWish {
    let settings = &inputs.settings.balancer;
    let given_groups = inputs.facts.given_groups.clone();
    let guarded = frontend || backend || !given_groups.is_empty();
    let subnets = &inputs.facts.subnets;
    let fixed = Fixed { scheme: settings.scheme, guarded, subnets, settled: false };
    let of_subnet =
        |it: &SubnetMapping| Some((it.subnet.clone(), inputs.facts.zones.get(&it.subnet)?.clone()));
    let zones: BTreeMap<_, _> = subnets.iter().filter_map(of_subnet).collect();
    let wanted = Subnets { subnets, zones: &zones };
    BalancerWish {
        name: settings.name.clone().unwrap_or_else(|| kept(inputs, fixed, wanted)),
        beside: settings.name.as_ref().map(|asked| kept_beside(inputs, fixed, asked)),
        scheme: settings.scheme,
        address_type: settings.address_type,
        subnets: subnets.clone(),
        zones,
        source_nat: settings.source_nat,
        given_groups,
        private_link_rules: settings.private_link_rules,
        attributes: settings.attributes.clone(),
        capacity: settings.capacity,
        tags: tags::with(&settings.tags, marks::of_lb(inputs.cluster, &inputs.desired.id)),
        adopt: settings.adopt.clone(),
        publish: settings.publish,
    }
}

/// The name of the load balancer that target groups are made for. A name that was asked for is that of the one that
/// becomes what is wanted, out of those that have it and that beside it, or of one to be made unless a predecessor has it.
fn identity<'a>(inputs: &Inputs<'_>, wish: &'a BalancerWish, is_guarded: bool) -> &'a str {
    if let Some(adopt) = &wish.adopt {
        return adopt.as_str();
    }
    let Some(beside) = &wish.beside else { return &wish.name };
    let Facts { existing, superseded, .. } = inputs.facts;
    let fits = |it: &&LoadBalancer| {
        [&wish.name, beside].contains(&&it.name)
            && it.scheme == wish.scheme
            && it.security_groups.is_empty() != is_guarded
            && roles::keeps_addresses(it, &wish.subnets)
    };
    let rank = |it: &&LoadBalancer| roles::rank(it, superseded.contains(&it.arn));
    match existing.iter().filter(fits).min_by_key(rank) {
        Some(it) if it.name == *beside => beside,
        None if existing.iter().any(|it| it.name == wish.name) => beside,
        _ => &wish.name,
    }
}

/// The name of a load balancer that nobody named: that of one that is there and can become what is wanted, be it made
/// with fewer or more fixed addresses, or else the generated one. Its target groups keep their names with it. Where one
/// that cannot become it has the generated name, its successor is named by its subnets as well.
fn kept(inputs: &Inputs<'_>, fixed: Fixed<'_>, wanted: Subnets<'_>) -> String {
    let generated = inputs.names().balancer(fixed);
    match able(inputs, &generated, fixed, |it| !wanted.strands(it)) {
        Some(it) => it.name.clone(),
        None if inputs.facts.existing.iter().any(|it| it.name == generated) => {
            inputs.names().balancer(Fixed { settled: true, ..fixed })
        }
        None => generated,
    }
}

/// The name of a load balancer beside a predecessor that has the name that was asked for: as [`kept`], but its successor
/// gets the name that was asked for.
fn kept_beside(inputs: &Inputs<'_>, fixed: Fixed<'_>, asked: &str) -> String {
    let generated = inputs.names().beside(asked, fixed);
    able(inputs, &generated, fixed, |_| true).map_or(generated.clone(), |it| it.name.clone())
}

/// The one that is there and becomes what is wanted, if any can.
fn able<'a>(
    inputs: &Inputs<'a>,
    generated: &str,
    fixed: Fixed<'_>,
    is_usable: impl Fn(&LoadBalancer) -> bool,
) -> Option<&'a LoadBalancer> {
    let Facts { existing, superseded, .. } = inputs.facts;
    let able = existing.iter().filter(|it| is_usable(it) && can_become(it, generated, fixed));
    able.min_by_key(|it| roles::rank(it, superseded.contains(&it.arn)))
}

/// Whether a load balancer whose name differs from the generated one by its hash at most can become what is wanted.
fn can_become(it: &LoadBalancer, generated: &str, fixed: Fixed<'_>) -> bool {
    names::label(&it.name) == names::label(generated)
        && it.scheme == fixed.scheme
        && it.security_groups.is_empty() != fixed.guarded
        && roles::keeps_addresses(it, fixed.subnets)
}

/// Whether a security group of ours guards the load balancer.
fn is_managed(security: &Security) -> bool {
    matches!(security, Security::Managed { .. })
}

#[cfg(test)]
mod tests;
