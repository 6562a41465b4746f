//! Which objects a wish takes.

use landfall_core::annotations::TARGETS;
use landfall_core::ids::ProviderName;
use landfall_core::model::{EndpointTarget, FamilyPolicy};
use landfall_core::net::Protocol;
use landfall_core::testing;

use super::*;
use crate::MemoryProvider;

fn wish() -> DesiredLb {
    testing::lb(ProviderName::Memory, "web").on(testing::nodes(2))
}

fn objects(capabilities: &Capabilities, desired: &DesiredLb) -> Wanted {
    wanted(&ClusterId::new("test").unwrap(), capabilities, desired)
}

#[test]
fn a_lone_service_takes_one_of_each() {
    let wanted = objects(&MemoryProvider::all(), &wish());
    assert_eq!((wanted.listeners.len(), wanted.pools.len(), wanted.rules.len()), (1, 1, 1));
    assert_eq!(wanted.listeners[0].pool, wanted.pools[0].draft.name);
    assert_eq!(wanted.pools[0].draft.spec.health, Probe::Http { port: 10_256, path: "/healthz" });
    let names: Vec<&str> = wanted.pools[0].targets.values().map(String::as_str).collect();
    assert_eq!(names, ["n1", "n2"]);
    assert_eq!(wanted.problems, []);
}

#[test]
fn local_traffic_asks_the_health_check_node_port() {
    let wanted = objects(&MemoryProvider::all(), &wish().with(|m| m.local(31_000)));
    assert_eq!(wanted.pools[0].draft.spec.health, Probe::Http { port: 31_000, path: "/healthz" });
}

#[test]
fn pods_of_a_family_without_address_are_left_out() {
    let pod = |address: &str| EndpointTarget {
        address: address.parse().unwrap(),
        port: 8080,
        node: None,
        zone: None,
    };
    let desired = wish().with(|member| {
        let mut member = member.annotated(TARGETS, "pods");
        member.listeners[0].endpoints = vec![pod("10.0.0.1"), pod("2001:db8::1")];
        member
    });
    let wanted = objects(&MemoryProvider::all(), &desired);
    let targets: Vec<&str> = wanted.pools[0].targets.keys().map(|target| target.id.as_str()).collect();
    assert_eq!(targets, ["10.0.0.1"]);
    assert_eq!(wanted.pools[0].draft.spec.health, Probe::Connect);
}

#[test]
fn sources_of_a_family_without_address_are_left_out() {
    let wanted = objects(&MemoryProvider::all(), &wish());
    let sources = &wanted.rules[0].spec.sources;
    assert!(sources.is_open(IpFamily::V4));
    assert_eq!(sources.v6, []);
}

#[test]
fn lesser_capabilities_take_fewer_objects() {
    let capabilities = Capabilities {
        source_ranges: false,
        session_affinity: false,
        dual_stack: false,
        ..MemoryProvider::all()
    };
    let desired = wish().with(|member| {
        let mut member = member.stack(&[IpFamily::V6, IpFamily::V4], FamilyPolicy::PreferDualStack);
        member.affinity = SessionAffinity::ClientIp { timeout_seconds: 60 };
        member
    });
    let lesser = objects(&capabilities, &desired);
    assert_eq!(lesser.rules, []);
    assert_eq!(lesser.balancer.families, [IpFamily::V6]);
    assert_eq!(lesser.pools[0].draft.spec.affinity_seconds, None);
    let full = objects(&MemoryProvider::all(), &desired);
    assert_eq!(full.balancer.families, [IpFamily::V6, IpFamily::V4]);
    assert_eq!(full.pools[0].draft.spec.affinity_seconds, Some(60));
}

#[test]
fn nodes_without_provider_id_are_a_problem_only_for_those_who_need_nodes() {
    let mut nodes = (*testing::nodes(2)).clone();
    nodes.eligible[0].provider_id = None;
    let desired = wish().on(nodes.into());
    let wanted = objects(&MemoryProvider::all(), &desired);
    assert_eq!(wanted.pools[0].targets.len(), 1);
    assert_eq!(wanted.problems.len(), 1);
    assert!(wanted.problems[0].message.contains("n1"), "{}", wanted.problems[0].message);
    let to_pods = desired.with(|m| m.annotated(TARGETS, "pods"));
    assert_eq!(objects(&MemoryProvider::all(), &to_pods).problems, []);
}

#[test]
fn objects_of_different_members_have_different_names() {
    let both = [(Protocol::Tcp, 80)];
    let members = vec![testing::member("a").listening(&both), testing::member("b").listening(&both)];
    let wanted = objects(&MemoryProvider::all(), &testing::group(ProviderName::Memory, "front", members));
    assert_ne!(wanted.pools[0].draft.name, wanted.pools[1].draft.name);
    assert_ne!(wanted.rules[0].name, wanted.rules[1].name);
}
