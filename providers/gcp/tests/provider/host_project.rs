//! The network of another project is found again.

use std::sync::Arc;

use landfall_core::model::{DesiredLb, Member, NodeSet};
use landfall_gcp::account::Freshness;
use landfall_gcp::api::{Kind, Place, Reference};
use landfall_gcp::network::NetworkConfig;
use landfall_testkit::gcp::fake::{FakeCompute, HOST_PROJECT, NewInstance, PROJECT, REGION, SHARED_NETWORK};
use rstest::rstest;

use crate::stage::{Stage, target, web};

fn config(network: Option<&str>) -> NetworkConfig {
    NetworkConfig {
        project: Some(PROJECT.into()),
        region: Some(REGION.into()),
        network: network.map(str::to_owned),
        network_project: network.map(|_| HOST_PROJECT.to_owned()),
        subnetwork: None,
    }
}

/// A Service whose nodes are in the network of the host project.
fn on_shared_nodes(gcp: &FakeCompute) -> DesiredLb {
    let node = |number| {
        let node = NewInstance {
            name: format!("shared-{number}"),
            address: format!("10.8.0.{}", number + 10),
            ..NewInstance::node(number)
        };
        let node = NewInstance { subnet: FakeCompute::shared_subnet(), ..node };
        gcp.add_instance(&node);
        target(node)
    };
    web().on(Arc::new(NodeSet { eligible: (0..3).map(node).collect(), excluded: Vec::new() }))
}

/// Somebody removed the groups of nodes, and the process that made the rules is gone.
#[rstest]
#[case::configured(Some(SHARED_NETWORK), false)]
#[case::told_by_forwarding_rules(None, true)]
#[tokio::test(start_paused = true)]
async fn rules_in_the_host_project_go_without_groups(#[case] network: Option<&str>, #[case] inside: bool) {
    let gcp = FakeCompute::new();
    let internal = |it: Member| it.annotated("networking.gke.io/load-balancer-type", "Internal");
    let desired = on_shared_nodes(&gcp);
    let desired = if inside { desired.with(internal) } else { desired };
    let stage = Stage::in_network(gcp.clone(), config(network), Freshness::default());
    stage.ensure(&desired).await;
    let rules: Vec<Reference> = gcp.leaks().into_iter().filter(|what| what.kind == Kind::Firewall).collect();
    assert_eq!(rules.len(), 2);
    assert!(rules.iter().all(|rule| rule.place == Place::global(HOST_PROJECT)), "{rules:?}");
    for group in gcp.leaks().into_iter().filter(|what| what.kind == Kind::EndpointGroup) {
        assert!(gcp.remove(&group));
    }
    let next = Stage::in_network(gcp.clone(), config(network), Freshness::default());
    next.release(&desired.id).await;
    assert_eq!(gcp.leaks(), []);
}
