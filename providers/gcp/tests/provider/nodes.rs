//! Nodes that join and leave, whatever is wrong with some of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use landfall_core::model::{FamilyPolicy, NodeSet};
use landfall_core::net::IpFamily;
use landfall_core::outcome::Phase;
use landfall_core::provider::Provider as _;
use landfall_gcp::api::{Kind, Method, Verb};
use landfall_testkit::gcp::fake::{Fault, NewInstance};

use crate::stage::{Stage, nodes, service, web};

/// The members of all groups of nodes.
fn members(stage: &Stage) -> BTreeSet<String> {
    let groups = stage.gcp.leaks().into_iter().filter(|what| what.kind == Kind::EndpointGroup);
    groups.flat_map(|group| stage.gcp.members_of(&group)).collect()
}

/// These of the first nodes.
fn only(wanted: &[usize]) -> Arc<NodeSet> {
    let all = nodes(9);
    let eligible = wanted.iter().map(|number| all.eligible[*number].clone()).collect();
    Arc::new(NodeSet { eligible, excluded: Vec::new() })
}

fn names(wanted: &[usize]) -> BTreeSet<String> {
    wanted.iter().map(|number| format!("node-{number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_gone_keeps_no_other_node_in() {
    let stage = Stage::new();
    stage.ensure(&web()).await;
    stage.gcp.remove(&NewInstance::node(0).reference());
    let outcome = stage.ensure(&web().on(only(&[1, 2, 4, 5, 6]))).await;
    assert_eq!((outcome.phase, outcome.problems), (Phase::Ready, vec![]));
    assert_eq!(members(&stage), names(&[1, 2, 4, 5, 6]), "node-3 left, too, and node-6 joined");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_taken_keeps_nobody_out() {
    let stage = Stage::new();
    stage.ensure(&web().on(nodes(3))).await;
    // Gone since the instances were listed.
    stage.gcp.remove(&NewInstance::node(6).reference());
    let outcome = stage.ensure(&service("other").on(nodes(9))).await;
    assert_eq!(outcome.phase, Phase::Ready);
    let told: Vec<_> = outcome.problems.iter().map(|problem| problem.category.as_str()).collect();
    assert_eq!(told, ["NodeRefused"]);
    assert!(outcome.problems[0].message.contains("node-6"), "{}", outcome.problems[0].message);
    assert_eq!(members(&stage), names(&[0, 1, 2, 3, 4, 5, 7, 8]));
    let writes = stage.gcp.writes();
    let again = stage.ensure(&web().on(nodes(9))).await;
    assert_eq!(again.problems[0].category.as_str(), "InstanceNotFound");
    assert_eq!(stage.gcp.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn what_all_share_failing_to_change_keeps_nobody_waiting() {
    let stage = Stage::new();
    stage.ensure(&web().on(nodes(3))).await;
    let attach = Method::new(Kind::EndpointGroup, Verb::AttachEndpoints);
    stage.gcp.fault_on(attach, 1, Fault::refuse(503, "backendError"));
    let other = service("other").on(nodes(9));
    stage.provider.ensure(&other).await.unwrap_err();
    assert_eq!(stage.made(Kind::ForwardingRule).len(), 2, "served by the nodes that are there");
    stage.converge(&other).await;
    assert_eq!(members(&stage).len(), 9);
}

/// One load balancer is still looking at the network with the nodes that it was told, while another one is told of more
/// and adds them.
#[tokio::test(start_paused = true)]
async fn an_old_wish_takes_no_new_node_out() {
    let stage = Stage::new();
    stage.ensure(&web()).await;
    let subnet = Method::new(Kind::Subnetwork, Verb::Get);
    stage.gcp.fault_on(subnet, 1, Fault::Delay(Duration::from_secs(10)));
    let slow = service("slow").with(|it| it.stack(&IpFamily::BOTH, FamilyPolicy::RequireDualStack));
    let fast = service("fast").on(nodes(9));
    let (slow_outcome, _) = tokio::join!(stage.ensure(&slow), stage.ensure(&fast));
    assert_eq!(members(&stage).len(), 9);
    assert!(slow_outcome.look_again.is_some_and(|pause| pause <= Duration::from_secs(10)));
    stage.ensure(&slow.on(nodes(9))).await;
    assert_eq!(members(&stage).len(), 9);
}
