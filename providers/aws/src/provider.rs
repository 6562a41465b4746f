//! The provider: the contract, carried out by the modules around it.

use std::sync::{Arc, Mutex, PoisonError};

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
use crate::api::elb::ZoneMapping;
use crate::calls::Calls;
use crate::change::Change;
use crate::client::Client;
use crate::clock::Clock;
use crate::converge::{Shared, Tools};
use crate::error::AwsError;
use crate::inventory;
use crate::marks;
use crate::network::{self, NetworkCache, NetworkConfig};
use crate::observe::Balancer;
use crate::release::release;
use crate::resources::{self, Wanted};
use crate::settings::{self, BalancerSettings, Reading};

/// What the provider has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsConfig {
    /// The cluster whose marks it sets and honours.
    pub cluster: ClusterId,
    /// What is known about the network beforehand.
    pub network: NetworkConfig,
    /// How old what is known of the account may be.
    pub freshness: Freshness,
}

/// Network Load Balancers of one account and region, on behalf of one cluster.
#[derive(Debug)]
pub struct AwsProvider {
    calls: Arc<Calls>,
    account: Account,
    /// Replaced as a whole when a term begins.
    network: Mutex<Arc<NetworkCache>>,
    shared: Shared,
    capabilities: Capabilities,
}

impl AwsProvider {
    /// A provider that makes these calls. It reads nothing before it is asked for something.
    pub fn new(config: AwsConfig, calls: Arc<Calls>) -> Self {
        let AwsConfig { cluster, network, freshness } = config;
        Self {
            calls,
            account: Account::new(cluster, freshness),
            network: Mutex::new(Arc::new(NetworkCache::new(network))),
            shared: Shared::default(),
            capabilities: Self::can(),
        }
    }

    /// Takes the time of day from this clock instead of the machine's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { account: self.account.with_clock(clock), ..self }
    }

    /// What Network Load Balancers can do. Affinity is kube-proxy's: theirs ends at the node.
    pub fn can() -> Capabilities {
        Capabilities {
            protocols: vec![Protocol::Tcp, Protocol::Udp],
            mixed_protocols: true,
            same_port_protocols: true,
            dual_stack: true,
            sharing: true,
            source_ranges: true,
            session_affinity: false,
            requested_addresses: false,
            needs_node_ports: true,
            adoption: true,
            external_state: true,
        }
    }

    fn tools<'a>(&'a self, client: &'a Client) -> Tools<'a> {
        Tools { client, account: &self.account, shared: &self.shared }
    }

    fn network(&self) -> Arc<NetworkCache> {
        Arc::clone(&self.network.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The wish, with the operator's word for taking over a load balancer.
    async fn wanted(
        &self,
        client: &Client,
        desired: &DesiredLb,
    ) -> Result<(Wanted, Option<String>), AwsError> {
        let Reading { settings, refusals: reasons, problems } = settings::read(desired);
        if !reasons.is_empty() {
            return Err(AwsError::Refused { whom: desired.id.to_string(), reasons });
        }
        let found = self.account.balancers(client, &desired.id).await?;
        let current = staying(&settings.balancer, &found);
        let mut facts = network::gather(client, &self.network(), desired, &settings, current).await?;
        let ours = found.iter().filter(|balancer| !marks::is_adopted(&balancer.tags));
        facts.existing = ours.clone().map(|balancer| balancer.it.clone()).collect();
        let superseded = ours.filter(|balancer| marks::is_superseded(&balancer.tags));
        facts.superseded = superseded.map(|balancer| balancer.it.arn.clone()).collect();
        let mut wanted = resources::wanted(self.account.cluster(), desired, &settings, &facts);
        wanted.problems.extend(problems);
        Ok((wanted, settings.balancer.adopt_confirm))
    }
}

/// The zones of the load balancer that stays: the one that is taken over, or of those that can be reached by the same
/// clients the youngest that no successor took over from, if there is such a one.
fn staying<'a>(settings: &BalancerSettings, found: &'a [Balancer]) -> &'a [ZoneMapping] {
    let stays = |balancer: &&Balancer| match &settings.adopt {
        Some(arn) => balancer.it.arn == *arn,
        None => balancer.it.scheme == settings.scheme,
    };
    let rank = |balancer: &&Balancer| (!marks::is_superseded(&balancer.tags), balancer.it.created);
    let current = found.iter().filter(stays).max_by_key(rank);
    current.map(|balancer| balancer.it.zones.as_slice()).unwrap_or_default()
}

#[async_trait]
impl Provider for AwsProvider {
    fn name(&self) -> ProviderName {
        ProviderName::Aws
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn begin_term(&self) {
        self.account.forget();
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        *network = Arc::new(network.renewed());
    }

    fn target_kind(&self, params: &ClassParams, member: &Member) -> TargetKind {
        settings::target_kind(params, member)
    }

    fn validate(&self, desired: &DesiredLb) -> Vec<Refusal> {
        settings::read(desired).refusals
    }

    async fn plan(&self, desired: &DesiredLb) -> Result<Plan, ProviderError> {
        let client = Client::new(&self.calls, desired.id.to_string());
        let (wanted, _) = self.wanted(&client, desired).await?;
        let changes = self.tools(&client).plan(&wanted).await?;
        Ok(Plan { lb: desired.id.clone(), steps: changes.iter().flat_map(Change::steps).collect() })
    }

    async fn ensure(&self, desired: &DesiredLb) -> Result<Outcome, ProviderError> {
        let client = Client::new(&self.calls, desired.id.to_string());
        let (wanted, confirmed) = self.wanted(&client, desired).await?;
        Ok(self.tools(&client).ensure(&wanted, confirmed.as_deref()).await?)
    }

    async fn release(&self, id: &LbId) -> Result<(), ProviderError> {
        let client = Client::new(&self.calls, id.to_string());
        Ok(release(self.tools(&client), id).await?)
    }

    async fn inventory(&self) -> Result<Vec<Owned>, ProviderError> {
        let client = Client::new(&self.calls, format!("cluster {}", self.account.cluster()));
        Ok(inventory::inventory(&client, &self.account).await?)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::{made, noon, subnet, wish};

    #[rstest]
    #[case::the_successor(&[0], "b")]
    #[case::one_that_is_taken_back(&[1], "a")]
    #[case::the_youngest_where_all_were_replaced(&[0, 1], "b")]
    fn the_subnets_of_one_that_a_successor_took_over_from_stay_only_for_want_of_another(
        #[case] superseded: &[usize],
        #[case] stays: &str,
    ) {
        let mut found = Vec::new();
        for (name, age) in [("a", 2), ("b", 1)] {
            let mut wish = wish();
            wish.balancer.subnets = vec![subnet(name)];
            let mut balancer = made(&wish).balancers.remove(0);
            balancer.it.created = Some(noon() - jiff::SignedDuration::from_hours(age));
            found.push(balancer);
        }
        for at in superseded {
            found[*at].tags.extend(marks::superseded(noon()));
        }
        let settings =
            settings::read(&landfall_core::testing::lb(ProviderName::Aws, "web")).settings.balancer;
        assert_eq!(staying(&settings, &found)[0].subnet, subnet(stays).subnet);
    }
}
