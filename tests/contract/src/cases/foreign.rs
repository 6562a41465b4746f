//! Objects that are not ours.

use landfall_core::error::ErrorClass;

use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// A stranger in the way is a conflict that names it; it is neither changed nor deleted, by `ensure` or `release`.
pub async fn strangers_in_the_way_are_reported_and_left_alone<W: World>() {
    let obstacles = W::new().await.obstacles();
    for what in &obstacles {
        let mut stage = Stage::<W>::new().await;
        let desired = wishes::lone(stage.provider.name());
        let name = stage.world.obstruct(what, &desired).await;
        let strangers = stage.world.strangers().await;
        assert!(!strangers.is_empty());
        for _ in 0..2 {
            let error = stage.ensure(&desired).await.expect_err("it is in the way");
            assert_eq!(error.class(), ErrorClass::Conflict, "{}", error.explain());
            assert_eq!(error.category().as_str(), "ForeignResource");
            assert!(error.to_string().contains(&name), "{error} does not name {name}");
            assert_eq!(stage.world.strangers().await, strangers, "{what} was touched");
        }
        // What was found out about the stranger may have to settle first.
        let waits = stage.release_through(&desired.id).await;
        assert!(waits.iter().all(|error| matches!(error.class(), ErrorClass::Waiting { .. })), "{waits:?}");
        assert_eq!(stage.world.strangers().await, strangers, "{what} was touched by release");
        assert_eq!(stage.world.picture().await, Vec::<String>::new());
        stage.world.clear_strangers().await;
        stage.converge(&desired).await;
        stage.finish().await;
    }
    let stage = Stage::<W>::new().await;
    let external = stage.provider.capabilities().external_state;
    assert_eq!(external, !obstacles.is_empty(), "what lies outside can be in the way");
    stage.finish().await;
}

/// The same Service name in two clusters on one account.
pub async fn another_cluster_is_left_alone<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let external = stage.provider.capabilities().external_state;
    let Some(other) = stage.world.other_cluster().await else {
        assert!(!external, "what lies outside is shared with others");
        return stage.finish().await;
    };
    let desired = wishes::lone(stage.provider.name());
    let ours = stage.converge(&desired).await;
    let wish = stage.world.localise(&desired);
    let theirs = other.ensure(&wish).await.expect("the other cluster's ensure");
    assert_ne!(ours.ingress, theirs.ingress, "an address given out twice");
    let listed = other.inventory().await.expect("inventory");
    stage.assert_settled(&desired).await;
    stage.release(&desired.id).await;
    assert_eq!(stage.provider.inventory().await.expect("inventory"), []);
    assert_eq!(other.inventory().await.expect("inventory"), listed);
    assert_eq!(other.ensure(&wish).await.expect("ensure").steps, []);
    other.release(&desired.id).await.expect("release");
    stage.finish().await;
}
