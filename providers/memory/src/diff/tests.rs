//! The order of changes, and where any sequence of wishes leads.

use landfall_core::annotations::TARGETS;
use landfall_core::ids::{ClusterId, LbId, ProviderName};
use landfall_core::model::{DesiredLb, FamilyPolicy, IpMode, Member};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::outcome::Phase;
use landfall_core::plan::Action;
use landfall_core::provider::Provider;
use landfall_core::testing;
use proptest::prelude::*;

use super::*;
use crate::MemoryProvider;
use crate::cloud::{Cloud, Kind, Status};
use crate::resources::wanted;

fn cluster() -> ClusterId {
    ClusterId::new("test").unwrap()
}

fn wish() -> DesiredLb {
    testing::lb(ProviderName::Memory, "web").on(testing::nodes(2))
}

/// The changes for a wish in a world.
fn changes(desired: &DesiredLb, observed: &Observed) -> Result<Vec<Change>, MemoryError> {
    let cluster = cluster();
    let names = Names { cluster: &cluster, lb: &desired.id };
    diff(names, &wanted(&cluster, &MemoryProvider::all(), desired), observed)
}

/// Our balancer of that name, address and mode.
fn balancer(desired: &DesiredLb, name: &str, mode: IpMode, lifecycle: Lifecycle) -> Object<BalancerSpec> {
    let spec = BalancerSpec { mode, families: vec![IpFamily::V4], requested: Vec::new() };
    let draft = Draft { name: name.to_owned(), tags: marks::of_lb(&cluster(), &desired.id), spec };
    Object { draft, status: Status { addresses: vec!["198.18.0.1".parse().unwrap()], lifecycle } }
}

fn words(changes: &[Change]) -> Vec<(Action, &'static str)> {
    changes.iter().map(Change::step).map(|step| (step.action, step.resource.kind)).collect()
}

#[test]
fn what_is_referred_to_comes_first() {
    let all = changes(&wish(), &Observed::default()).unwrap();
    assert_eq!(
        words(&all),
        [
            (Action::Create, "target-pool"),
            (Action::Update, "target-pool"),
            (Action::Create, "firewall-rule"),
            (Action::Create, "balancer"),
            (Action::Create, "listener"),
        ]
    );
}

#[test]
fn a_stranger_stops_everything_before_the_first_write() {
    let observed = Observed { foreign: vec![(Kind::Rule, "theirs".to_owned())], ..Observed::default() };
    let error = changes(&wish(), &observed).unwrap_err();
    assert!(error.to_string().contains("\"theirs\""), "{error}");
}

#[test]
fn a_predecessor_stays_until_the_successor_is_active() {
    let desired = wish();
    let old = balancer(&desired, "old", IpMode::Proxy, Lifecycle::Active);
    let goes = |observed: &Observed| {
        changes(&desired, observed).unwrap().contains(&Change::Balancer(Edit::Delete("old".to_owned())))
    };
    let mut observed = Observed { balancers: vec![old], ..Observed::default() };
    assert!(!goes(&observed), "there is no successor yet");
    observed.balancers.push(balancer(&desired, "new", IpMode::Vip, Lifecycle::Provisioning));
    assert!(!goes(&observed), "the successor does not serve yet");
    observed.balancers[1].status.lifecycle = Lifecycle::Active;
    assert!(goes(&observed));
}

#[test]
fn of_two_that_fit_the_one_that_serves_is_kept() {
    let desired = wish();
    let observed = Observed {
        balancers: vec![
            balancer(&desired, "half-made", IpMode::Vip, Lifecycle::Provisioning),
            balancer(&desired, "serving", IpMode::Vip, Lifecycle::Active),
        ],
        ..Observed::default()
    };
    let all = changes(&desired, &observed).unwrap();
    assert!(all.contains(&Change::Balancer(Edit::Delete("half-made".to_owned()))), "{all:?}");
    assert!(!all.contains(&Change::Balancer(Edit::Delete("serving".to_owned()))), "{all:?}");
}

#[test]
fn a_balancer_that_is_being_deleted_is_no_longer_counted_on() {
    let desired = wish();
    let cluster = cluster();
    let name = Names { cluster: &cluster, lb: &desired.id }
        .balancer(&wanted(&cluster, &MemoryProvider::all(), &desired).balancer, 0);
    let going = balancer(&desired, &name, IpMode::Vip, Lifecycle::Deleting);
    let observed = Observed { balancers: vec![going], ..Observed::default() };
    let created = changes(&desired, &observed).unwrap().into_iter().find_map(|change| match change {
        Change::Balancer(Edit::Create(draft)) => Some(draft.name),
        _ => None,
    });
    assert!(created.is_some_and(|created| created != name), "its name is still taken");
}

/// The address asked for, the targets and the mode change at once.
#[tokio::test(start_paused = true)]
async fn listeners_of_a_balancer_that_goes_first_are_not_touched_afterwards() {
    let cloud = Cloud::new();
    let provider = MemoryProvider::new(cluster(), cloud.clone());
    let asking = wish().with(|member| member.requesting(&["203.0.113.1"]));
    provider.ensure(&asking).await.unwrap();
    let changed = asking.with(|member| {
        let mut member = member.annotated(TARGETS, "pods");
        member.ip_mode = Some(IpMode::Proxy);
        member
    });
    let plan = provider.plan(&changed).await.unwrap();
    assert!(
        !plan.steps.iter().any(|step| step.action == Action::Update && step.resource.kind == "listener"),
        "{plan}"
    );
    assert_eq!(provider.ensure(&changed).await.unwrap().steps, plan.steps);
    assert_eq!(cloud.balancers().len(), 1);
}

