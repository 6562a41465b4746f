//! Nodes and pods that come and go.

use landfall_core::annotations;
use landfall_core::model::{DesiredLb, TargetKind};
use landfall_core::net::Protocol;
use landfall_core::testing;

use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// More nodes, fewer, others; the address stays.
pub async fn nodes_come_and_go<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    let ingress = stage.converge(&desired).await.ingress;
    let mut others = (*testing::nodes(9)).clone();
    others.eligible.drain(..5);
    for nodes in [testing::nodes(7), testing::nodes(1), others.into()] {
        let desired = desired.clone().on(nodes);
        assert_eq!(stage.converge(&desired).await.ingress, ingress);
        stage.assert_settled(&desired).await;
    }
    stage.finish().await;
}

/// A load balancer without targets is still one.
pub async fn all_nodes_go_and_come_back<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    let ingress = stage.converge(&desired).await.ingress;
    for count in [0, 3] {
        let desired = desired.clone().on(testing::nodes(count));
        assert_eq!(stage.converge(&desired).await.ingress, ingress);
        stage.assert_settled(&desired).await;
    }
    stage.finish().await;
}

/// A node that the provider cannot address is skipped and reported; one that needs no nodes has no such problem.
pub async fn nodes_without_provider_id_are_reported<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let mut nodes = (*testing::nodes(3)).clone();
    nodes.eligible[1].provider_id = None;
    let desired = wishes::lone(stage.provider.name()).on(nodes.into());
    let outcome = stage.converge(&desired).await;
    let told = outcome.problems.iter().any(|problem| problem.message.contains("n2"));
    assert_eq!(told, kind_of(&stage, &desired).needs_nodes(), "{:?}", outcome.problems);
    stage.finish().await;
}

/// Where a member can send traffic to pods, these come and go like nodes.
pub async fn pods_are_targets<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let with = |pods: &'static [(&'static str, u16)]| {
        wishes::lone(stage.provider.name()).with(|member| {
            let mut member = member.annotated(annotations::TARGETS, "pods");
            member.listeners[0].endpoints =
                pods.iter().map(|&(address, port)| wishes::pod(address, port)).collect();
            member.listeners[0].node_port = None;
            member
        })
    };
    let (two, other, none) = (
        with(&[("10.1.0.1", 8080), ("10.1.0.2", 8080)]),
        with(&[("10.1.0.2", 8080), ("10.1.0.3", 9090)]),
        with(&[]),
    );
    if kind_of(&stage, &two).needs_nodes() {
        assert_ne!(stage.provider.validate(&two), [], "targets that it cannot have must be refused");
        return stage.finish().await;
    }
    for desired in [two, other, none] {
        stage.converge(&desired).await;
        stage.assert_settled(&desired).await;
    }
    stage.finish().await;
}

/// However many nodes change, each pool takes at most one call to add and one to remove.
pub async fn target_changes_are_batched<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name())
        .with(|m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 81)]));
    let mut others = (*testing::nodes(60)).clone();
    others.eligible.drain(..20);
    stage.converge(&desired.clone().on(testing::nodes(40))).await;
    let before = stage.world.traffic();
    stage.converge(&desired.on(others.into())).await;
    if let (Some(before), Some(after)) = (before, stage.world.traffic()) {
        let calls = after.target_writes - before.target_writes;
        let pools = stage.world.pools();
        assert!((1..=2 * pools).contains(&calls), "{calls} calls for {pools} pools");
    }
    stage.finish().await;
}

fn kind_of<W: World>(stage: &Stage<W>, desired: &DesiredLb) -> TargetKind {
    stage.provider.target_kind(&desired.params, &desired.members[0])
}
