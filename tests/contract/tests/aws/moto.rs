//! On moto, through the SDK's clients: what the fake believes of the wire format, moto knows.
//!
//! A call takes milliseconds here, and a way with a fault somewhere more than a hundred calls. So the faults that the
//! fake is tried with exhaustively are sampled: one call in [`APART`] per kind of fault, and the classes of errors in
//! turn. The worlds of one test use an account again once it is as it was planted.
//!
//! Time is real, and nothing waits: moto does everything at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use landfall_aws::account::Freshness;
use landfall_aws::api::Action;
use landfall_aws::clock::Clock;
use landfall_aws::sdk::ElbClient;
use landfall_aws_ec2::Ec2Client;
use landfall_contract::{Fault, Mistake, Traffic, View, World};
use landfall_core::error::ErrorClass;
use landfall_core::ids::{ClusterId, LbId};
use landfall_core::model::{DesiredLb, Member};
use landfall_core::net::IpFamily;
use landfall_core::params::ClassParams;
use landfall_core::pools::Holding;
use landfall_core::provider::Provider;
use landfall_testkit::aws::account::Account;
use landfall_testkit::aws::moto::Moto;
use landfall_testkit::aws::proxy::{self, Proxy};
use landfall_testkit::aws::seed::Seed;

use crate::harm::{DAMAGES, OBSTACLES};
use crate::site::{Site, cluster, provider_id};
use crate::wishes;

landfall_contract::suite!(MotoWorld, clock: real, without: {
    a_slow_world_is_waited_for: "moto tells `provisioning` once, in the answer of CreateLoadBalancer",
    a_port_changes_its_protocol: "moto answers UnsupportedProtocol where ModifyListener asks for UDP",
    tcp_and_udp_share_a_number: "moto answers UnsupportedProtocol where ModifyListener asks for TCP_UDP",
});

/// How far apart the disturbed calls are. The three kinds of faults start two calls apart.
const APART: usize = 6;

/// As many as the largest wish has nodes.
const INSTANCES: usize = 60;

struct MotoWorld {
    /// What the provider calls.
    proxy: Proxy,
    apis: (Arc<ElbClient>, Arc<Ec2Client>),
    place: Option<Place>,
    site: Site,
    /// By how much the provider's clock was put forward.
    passed: Arc<Mutex<Duration>>,
}

/// An account with a network and machines, and clients that look at it past the provider's proxy.
struct Place {
    account: Account,
    seed: Seed,
    _looking: Proxy,
    elb: Arc<ElbClient>,
    ec2: Arc<Ec2Client>,
}

