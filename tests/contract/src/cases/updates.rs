//! Every kind of change to a wish that is served already.

use landfall_core::model::{DesiredLb, FamilyPolicy, IpMode, Member, SessionAffinity};
use landfall_core::net::{IpFamily, Protocol, SourceRanges};
use landfall_core::params::ClassParams;
use landfall_core::params::metal::MetalParams;

use crate::expect::addresses;
use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// What happens to the addresses.
#[derive(Clone, Copy, PartialEq)]
enum Address {
    Stays,
    MayChange,
}

/// One more port.
pub async fn ports_are_added<W: World>() {
    edit::<W>(same, |m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 443), (Protocol::Tcp, 8443)]))
        .await;
}

/// One port less.
pub async fn ports_are_removed<W: World>() {
    edit::<W>(|m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 443)]), same).await;
}

/// Another number, nothing else in common.
pub async fn a_port_changes_its_number<W: World>() {
    edit::<W>(same, |m| m.listening(&[(Protocol::Tcp, 8080)])).await;
}

/// TCP becomes UDP on the same number; refused where it cannot be.
pub async fn a_port_changes_its_protocol<W: World>() {
    let stage = Stage::<W>::new().await;
    let can = stage.provider.capabilities().protocols.contains(&Protocol::Udp);
    serve_or_refuse(stage, can, |m| m.listening(&[(Protocol::Udp, 80)]), Address::Stays).await;
}

/// TCP and UDP on one number; refused where it cannot be.
pub async fn tcp_and_udp_share_a_number<W: World>() {
    let stage = Stage::<W>::new().await;
    let capabilities = stage.provider.capabilities();
    let can = capabilities.mixed_protocols
        && capabilities.same_port_protocols
        && capabilities.protocols.contains(&Protocol::Udp);
    let both = |m: Member| m.listening(&[(Protocol::Tcp, 80), (Protocol::Udp, 80)]);
    serve_or_refuse(stage, can, both, Address::Stays).await;
}

/// SCTP; refused where it cannot be.
pub async fn sctp_is_served_or_refused<W: World>() {
    let stage = Stage::<W>::new().await;
    let can = stage.provider.capabilities().protocols.contains(&Protocol::Sctp);
    serve_or_refuse(stage, can, |m| m.listening(&[(Protocol::Sctp, 3868)]), Address::Stays).await;
}

/// Targets move to another port of the nodes.
pub async fn node_ports_change<W: World>() {
    edit::<W>(same, |mut m| {
        m.listeners[0].node_port = Some(32_767);
        m
    })
    .await;
}

/// Open, closed to some, open again: in both directions, as each is a way to get it wrong.
pub async fn source_ranges_change<W: World>() {
    let only = |ranges: &'static [&'static str]| {
        move |mut m: Member| {
            m.sources = SourceRanges::from_ranges(ranges.iter().map(|r| r.parse().expect("test range")));
            m.sources_given = true;
            m
        }
    };
    edit::<W>(same, only(&["10.0.0.0/8", "192.0.2.0/24"])).await;
    edit::<W>(only(&["10.0.0.0/8"]), only(&["10.1.0.0/16"])).await;
    edit::<W>(only(&["10.0.0.0/8"]), same).await;
    // Only ranges of the other family: nobody, and not everybody. Whoever finds that senseless says so.
    let nobody = only(&["2001:db8::/32"]);
    let stage = Stage::<W>::new().await;
    let refusals = stage.provider.validate(&wishes::lone(stage.provider.name()).with(nobody));
    if refusals.is_empty() {
        return edit::<W>(same, nobody).await;
    }
    assert!(refusals.iter().all(|refusal| refusal.field == "spec.loadBalancerSourceRanges"), "{refusals:?}");
    stage.finish().await;
}

/// On, longer, off.
pub async fn affinity_changes<W: World>() {
    let sticky = |timeout_seconds| {
        move |mut m: Member| {
            m.affinity = SessionAffinity::ClientIp { timeout_seconds };
            m
        }
    };
    edit::<W>(same, sticky(10_800)).await;
    edit::<W>(sticky(10_800), sticky(60)).await;
    edit::<W>(sticky(60), same).await;
}

