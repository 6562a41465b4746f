//! The habits of the cloud: what callers rely on, and what they have to cope with.

use landfall_core::error::ErrorClass;
use landfall_core::model::{IpMode, TargetKind};
use landfall_core::net::{IpFamily, PortKey, Protocol};
use rstest::rstest;

use super::*;

fn balancer(name: &str) -> Draft<BalancerSpec> {
    let spec = BalancerSpec { mode: IpMode::Vip, families: vec![IpFamily::V4], requested: Vec::new() };
    Draft { name: name.to_owned(), tags: Tags::new(), spec }
}

fn pool(name: &str) -> Draft<PoolSpec> {
    let spec = PoolSpec {
        protocol: Protocol::Tcp,
        targets: TargetKind::Nodes,
        health: Probe::Connect,
        affinity_seconds: None,
    };
    Draft { name: name.to_owned(), tags: Tags::new(), spec }
}

fn listener(name: &str, balancer: &str, pool: &str, port: u16) -> Draft<ListenerSpec> {
    let key = PortKey { port, protocol: Protocol::Tcp };
    let spec = ListenerSpec { balancer: balancer.to_owned(), key, pool: pool.to_owned() };
    Draft { name: name.to_owned(), tags: Tags::new(), spec }
}

fn tagged<S>(mut draft: Draft<S>, value: &str) -> Draft<S> {
    draft.tags.insert("owner".to_owned(), value.to_owned());
    draft
}

async fn with_listener() -> Cloud {
    let cloud = Cloud::new();
    cloud.create(balancer("b")).await.unwrap();
    cloud.create(pool("p")).await.unwrap();
    cloud.create(listener("l", "b", "p", 80)).await.unwrap();
    cloud
}

