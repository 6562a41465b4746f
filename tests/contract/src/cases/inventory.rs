//! What the provider says it owns.

use std::collections::BTreeSet;

use landfall_core::ids::LbId;

use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// Every load balancer is there, nothing twice, in a fresh process too, and what is released is not.
pub async fn everything_is_listed_with_its_mark<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let provider = stage.provider.name();
    let names: Vec<String> = (0..25).map(|i| format!("web-{i}")).collect();
    let all: Vec<_> = names.iter().map(|name| wishes::named(provider, name)).collect();
    for desired in &all {
        stage.converge(desired).await;
    }
    stage.restart().await;
    stage.release(&all[0].id).await;
    let owned = stage.provider.inventory().await.expect("inventory");
    let distinct: BTreeSet<_> =
        owned.iter().map(|owned| (owned.resource.kind, &owned.resource.name)).collect();
    assert_eq!(distinct.len(), owned.len(), "listed twice");
    let listed: BTreeSet<&LbId> = owned.iter().map(|owned| &owned.mark.lb).collect();
    assert_eq!(listed, all[1..].iter().map(|desired| &desired.id).collect());
    if stage.world.traffic().is_some() {
        assert_eq!(owned.len(), stage.world.picture().await.len(), "everything that exists is listed");
    }
    stage.finish().await;
}

/// Also before anything was made.
pub async fn an_empty_world_has_an_empty_inventory<W: World>() {
    let stage = Stage::<W>::new().await;
    assert_eq!(stage.provider.inventory().await.expect("inventory"), []);
    stage.finish().await;
}
