//! Instance groups as backends.

use std::collections::BTreeSet;

use landfall_core::model::{DesiredLb, Member};
use landfall_core::outcome::Phase;
use landfall_core::provider::Provider as _;
use landfall_gcp::api::{Kind, Method, Verb};
use landfall_testkit::gcp::fake::NewInstance;

use crate::stage::{Stage, ips, nodes, service, web};

const ADD: Method = Method::new(Kind::InstanceGroup, Verb::AddInstances);
const REMOVE: Method = Method::new(Kind::InstanceGroup, Verb::RemoveInstances);

fn grouped(desired: DesiredLb) -> DesiredLb {
    desired.with(|it: Member| it.annotated("landfall.dev/gcp-backends", "InstanceGroup"))
}

fn members(stage: &Stage) -> BTreeSet<String> {
    let groups = stage.gcp.leaks().into_iter().filter(|what| what.kind == Kind::InstanceGroup);
    groups.flat_map(|group| stage.gcp.members_of(&group)).collect()
}

fn names(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(|number| format!("node-{number}")).collect()
}

/// The collections that the groups of the only backend service are in.
fn kinds_of_backends(stage: &Stage) -> BTreeSet<String> {
    let service = stage.only(Kind::BackendService);
    let backends = service["backends"].as_array().unwrap().clone();
    let kind = |backend: &serde_json::Value| {
        let parts: Vec<_> = backend["group"].as_str().unwrap().rsplit('/').collect();
        parts[1].to_owned()
    };
    backends.iter().map(kind).collect()
}

#[tokio::test(start_paused = true)]
async fn all_services_share_one_group_per_zone() {
    let stage = Stage::new();
    let outcome = stage.ensure(&grouped(web())).await;
    assert_eq!((outcome.phase, outcome.problems), (Phase::Ready, vec![]));
    assert_eq!((stage.made(Kind::InstanceGroup).len(), stage.made(Kind::EndpointGroup).len()), (3, 0));
    assert_eq!(members(&stage), names(0..6));
    assert_eq!(kinds_of_backends(&stage), BTreeSet::from(["instanceGroups".to_owned()]));
    let added = stage.gcp.count(ADD);
    stage.ensure(&grouped(service("other"))).await;
    assert_eq!((stage.gcp.count(ADD), stage.made(Kind::InstanceGroup).len()), (added, 3));
    let restarted = stage.restarted();
    for name in ["web", "other"] {
        assert_eq!(restarted.ensure(&grouped(service(name))).await.steps, []);
        restarted.release(&service(name).id).await;
    }
    assert_eq!(stage.gcp.leaks(), []);
}

#[tokio::test(start_paused = true)]
async fn a_node_change_is_one_call_per_zone() {
    let stage = Stage::new();
    let all = [grouped(web()), grouped(service("a"))];
    for desired in &all {
        stage.ensure(desired).await;
    }
    let (added, removed, writes) = (stage.gcp.count(ADD), stage.gcp.count(REMOVE), stage.gcp.writes());
    for desired in &all {
        stage.ensure(&desired.clone().on(nodes(9))).await;
    }
    assert_eq!((stage.gcp.count(ADD) - added, members(&stage)), (3, names(0..9)));
    for desired in &all {
        stage.ensure(&desired.clone().on(nodes(3))).await;
    }
    assert_eq!((stage.gcp.count(REMOVE) - removed, members(&stage)), (3, names(0..3)));
    assert_eq!(stage.gcp.writes() - writes, 6);
}

/// A machine that is deleted leaves its group by itself.
#[tokio::test(start_paused = true)]
async fn a_machine_that_is_gone_keeps_no_other_node_in() {
    let stage = Stage::new();
    stage.ensure(&grouped(web())).await;
    stage.gcp.remove(&NewInstance::node(0).reference());
    let left = nodes(7).eligible[1..].iter().filter(|node| node.name != "node-3").cloned().collect();
    let left = landfall_core::model::NodeSet { eligible: left, excluded: Vec::new() };
    let outcome = stage.ensure(&grouped(web()).on(left.into())).await;
    assert_eq!((outcome.phase, outcome.problems), (Phase::Ready, vec![]));
    assert_eq!(members(&stage), names([1, 2, 4, 5, 6]));
}

#[tokio::test(start_paused = true)]
async fn a_service_moves_from_one_kind_of_groups_to_the_other() {
    let stage = Stage::new();
    let before = ips(&stage.ensure(&web()).await);
    for (desired, kind) in [(grouped(web()), "instanceGroups"), (web(), "networkEndpointGroups")] {
        assert_eq!(ips(&stage.converge(&desired).await), before);
        assert_eq!(kinds_of_backends(&stage), BTreeSet::from([kind.to_owned()]));
    }
    stage.release(&web().id).await;
    assert_eq!(stage.gcp.leaks(), []);
}

/// Google lets an instance be in one load-balanced group only, whoever made that.
#[tokio::test(start_paused = true)]
async fn a_node_in_the_group_of_somebody_else_is_told() {
    let stage = Stage::new();
    let other = stage.of_another_cluster();
    other.ensure(&grouped(web()).on(nodes(1))).await;
    let error = stage.provider.ensure(&grouped(web())).await.unwrap_err();
    assert_eq!(error.category().as_str(), "InstanceGroupConflict");
    assert!(error.explain().contains("node-0"), "{}", error.explain());
    other.release(&web().id).await;
    stage.converge(&grouped(web())).await;
    stage.release(&web().id).await;
    assert_eq!(stage.gcp.leaks(), []);
}
