//! What others change past the provider.

use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// Each kind of damage is planned for and repaired; the world then looks as before.
pub async fn damage_is_repaired<W: World>() {
    let damages = W::new().await.damages();
    for what in damages {
        let mut stage = Stage::<W>::new().await;
        assert!(stage.world.traffic().is_some(), "only what lies outside can be damaged");
        let desired = wishes::lone(stage.provider.name()).with(|m| m.local(31_000));
        let before = stage.converge(&desired).await;
        let picture = stage.world.picture().await;
        let loses_address = stage.world.damage(what).await;
        stage.world.let_damage_show().await;
        assert!(!stage.plan(&desired).await.expect("plan").is_empty(), "{what} is noticed");
        let after = stage.converge(&desired).await;
        assert_eq!(stage.world.picture().await, picture, "{what} is repaired");
        if !loses_address {
            assert_eq!(after.ingress, before.ingress, "{what}: the address stays");
        }
        stage.assert_settled(&desired).await;
        stage.finish().await;
    }
    let stage = Stage::<W>::new().await;
    let external = stage.provider.capabilities().external_state;
    assert_eq!(external, !stage.world.damages().is_empty(), "what lies outside can be damaged");
    stage.finish().await;
}
