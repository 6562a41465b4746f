//! Addresses that more than one load balancer asks for.

use std::net::IpAddr;

use landfall_core::error::ErrorClass;
use landfall_core::model::{DesiredLb, FamilyPolicy, Member};
use landfall_core::net::IpFamily;

use crate::expect::addresses;
use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// The second one to ask is told so, and gets it when the first one is gone. An address can be asked for by a new
/// load balancer, and by one that becomes dual stack.
pub async fn an_address_asked_for_is_not_given_twice<W: World>() {
    let stage = Stage::<W>::new().await;
    let [address, _] = stage.world.free_addresses(IpFamily::V4);
    let rival = wishes::named(stage.provider.name(), "rival").with(asking(address));
    only_one_gets(stage, IpFamily::V4, None, rival).await;

    let stage = Stage::<W>::new().await;
    if !stage.provider.capabilities().dual_stack {
        return stage.finish().await;
    }
    let [address, _] = stage.world.free_addresses(IpFamily::V6);
    let before = wishes::named(stage.provider.name(), "rival");
    let rival = before.clone().with(wishes::dual(IpFamily::V4)).with(asking(address));
    only_one_gets(stage, IpFamily::V6, Some(before), rival).await;
}

/// A holder asks for the free address of a family, then the rival, which may have been served before, does.
async fn only_one_gets<W: World>(
    mut stage: Stage<W>,
    family: IpFamily,
    before: Option<DesiredLb>,
    rival: DesiredLb,
) {
    let [address, _] = stage.world.free_addresses(family);
    let holder = wishes::named(stage.provider.name(), "holder")
        .with(|member| asking(address)(member.stack(&[family], FamilyPolicy::SingleStack)));
    if !stage.provider.capabilities().requested_addresses {
        assert_ne!(stage.provider.validate(&holder), [], "asking for an address must be refused");
        return stage.finish().await;
    }
    stage.converge(&holder).await;
    if let Some(before) = &before {
        stage.converge(before).await;
    }
    for _ in 0..2 {
        let answer = stage.ensure(&rival).await;
        let Err(error) = answer else { panic!("{address} was given out twice: {answer:?}") };
        let class = error.class();
        assert!(matches!(class, ErrorClass::Conflict | ErrorClass::Quota), "{class:?}: {}", error.explain());
        assert!(error.explain().contains(&address.to_string()), "{} names no address", error.explain());
        assert_eq!(stage.converge(&holder).await.steps, [], "the holder is left alone");
    }
    stage.release(&holder.id).await;
    stage.world.settle().await;
    assert!(addresses(&stage.converge(&rival).await).contains(&address));
    stage.assert_settled(&rival).await;
    stage.finish().await;
}

fn asking(address: IpAddr) -> impl Fn(Member) -> Member {
    move |mut member| {
        member.requested = vec![address];
        member
    }
}