/// `Cluster` to `Local` and back.
pub async fn traffic_policy_changes<W: World>() {
    edit::<W>(same, |m| m.local(31_234)).await;
    edit::<W>(|m| m.local(31_234), same).await;
}

/// `Local` with another port to ask.
pub async fn health_check_port_changes<W: World>() {
    edit::<W>(|m| m.local(31_234), |m| m.local(31_235)).await;
}

/// A second family; the address of the first one stays.
pub async fn a_family_is_added<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    if !stage.provider.capabilities().dual_stack {
        return serve_or_refuse(stage, false, wishes::dual(IpFamily::V4), Address::Stays).await;
    }
    let before = stage.converge(&desired).await;
    let after = stage.converge(&desired.with(wishes::dual(IpFamily::V4))).await;
    assert_eq!(after.ingress[0], before.ingress[0], "the first address stays");
    stage.finish().await;
}

/// One family less; the address of the other one stays.
pub async fn a_family_is_removed<W: World>() {
    let mut stage = Stage::<W>::new().await;
    if !stage.provider.capabilities().dual_stack {
        return serve_or_refuse(stage, false, wishes::dual(IpFamily::V6), Address::Stays).await;
    }
    let desired = wishes::lone(stage.provider.name());
    let before = stage.converge(&desired.clone().with(wishes::dual(IpFamily::V4))).await;
    let after = stage.converge(&desired).await;
    assert_eq!(after.ingress, before.ingress[..1]);
    stage.finish().await;
}

/// IPv4 alone to IPv6 alone.
pub async fn the_families_swap<W: World>() {
    let stage = Stage::<W>::new().await;
    let six = |m: Member| m.stack(&[IpFamily::V6], FamilyPolicy::SingleStack);
    serve_or_refuse(stage, true, six, Address::MayChange).await;
}

/// A particular address instead of the one that was given.
pub async fn an_address_is_asked_for<W: World>() {
    let stage = Stage::<W>::new().await;
    let can = stage.provider.capabilities().requested_addresses;
    let [address, _] = stage.world.free_addresses(IpFamily::V4);
    serve_or_refuse(stage, can, asking(address), Address::MayChange).await;
}

/// What it got on request it keeps without.
pub async fn an_address_is_no_longer_asked_for<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let [address, _] = stage.world.free_addresses(IpFamily::V4);
    let desired = wishes::lone(stage.provider.name());
    if !stage.provider.capabilities().requested_addresses {
        return serve_or_refuse(stage, false, asking(address), Address::Stays).await;
    }
    let before = stage.converge(&desired.clone().with(asking(address))).await;
    let after = stage.converge(&desired).await;
    assert_eq!(after.ingress, before.ingress);
    stage.assert_settled(&desired).await;
    stage.finish().await;
}

/// From one particular address to another.
pub async fn another_address_is_asked_for<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let [first, second] = stage.world.free_addresses(IpFamily::V4);
    let desired = wishes::lone(stage.provider.name());
    if !stage.provider.capabilities().requested_addresses {
        return serve_or_refuse(stage, false, asking(first), Address::Stays).await;
    }
    stage.converge(&desired.clone().with(asking(first))).await;
    let after = stage.converge(&desired.clone().with(asking(second))).await;
    assert_eq!(addresses(&after), [second]);
    stage.assert_settled(&desired.with(asking(second))).await;
    stage.finish().await;
}

/// Asking for what it has is no change.
pub async fn the_address_it_has_is_asked_for<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    let has = stage.converge(&desired).await;
    let Some(&address) = addresses(&has).first() else { return stage.finish().await };
    if !stage.provider.capabilities().requested_addresses {
        return serve_or_refuse(stage, false, asking(address), Address::Stays).await;
    }
    stage.assert_settled(&desired.with(asking(address))).await;
    stage.finish().await;
}

