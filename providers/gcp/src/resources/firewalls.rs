//! Firewall rules.

use std::collections::BTreeSet;

use landfall_core::model::{Listener, MemberRef, TrafficPolicy};
use landfall_core::net::IpFamily;
use landfall_core::outcome::Problem;
use landfall_core::params::gcp::Scheme;

use super::model::{FirewallWish, ForwardingRuleWish};
use super::targets::{self, Targets};
use super::{Inputs, Served, health, ports, rules};
use crate::api::types::{Allowed, Firewall};
use crate::api::{Kind, Place};
use crate::marks::{self, Role};
use crate::names;
use crate::settings::{FirewallSettings, HealthSettings};

/// Where Google's health checks come from (Cloud Load Balancing, "Firewall rules for health checks").
const CHECKS_V4: [&str; 4] = ["130.211.0.0/22", "209.85.152.0/22", "209.85.204.0/22", "35.191.0.0/16"];
/// The same over IPv6, to external load balancers.
const CHECKS_V6_EXTERNAL: &str = "2600:1901:8001::/48";
/// The same over IPv6, to internal load balancers.
const CHECKS_V6_INTERNAL: &str = "2600:2d00:1:b029::/64";

/// The priority of rules that say nothing about theirs.
const PRIORITY: u16 = 1_000;

/// All firewall rules of the members, the shared ones once. Ports without a forwarding rule are not let in.
pub(super) fn wishes(
    inputs: &Inputs<'_>,
    members: &[Served<'_>],
    rules: &[ForwardingRuleWish],
    problems: &mut Vec<Problem>,
) -> Vec<FirewallWish> {
    let mut wishes = Vec::new();
    let mut found = false;
    for served in members {
        let Some(targets) = targets::of(&served.settings.firewall, inputs.facts) else { continue };
        found |= served.settings.firewall == FirewallSettings::Found;
        for family in &served.member.families {
            let is_taken = |it: &&Listener| rules::take(rules, &served.member.as_ref(), *family, it);
            let listeners: Vec<&Listener> = served.member.listeners.iter().filter(is_taken).collect();
            wishes.extend(of_clients(inputs, served, *family, &listeners, &targets));
            wishes.push(of_checks(inputs, served, *family, &targets));
        }
    }
    if found && targets::found(inputs.facts) == Targets::default() {
        problems.push(targets::none_found());
    }
    wishes.sort_by(|a, b| a.reference.cmp(&b.reference));
    wishes.dedup();
    wishes
}

/// The rules that let a member's clients in. Without ranges there is none: one without would let everybody in.
fn of_clients(
    inputs: &Inputs<'_>,
    served: &Served<'_>,
    family: IpFamily,
    listeners: &[&Listener],
    targets: &Targets,
) -> Vec<FirewallWish> {
    let member = served.member.as_ref();
    let sources = served.settings.sources.get(&family).filter(|ranges| !ranges.is_empty());
    let Some(sources) = sources else { return Vec::new() };
    let description = marks::of_member(inputs.cluster, &inputs.desired.id, &member);
    let network = inputs.facts.network.url();
    let parts = ports::allowed(listeners).into_iter().enumerate();
    let rules = parts.map(|(part, allowed)| {
        let name = inputs.names().firewall(&member, &network, family, part);
        let sources = sources.iter().map(ToString::to_string).collect();
        let it = rule(name, description.clone(), allowed, sources, targets);
        FirewallWish { towards: Some(family), ..wish(inputs, it, targets, Some(member.clone())) }
    });
    rules.collect()
}

/// The rule that lets the health checks of a member in. The shared one is for what is found, so that no setting of one
/// member changes it for others.
fn of_checks(inputs: &Inputs<'_>, served: &Served<'_>, family: IpFamily, targets: &Targets) -> FirewallWish {
    let port = health::port(&served.settings.health);
    let allowed = vec![Allowed { protocol: "tcp".to_owned(), ports: vec![port.to_string()] }];
    let network = inputs.facts.network.url();
    let is_shared = port == TrafficPolicy::KUBE_PROXY_PORT
        && served.settings.health == HealthSettings::Shared
        && served.settings.firewall == FirewallSettings::Found;
    if is_shared {
        let name = names::shared_health_firewall(inputs.cluster, &network, family);
        let description = marks::shared(inputs.cluster, Role::SharedHealthFirewall);
        let sources = check_ranges(family, &[Scheme::External, Scheme::Internal]);
        let targets = targets::found(inputs.facts);
        return wish(inputs, rule(name, description, allowed, sources, &targets), &targets, None);
    }
    let member = served.member.as_ref();
    let name = inputs.names().health_firewall(&member, &network, family);
    let description = marks::of_member(inputs.cluster, &inputs.desired.id, &member);
    let sources = check_ranges(family, &[inputs.settings.balancer.scheme]);
    wish(inputs, rule(name, description, allowed, sources, targets), targets, Some(member))
}

fn check_ranges(family: IpFamily, schemes: &[Scheme]) -> Vec<String> {
    let ranges: BTreeSet<&str> = match family {
        IpFamily::V4 => CHECKS_V4.into(),
        IpFamily::V6 => schemes
            .iter()
            .map(|scheme| match scheme {
                Scheme::External => CHECKS_V6_EXTERNAL,
                Scheme::Internal => CHECKS_V6_INTERNAL,
            })
            .collect(),
    };
    ranges.into_iter().map(str::to_owned).collect()
}

fn rule(
    name: String,
    description: String,
    allowed: Vec<Allowed>,
    source_ranges: Vec<String>,
    targets: &Targets,
) -> Firewall {
    Firewall {
        name,
        description,
        direction: Some("INGRESS".to_owned()),
        priority: Some(PRIORITY),
        allowed,
        source_ranges,
        target_tags: targets.tags.clone(),
        target_service_accounts: targets.service_accounts.clone(),
        ..Firewall::default()
    }
}

/// Firewall rules belong to the network, so they are in its project. This one leads to the nodes.
fn wish(inputs: &Inputs<'_>, it: Firewall, targets: &Targets, member: Option<MemberRef>) -> FirewallWish {
    let network = &inputs.facts.network;
    let reference = Place::global(network.place.project.clone()).at(Kind::Firewall, it.name.clone());
    let it = Firewall { network: Some(network.url()), ..it };
    FirewallWish { it, reference, towards: None, member, keeps_targets: targets.unknown }
}