#[tokio::test(start_paused = true)]
async fn a_balancer_becomes_active_in_its_time_and_goes_in_its_time() {
    let cloud = Cloud::new();
    cloud.set_provisioning_time(Duration::from_mins(1));
    cloud.set_deletion_time(Duration::from_secs(30));
    let made = cloud.create(balancer("b")).await.unwrap();
    assert_eq!(made.status.lifecycle, Lifecycle::Provisioning);
    assert_eq!(made.status.addresses.len(), 1);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(cloud.balancers()[0].status.lifecycle, Lifecycle::Active);
    cloud.delete::<BalancerSpec>("b").await.unwrap();
    assert_eq!(cloud.balancers()[0].status.lifecycle, Lifecycle::Deleting);
    let again = cloud.create(balancer("b")).await.unwrap_err();
    assert_eq!(again.code, Code::Changed, "the name is free only when it is gone");
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(cloud.balancers(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_referred_to_cannot_be_deleted() {
    let cloud = with_listener().await;
    assert_eq!(cloud.delete::<BalancerSpec>("b").await.unwrap_err().code, Code::InUse);
    assert_eq!(cloud.delete::<PoolSpec>("p").await.unwrap_err().code, Code::InUse);
    cloud.delete::<ListenerSpec>("l").await.unwrap();
    cloud.delete::<BalancerSpec>("b").await.unwrap();
    cloud.delete::<PoolSpec>("p").await.unwrap();
    assert_eq!(cloud.objects(), []);
}

#[rstest]
#[case::no_balancer(listener("x", "none", "p", 81), Code::NotFound)]
#[case::no_pool(listener("x", "b", "none", 81), Code::NotFound)]
#[case::port_taken(listener("x", "b", "p", 80), Code::AlreadyExists)]
#[tokio::test(start_paused = true)]
async fn references_must_hold(#[case] draft: Draft<ListenerSpec>, #[case] code: Code) {
    assert_eq!(with_listener().await.create(draft).await.unwrap_err().code, code);
}

#[tokio::test(start_paused = true)]
async fn making_the_same_again_is_answered_by_what_exists() {
    let cloud = Cloud::new();
    let first = cloud.create(tagged(balancer("b"), "us")).await.unwrap();
    assert_eq!(cloud.create(tagged(balancer("b"), "us")).await.unwrap(), first);
    let mut other = tagged(balancer("b"), "us");
    other.spec.families.push(IpFamily::V6);
    assert_eq!(cloud.create(other).await.unwrap_err().code, Code::Changed);
    assert_eq!(cloud.create(tagged(balancer("b"), "them")).await.unwrap_err().code, Code::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn an_address_is_never_given_out_twice() {
    let cloud = Cloud::new();
    let first = cloud.create(balancer("b")).await.unwrap().status.addresses;
    cloud.delete::<BalancerSpec>("b").await.unwrap();
    let second = cloud.create(balancer("b")).await.unwrap().status.addresses;
    assert_ne!(first, second);
    let mut asking = balancer("c");
    asking.spec.requested.clone_from(&second);
    assert_eq!(cloud.create(asking.clone()).await.unwrap_err().code, Code::AddressInUse);
    cloud.delete::<BalancerSpec>("b").await.unwrap();
    assert_eq!(cloud.create(asking).await.unwrap().status.addresses, second);
}

#[tokio::test(start_paused = true)]
async fn an_address_asked_for_with_a_further_family_is_not_given_out_twice() {
    let cloud = Cloud::new();
    let address = "2001:db8:7::7".parse().unwrap();
    let mut holder = balancer("holder");
    holder.spec.families = vec![IpFamily::V6];
    holder.spec.requested = vec![address];
    cloud.create(holder.clone()).await.unwrap();
    let before = cloud.create(balancer("b")).await.unwrap();
    let mut dual = balancer("b");
    dual.spec.families.push(IpFamily::V6);
    dual.spec.requested = vec![address];
    assert_eq!(cloud.update(dual.clone()).await.unwrap_err().code, Code::AddressInUse);
    assert_eq!(cloud.balancers()[0], before, "a refused call has no effect");
    cloud.update(holder).await.expect("what it has already is no conflict");
    cloud.delete::<BalancerSpec>("holder").await.unwrap();
    assert_eq!(cloud.update(dual).await.unwrap().status.addresses[1], address);
}

#[tokio::test(start_paused = true)]
async fn families_change_in_place_and_the_mode_does_not() {
    let cloud = Cloud::new();
    let made = cloud.create(balancer("b")).await.unwrap();
    let mut dual = balancer("b");
    dual.spec.families.push(IpFamily::V6);
    let updated = cloud.update(dual).await.unwrap();
    assert_eq!(updated.status.addresses[0], made.status.addresses[0]);
    assert_eq!(updated.status.addresses.len(), 2);
    let mut proxy = balancer("b");
    proxy.spec.mode = IpMode::Proxy;
    assert_eq!(cloud.update(proxy).await.unwrap_err().code, Code::Invalid);
}

#[tokio::test(start_paused = true)]
async fn pages_miss_nothing_when_something_is_deleted_between_them() {
    let cloud = Cloud::new();
    cloud.set_page_size(2);
    for name in ["a", "b", "c", "d", "e"] {
        cloud.create(pool(name)).await.unwrap();
    }
    let filter = Filter::default();
    let first = cloud.list::<PoolSpec>(&filter, None).await.unwrap();
    cloud.delete::<PoolSpec>("a").await.unwrap();
    let second = cloud.list::<PoolSpec>(&filter, first.next.as_ref()).await.unwrap();
    let third = cloud.list::<PoolSpec>(&filter, second.next.as_ref()).await.unwrap();
    let names: Vec<&str> =
        [&first, &second, &third].iter().flat_map(|p| &p.items).map(Object::name).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert_eq!(third.next, None);
}

#[tokio::test(start_paused = true)]
async fn quotas_limit_each_kind() {
    let cloud = Cloud::new();
    cloud.set_quota(Kind::Pool, 1);
    cloud.create(pool("a")).await.unwrap();
    assert_eq!(cloud.create(pool("b")).await.unwrap_err().code, Code::QuotaExceeded);
    cloud.create(balancer("b")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn faults_hit_the_call_they_are_planned_for_and_only_that() {
    let cloud = Cloud::new();
    cloud.fault_at(2, Fault::Fail(ErrorClass::Quota));
    cloud.fault_on(Operation::Create(Kind::Balancer), Fault::LoseAnswer);
    assert_eq!(cloud.create(balancer("b")).await.unwrap_err().code, Code::Unavailable);
    assert_eq!(cloud.balancers().len(), 1, "it took effect all the same");
    assert_eq!(cloud.create(pool("p")).await.unwrap_err().code, Code::QuotaExceeded);
    assert_eq!(cloud.pools(), [], "a refused call has no effect");
    cloud.create(pool("p")).await.unwrap();
    assert_eq!((cloud.calls(), cloud.writes()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn slow_calls_and_hanging_calls() {
    let cloud = Cloud::new();
    cloud.set_latency(Duration::from_millis(50));
    cloud.fault_at(1, Fault::Delay(Duration::from_secs(2)));
    let start = tokio::time::Instant::now();
    cloud.create(pool("a")).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(2050));
    cloud.fault_at(1, Fault::Hang);
    assert!(tokio::time::timeout(Duration::from_hours(1), cloud.create(pool("b"))).await.is_err());
    assert_eq!(cloud.pools().len(), 1, "a call that hangs has no effect");
    cloud.fault_at(1, Fault::Freeze);
    tokio::select! {
        _ = cloud.create(pool("c")) => panic!("a frozen call is never answered"),
        () = cloud.frozen() => {}
    }
    assert_eq!(cloud.pools().len(), 2, "a frozen call took effect");
}
