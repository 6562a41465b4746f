//! The provider: the contract, carried out by the modules around it.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use landfall_core::error::ProviderError;
use landfall_core::ids::{ClusterId, LbId, ProviderName};
use landfall_core::model::{DesiredLb, Member, TargetKind};
use landfall_core::net::Protocol;
use landfall_core::outcome::Outcome;
use landfall_core::params::ClassParams;
use landfall_core::plan::Plan;
use landfall_core::provider::{Capabilities, Owned, Provider};
use landfall_core::refusal::Refusal;

use crate::account::{Account, Freshness};
use crate::calls::Calls;
use crate::change::Change;
use crate::client::Client;
use crate::converge::{Shared, Tools};
use crate::error::GcpError;
use crate::inventory;
use crate::network::{self, NetworkCache, NetworkConfig};
use crate::release::release;
use crate::resources::{self, Wanted};
use crate::settings::{self, Reading};

/// What the provider has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcpConfig {
    /// The cluster whose marks it sets and honours.
    pub cluster: ClusterId,
    /// What is known about project, region and network beforehand.
    pub network: NetworkConfig,
    /// How old what is known of the project may be.
    pub freshness: Freshness,
}

/// Passthrough Network Load Balancers of one project and region, on behalf of one cluster.
#[derive(Debug)]
pub struct GcpProvider {
    config: GcpConfig,
    calls: Arc<Calls>,
    network: NetworkCache,
    /// Once the region is known.
    account: OnceLock<Account>,
    shared: Shared,
    capabilities: Capabilities,
}

impl GcpProvider {
    /// A provider that makes these calls. It reads nothing before it is asked for something.
    pub fn new(config: GcpConfig, calls: Arc<Calls>) -> Self {
        Self {
            calls,
            network: NetworkCache::new(config.network.clone()),
            account: OnceLock::new(),
            shared: Shared::default(),
            capabilities: Self::can(),
            config,
        }
    }

    /// What passthrough Network Load Balancers can do. Packets arrive as they were sent, so no node ports are needed.
    pub fn can() -> Capabilities {
        Capabilities {
            protocols: vec![Protocol::Tcp, Protocol::Udp],
            mixed_protocols: true,
            same_port_protocols: true,
            dual_stack: true,
            sharing: true,
            source_ranges: true,
            session_affinity: true,
            requested_addresses: true,
            adoption: false,
            needs_node_ports: false,
            external_state: true,
        }
    }

    /// What is known of the region: as configured, or as the nodes of a wish tell.
    fn account(&self, desired: Option<&DesiredLb>) -> Result<&Account, GcpError> {
        let region = network::region(&self.network, desired)?;
        let GcpConfig { cluster, freshness, .. } = &self.config;
        Ok(self.account.get_or_init(|| {
            let network_project = self.config.network.project_of_network(&region);
            let account = Account::new(cluster.clone(), region, *freshness);
            if let Some(project) = network_project {
                account.set_network_project(&project);
            }
            account
        }))
    }

    fn tools<'a>(&'a self, client: &'a Client, account: &'a Account) -> Tools<'a> {
        let Self { network, shared, .. } = self;
        Tools { client, account, network, shared, since: account.moment() }
    }

    async fn wanted(
        &self,
        client: &Client,
        account: &Account,
        desired: &DesiredLb,
    ) -> Result<Wanted, GcpError> {
        let Reading { settings, refusals: reasons, problems } = settings::read(desired);
        if !reasons.is_empty() {
            return Err(GcpError::Refused { whom: desired.id.to_string(), reasons });
        }
        let existing = account.existing(client, &desired.id).await?;
        let mut facts = network::gather(client, &self.network, desired, &settings, &existing.rules).await?;
        account.set_network_project(&facts.network.place.project);
        facts.rules = existing.rules;
        facts.shards = existing.shards;
        facts.cells = existing.cells;
        let mut wanted = resources::wanted(account.cluster(), desired, &settings, &facts);
        wanted.problems.extend(problems);
        Ok(wanted)
    }
}

#[async_trait]
impl Provider for GcpProvider {
    fn name(&self) -> ProviderName {
        ProviderName::Gcp
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn begin_term(&self) {
        if let Some(account) = self.account.get() {
            account.forget();
        }
        self.shared.claims.clear();
    }

    fn target_kind(&self, params: &ClassParams, member: &Member) -> TargetKind {
        settings::target_kind(params, member)
    }

    fn validate(&self, desired: &DesiredLb) -> Vec<Refusal> {
        settings::read(desired).refusals
    }

    async fn plan(&self, desired: &DesiredLb) -> Result<Plan, ProviderError> {
        let client = Client::new(&self.calls, desired.id.to_string());
        let account = self.account(Some(desired))?;
        let tools = self.tools(&client, account);
        let wanted = self.wanted(&client, account, desired).await?;
        let changes = tools.plan(&wanted).await?;
        Ok(Plan { lb: desired.id.clone(), steps: changes.iter().map(Change::step).collect() })
    }

    async fn ensure(&self, desired: &DesiredLb) -> Result<Outcome, ProviderError> {
        let client = Client::new(&self.calls, desired.id.to_string());
        let account = self.account(Some(desired))?;
        // Before anything is read: what is read later is not older than the run.
        let tools = self.tools(&client, account);
        match self.wanted(&client, account, desired).await {
            Ok(wanted) => Ok(tools.ensure(desired, &wanted).await?),
            Err(error) => {
                if matches!(error, GcpError::Refused { .. } | GcpError::Network(_)) {
                    // It is the wish that is wrong: nobody waits for what an earlier one claimed.
                    self.shared.claims.end(&desired.id);
                }
                Err(error.into())
            }
        }
    }

    async fn release(&self, id: &LbId) -> Result<(), ProviderError> {
        let client = Client::new(&self.calls, id.to_string());
        let account = self.account(None)?;
        Ok(release(self.tools(&client, account), id).await?)
    }

    async fn inventory(&self) -> Result<Vec<Owned>, ProviderError> {
        let client = Client::new(&self.calls, format!("cluster {}", self.config.cluster));
        let account = self.account(None)?;
        Ok(inventory::inventory(&client, account).await?)
    }
}
