//! Several Services on one load balancer.

use landfall_core::model::{DesiredLb, IpMode};
use landfall_core::net::Protocol;

use crate::expect::addresses;
use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// The stage for a case about sharing; `None` after having checked that a provider that cannot share refuses.
async fn shared<W: World>() -> Option<Stage<W>> {
    let stage = Stage::<W>::new().await;
    if stage.provider.capabilities().sharing {
        return Some(stage);
    }
    let group = wishes::group(stage.provider.name(), &["a", "b"]);
    assert_ne!(stage.provider.validate(&group), [], "sharing must be refused");
    stage.finish().await;
    None
}

/// One address, the ports of all.
pub async fn members_share_one_address<W: World>() {
    let Some(mut stage) = shared::<W>().await else { return };
    let desired = wishes::group(stage.provider.name(), &["a", "b", "c"]);
    let outcome = stage.converge(&desired).await;
    assert_eq!(outcome.ingress.len(), 1);
    stage.assert_settled(&desired).await;
    stage.finish().await;
}

/// Members with different traffic policies are served, each by its own; or the younger one is refused, and the
/// rest is served without it.
pub async fn members_may_differ_or_are_told_that_they_may_not<W: World>() {
    let Some(mut stage) = shared::<W>().await else { return };
    let mut desired = wishes::group(stage.provider.name(), &["a", "b"]);
    desired.members[1] = desired.members[1].clone().local(31_999);
    let refusals = stage.provider.validate(&desired);
    for refusal in &refusals {
        assert_eq!(refusal.member.as_ref(), Some(&desired.members[1].service), "the older one keeps its way");
        assert!(refusal.field.contains("externalTrafficPolicy"), "{refusal:?}");
    }
    desired.members.truncate(if refusals.is_empty() { 2 } else { 1 });
    stage.converge(&desired).await;
    stage.assert_settled(&desired).await;
    stage.finish().await;
}

/// The address stays, and those that stay are not touched: `check` compares all listeners.
pub async fn members_join_and_leave<W: World>() {
    let Some(mut stage) = shared::<W>().await else { return };
    let provider = stage.provider.name();
    let ingress = stage.converge(&wishes::group(provider, &["a"])).await.ingress;
    for names in [&["a", "b"][..], &["a", "b", "c"], &["a", "c"], &["a"]] {
        let desired = wishes::group(provider, names);
        let outcome = stage.converge(&desired).await;
        assert_eq!(outcome.ingress, ingress);
        stage.assert_settled(&desired).await;
    }
    stage.finish().await;
}

/// Which member comes first is a matter of age and must not move the address.
pub async fn the_order_of_members_does_not_matter_to_the_address<W: World>() {
    let Some(mut stage) = shared::<W>().await else { return };
    let desired = wishes::group(stage.provider.name(), &["a", "b", "c"]);
    stage.converge(&desired).await;
    let mut reversed: DesiredLb = desired.clone();
    reversed.members.reverse();
    stage.assert_settled(&reversed).await;
    stage.restart().await;
    stage.assert_settled(&reversed).await;
    stage.finish().await;
}

/// The load balancer belongs to the group and not to the member that came first.
pub async fn the_first_member_leaves_and_the_address_stays<W: World>() {
    let Some(mut stage) = shared::<W>().await else { return };
    let provider = stage.provider.name();
    let before = stage.converge(&wishes::group(provider, &["a", "b"])).await;
    let rest = wishes::group(provider, &["b"]);
    assert_eq!(stage.converge(&rest).await.ingress, before.ingress);
    stage.restart().await;
    stage.assert_settled(&rest).await;
    stage.finish().await;
}

/// One leaves and another takes its port in the same change.
pub async fn a_port_passes_from_one_member_to_another<W: World>() {
    let Some(mut stage) = shared::<W>().await else { return };
    let before = wishes::group(stage.provider.name(), &["a", "b"]);
    let mut after = wishes::group(stage.provider.name(), &["b", "c"]);
    after.members[1] = after.members[1].clone().listening(&[(Protocol::Tcp, 80)]);
    let ingress = stage.converge(&before).await.ingress;
    assert_eq!(stage.converge(&after).await.ingress, ingress);
    stage.assert_settled(&after).await;
    stage.finish().await;
}

/// A member whose wish is refused for now keeps its listeners while others change, even in ways that would
/// otherwise force a successor; its port is not given away, and it goes when it leaves for good.
pub async fn a_refused_member_keeps_what_it_has<W: World>() {
    let Some(mut stage) = shared::<W>().await else { return };
    let provider = stage.provider.name();
    let mut all = wishes::group(provider, &["a", "b"]);
    all.members[0].ip_mode = Some(IpMode::Proxy);
    if !stage.provider.validate(&all).is_empty() {
        all.members[0].ip_mode = None;
    }
    let held = addresses(&stage.converge(&all).await);
    let kept = all.members[0].as_ref();
    let port = all.members[0].listeners[0].key();
    let before = stage.view(&all.id).await;
    let mut rest = wishes::group(provider, &["b"]).retaining(kept);
    rest.members[0] = rest.members[0].clone().listening(&[(Protocol::Tcp, 81), (Protocol::Tcp, 90)]);
    stage.converge(&rest).await;
    stage.restart().await;
    assert_eq!(addresses(&stage.converge(&rest).await), held);
    if let (Some(before), Some(after)) = (before, stage.view(&all.id).await) {
        assert_eq!(before.listeners.get(&port), after.listeners.get(&port), "the refused member's listener");
        assert_eq!(after.listeners.len(), 3);
    }
    stage.assert_settled(&rest).await;
    let mut gone = rest;
    gone.retained.clear();
    // Nobody asks for the mode now, so the address may change with it.
    stage.converge(&gone).await;
    stage.assert_settled(&gone).await;
    stage.finish().await;
}
