//! Properties: random histories against what must always be true.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, FamilyPolicy};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::outcome::Ingress;
use landfall_core::pools::{AddressBook as _, PoolSpec};
use landfall_core::provider::Provider as _;
use landfall_core::testing::{group, member};
use landfall_metal::MetalProvider;
use proptest::prelude::*;

use crate::support::*;

/// One Service's wish, small enough that wishes collide all the time.
#[derive(Debug, Clone)]
struct Wish {
    service: usize,
    key: bool,
    local: bool,
    port: u16,
    families: usize,
    pool: usize,
    request: Option<usize>,
}

#[derive(Debug, Clone)]
enum Event {
    Ensure(Wish),
    Release(usize),
    Feed(usize),
    Restart,
}

const ADDRESSES: [&str; 8] = [
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "198.51.100.1",
    "198.51.100.2",
    "2001:db8::1",
    "2001:db8::2",
    "fd00::1",
];

/// Pools as lists of indices into `ADDRESSES`: trivially right, where the provider has ranges.
const POOLS: [&[(&str, &[usize])]; 4] = [
    &[("a", &[0, 1, 2, 5]), ("b", &[3, 4, 6])],
    &[("a", &[0, 5, 6, 7]), ("b", &[3])],
    &[("a", &[3, 4]), ("b", &[0, 1, 2, 5, 6, 7])],
    &[("b", &[1, 2])],
];

fn wish() -> impl Strategy<Value = Wish> {
    let request = prop::option::weighted(0.2, 0..ADDRESSES.len());
    let terms = (any::<bool>(), prop::bool::weighted(0.2), 80..82u16);
    (0..6usize, terms, 0..4usize, 0..4usize, request).prop_map(
        |(service, (key, local, port), families, pool, request)| Wish {
            service,
            key,
            local,
            port,
            families,
            pool,
            request,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => wish().prop_map(Event::Ensure),
        2 => (0..6usize).prop_map(Event::Release),
        1 => (0..POOLS.len()).prop_map(Event::Feed),
        1 => Just(Event::Restart),
    ]
}

fn desired(wish: &Wish, published: &[IpAddr]) -> DesiredLb {
    let (families, policy): (&[IpFamily], _) = match wish.families {
        0 => (&[IpFamily::V4], FamilyPolicy::SingleStack),
        1 => (&[IpFamily::V6], FamilyPolicy::SingleStack),
        2 => (&[IpFamily::V4, IpFamily::V6], FamilyPolicy::PreferDualStack),
        _ => (&[IpFamily::V6, IpFamily::V4], FamilyPolicy::RequireDualStack),
    };
    with(&format!("s{}", wish.service), |mut m| {
        m = m
            .born(i64::try_from(wish.service).unwrap())
            .stack(families, policy)
            .listening(&[(Protocol::Tcp, wish.port)]);
        m.published = published.to_vec();
        "app=x".clone_into(&mut m.selector);
        if wish.local {
            m = m.local(30_001);
        }
        if wish.key {
            m = m.annotated("metallb.io/allow-shared-ip", "k");
        }
        if let Some(name) = ["a", "b"].get(wish.pool) {
            m = m.annotated("metallb.io/address-pool", name);
        }
        match wish.request.map(|index| ADDRESSES[index]) {
            Some(text) if families.iter().any(|f| f.as_str() == family_of(text)) => m.requesting(&[text]),
            _ => m,
        }
    })
}

fn family_of(text: &str) -> &'static str {
    IpFamily::of(&text.parse().unwrap()).as_str()
}

fn specs(variant: usize) -> Vec<PoolSpec> {
    POOLS[variant]
        .iter()
        .map(|(name, members)| pool(name, &members.iter().map(|&i| ADDRESSES[i]).collect::<Vec<_>>()))
        .collect()
}

/// The world as the controller would know it.
struct World {
    provider: MetalProvider,
    pools: usize,
    /// What was last asked for successfully, with what the status then showed.
    served: BTreeMap<usize, (Wish, Vec<IpAddr>)>,
}

