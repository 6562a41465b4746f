//! The contract, kept by the in-memory provider.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use landfall_contract::{Fault, Listening, Mistake, Traffic, View, World};
use landfall_core::annotations;
use landfall_core::ids::{ClusterId, LbId};
use landfall_core::model::DesiredLb;
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::pools::Holding;
use landfall_core::provider::{Capabilities, Provider};
use landfall_memory::MemoryProvider;
use landfall_memory::cloud::{
    BalancerSpec, Cloud, Draft, Kind, Lifecycle, ListenerSpec, Object, Operation, PoolSpec, Probe, RuleSpec,
    Tags,
};

/// The provider with all it can do.
mod full {
    landfall_contract::suite!(super::MemoryWorld<false>);
}

/// The provider with as little as the contract allows: what it cannot do it has to refuse.
mod lesser {
    landfall_contract::suite!(super::MemoryWorld<true>);
}

const CLUSTER: &str = "landfall.dev/cluster";
const LOAD_BALANCER: &str = "landfall.dev/load-balancer";
const MEMBER: &str = "landfall.dev/member";

struct MemoryWorld<const LESSER: bool> {
    cloud: Cloud,
}

#[async_trait]
impl<const LESSER: bool> World for MemoryWorld<LESSER> {
    async fn new() -> Self {
        let cloud = Cloud::new();
        // Small, so that every list has several pages.
        cloud.set_page_size(2);
        Self { cloud }
    }

    async fn start(&self, _: &[Holding]) -> Arc<dyn Provider> {
        Arc::new(provider::<LESSER>("ours", &self.cloud))
    }

    async fn picture(&self) -> Vec<String> {
        let mut lines = lines(self.cloud.balancers());
        lines.extend(lines_of_rest(&self.cloud));
        lines.into_iter().filter(|(tags, _)| is_ours(tags)).map(|(_, line)| line).collect()
    }

    fn free_addresses(&self, family: IpFamily) -> [IpAddr; 2] {
        match family {
            IpFamily::V4 => ["203.0.113.7", "203.0.113.8"],
            IpFamily::V6 => ["2001:db8:7::7", "2001:db8:7::8"],
        }
        .map(|address| address.parse().unwrap())
    }

    fn mistakes(&self) -> Vec<Mistake> {
        vec![
            |member| member.annotated(annotations::TARGETS, "sideways"),
            |member| member.requesting(&["2001:db8::1"]),
            |mut member| {
                member.listeners.clear();
                member
            },
        ]
    }

    async fn settle(&self) {
        // Time is paused: this is over at once.
        tokio::time::sleep(Duration::from_mins(10)).await;
    }

    fn slow_down(&self, provisioning: Duration) -> bool {
        self.cloud.set_provisioning_time(provisioning);
        self.cloud.set_deletion_time(provisioning);
        true
    }

    fn traffic(&self) -> Option<Traffic> {
        let of_targets = |operation| matches!(operation, Operation::Register | Operation::Deregister);
        let target_writes = self.cloud.journal().iter().filter(|call| of_targets(call.operation)).count();
        Some(Traffic { calls: self.cloud.calls(), writes: self.cloud.writes(), target_writes })
    }

    fn disturb(&self, n: usize, fault: Fault) {
        let fault = match fault {
            Fault::Class(class) => landfall_memory::cloud::Fault::Fail(class),
            Fault::LostAnswer => landfall_memory::cloud::Fault::LoseAnswer,
            Fault::Crash => landfall_memory::cloud::Fault::Freeze,
        };
        self.cloud.fault_at(n, fault);
    }

    fn calm(&self) {
        self.cloud.clear_faults();
    }

    async fn crashed(&self) {
        self.cloud.frozen().await;
    }

