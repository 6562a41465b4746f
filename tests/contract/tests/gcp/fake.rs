//! On the stateful fake, with a provider that looks at everything at every look, and with one that trusts what it knows
//! as long as a controller does.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use landfall_contract::{Fault, Mistake, Traffic, View, World};
use landfall_core::error::ErrorClass;
use landfall_core::ids::{ClusterId, LbId};
use landfall_core::model::{DesiredLb, Member};
use landfall_core::net::IpFamily;
use landfall_core::params::ClassParams;
use landfall_core::pools::Holding;
use landfall_core::provider::Provider;
use landfall_gcp::account::Freshness;
use landfall_gcp::api::{Kind, Method, Verb};
use landfall_testkit::gcp::fake::{self, FakeCompute, NewInstance, PROJECT, ZONES};

use crate::harm::{DAMAGES, OBSTACLES};
use crate::site::{Site, cluster};
use crate::wishes;

/// So many instances as the nodes of the largest case.
const NODES: usize = 64;

mod always {
    landfall_contract::suite!(super::FakeWorld<true>, without: {
        the_address_it_has_is_asked_for:
            "compares with a new project, in which nobody can have an address that is not reserved",
        restart_of_two_while_changing_targets:
            "all load balancers of a cluster have the same nodes, in groups that they share",
    });
}

mod trusting {
    landfall_contract::suite!(super::FakeWorld<false>, without: {
        the_address_it_has_is_asked_for:
            "compares with a new project, in which nobody can have an address that is not reserved",
        restart_of_two_while_changing_targets:
            "all load balancers of a cluster have the same nodes, in groups that they share",
    });
}

struct FakeWorld<const ALWAYS: bool> {
    gcp: FakeCompute,
    site: Site,
    /// The number of the call that was disturbed last, from 0.
    disturbed: AtomicUsize,
}

impl<const ALWAYS: bool> FakeWorld<ALWAYS> {
    /// How nodes are is not asked for within a case: a question that fails is put again later, and tells nobody.
    fn freshness() -> Freshness {
        let freshness = if ALWAYS { Freshness::always() } else { Freshness::default() };
        Freshness { health: Duration::from_hours(48), ..freshness }
    }

    fn provider(&self, cluster: ClusterId) -> Arc<dyn Provider> {
        Arc::new(wishes::provider(cluster, Arc::new(self.gcp.clone()), Self::freshness()))
    }
}

#[async_trait]
impl<const ALWAYS: bool> World for FakeWorld<ALWAYS> {
    async fn new() -> Self {
        let gcp = FakeCompute::new();
        // Small, so that a list of the instances of a zone has several pages.
        gcp.set_page_size(12);
        gcp.add_nodes(NODES);
        let site = Site { gcp: gcp.console() };
        site.reserve_addresses();
        Self { gcp, site, disturbed: AtomicUsize::new(0) }
    }

    async fn start(&self, _: &[Holding]) -> Arc<dyn Provider> {
        // What the process before left under way ends before this one is up.
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.provider(cluster())
    }

    fn localise(&self, desired: &DesiredLb) -> DesiredLb {
        let mut nodes = (*desired.nodes).clone();
        for node in &mut nodes.eligible {
            let number = node.provider_id.as_ref().and_then(|id| id.rsplit("i-").next());
            let number = number.map(|hex| usize::from_str_radix(hex, 16).unwrap());
            node.provider_id = number.map(|number| {
                let instance = NewInstance::node(number);
                format!("gce://{PROJECT}/{}/{}", instance.zone, instance.name)
            });
        }
        desired.clone().on(nodes.into())
    }

    fn replacing(&self, member: Member) -> Member {
        wishes::replacing(member)
    }

    async fn picture(&self) -> Vec<String> {
        self.site.picture()
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

    async fn settle(&self) {
        // Time is paused: this is over at once.
        tokio::time::sleep(Duration::from_mins(10)).await;
    }

    /// One group per zone.
    fn pools(&self) -> usize {
        ZONES.len()
    }

    /// A client stays on its node as long as that works.
    fn affinity(&self, _seconds: u32) -> u32 {
        0
    }

    fn traffic(&self) -> Option<Traffic> {
        let count = |verb| self.gcp.count(Method::new(Kind::EndpointGroup, verb));
        let target_writes = count(Verb::AttachEndpoints) + count(Verb::DetachEndpoints);
        Some(Traffic { calls: self.gcp.calls(), writes: self.gcp.writes(), target_writes })
    }

    /// No user says what is in a request for a group: nothing in the wish would be worth changing.
    fn told_as(&self, class: ErrorClass) -> ErrorClass {
        let call = self.gcp.journal().into_iter().nth(self.disturbed.load(Ordering::Relaxed));
        let kind = call.and_then(|call| call.method).map(|method| method.kind);
        match (class, kind) {
            (ErrorClass::Rejected, Some(Kind::EndpointGroup | Kind::InstanceGroup)) => ErrorClass::Denied,
            _ => class,
        }
    }

    /// Without nodes nothing tells the zones, nor whom the firewall rules are for.
    fn keeps_without_nodes(&self) -> bool {
        true
    }

    fn disturb(&self, n: usize, fault: Fault) {
        let fault = match fault {
            Fault::Class(class) => wishes::fault(class),
            Fault::LostAnswer => fake::Fault::LoseAnswer,
            Fault::Crash => fake::Fault::Freeze,
        };
        self.disturbed.store(self.gcp.calls() + n - 1, Ordering::Relaxed);
        self.gcp.fault_at(n, fault);
    }

    fn calm(&self) {
        self.gcp.clear_faults();
    }

    async fn crashed(&self) {
        self.gcp.frozen().await;
    }

    async fn view(&self, id: &LbId) -> Option<View> {
        Some(self.site.view(id))
    }

    fn damages(&self) -> Vec<&'static str> {
        DAMAGES.to_vec()
    }

    async fn damage(&self, what: &str) -> bool {
        self.site.damage(what)
    }

    async fn let_damage_show(&self) {
        if !ALWAYS {
            tokio::time::sleep(Freshness::default().details * 2).await;
        }
    }

    fn obstacles(&self) -> Vec<&'static str> {
        OBSTACLES.to_vec()
    }

    /// The names are those that the provider takes in an empty project.
    async fn obstruct(&self, what: &str, desired: &DesiredLb) -> String {
        let scratch = Self::new().await;
        scratch.provider(cluster()).ensure(&scratch.localise(desired)).await.unwrap();
        self.site.obstruct(what, &scratch.site)
    }

    async fn strangers(&self) -> Vec<String> {
        self.site.strangers()
    }

    async fn clear_strangers(&self) {
        self.site.clear_strangers();
        // What was in the way is in the way until the project is listed again.
        self.let_damage_show().await;
    }

    async fn other_cluster(&self) -> Option<Arc<dyn Provider>> {
        Some(self.provider(ClusterId::new("theirs").unwrap()))
    }
}
