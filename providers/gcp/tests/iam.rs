//! The role in `deploy/gcp` allows what the provider calls, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use landfall_gcp::api::{Kind, Method, Verb};
use landfall_gcp::error::permission;

/// What a method needs besides the permission of its own name, because its request refers to other resources or is about
/// an internal address: the methods, the permissions, why.
const BESIDES: [(Kind, &[Verb], &[&str], &str); 10] = [
    (
        Kind::Address,
        &[Verb::Insert],
        &[
            "compute.addresses.createInternal",
            "compute.publicDelegatedPrefixes.use",
            "compute.subnetworks.use",
        ],
        "an internal address is of a subnet, one of IPv6 of a subnet or of the prefix of `ip-collection-v6`",
    ),
    (Kind::Address, &[Verb::Delete], &["compute.addresses.deleteInternal"], "of an internal address"),
    (
        Kind::BackendService,
        &[Verb::Insert, Verb::Update],
        &[
            "compute.instanceGroups.use",
            "compute.networkEndpointGroups.use",
            "compute.regionHealthChecks.useReadOnly",
        ],
        "backends and health check",
    ),
    (
        Kind::EndpointGroup,
        &[Verb::Insert],
        &["compute.networks.use", "compute.subnetworks.use"],
        "the network and the subnet of its nodes",
    ),
    (Kind::EndpointGroup, &[Verb::AttachEndpoints], &["compute.instances.use"], "the nodes"),
    (
        Kind::Firewall,
        &[Verb::Insert, Verb::Update, Verb::Delete],
        &["compute.networks.updatePolicy"],
        "firewall rules are the network's policy",
    ),
    (
        Kind::ForwardingRule,
        &[Verb::Insert],
        &[
            "compute.addresses.use",
            "compute.addresses.useInternal",
            "compute.networks.use",
            "compute.publicDelegatedPrefixes.use",
            "compute.regionBackendServices.use",
            "compute.subnetworks.use",
        ],
        "the reserved address, the network of an internal one, the subnet of that or of IPv6 or the prefix \
         of `ip-collection-v6`, the backend service",
    ),
    (
        Kind::EndpointGroup,
        &[Verb::ListEndpoints],
        &["compute.networkEndpointGroups.get"],
        "members are part of one group, so that reading them may count as reading it",
    ),
    (Kind::InstanceGroup, &[Verb::AddInstances], &["compute.instances.use"], "the nodes"),
    (
        Kind::InstanceGroup,
        &[Verb::ListInstances],
        &["compute.instanceGroups.get"],
        "members are part of one group, so that reading them may count as reading it",
    ),
];

/// The permissions that a role lists, in its order.
#[expect(clippy::panic, reason = "a helper of tests fails by panicking")]
fn listed() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/gcp/role.yaml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().filter_map(|line| line.strip_prefix("- ")).map(|item| item.trim().to_owned()).collect()
}

fn by_name() -> BTreeSet<String> {
    Method::called().map(permission).collect()
}

fn besides() -> BTreeSet<String> {
    BESIDES.iter().flat_map(|(_, _, needed, _)| *needed).map(|&needed| needed.to_owned()).collect()
}

#[test]
fn the_role_allows_every_method_of_the_provider_and_no_other() {
    let listed = listed();
    let role: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(role.len(), listed.len(), "each once");
    let needed: BTreeSet<String> = by_name().union(&besides()).cloned().collect();
    let lacking: Vec<_> = needed.difference(&role).collect();
    let idle: Vec<_> = role.difference(&needed).collect();
    assert!(lacking.is_empty() && idle.is_empty(), "lacking: {lacking:?}, without a call: {idle:?}");
}

#[test]
fn what_is_needed_besides_is_needed_by_methods_that_are_called() {
    let called: BTreeSet<Method> = Method::called().collect();
    for (kind, verbs, needed, why) in BESIDES {
        for verb in verbs {
            let method = Method::new(kind, *verb);
            assert!(
                called.contains(&method),
                "{method} is never called, and is said to need {needed:?}: {why}"
            );
        }
    }
}

#[test]
fn every_change_is_followed() {
    let called: BTreeSet<Method> = Method::called().collect();
    for method in called.iter().filter(|method| method.verb.is_write()) {
        assert!(called.contains(&Method::new(method.kind, Verb::GetOperation)), "the operations of {method}");
    }
}