    async fn view(&self, id: &LbId) -> Option<View> {
        let of_lb = |tags: &Tags| is_ours(tags) && tags.get(LOAD_BALANCER) == Some(&id.to_string());
        let active: Vec<Object<BalancerSpec>> = self
            .cloud
            .balancers()
            .into_iter()
            .filter(|b| of_lb(&b.draft.tags) && b.status.lifecycle == Lifecycle::Active)
            .collect();
        let names: BTreeSet<&str> = active.iter().map(Object::name).collect();
        let pools: BTreeMap<String, PoolSpec> =
            self.cloud.pools().into_iter().map(|pool| (pool.draft.name, pool.draft.spec)).collect();
        let listeners = self.cloud.listeners();
        let serving = listeners.iter().filter(|listener| names.contains(listener.spec().balancer.as_str()));
        Some(View {
            addresses: active.iter().flat_map(|balancer| balancer.status.addresses.clone()).collect(),
            hostnames: BTreeMap::new(),
            listeners: serving
                .map(|listener| {
                    (listener.spec().key, self.listening(listener, &pools[&listener.spec().pool]))
                })
                .collect(),
        })
    }

    fn damages(&self) -> Vec<&'static str> {
        let mut damages = vec![
            "balancer deleted",
            "listener deleted",
            "listener led astray",
            "pool deleted",
            "targets removed",
            "family added",
            "health check edited",
            "member mark edited",
        ];
        if !LESSER {
            damages.extend(["rule deleted", "rule opened"]);
        }
        damages
    }

    async fn damage(&self, what: &str) -> bool {
        let balancer = self.cloud.balancers()[0].name().to_owned();
        let pool = self.cloud.pools()[0].name().to_owned();
        let rule = self.cloud.rules().first().map(|rule| rule.name().to_owned()).unwrap_or_default();
        let done = match what {
            "balancer deleted" => return self.cloud.remove(Kind::Balancer, &balancer),
            "listener deleted" => self.cloud.remove(Kind::Listener, self.cloud.listeners()[0].name()),
            "listener led astray" => {
                let astray = Draft { name: "astray".to_owned(), ..strange(&self.cloud.pools()[0]) };
                self.cloud.put_pool(astray).unwrap();
                let listener = self.cloud.listeners()[0].name().to_owned();
                self.cloud.edit_listener(&listener, |l| "astray".clone_into(&mut l.spec.pool))
            }
            "pool deleted" => self.cloud.remove(Kind::Pool, &pool),
            "rule deleted" => self.cloud.remove(Kind::Rule, &rule),
            "targets removed" => {
                self.cloud.empty_pool(&pool);
                true
            }
            "family added" => {
                self.cloud.edit_balancer(&balancer, |b| b.spec.families = IpFamily::BOTH.to_vec())
            }
            "health check edited" => self.cloud.edit_pool(&pool, |p| p.spec.health = Probe::Connect),
            "rule opened" => self.cloud.edit_rule(&rule, |r| r.spec.sources.v4.clear()),
            "member mark edited" => {
                self.cloud.edit_pool(&pool, |p| drop(p.tags.insert(MEMBER.to_owned(), "nobody".to_owned())))
            }
            other => panic!("unknown damage {other}"),
        };
        assert!(done, "{what} found nothing to damage");
        false
    }

    fn obstacles(&self) -> Vec<&'static str> {
        let obstacles = ["balancer", "listener", "pool", "rule"];
        obstacles[..if LESSER { 3 } else { 4 }].to_vec()
    }

    /// The names are those that the provider takes in an empty cloud.
    async fn obstruct(&self, what: &str, desired: &DesiredLb) -> String {
        let scratch = Cloud::new();
        provider::<LESSER>("ours", &scratch).ensure(desired).await.unwrap();
        match what {
            "balancer" => {
                let draft = strange(&scratch.balancers()[0]);
                self.cloud.put_balancer(draft.clone()).unwrap();
                draft.name
            }
            "pool" => {
                let draft = strange(&scratch.pools()[0]);
                self.cloud.put_pool(draft.clone()).unwrap();
                draft.name
            }
            "rule" => {
                let draft = strange(&scratch.rules()[0]);
                self.cloud.put_rule(draft.clone()).unwrap();
                draft.name
            }
            "listener" => self.put_strange_listener(&scratch),
            other => panic!("unknown obstacle {other}"),
        }
    }

    async fn strangers(&self) -> Vec<String> {
        let mut lines = lines(self.cloud.balancers());
        lines.extend(lines_of_rest(&self.cloud));
        lines.into_iter().filter(|(tags, _)| !is_ours(tags)).map(|(_, line)| line).collect()
    }

    async fn clear_strangers(&self) {
        for balancer in self.cloud.balancers().iter().filter(|object| !is_ours(&object.draft.tags)) {
            self.cloud.remove(Kind::Balancer, balancer.name());
        }
        for pool in self.cloud.pools().iter().filter(|object| !is_ours(&object.draft.tags)) {
            self.cloud.remove(Kind::Pool, pool.name());
        }
        for rule in self.cloud.rules().iter().filter(|object| !is_ours(&object.draft.tags)) {
            self.cloud.remove(Kind::Rule, rule.name());
        }
    }

    async fn other_cluster(&self) -> Option<Arc<dyn Provider>> {
        Some(Arc::new(provider::<LESSER>("theirs", &self.cloud)))
    }
}

