//! On the stateful fake, with a provider that looks at everything at every look, and with one that trusts what it knows
//! as long as a controller does.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use landfall_aws::account::Freshness;
use landfall_aws::api::Action;
use landfall_aws::clock::Clock;
use landfall_contract::{Fault, Mistake, Traffic, View, World};
use landfall_core::ids::{ClusterId, LbId};
use landfall_core::model::{DesiredLb, Member};
use landfall_core::net::IpFamily;
use landfall_core::params::ClassParams;
use landfall_core::pools::Holding;
use landfall_core::provider::Provider;
use landfall_testkit::aws::fake::{self, FakeAws, Timing, VPC};

use crate::harm::{DAMAGES, OBSTACLES};
use crate::site::{Site, cluster};
use crate::wishes;

mod always {
    landfall_contract::suite!(super::FakeWorld<true>);
}

mod trusting {
    landfall_contract::suite!(super::FakeWorld<false>);
}

struct FakeWorld<const ALWAYS: bool> {
    aws: FakeAws,
    site: Site,
}

impl<const ALWAYS: bool> FakeWorld<ALWAYS> {
    fn provider(&self, cluster: ClusterId) -> Arc<dyn Provider> {
        let freshness = if ALWAYS { Freshness::always() } else { Freshness::default() };
        let apis = (Arc::new(self.aws.clone()) as Arc<_>, Arc::new(self.aws.clone()) as Arc<_>);
        let aws = self.aws.clone();
        let clock = Clock::new(move || aws.time_of_day());
        Arc::new(wishes::provider(cluster, apis, VPC.into(), (freshness, clock)))
    }
}

fn site(aws: &FakeAws) -> Site {
    let console = aws.console();
    Site { elb: Arc::new(console.clone()), ec2: Arc::new(console), aliases: [].into() }
}

#[async_trait]
impl<const ALWAYS: bool> World for FakeWorld<ALWAYS> {
    async fn new() -> Self {
        let aws = FakeAws::new();
        // Small, so that every list has several pages.
        aws.set_page_size(2);
        // As in AWS, none is active when the call that makes it returns.
        aws.set_timing(Timing { provisioning: Duration::from_secs(1), ..Timing::default() });
        let site = site(&aws);
        Self { aws, site }
    }

    async fn start(&self, _: &[Holding]) -> Arc<dyn Provider> {
        self.provider(cluster())
    }

    fn localise(&self, desired: &DesiredLb) -> DesiredLb {
        let mut nodes = (*desired.nodes).clone();
        for node in &mut nodes.eligible {
            node.provider_id = node.provider_id.as_ref().map(|id| id.replace("test://", "aws://"));
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

    async fn settle(&self) {
        // Time is paused: this is over at once.
        tokio::time::sleep(Duration::from_mins(10)).await;
    }

    fn slow_down(&self, provisioning: Duration) -> bool {
        self.aws.set_timing(Timing {
            provisioning,
            group_release: Duration::from_secs(20),
            interface_release: Duration::from_mins(1),
            zone_release: Duration::from_mins(3),
            first_checks: Duration::from_mins(1),
            capacity: provisioning,
        });
        true
    }

    fn traffic(&self) -> Option<Traffic> {
        let [added, removed] =
            [Action::RegisterTargets, Action::DeregisterTargets].map(|it| self.aws.count(it));
        Some(Traffic { calls: self.aws.calls(), writes: self.aws.writes(), target_writes: added + removed })
    }

    fn disturb(&self, n: usize, fault: Fault) {
        let fault = match fault {
            Fault::Class(class) => fake::Fault::code(wishes::code(class)),
            Fault::LostAnswer => fake::Fault::LoseAnswer,
            Fault::Crash => fake::Fault::Freeze,
        };
        self.aws.fault_at(n, fault);
    }

    fn calm(&self) {
        self.aws.clear_faults();
    }

    async fn crashed(&self) {
        self.aws.frozen().await;
    }

    async fn view(&self, id: &LbId) -> Option<View> {
        Some(self.site.view(id).await)
    }

    async fn leaving(&self, id: &LbId) -> BTreeSet<String> {
        self.site.leaving(id).await
    }

    async fn outlast(&self) {
        tokio::time::sleep(wishes::OVERLAP).await;
    }

    fn damages(&self) -> Vec<&'static str> {
        DAMAGES.to_vec()
    }

    async fn damage(&self, what: &str) -> bool {
        self.site.damage(what).await
    }

    async fn let_damage_show(&self) {
        if !ALWAYS {
            tokio::time::sleep(Freshness::default().details * 2).await;
        }
    }

    fn obstacles(&self) -> Vec<&'static str> {
        OBSTACLES.to_vec()
    }

    /// The names are those that the provider takes in an empty account.
    async fn obstruct(&self, what: &str, desired: &DesiredLb) -> String {
        let scratch = Self::new().await;
        scratch.provider(cluster()).ensure(&scratch.localise(desired)).await.unwrap();
        let elsewhere = scratch.site.see().await;
        self.site.obstruct(what, &elsewhere, &VPC.into(), "subnet-private-a").await
    }

    async fn strangers(&self) -> Vec<String> {
        self.site.strangers().await
    }

    async fn clear_strangers(&self) {
        self.site.clear_strangers().await;
        // What was in the way is in the way until the account is listed again.
        self.let_damage_show().await;
    }

    async fn other_cluster(&self) -> Option<Arc<dyn Provider>> {
        Some(self.provider(ClusterId::new("theirs").unwrap()))
    }
}
