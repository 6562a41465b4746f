//! The graph of wishes in a small network: nodes `n1`, `n2`, … in zones `r-a`, `r-b`, `r-c` in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_core::ids::{ClusterId, ProviderName};
use landfall_core::model::{DesiredLb, FamilyPolicy, Member, NodeSet};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::testing::{self, group, lb, member};

use super::*;
use crate::api::types::ForwardingRule;
use crate::api::{Kind, Place};
use crate::settings;

mod addresses;
mod firewalls;
mod groups;
mod rules;
mod services;

const TCP: Protocol = Protocol::Tcp;
const UDP: Protocol = Protocol::Udp;
const INTERNAL: (&str, &str) = ("networking.gke.io/load-balancer-type", "Internal");

fn cluster() -> ClusterId {
    ClusterId::new("prod").unwrap()
}

fn region() -> Place {
    Place::region("p", "r")
}

fn subnet(name: &str) -> String {
    region().at(Kind::Subnetwork, name).url()
}

fn node(number: usize) -> NodeFact {
    let zone = ["a", "b", "c"][(number - 1) % 3];
    NodeFact {
        instance: Place::zone("p", format!("r-{zone}")).at(Kind::Instance, format!("gke-n{number}")),
        subnetwork: subnet("nodes"),
        address: format!("10.0.{}.{}", number / 250, number % 250 + 1).parse().unwrap(),
        tags: BTreeSet::from(["gke".to_owned(), "web".to_owned()]),
        service_account: Some("nodes@p.iam.gserviceaccount.com".to_owned()),
    }
}

fn facts(nodes: usize) -> Facts {
    let subnet = |name: &str| SubnetFact {
        reference: region().at(Kind::Subnetwork, name),
        ranges: Vec::new(),
        external_ipv6: false,
    };
    Facts {
        region: region(),
        network: Place::global("host").at(Kind::Network, "net"),
        subnets: BTreeMap::from([(IpFamily::V4, subnet("nodes")), (IpFamily::V6, subnet("six"))]),
        addresses: BTreeMap::new(),
        nodes: (1..=nodes).map(|number| (format!("n{number}"), node(number))).collect(),
        rules: Vec::new(),
        shards: 1,
        cells: BTreeSet::new(),
        problems: Vec::new(),
    }
}

/// The graph of a wish, whose annotations must be good.
fn graph_in(desired: &DesiredLb, facts: &Facts) -> Wanted {
    let reading = settings::read(desired);
    assert_eq!(reading.refusals, [], "the test's own wish is refused");
    wanted(&cluster(), desired, &reading.settings, facts)
}

fn graph(desired: &DesiredLb) -> Wanted {
    graph_in(desired, &facts(3))
}

fn web(change: impl FnOnce(Member) -> Member) -> DesiredLb {
    lb(ProviderName::Gcp, "web").with(change)
}

fn internal(member: Member) -> Member {
    member.annotated(INTERNAL.0, INTERNAL.1)
}

fn dual(member: Member) -> Member {
    member.stack(&IpFamily::BOTH, FamilyPolicy::RequireDualStack)
}

/// TCP listeners on these ports.
fn tcp(ports: impl IntoIterator<Item = u16>) -> Vec<(Protocol, u16)> {
    ports.into_iter().map(|port| (TCP, port)).collect()
}

fn categories(wanted: &Wanted) -> Vec<&'static str> {
    wanted.problems.iter().map(|problem| problem.category.as_str()).collect()
}

/// The rules of a graph, as they would be read.
fn made(wanted: &Wanted) -> Vec<ForwardingRule> {
    wanted.forwarding_rules.iter().map(|rule| rule.it.clone()).collect()
}

#[test]
fn the_order_of_members_and_nodes_does_not_matter() {
    let members = || vec![member("one").born(1), member("two").born(2).listening(&[(UDP, 53)])];
    let turned = || members().into_iter().rev().collect();
    let one = group(ProviderName::Gcp, "key", members()).on(testing::nodes(4));
    let mut set: NodeSet = (*one.nodes).clone();
    set.eligible.reverse();
    let other = group(ProviderName::Gcp, "key", turned()).on(Arc::new(set));
    assert_eq!(graph(&one), graph(&other));
}

#[test]
fn everything_is_marked_and_named_within_limits() {
    let wanted = graph(&web(|it| dual(it).listening(&tcp(1..=12)).local(32_000)));
    let mut texts: Vec<(String, String)> = Vec::new();
    texts.extend(wanted.backend_services.iter().map(|it| (it.it.name.clone(), it.it.description.clone())));
    texts.extend(wanted.forwarding_rules.iter().map(|it| (it.it.name.clone(), it.it.description.clone())));
    texts.extend(wanted.firewalls.iter().map(|it| (it.it.name.clone(), it.it.description.clone())));
    texts.extend(wanted.health_checks.iter().map(|it| (it.it.name.clone(), it.it.description.clone())));
    texts.extend(wanted.groups.iter().map(|it| (it.reference.name.clone(), it.description.clone())));
    assert_eq!(texts.len(), 1 + 6 + 4 + 1 + 3);
    for (name, description) in texts {
        assert!(name.starts_with("lf-") && name.len() <= 63, "{name}");
        assert!(crate::marks::is_ours(&cluster(), &description), "{description}");
    }
}