impl<const LESSER: bool> MemoryWorld<LESSER> {
    fn listening(&self, listener: &Object<ListenerSpec>, pool: &PoolSpec) -> Listening {
        let tags = &listener.draft.tags;
        let (member, _) = tags[MEMBER].rsplit_once('/').unwrap();
        let rules = self.cloud.rules();
        let rule = rules
            .iter()
            .find(|rule| rule.draft.tags == *tags && rule.spec().ports.contains(&listener.spec().key));
        let targets = self.cloud.targets(&listener.spec().pool);
        Listening {
            member: member.parse().unwrap(),
            targets: targets.into_iter().map(|target| (target.id, target.port)).collect(),
            sources: rule.map(|rule| rule.spec().sources.clone()),
            health_port: match pool.health {
                Probe::Connect => None,
                Probe::Http { port, .. } => Some(port),
            },
            affinity_seconds: pool.affinity_seconds,
        }
    }

    /// Only the name is in the way: it belongs to a balancer and a pool of strangers.
    fn put_strange_listener(&self, scratch: &Cloud) -> String {
        let mut balancer = strange(&scratch.balancers()[0]);
        let mut pool = strange(&scratch.pools()[0]);
        let mut listener = strange(&scratch.listeners()[0]);
        "strange".clone_into(&mut balancer.name);
        "strange".clone_into(&mut pool.name);
        "strange".clone_into(&mut listener.spec.balancer);
        "strange".clone_into(&mut listener.spec.pool);
        self.cloud.put_balancer(balancer).unwrap();
        self.cloud.put_pool(pool).unwrap();
        self.cloud.put_listener(listener.clone()).unwrap();
        listener.name
    }
}

fn provider<const LESSER: bool>(cluster: &str, cloud: &Cloud) -> MemoryProvider {
    let provider = MemoryProvider::new(ClusterId::new(cluster).unwrap(), cloud.clone());
    if !LESSER {
        return provider;
    }
    provider.with_capabilities(Capabilities {
        protocols: vec![Protocol::Tcp],
        mixed_protocols: false,
        same_port_protocols: false,
        dual_stack: false,
        sharing: false,
        source_ranges: false,
        session_affinity: false,
        requested_addresses: false,
        needs_node_ports: true,
        adoption: false,
        external_state: true,
    })
}

fn is_ours(tags: &Tags) -> bool {
    tags.get(CLUSTER).is_some_and(|cluster| cluster == "ours")
}

/// The same object, but somebody else's.
fn strange<S: Clone>(object: &Object<S>) -> Draft<S> {
    Draft { tags: Tags::from([("owner".to_owned(), "somebody".to_owned())]), ..object.draft.clone() }
}

fn lines<S: std::fmt::Debug>(objects: Vec<Object<S>>) -> Vec<(Tags, String)> {
    objects.into_iter().map(|object| (object.draft.tags.clone(), format!("{:?}", object.draft))).collect()
}

fn lines_of_rest(cloud: &Cloud) -> Vec<(Tags, String)> {
    let mut all = lines::<ListenerSpec>(cloud.listeners());
    all.extend(lines::<RuleSpec>(cloud.rules()));
    for pool in cloud.pools() {
        let targets = cloud.targets(pool.name());
        all.push((pool.draft.tags.clone(), format!("{:?} {targets:?}", pool.draft)));
    }
    all
}
