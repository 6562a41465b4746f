//! A provider on the stateful fake of AWS, and a look at what it made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use landfall_aws::account::Freshness;
use landfall_aws::api::elb::HealthState;
use landfall_aws::calls::Calls;
use landfall_aws::clock::Clock;
use landfall_aws::network::NetworkConfig;
use landfall_aws::observer::{Observer, Unobserved};
use landfall_aws::pace::Limits;
use landfall_aws::provider::{AwsConfig, AwsProvider};
use landfall_core::ids::{ClusterId, LbId, ProviderName};
use landfall_core::model::{DesiredLb, NodeSet};
use landfall_core::outcome::{Outcome, Phase};
use landfall_core::provider::Provider as _;
use landfall_core::testing;
use landfall_testkit::aws::fake::{FakeAws, GroupView, VPC};

/// Prefix of the annotations that AWS users know.
pub(crate) const AWS: &str = "service.beta.kubernetes.io/aws-load-balancer-";

pub(crate) struct Stage {
    pub(crate) aws: FakeAws,
    pub(crate) provider: AwsProvider,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::on(FakeAws::new())
    }

    /// A process that knows nothing yet, on an account with what is in it.
    pub(crate) fn on(aws: FakeAws) -> Self {
        Self::with(aws, Freshness::default())
    }

    pub(crate) fn with(aws: FakeAws, freshness: Freshness) -> Self {
        Self::paced(aws, freshness, &Limits::none())
    }

    /// A process that keeps to these limits.
    pub(crate) fn paced(aws: FakeAws, freshness: Freshness, limits: &Limits) -> Self {
        let shared = Arc::new(aws.clone());
        let calls = Calls::new(shared.clone(), shared, limits, Arc::new(Unobserved));
        Self::calling(aws, calls, freshness)
    }

    /// The same, watched.
    pub(crate) fn watched(aws: FakeAws, limits: &Limits, observer: Arc<dyn Observer>) -> Self {
        let shared = Arc::new(aws.clone());
        let calls = Calls::new(shared.clone(), shared, limits, observer);
        Self::calling(aws, calls, Freshness::default())
    }

    fn calling(aws: FakeAws, calls: Calls, freshness: Freshness) -> Self {
        let network = NetworkConfig { vpc: Some(VPC.into()), cluster_tag: None };
        let config = AwsConfig { cluster: ClusterId::new("test").unwrap(), network, freshness };
        let clock = Clock::new({
            let aws = aws.clone();
            move || aws.time_of_day()
        });
        Self { aws, provider: AwsProvider::new(config, Arc::new(calls)).with_clock(clock) }
    }

    /// The same account with a process that starts anew.
    pub(crate) fn restarted(&self) -> Self {
        Self::on(self.aws.clone())
    }

    pub(crate) async fn ensure(&self, desired: &DesiredLb) -> Outcome {
        self.provider.ensure(desired).await.unwrap_or_else(|error| panic!("{}", error.explain()))
    }

    /// Asks until all is in place, at the times that the outcome tells and after every failure.
    pub(crate) async fn converge(&self, desired: &DesiredLb) -> Outcome {
        let mut last = String::new();
        for _ in 0..40 {
            match self.provider.ensure(desired).await {
                Ok(outcome) if outcome.phase == Phase::Ready && outcome.steps.is_empty() => return outcome,
                Ok(outcome) => last = format!("{:?} after {:?}", outcome.phase, outcome.steps),
                Err(error) => last = error.explain(),
            }
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
        panic!("does not settle: {last}");
    }

    /// As [`converge`](Self::converge), and then until no predecessor is left, which the outcome tells of.
    pub(crate) async fn outlast(&self, desired: &DesiredLb) -> Outcome {
        let mut outcome = self.converge(desired).await;
        for _ in 0..60 {
            if !is_told(&outcome, "PredecessorLeaves") {
                return outcome;
            }
            tokio::time::sleep(outcome.look_again.unwrap()).await;
            outcome = self.converge(desired).await;
        }
        panic!("a predecessor stays: {:?}", outcome.problems);
    }

    /// Asks until nothing is left.
    pub(crate) async fn release(&self, id: &LbId) {
        let mut last = String::new();
        for _ in 0..40 {
            match self.provider.release(id).await {
                Ok(()) => return,
                Err(error) => last = error.explain(),
            }
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
        panic!("is not released: {last}");
    }

    /// What is in the account besides the nodes, one line per thing, with names for ids.
    pub(crate) fn picture(&self) -> Vec<String> {
        let groups: BTreeMap<String, String> =
            self.aws.groups().iter().map(|group| (group.it.arn.to_string(), group.it.name.clone())).collect();
        let guards: BTreeMap<String, String> = self
            .aws
            .groups_of_rules()
            .iter()
            .map(|group| (group.id.to_string(), group.name.clone()))
            .collect();
        let mut lines = Vec::new();
        for balancer in self.aws.balancers() {
            let it = &balancer.it;
            let mut on: Vec<_> = it.security_groups.iter().map(|id| guards[id.as_str()].clone()).collect();
            on.sort();
            let zones: Vec<_> = it.zones.iter().map(|zone| (&zone.subnet, &zone.allocation)).collect();
            lines.push(format!(
                "{} {:?} {:?} {zones:?} {on:?} {:?} {:?} {:?} {:?}",
                it.name,
                it.scheme,
                it.address_type,
                it.private_link_rules,
                balancer.attributes,
                balancer.capacity,
                balancer.tags
            ));
            for listener in &balancer.listeners {
                let spec = &listener.it.spec;
                let group = spec.forward.as_ref().and_then(|arn| groups.get(arn.as_str()));
                lines.push(format!(
                    "{}:{} {:?} {group:?} {:?} {:?} {:?} {:?} {:?}",
                    it.name,
                    listener.it.port,
                    spec.protocol,
                    spec.certificate,
                    spec.ssl_policy,
                    listener.certificates,
                    listener.attributes,
                    listener.tags
                ));
            }
        }
        for group in self.aws.groups() {
            let targets = registered(&group);
            lines.push(format!(
                "{} {:?} {:?} {:?} {targets:?} {:?}",
                group.it.name, group.it.protocol, group.it.health, group.attributes, group.tags
            ));
        }
        for group in self.aws.groups_of_rules() {
            let rules: Vec<_> = group
                .ingress
                .iter()
                .map(|rule| guards.iter().fold(rule.to_string(), |text, (id, name)| text.replace(id, name)))
                .collect();
            if !rules.is_empty() || !group.tags.is_empty() {
                lines.push(format!("{} {rules:?} {:?}", group.name, group.tags));
            }
        }
        lines.sort();
        lines
    }
}

/// Whether an outcome tells of such a problem.
pub(crate) fn is_told(outcome: &Outcome, word: &str) -> bool {
    outcome.problems.iter().any(|problem| problem.category.as_str() == word)
}

/// The Service `default/web` with TCP port 80 on three nodes.
pub(crate) fn web() -> DesiredLb {
    service("web").on(nodes(3))
}

pub(crate) fn service(name: &str) -> DesiredLb {
    testing::lb(ProviderName::Aws, name)
}

/// Nodes `n1`, `n2`, … which are the fake's instances `i-0001`, `i-0002`, …
pub(crate) fn nodes(count: u16) -> Arc<NodeSet> {
    let mut nodes = (*testing::nodes(count)).clone();
    for node in &mut nodes.eligible {
        node.provider_id =
            node.provider_id.as_ref().map(|id| id.replace("test:///zone", "aws:///eu-central-1a"));
    }
    Arc::new(nodes)
}

/// The targets of a group but for those that drain, as `id:port`.
pub(crate) fn registered(group: &GroupView) -> Vec<String> {
    let there = group.targets.iter().filter(|it| it.state != HealthState::Draining);
    let mut ids: Vec<_> = there.map(|it| format!("{}:{}", it.target.id, it.target.port)).collect();
    ids.sort();
    ids
}