/// To `Proxy` and back.
pub async fn the_ip_mode_changes<W: World>() {
    let proxy = |mut m: Member| {
        m.ip_mode = Some(IpMode::Proxy);
        m
    };
    let vip = |mut m: Member| {
        m.ip_mode = Some(IpMode::Vip);
        m
    };
    for (from, to, mode) in [
        (vip as fn(Member) -> Member, proxy as fn(Member) -> Member, IpMode::Proxy),
        (proxy, vip, IpMode::Vip),
    ] {
        let mut stage = Stage::<W>::new().await;
        let desired = wishes::lone(stage.provider.name());
        let refusals = stage.provider.validate(&desired.clone().with(proxy));
        if !refusals.is_empty() {
            // Where packets must arrive as they were sent, nodes have to know the address.
            assert!(refusals.iter().all(|refusal| refusal.field.contains("ip-mode")), "{refusals:?}");
            return stage.finish().await;
        }
        stage.converge(&desired.clone().with(from)).await;
        let after = stage.converge(&desired.with(to)).await;
        for ingress in after.ingress {
            if let landfall_core::outcome::Ingress::Ip { mode: got, .. } = ingress {
                assert_eq!(got, mode);
            }
        }
        stage.finish().await;
    }
}

/// To each set of parameters and back to the defaults; a provider without parameters refuses any.
pub async fn class_parameters_change<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    let all = stage.world.class_params();
    if all.is_empty() {
        let refusals = stage.provider.validate(&desired.params(ClassParams::Metal(MetalParams::default())));
        let told: Vec<_> = refusals.iter().map(|refusal| (&refusal.member, refusal.field.as_str())).collect();
        assert_eq!(told, [(&None, "spec.loadBalancerClass")]);
        return stage.finish().await;
    }
    stage.converge(&desired).await;
    for params in all {
        assert_ne!(params, ClassParams::Defaults, "other parameters than the defaults");
        stage.converge(&desired.clone().params(params.clone())).await;
        stage.assert_settled(&desired.clone().params(params)).await;
        stage.converge(&desired).await;
    }
    stage.assert_settled(&desired).await;
    stage.finish().await;
}

fn same(member: Member) -> Member {
    member
}

fn asking(address: std::net::IpAddr) -> impl Fn(Member) -> Member {
    move |mut member| {
        member.requested = vec![address];
        member
    }
}

/// Serves one wish, then the other; the address must stay.
async fn edit<W: World>(from: impl Fn(Member) -> Member, to: impl Fn(Member) -> Member) {
    let stage = Stage::<W>::new().await;
    let base = wishes::lone(stage.provider.name());
    check(stage, base.clone().with(from), base.with(to), Address::Stays).await;
}

/// Serves a lone Service, then the changed one; or checks that the change is refused, field and all.
async fn serve_or_refuse<W: World>(
    stage: Stage<W>,
    can: bool,
    change: impl Fn(Member) -> Member,
    address: Address,
) {
    let base = wishes::lone(stage.provider.name());
    let changed = base.clone().with(change);
    if can {
        return check(stage, base, changed, address).await;
    }
    let refusals = stage.provider.validate(&changed);
    assert!(!refusals.is_empty(), "what it cannot do it must refuse");
    assert!(refusals.iter().all(|refusal| !refusal.field.is_empty() && !refusal.message.is_empty()));
    stage.finish().await;
}

/// The plan names the steps, the steps lead there, and then nothing is left to do.
async fn check<W: World>(mut stage: Stage<W>, from: DesiredLb, to: DesiredLb, address: Address) {
    let before = stage.converge(&from).await;
    let plan = stage.plan(&to).await.expect("plan");
    let steps = stage.ensure(&to).await.expect("ensure").steps;
    assert_eq!(steps, plan.steps, "ensure does what was planned");
    let after = stage.converge(&to).await;
    if address == Address::Stays {
        assert_eq!(after.ingress, before.ingress, "the address stays");
    }
    stage.assert_settled(&to).await;
    stage.restart().await;
    stage.assert_settled(&to).await;
    stage.finish().await;
}
