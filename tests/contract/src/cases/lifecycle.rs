//! From nothing to an address and back.

use std::time::Duration;

use landfall_core::outcome::Phase;

use crate::expect::addresses;
use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// Create; `Stage::converge` compares the world with the wish.
pub async fn a_new_load_balancer_serves_what_was_asked_for<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    let outcome = stage.converge(&desired).await;
    assert!(!outcome.ingress.is_empty(), "ready means that there is an address");
    assert_eq!(outcome.problems, []);
    stage.finish().await;
}

/// The same wish many times over.
pub async fn an_unchanged_wish_costs_no_write<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    let ingress = stage.converge(&desired).await.ingress;
    let picture = stage.world.picture().await;
    for _ in 0..3 {
        stage.assert_settled(&desired).await;
    }
    assert_eq!(stage.ensure(&desired).await.expect("ensure").ingress, ingress);
    assert_eq!(stage.world.picture().await, picture);
    stage.finish().await;
}

/// A new process finds everything again.
pub async fn a_restart_changes_nothing<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let wishes = ["web", "api", "db"].map(|name| wishes::named(stage.provider.name(), name));
    let mut ingress = Vec::new();
    for desired in &wishes {
        ingress.push(stage.converge(desired).await.ingress);
    }
    stage.restart().await;
    // In another order than they were made in: what was given out stays with whom it was given to.
    for (desired, before) in wishes.iter().zip(ingress).rev() {
        stage.assert_settled(desired).await;
        assert_eq!(stage.ensure(desired).await.expect("ensure").ingress, before);
    }
    stage.finish().await;
}

/// `Stage::finish` looks for leaks; here the release is the act itself.
pub async fn releasing_leaves_nothing<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    stage.converge(&desired).await;
    assert_ne!(stage.world.picture().await, Vec::<String>::new(), "the picture shows what exists");
    stage.release(&desired.id).await;
    assert_eq!(stage.world.picture().await, Vec::<String>::new());
    stage.finish().await;
}

/// The second release finds nothing and says so at no cost.
pub async fn releasing_twice_is_fine<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    stage.converge(&desired).await;
    stage.release(&desired.id).await;
    let before = stage.world.traffic();
    stage.release(&desired.id).await;
    assert_eq!(stage.writes_since(before), 0);
    stage.finish().await;
}

/// A release of what this process has never heard of, in a fresh process.
pub async fn releasing_the_unknown_is_fine<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let (kept, unknown) =
        (wishes::lone(stage.provider.name()), wishes::named(stage.provider.name(), "ghost"));
    stage.converge(&kept).await;
    stage.restart().await;
    stage.release(&unknown.id).await;
    stage.assert_settled(&kept).await;
    stage.finish().await;
}

/// Same namespace and name, new uid: both can even exist side by side while the first one is released.
pub async fn a_service_made_again_is_another_load_balancer<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let first = wishes::lone(stage.provider.name());
    let second = wishes::made_again(stage.provider.name());
    let old = stage.converge(&first).await;
    let new = stage.converge(&second).await;
    assert_ne!(old.ingress, new.ingress, "two load balancers, two addresses");
    stage.release(&first.id).await;
    stage.assert_settled(&second).await;
    assert_eq!(stage.shown(&second.id), addresses(&new));
    stage.finish().await;
}

/// Changing and releasing one leaves the other as it is.
pub async fn load_balancers_do_not_touch_each_other<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let provider = stage.provider.name();
    let (web, api) = (wishes::named(provider, "web"), wishes::named(provider, "api"));
    let one = stage.converge(&web).await;
    let two = stage.converge(&api).await;
    assert!(
        addresses(&one).iter().all(|address| !addresses(&two).contains(address)),
        "an address given out twice"
    );
    stage.converge(&api.clone().with(|m| m.listening(&[(landfall_core::net::Protocol::Tcp, 8080)]))).await;
    stage.assert_settled(&web).await;
    stage.release(&api.id).await;
    stage.assert_settled(&web).await;
    stage.finish().await;
}

/// While the world takes its time, the outcome says so and when to look again, and asking again does no harm.
pub async fn a_slow_world_is_waited_for<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    let slow = stage.world.slow_down(Duration::from_mins(2));
    let first = stage.ensure(&desired).await.expect("ensure");
    if !slow {
        assert_eq!(first.phase, Phase::Ready, "a world that takes no time is ready at once");
        return stage.finish().await;
    }
    let Phase::Provisioning { poll } = first.phase else { panic!("not ready yet: {:?}", first.phase) };
    assert!(poll > Duration::ZERO && poll <= Duration::from_mins(1), "{poll:?}");
    let before = stage.world.traffic();
    let again = stage.ensure(&desired).await.expect("ensure");
    assert!(matches!(again.phase, Phase::Provisioning { .. }));
    assert_eq!(stage.writes_since(before), 0, "waiting writes nothing");
    stage.restart().await;
    stage.world.settle().await;
    let ready = stage.converge(&desired).await;
    assert!(first.ingress.is_empty() || first.ingress == ready.ingress, "an address once told stays");
    stage.finish().await;
}

/// Deleted before it was ever ready.
pub async fn releasing_while_provisioning_leaves_nothing<W: World>() {
    let mut stage = Stage::<W>::new().await;
    stage.world.slow_down(Duration::from_mins(2));
    let desired = wishes::lone(stage.provider.name());
    stage.ensure(&desired).await.expect("ensure");
    stage.restart().await;
    stage.release_through(&desired.id).await;
    assert_eq!(stage.world.picture().await, Vec::<String>::new());
    stage.finish().await;
}