impl World {
    fn step(&mut self, event: &Event) {
        match event {
            Event::Ensure(wish) => self.ensure(wish),
            Event::Release(service) => {
                release(&self.provider, &web(&format!("s{service}")));
                self.served.remove(service);
                assert!(!self.holders().values().flatten().any(|holder| holder == service));
            }
            Event::Feed(variant) => {
                self.pools = *variant;
                feed(&self.provider, &specs(*variant), None);
            }
            Event::Restart => self.restart(),
        }
        self.check();
    }

    fn ensure(&mut self, wish: &Wish) {
        let before: Vec<IpAddr> = self.held_by(wish.service);
        let published = self.served.get(&wish.service).map(|(_, shown)| shown.clone()).unwrap_or_default();
        let lb = desired(wish, &published);
        match ensure(&self.provider, &lb) {
            Ok(outcome) => {
                let got: Vec<_> = outcome.ingress.iter().map(address).collect();
                assert!(!got.is_empty());
                assert!(got.iter().all(|a| self.is_open(wish, *a)), "{got:?} is not open to {wish:?}");
                assert!(lb.requested().iter().all(|a| got.contains(a)));
                self.served.insert(wish.service, (wish.clone(), got));
            }
            Err(error) => {
                assert_eq!(self.held_by(wish.service), before, "an error changes nothing");
                if error.category().as_str() == "PoolExhausted" {
                    self.check_exhaustion(wish);
                }
            }
        }
    }

    /// Some family asked for has no address that is open and free or its own.
    fn check_exhaustion(&self, wish: &Wish) {
        let holders = self.holders();
        let served = |family: IpFamily| {
            let addresses = ADDRESSES.iter().map(|text| text.parse::<IpAddr>().unwrap());
            addresses.filter(|address| IpFamily::of(address) == family).any(|address| {
                let others = |by: &BTreeSet<usize>| by.iter().any(|holder| *holder != wish.service);
                let free = !holders.get(&address).is_some_and(others);
                free && self.is_open(wish, address)
            })
        };
        let families = desired(wish, &[]).families();
        assert!(families.iter().any(|family| !served(*family)), "{wish:?} could have been served");
    }

    fn is_open(&self, wish: &Wish, address: IpAddr) -> bool {
        POOLS[self.pools].iter().any(|(name, members)| {
            ["a", "b"].get(wish.pool).is_none_or(|bound| bound == name)
                && members.iter().any(|&i| ADDRESSES[i].parse::<IpAddr>().unwrap() == address)
        })
    }

    fn restart(&mut self) {
        let statuses: Vec<_> = self.served.values().map(|(wish, shown)| desired(wish, shown)).collect();
        let before = held(&self.provider);
        self.provider = restarted(&specs(self.pools), &statuses);
        let shown: usize = self.served.values().map(|(_, shown)| shown.len()).sum();
        // Where somebody lost an address to an older sharer, its status still shows it: that may be had back.
        if shown == before.len() {
            assert_eq!(held(&self.provider), before);
        }
    }

    fn held_by(&self, service: usize) -> Vec<IpAddr> {
        self.holders().iter().filter(|(_, by)| by.contains(&service)).map(|(address, _)| *address).collect()
    }

    fn holders(&self) -> BTreeMap<IpAddr, BTreeSet<usize>> {
        let mut holders = BTreeMap::<IpAddr, BTreeSet<usize>>::new();
        for owned in now(self.provider.inventory()).unwrap() {
            let service = owned.mark.lb.label().1[1..].parse().unwrap();
            holders.entry(owned.resource.name.parse().unwrap()).or_default().insert(service);
        }
        holders
    }