thread_local! {
    /// Places that worlds of this test have left. A test is a thread, and connections do not outlive its runtime.
    static LEFT: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

impl Place {
    async fn new() -> Self {
        let left = LEFT.with_borrow_mut(Vec::pop);
        if let Some(place) = left
            && place.is_as_planted().await
        {
            return place;
        }
        let account = Moto::either().await.unwrap_or_else(|error| panic!("{error}")).account();
        let seed = Seed::plant(&account, "test", INSTANCES).await.unwrap();
        let looking = Proxy::start(&account).await.unwrap();
        let (elb, ec2) = clients(&looking).await;
        Self { account, seed, _looking: looking, elb, ec2 }
    }

    async fn is_as_planted(&self) -> bool {
        let seen = self.site().see().await;
        let untouched = seen.security.iter().all(|group| {
            group.name == "default" || group.id == self.seed.node_group && group.ingress.is_empty()
        });
        seen.balancers.is_empty() && seen.groups.is_empty() && untouched
    }

    fn site(&self) -> Site {
        let seed = &self.seed;
        let mut aliases = BTreeMap::new();
        for (kind, subnets) in [("public", &seed.public), ("private", &seed.private)] {
            let alias = |(n, id): (usize, &_)| (ToString::to_string(id), format!("{kind} subnet {n}"));
            aliases.extend(subnets.iter().enumerate().map(alias));
        }
        let machines = seed.instances.iter().enumerate();
        aliases.extend(machines.map(|(n, machine)| (machine.id.to_string(), format!("machine {n}"))));
        Site { elb: self.elb.clone(), ec2: self.ec2.clone(), aliases }
    }
}

async fn clients(proxy: &Proxy) -> (Arc<ElbClient>, Arc<Ec2Client>) {
    let config = proxy.config().await.unwrap();
    (Arc::new(ElbClient::new(&config)), Arc::new(Ec2Client::new(&config)))
}

impl MotoWorld {
    fn place(&self) -> &Place {
        self.place.as_ref().unwrap()
    }

    fn provider(&self, cluster: ClusterId) -> Arc<dyn Provider> {
        let apis = (self.apis.0.clone() as Arc<_>, self.apis.1.clone() as Arc<_>);
        let passed = Arc::clone(&self.passed);
        let clock = Clock::new(move || Timestamp::now() + *passed.lock().unwrap());
        let vpc = self.place().seed.vpc.clone();
        Arc::new(wishes::provider(cluster, apis, vpc, (Freshness::always(), clock)))
    }
}

impl Drop for MotoWorld {
    fn drop(&mut self) {
        LEFT.with_borrow_mut(|left| left.extend(self.place.take()));
    }
}

#[async_trait]
impl World for MotoWorld {
    async fn new() -> Self {
        let place = Place::new().await;
        let proxy = Proxy::start(&place.account).await.unwrap();
        let apis = clients(&proxy).await;
        let site = place.site();
        Self { proxy, apis, place: Some(place), site, passed: Arc::default() }
    }

    async fn start(&self, _: &[Holding]) -> Arc<dyn Provider> {
        self.provider(cluster())
    }

    /// The node `n1` is the first machine, and so on.
    fn localise(&self, desired: &DesiredLb) -> DesiredLb {
        let mut nodes = (*desired.nodes).clone();
        for node in &mut nodes.eligible {
            let Some((_, number)) = node.provider_id.as_deref().and_then(|id| id.rsplit_once("i-")) else {
                continue;
            };
            let number = usize::from_str_radix(number, 16).unwrap();
            node.provider_id = Some(provider_id(self.place().seed.instances[number - 1].id.as_str()));
        }
        desired.clone().on(nodes.into())
    }

    fn replacing(&self, member: Member) -> Member {
        wishes::replacing(member)
    }

    async fn picture(&self) -> Vec<String> {
        self.site.picture().await
    }

    fn free_addresses(&self, family: IpFamily) -> [IpAddr; 2] {
        wishes::free_addresses(family)
    }

    fn class_params(&self) -> Vec<ClassParams> {
        wishes::class_params()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        wishes::mistakes()
    }

    fn traffic(&self) -> Option<Traffic> {
        let [added, removed] =
            [Action::RegisterTargets, Action::DeregisterTargets].map(|it| self.proxy.count(it));
        let (calls, writes) = (self.proxy.total(), self.proxy.writes());
        Some(Traffic { calls, writes, target_writes: added + removed })
    }

    fn apart(&self) -> usize {
        APART
    }

    /// One for each disturbed call, in turn.
    fn classes(&self, n: usize) -> Vec<ErrorClass> {
        let all = ErrorClass::examples();
        vec![all[n / APART % all.len()]]
    }

    fn disturb(&self, n: usize, fault: Fault) {
        let fault = match fault {
            Fault::Class(class) => proxy::Fault::code(wishes::code(class)),
            Fault::LostAnswer => proxy::Fault::LoseAnswer,
            Fault::Crash => proxy::Fault::Freeze,
        };
        self.proxy.fault_at(n, fault);
    }

    fn calm(&self) {
        self.proxy.calm();
    }

    async fn crashed(&self) {
        self.proxy.frozen().await;
    }

    async fn view(&self, id: &LbId) -> Option<View> {
        Some(self.site.view(id).await)
    }

    async fn leaving(&self, id: &LbId) -> BTreeSet<String> {
        self.site.leaving(id).await
    }

    /// Nothing but the date of a predecessor takes time here.
    async fn outlast(&self) {
        *self.passed.lock().unwrap() += wishes::OVERLAP;
    }

    fn damages(&self) -> Vec<&'static str> {
        DAMAGES.to_vec()
    }

    async fn damage(&self, what: &str) -> bool {
        self.site.damage(what).await
    }

    fn obstacles(&self) -> Vec<&'static str> {
        OBSTACLES.to_vec()
    }

    /// The names are those that the provider takes in an empty account.
    async fn obstruct(&self, what: &str, desired: &DesiredLb) -> String {
        let scratch = Self::new().await;
        let provider = scratch.provider(cluster());
        provider.ensure(&scratch.localise(desired)).await.unwrap();
        let elsewhere = scratch.site.see().await;
        let Seed { vpc, private, .. } = &self.place().seed;
        self.site.obstruct(what, &elsewhere, vpc, private[0].as_str()).await
    }

    async fn strangers(&self) -> Vec<String> {
        self.site.strangers().await
    }

    async fn clear_strangers(&self) {
        self.site.clear_strangers().await;
    }

    async fn other_cluster(&self) -> Option<Arc<dyn Provider>> {
        Some(self.provider(ClusterId::new("theirs").unwrap()))
    }
}
