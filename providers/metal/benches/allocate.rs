//! What one call costs while 50,000 addresses of a /8 and a /64 are in use, and what a restart costs.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, FamilyPolicy};
use landfall_core::net::IpFamily;
use landfall_core::pools::{AddressBook as _, Holding, PoolFeed, PoolSpec};
use landfall_core::provider::Provider as _;
use landfall_core::testing;
use landfall_metal::MetalProvider;

const IN_USE: u32 = 50_000;

fn pools(avoid: bool) -> Vec<PoolSpec> {
    vec![PoolSpec {
        name: "big".to_owned(),
        addresses: vec!["10.0.0.0/8".to_owned(), "2001:db8::/64".to_owned()],
        auto_assign: true,
        avoid_network_and_broadcast: avoid,
        namespace_selector: None,
        service_selector: None,
        priority: 0,
        deleting: false,
    }]
}

fn service(number: u32) -> DesiredLb {
    testing::lb(ProviderName::Metal, &format!("s{number}"))
        .with(|member| member.stack(&IpFamily::BOTH, FamilyPolicy::RequireDualStack))
}

/// 50,000 Services that show every third address of the first 150,000: as many gaps as addresses.
fn holdings() -> Vec<Holding> {
    (0..IN_USE)
        .map(|number| {
            let offset = number * 3 + 1;
            let v4 = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + offset);
            let v6 = Ipv6Addr::from(
                u128::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0)) + u128::from(offset),
            );
            let mut lb = service(number);
            lb.members[0].published = vec![IpAddr::V4(v4), IpAddr::V6(v6)];
            Holding { id: lb.id, members: lb.members, sharing: lb.sharing }
        })
        .collect()
}

fn full(avoid: bool) -> MetalProvider {
    let provider = MetalProvider::new();
    provider.feed(PoolFeed { pools: pools(avoid), holdings: Some(holdings()) });
    provider
}

/// Drives a future of the provider; none of them ever waits.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn calls(criterion: &mut Criterion) {
    let provider = full(true);
    let (new, old) = (service(IN_USE), service(IN_USE / 2));
    criterion.bench_function("ensure and release a new one, 50,000 in use", |bencher| {
        bencher.iter(|| {
            let outcome = now(provider.ensure(black_box(&new)));
            let released = now(provider.release(&new.id));
            (outcome, released)
        });
    });
    criterion.bench_function("ensure an unchanged one, 50,000 in use", |bencher| {
        bencher.iter(|| now(provider.ensure(black_box(&old))));
    });
}

fn feeds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("feed");
    group.sample_size(10);
    let all = holdings();
    group.bench_function("adopt 50,000 dual-stack holdings", |bencher| {
        bencher.iter_batched(
            || (MetalProvider::new(), PoolFeed { pools: pools(false), holdings: Some(all.clone()) }),
            |(provider, feed)| (provider.feed(feed), provider),
            BatchSize::LargeInput,
        );
    });
    let provider = full(false);
    let mut avoid = false;
    group.bench_function("change a pool with 50,000 dual-stack holders", |bencher| {
        bencher.iter(|| {
            avoid = !avoid;
            provider.feed(PoolFeed { pools: pools(avoid), holdings: None })
        });
    });
    group.bench_function("feed what is known already", |bencher| {
        bencher.iter(|| provider.feed(PoolFeed { pools: pools(avoid), holdings: None }));
    });
    group.finish();
}

criterion_group!(benches, calls, feeds);
criterion_main!(benches);