    fn check(&self) {
        let holders = self.holders();
        for (address, by) in &holders {
            let wishes: Vec<_> = by.iter().map(|service| &self.served[service].0).collect();
            let ports: BTreeSet<_> = wishes.iter().map(|wish| wish.port).collect();
            let one_policy = wishes.iter().all(|wish| wish.local == wishes[0].local);
            let may_share = one_policy && ports.len() == by.len() && wishes.iter().all(|wish| wish.key);
            assert!(by.len() == 1 || may_share, "{address} is held by {wishes:?}");
        }
        for (name, members) in POOLS[self.pools] {
            let of = |family: IpFamily| {
                let own = members.iter().map(|&i| ADDRESSES[i].parse::<IpAddr>().unwrap());
                own.filter(|address| IpFamily::of(address) == family).collect::<Vec<_>>()
            };
            let used = |family| of(family).iter().filter(|address| holders.contains_key(address)).count();
            let (v4, v6) = (IpFamily::V4, IpFamily::V6);
            let want = format!("{}/{} {}/{}", used(v4), of(v4).len(), used(v6), of(v6).len());
            assert_eq!(counts(&self.provider, name), want, "pool {name}");
        }
    }
}

fn address(ingress: &Ingress) -> IpAddr {
    match ingress {
        Ingress::Ip { ip, .. } => *ip,
        Ingress::Hostname(name) => panic!("no address: {name}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_history_keeps_the_promises(events in prop::collection::vec(event(), 1..40)) {
        let mut world = World { provider: fed(&specs(0)), pools: 0, served: BTreeMap::new() };
        for event in &events {
            world.step(event);
        }
    }

    #[test]
    fn adoption_does_not_depend_on_the_order(
        claims in prop::collection::vec((wish(), prop::collection::vec(0..ADDRESSES.len(), 0..3)), 0..8),
        variant in 0..POOLS.len(),
        turn in 0..8usize,
    ) {
        let mut holders: Vec<_> = claims
            .iter()
            .map(|(wish, shown)| {
                let shown: Vec<IpAddr> = shown.iter().map(|&i| ADDRESSES[i].parse().unwrap()).collect();
                desired(wish, &shown)
            })
            .collect();
        holders.sort_by(|a, b| a.id.cmp(&b.id));
        holders.dedup_by(|a, b| a.id == b.id);
        let (one, two) = (MetalProvider::new(), MetalProvider::new());
        let again = feed(&one, &specs(variant), Some(&holders));
        let shift = turn.min(holders.len());
        holders.rotate_left(shift);
        let mut pools = specs(variant);
        pools.reverse();
        prop_assert_eq!(feed(&two, &pools, Some(&holders)), again);
        prop_assert_eq!(held(&one), held(&two));
        prop_assert_eq!(one.usage(), two.usage());
    }

    #[test]
    fn no_text_panics(
        entries in prop::collection::vec("[0-9a-f:./ -]{0,24}|\\PC{0,12}|[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.0/[0-9]{1,2}", 0..6),
        values in prop::collection::vec(prop::option::of("[0-9a-f:.,/ -]{0,24}|\\PC{0,12}|a|k"), 8),
        avoid: bool,
        priority: i32,
    ) {
        let entries: Vec<_> = entries.iter().map(String::as_str).collect();
        let mut any = pool("any", &entries);
        any.avoid_network_and_broadcast = avoid;
        any.priority = priority;
        let provider = fed(&[any, pool("a", &["192.0.2.0/24", "2001:db8::/64"])]);
        let keys = [
            "landfall.dev/address-pools", "metallb.io/address-pool", "metallb.universe.tf/address-pool",
            "metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs",
            "metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip", "landfall.dev/addresses",
        ];
        let mut asking = member("one");
        for (key, value) in keys.iter().zip(&values) {
            if let Some(value) = value {
                asking = asking.annotated(key, value);
            }
        }
        let lb = group(ProviderName::Metal, "g", vec![asking, member("two").born(3)]);
        let refusals = provider.validate(&lb);
        let outcome = ensure(&provider, &lb);
        prop_assert!(refusals.is_empty() || outcome.is_err());
        for usage in provider.usage() {
            prop_assert!(usage.used.v4 <= usage.capacity.v4 && usage.used.v6 <= usage.capacity.v6);
        }
    }
}
