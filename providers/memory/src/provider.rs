//! The provider: the contract, carried out by the modules around it.

use async_trait::async_trait;
use landfall_core::error::ProviderError;
use landfall_core::ids::{ClusterId, LbId, ProviderName};
use landfall_core::model::{DesiredLb, Member, TargetKind};
use landfall_core::net::Protocol;
use landfall_core::outcome::Outcome;
use landfall_core::params::ClassParams;
use landfall_core::plan::{Plan, Resource};
use landfall_core::provider::{Capabilities, Owned, Provider};
use landfall_core::refusal::Refusal;

use crate::apply::apply;
use crate::change::Change;
use crate::client::Client;
use crate::cloud::{BalancerSpec, Cloud, Filter, ListenerSpec, PoolSpec, RuleSpec, Spec};
use crate::diff::diff;
use crate::error::MemoryError;
use crate::names::Names;
use crate::observe::observe;
use crate::resources::wanted;
use crate::{marks, outcome, release, settings, validate};

/// A provider on a [`Cloud`]. It holds no state of its own: another instance on the same cloud goes on where this
/// one stopped.
#[derive(Debug, Clone)]
pub struct MemoryProvider {
    cluster: ClusterId,
    cloud: Cloud,
    capabilities: Capabilities,
}

impl MemoryProvider {
    /// A provider that can do everything, marking what it makes with this cluster.
    pub fn new(cluster: ClusterId, cloud: Cloud) -> Self {
        Self { cluster, cloud, capabilities: Self::all() }
    }

    /// The same provider with other capabilities, to stand in for lesser ones.
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Everything that the contract knows.
    pub fn all() -> Capabilities {
        Capabilities {
            protocols: vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp],
            mixed_protocols: true,
            same_port_protocols: true,
            dual_stack: true,
            sharing: true,
            source_ranges: true,
            session_affinity: true,
            requested_addresses: true,
            needs_node_ports: true,
            adoption: false,
            external_state: true,
        }
    }

    fn names<'a>(&'a self, lb: &'a LbId) -> Names<'a> {
        Names { cluster: &self.cluster, lb }
    }

    async fn owned<S: Spec>(&self, client: &Client<'_>) -> Result<Vec<Owned>, MemoryError> {
        let filter = Filter { tags: marks::of_cluster(&self.cluster), names: Vec::new() };
        let mut owned = Vec::new();
        for object in client.all::<S>(&filter).await? {
            let Some(mark) = marks::mark(&object.draft.tags) else {
                tracing::warn!(
                    kind = %S::KIND,
                    name = object.name(),
                    "an object carries this cluster's mark but names no load balancer; it is left alone"
                );
                continue;
            };
            let resource = Resource { kind: S::KIND.as_str(), name: object.draft.name };
            // The cloud keeps no calendar, and a made-up time would let orphans look old.
            owned.push(Owned { mark, resource, created: None });
        }
        Ok(owned)
    }
}

#[async_trait]
impl Provider for MemoryProvider {
    fn name(&self) -> ProviderName {
        ProviderName::Memory
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn target_kind(&self, _params: &ClassParams, member: &Member) -> TargetKind {
        // What cannot be read is refused by `validate`; until then nodes are as good a guess as any.
        settings::targets(member).unwrap_or(TargetKind::Nodes)
    }

    fn validate(&self, desired: &DesiredLb) -> Vec<Refusal> {
        validate::validate(&self.capabilities, desired)
    }

    async fn plan(&self, desired: &DesiredLb) -> Result<Plan, ProviderError> {
        let client = Client::new(&self.cloud, desired.id.to_string());
        let wanted = wanted(&self.cluster, &self.capabilities, desired);
        let observed = observe(&client, &self.cluster, &desired.id, Some(&wanted)).await?;
        let changes = diff(self.names(&desired.id), &wanted, &observed)?;
        Ok(Plan { lb: desired.id.clone(), steps: changes.iter().map(Change::step).collect() })
    }

    async fn ensure(&self, desired: &DesiredLb) -> Result<Outcome, ProviderError> {
        let client = Client::new(&self.cloud, desired.id.to_string());
        let names = self.names(&desired.id);
        let wanted = wanted(&self.cluster, &self.capabilities, desired);
        let mut observed = observe(&client, &self.cluster, &desired.id, Some(&wanted)).await?;
        let changes = diff(names, &wanted, &observed)?;
        let steps = apply(&client, changes, &mut observed).await?;
        Ok(outcome::of(names, &wanted, &observed, steps)?)
    }

    async fn release(&self, id: &LbId) -> Result<(), ProviderError> {
        let client = Client::new(&self.cloud, id.to_string());
        Ok(release::release(&client, &self.cluster, id).await?)
    }

    async fn inventory(&self) -> Result<Vec<Owned>, ProviderError> {
        let client = Client::new(&self.cloud, format!("cluster {}", self.cluster));
        let mut owned = self.owned::<BalancerSpec>(&client).await?;
        owned.extend(self.owned::<ListenerSpec>(&client).await?);
        owned.extend(self.owned::<PoolSpec>(&client).await?);
        owned.extend(self.owned::<RuleSpec>(&client).await?);
        Ok(owned)
    }
}

#[cfg(test)]
mod tests;
