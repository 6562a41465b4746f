//! A provider on the stateful fake of Compute Engine, and a look at what it made.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use landfall_core::ids::{ClusterId, LbId, ProviderName};
use landfall_core::model::{DesiredLb, NodeSet, NodeTarget};
use landfall_core::outcome::{Ingress, Outcome, Phase};
use landfall_core::provider::Provider as _;
use landfall_core::testing;
use landfall_gcp::account::Freshness;
use landfall_gcp::api::{Kind, Method};
use landfall_gcp::calls::Calls;
use landfall_gcp::network::NetworkConfig;
use landfall_gcp::observer::Unobserved;
use landfall_gcp::pace::Limits;
use landfall_gcp::provider::{GcpConfig, GcpProvider};
use landfall_testkit::gcp::fake::{FakeCompute, NETWORK, NewInstance, PROJECT, REGION};
use serde_json::Value;

pub(crate) struct Stage {
    pub(crate) gcp: FakeCompute,
    pub(crate) provider: GcpProvider,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::on(FakeCompute::new())
    }

    /// A process that knows nothing yet, on a project with what is in it.
    pub(crate) fn on(gcp: FakeCompute) -> Self {
        Self::with(gcp, Freshness::default())
    }

    pub(crate) fn with(gcp: FakeCompute, freshness: Freshness) -> Self {
        Self::in_network(gcp, Self::network(), freshness)
    }

    pub(crate) fn network() -> NetworkConfig {
        NetworkConfig {
            project: Some(PROJECT.into()),
            region: Some(REGION.into()),
            network: Some(NETWORK.into()),
            ..NetworkConfig::default()
        }
    }

    pub(crate) fn in_network(gcp: FakeCompute, network: NetworkConfig, freshness: Freshness) -> Self {
        Self::of_cluster("test", gcp, network, freshness)
    }

    /// The same project with the controller of another cluster.
    pub(crate) fn of_another_cluster(&self) -> Self {
        Self::of_cluster("another", self.gcp.clone(), Self::network(), Freshness::default())
    }

    fn of_cluster(cluster: &str, gcp: FakeCompute, network: NetworkConfig, freshness: Freshness) -> Self {
        let calls = Calls::new(Arc::new(gcp.clone()), &Limits::none(), Arc::new(Unobserved));
        let config = GcpConfig { cluster: ClusterId::new(cluster).unwrap(), network, freshness };
        Self { gcp, provider: GcpProvider::new(config, Arc::new(calls)) }
    }

    /// The same project with a process that starts anew.
    pub(crate) fn restarted(&self) -> Self {
        Self::on(self.gcp.clone())
    }

    pub(crate) async fn ensure(&self, desired: &DesiredLb) -> Outcome {
        self.provider.ensure(desired).await.unwrap_or_else(|error| panic!("{}", error.explain()))
    }

    /// Asks until all is in place, and again after every failure.
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

    /// The only one of a kind that was made over the API.
    pub(crate) fn only(&self, kind: Kind) -> Value {
        let all = self.made(kind);
        let [one] = all.as_slice() else { panic!("{} of {kind}: {all:#?}", all.len()) };
        one.clone()
    }

    /// Everything of a kind that was made over the API.
    pub(crate) fn made(&self, kind: Kind) -> Vec<Value> {
        let of_kind = self.gcp.leaks().into_iter().filter(|what| what.kind == kind);
        of_kind.filter_map(|what| self.gcp.read(&what)).collect()
    }
}

impl Drop for Stage {
    /// Whatever a test does: the role of the controller allows no other calls.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for call in self.gcp.journal() {
            let known = call.method.is_some_and(|method| Method::called().any(|called| called == method));
            assert!(known, "not among the methods that the provider calls: {}", call.about);
        }
    }
}

/// The Service `default/web` with TCP port 80 on six nodes.
pub(crate) fn web() -> DesiredLb {
    service("web")
}

/// A Service of that name with TCP port 80 on six nodes.
pub(crate) fn service(name: &str) -> DesiredLb {
    testing::lb(ProviderName::Gcp, name).on(nodes(6))
}

/// The nodes `node-0` to `node-(count - 1)`, which are instances of the fake.
pub(crate) fn nodes(count: usize) -> Arc<NodeSet> {
    Arc::new(NodeSet { eligible: (0..count).map(node).collect(), excluded: Vec::new() })
}

fn node(number: usize) -> NodeTarget {
    target(NewInstance::node(number))
}

/// An instance as a node of the cluster.
pub(crate) fn target(instance: NewInstance) -> NodeTarget {
    NodeTarget {
        provider_id: Some(format!("gce://{PROJECT}/{}/{}", instance.zone, instance.name)),
        addresses: vec![instance.address.parse().unwrap()],
        zone: Some(instance.zone),
        name: instance.name,
        labels: BTreeMap::new(),
    }
}

/// The addresses of an outcome.
pub(crate) fn ips(outcome: &Outcome) -> Vec<IpAddr> {
    let ip = |ingress: &Ingress| match ingress {
        Ingress::Ip { ip, .. } => *ip,
        Ingress::Hostname(name) => panic!("the name {name}"),
    };
    outcome.ingress.iter().map(ip).collect()
}