#[test]
fn tags_of_others_on_our_objects_stay() {
    let desired = wish();
    let mut ours = balancer(&desired, "b", IpMode::Vip, Lifecycle::Active);
    ours.draft.tags.insert("cost-centre".to_owned(), "42".to_owned());
    let pool = wanted(&cluster(), &MemoryProvider::all(), &desired).pools.remove(0);
    let mut there = pool.draft.clone();
    there.tags.insert("cost-centre".to_owned(), "42".to_owned());
    assert_eq!(update(&there, &pool.draft), None);
    there.spec.affinity_seconds = Some(5);
    let Some(Edit::Update { to, .. }) = update(&there, &pool.draft) else { panic!("it differs") };
    assert_eq!(to.tags, there.tags);
}

/// A successor that is to get one more family, with the address that its predecessor has in it.
#[tokio::test(start_paused = true)]
async fn a_predecessor_gives_way_to_a_successor_that_gets_another_family() {
    let cloud = Cloud::new();
    let provider = MemoryProvider::new(cluster(), cloud.clone());
    let asking = wish().with(|m| m.requesting(&["203.0.113.1"]));
    provider.ensure(&asking).await.unwrap();
    cloud.set_provisioning_time(std::time::Duration::from_mins(1));
    let six = wish().with(|m| proxied(m.stack(&[IpFamily::V6], FamilyPolicy::SingleStack)));
    provider.ensure(&six).await.unwrap();
    assert_eq!(cloud.balancers().len(), 2, "the predecessor serves until the successor is active");
    let both = asking.clone().with(|m| proxied(m.stack(&IpFamily::BOTH, FamilyPolicy::RequireDualStack)));
    let plan = provider.plan(&both).await.unwrap();
    assert_eq!(provider.ensure(&both).await.unwrap().steps, plan.steps);
    assert_eq!(cloud.balancers()[0].status.addresses[0], asking.requested()[0]);
    assert_eq!(cloud.balancers().len(), 1);
}

fn proxied(mut member: Member) -> Member {
    member.ip_mode = Some(IpMode::Proxy);
    member
}

/// What a Service may ask for, small enough that wishes meet.
fn any_wish() -> impl Strategy<Value = DesiredLb> {
    let port = (prop::sample::select(vec![Protocol::Tcp, Protocol::Udp]), 80u16..84);
    let families = prop::sample::select(vec![
        vec![IpFamily::V4],
        vec![IpFamily::V6],
        vec![IpFamily::V4, IpFamily::V6],
        vec![IpFamily::V6, IpFamily::V4],
    ]);
    let requested = prop::option::of(1u8..3);
    (prop::collection::btree_set(port, 1..4), families, requested, any::<bool>(), 0u16..4).prop_map(
        |(ports, families, requested, proxy, nodes)| {
            let ports: Vec<_> = ports.into_iter().collect();
            wish().on(testing::nodes(nodes)).with(|member| {
                let mut member = member.listening(&ports).stack(&families, FamilyPolicy::PreferDualStack);
                member.requested =
                    requested.iter().flat_map(|n| families.iter().map(|f| free(*f, *n))).collect();
                member.ip_mode = proxy.then_some(IpMode::Proxy);
                member
            })
        },
    )
}

/// One of the addresses that a wish may ask for.
fn free(family: IpFamily, n: u8) -> IpAddr {
    match family {
        IpFamily::V4 => [203, 0, 113, n].into(),
        IpFamily::V6 => [0x2001, 0xdb8, 7, 0, 0, 0, 0, u16::from(n)].into(),
    }
}

/// Asks until nothing is left to do; answers how many objects there then are.
async fn converge(cloud: &Cloud, desired: &DesiredLb) -> usize {
    let provider = MemoryProvider::new(cluster(), cloud.clone());
    for _ in 0..6 {
        if provider.ensure(desired).await.unwrap().phase == Phase::Ready {
            assert!(provider.plan(desired).await.unwrap().is_empty());
            return cloud.objects().len();
        }
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    }
    panic!("{desired:?} does not settle");
}

fn paused<F: Future>(future: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

async fn release(cloud: &Cloud, id: &LbId) {
    MemoryProvider::new(cluster(), cloud.clone()).release(id).await.unwrap();
    assert_eq!(cloud.objects(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_way_leads_to_what_the_last_wish_takes(wishes in prop::collection::vec(any_wish(), 1..6), slow in any::<bool>()) {
        paused(async {
            let cloud = Cloud::new();
            if slow {
                cloud.set_provisioning_time(std::time::Duration::from_secs(90));
            }
            let provider = MemoryProvider::new(cluster(), cloud.clone());
            let (last, before) = wishes.split_last().unwrap();
            for desired in before {
                // Not waited for: the next wish comes while the last one may still be on its way.
                provider.ensure(desired).await.unwrap();
            }
            let objects = converge(&cloud, last).await;
            assert_eq!(objects, converge(&Cloud::new(), last).await, "more or less than needed");
            release(&cloud, &last.id).await;
        });
    }
}
