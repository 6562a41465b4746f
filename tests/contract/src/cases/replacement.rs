//! Changes that take another balancer.

use std::time::Duration;

use landfall_core::model::DesiredLb;
use landfall_core::net::IpFamily;
use landfall_core::outcome::{Outcome, Phase};

use crate::expect::places;
use crate::stage::Stage;
use crate::transition::Transition;
use crate::world::World;

/// At every moment, every address in the status takes traffic.
pub async fn the_old_address_serves_until_the_new_one_does<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let Transition { from: Some(from), to: Some(to), .. } = Transition::replacing(&stage) else {
        panic!("a replacement leads from something to something");
    };
    let old = stage.converge(&from).await;
    let slow = stage.world.slow_down(Duration::from_mins(5));
    for round in 0..4 {
        let outcome = stage.ensure(&to).await.expect("ensure");
        serves(&stage, &to, &outcome).await;
        if slow && round < 3 && outcome.phase != Phase::Ready {
            assert_eq!(places(&outcome), places(&old), "round {round}: the old address is shown");
        }
        if round == 1 {
            // Half-way through, the process dies.
            stage.restart().await;
        }
    }
    stage.world.settle().await;
    let outcome = stage.ensure(&to).await.expect("ensure");
    serves(&stage, &to, &outcome).await;
    let outcome = stage.converge(&to).await;
    look_again(&mut stage, &to, &outcome).await;
    stage.assert_settled(&to).await;
    stage.finish().await;
}

/// There and back before the successor was ready: the address never changes, and the successor goes.
pub async fn a_change_of_mind_leaves_one_balancer<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let Transition { from: Some(from), to: Some(to), .. } = Transition::replacing(&stage) else {
        panic!("a replacement leads from something to something");
    };
    let before = stage.converge(&from).await;
    let picture = stage.world.picture().await;
    stage.world.slow_down(Duration::from_mins(5));
    stage.ensure(&to).await.expect("ensure");
    let after = stage.converge(&from).await;
    assert_eq!(after.ingress, before.ingress);
    look_again(&mut stage, &from, &after).await;
    stage.world.settle().await;
    assert_eq!(stage.world.picture().await, picture);
    stage.finish().await;
}

/// An address that was asked for moves to the successor, though no two can have it.
pub async fn an_address_asked_for_survives_a_replacement<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let Transition { from: Some(from), to: Some(to), .. } = Transition::replacing(&stage) else {
        panic!("a replacement leads from something to something");
    };
    let [address, _] = stage.world.free_addresses(IpFamily::V4);
    let asking = |desired: DesiredLb| desired.with(|member| member.requesting(&[&address.to_string()]));
    let (from, to) = (asking(from), asking(to));
    if !stage.provider.capabilities().requested_addresses {
        assert_ne!(stage.provider.validate(&from), [], "asking for an address must be refused");
        return stage.finish().await;
    }
    stage.converge(&from).await;
    // `Stage` checks that the address asked for is the one given.
    stage.converge(&to).await;
    stage.assert_settled(&to).await;
    stage.finish().await;
}

/// What serves nobody any more may be in use for a while yet; whoever is ready all the same says when to look again.
async fn look_again<W: World>(stage: &mut Stage<W>, desired: &DesiredLb, outcome: &Outcome) {
    if outcome.look_again.is_some() {
        stage.world.settle().await;
        stage.converge(desired).await;
    }
}

async fn serves<W: World>(stage: &Stage<W>, desired: &DesiredLb, outcome: &Outcome) {
    let shown = places(outcome);
    assert!(!shown.is_empty(), "no address is shown");
    if let Some(view) = stage.view(&desired.id).await {
        assert!(shown.iter().all(|place| view.serves(place)), "{shown:?} does not serve");
        assert!(!view.listeners.is_empty(), "{shown:?} has no listeners");
    }
}
