//! What EC2 told lately, shared by all load balancers.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::keyed::Keyed;
use super::{groups, nodes};
use crate::api::ec2::{Instance, RouteTable, SecurityGroup, Subnet, Vpc, WhichSecurityGroups, Zone};
use crate::api::ids::{InstanceId, SecurityGroupId, VpcId};
use crate::client::Client;
use crate::error::AwsError;
use crate::resources::Quotas;

/// What somebody else may change at any time.
const MINUTES: Duration = Duration::from_mins(5);
/// What changes on the way to being usable.
const MOMENT: Duration = Duration::from_secs(30);
/// What hardly ever changes.
const HOUR: Duration = Duration::from_hours(1);

/// What is known about the network without asking AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// The network; `None` to take that of the nodes.
    pub vpc: Option<VpcId>,
    /// The cluster's name in tags `kubernetes.io/cluster/<name>`; `None` to take that of the nodes' instances.
    pub cluster_tag: Option<String>,
}

/// What EC2 told lately. One read of a thing is under way at a time; a failed one is never taken for an answer.
#[derive(Debug)]
pub struct NetworkCache {
    config: NetworkConfig,
    /// The network of the first nodes seen: load balancers do not move when nodes of another one join.
    found: OnceLock<VpcId>,
    vpcs: Keyed<VpcId, Arc<Vpc>>,
    subnets: Keyed<VpcId, Arc<Vec<Subnet>>>,
    tables: Keyed<VpcId, Arc<Vec<RouteTable>>>,
    zones: Keyed<(), Arc<Vec<Zone>>>,
    instances: Keyed<InstanceId, Option<Arc<Instance>>>,
    groups: Keyed<String, Vec<Arc<SecurityGroup>>>,
    quotas: Keyed<(), Quotas>,
}

impl NetworkCache {
    /// Nothing known but this.
    pub fn new(config: NetworkConfig) -> Self {
        Self {
            config,
            found: OnceLock::new(),
            // A network can get a further range.
            vpcs: Keyed::new(|_| Some(HOUR)),
            subnets: Keyed::new(|_| Some(MINUTES)),
            tables: Keyed::new(|_| Some(MINUTES)),
            zones: Keyed::new(|_| None),
            instances: Keyed::new(|instance| Some(life_of(instance.as_deref()))),
            groups: Keyed::new(|groups| Some(if groups.is_empty() { MOMENT } else { MINUTES })),
            quotas: Keyed::new(|_| Some(HOUR)),
        }
    }

    /// One that knows what was told beforehand, and nothing else.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(self.config.clone())
    }

    pub(super) fn cluster_tag(&self) -> Option<String> {
        self.config.cluster_tag.clone()
    }

    /// The instances with these ids, those that exist.
    pub(super) async fn instances(
        &self,
        client: &Client,
        ids: &[InstanceId],
    ) -> Result<Vec<Arc<Instance>>, AwsError> {
        let read = |missing: Vec<InstanceId>| async move {
            let found = client.instances(&missing).await?;
            let mut by_id: HashMap<InstanceId, Arc<Instance>> =
                found.into_iter().map(|instance| (instance.id.clone(), Arc::new(instance))).collect();
            let answer = missing.into_iter().map(|id| {
                let found = by_id.remove(&id);
                (id, found)
            });
            Ok(answer.collect())
        };
        Ok(self.instances.many(client.whom(), ids, read).await?.into_iter().flatten().collect())
    }

    /// The network: as configured, else that of the first instances seen.
    pub(super) async fn vpc(
        &self,
        client: &Client,
        instances: &[Arc<Instance>],
    ) -> Result<Arc<Vpc>, AwsError> {
        let id = match self.config.vpc.as_ref().or_else(|| self.found.get()) {
            Some(id) => id.clone(),
            None => nodes::vpc(instances)?,
        };
        let vpc = self.vpcs.one(client.whom(), &id, || async { client.vpc(&id).await.map(Arc::new) }).await?;
        self.found.get_or_init(|| id);
        Ok(vpc)
    }

    /// The subnets of a network.
    pub(super) async fn subnets(&self, client: &Client, vpc: &VpcId) -> Result<Arc<Vec<Subnet>>, AwsError> {
        self.subnets.one(client.whom(), vpc, || async { client.subnets(vpc).await.map(Arc::new) }).await
    }

    /// The route tables of a network.
    pub(super) async fn tables(
        &self,
        client: &Client,
        vpc: &VpcId,
    ) -> Result<Arc<Vec<RouteTable>>, AwsError> {
        self.tables.one(client.whom(), vpc, || async { client.route_tables(vpc).await.map(Arc::new) }).await
    }

    /// The zones of the region.
    pub(super) async fn zones(&self, client: &Client) -> Result<Arc<Vec<Zone>>, AwsError> {
        self.zones.one(client.whom(), &(), || async { client.zones().await.map(Arc::new) }).await
    }

    /// What the account lets a load balancer have.
    pub(super) async fn quotas(&self, client: &Client) -> Result<Quotas, AwsError> {
        self.quotas
            .one(client.whom(), &(), || async { client.limits().await.map(|limits| quotas(&limits)) })
            .await
    }

    /// The security groups of a network that have these ids, names or `Name` tags.
    pub(super) async fn groups(
        &self,
        client: &Client,
        vpc: &VpcId,
        called: &[String],
    ) -> Result<Vec<Arc<SecurityGroup>>, AwsError> {
        let read = |missing: Vec<String>| async move {
            let (ids, names): (Vec<String>, Vec<String>) =
                missing.iter().cloned().partition(|name| groups::is_id(name));
            let by_id = WhichSecurityGroups::Known(ids.into_iter().map(SecurityGroupId::new).collect());
            let by_name = WhichSecurityGroups::Named { vpc: vpc.clone(), names };
            let mut found = client.security_groups(&by_id).await?;
            found.extend(client.security_groups(&by_name).await?);
            let found: Vec<Arc<SecurityGroup>> = found.into_iter().map(Arc::new).collect();
            let answer = missing.into_iter().map(|name| {
                let meant = found.iter().filter(|group| groups::is_called(group, &name)).cloned();
                let meant = meant.collect();
                (name, meant)
            });
            Ok(answer.collect())
        };
        Ok(self.groups.many(client.whom(), called, read).await?.into_iter().flatten().collect())
    }
}

/// How long an instance is taken to be as it was: a running one stays so for long, others are on their way.
fn life_of(instance: Option<&Instance>) -> Duration {
    let running = instance.is_some_and(|instance| instance.state == "running");
    if running { 2 * MINUTES } else { MOMENT }
}

/// The figures that `DescribeAccountLimits` tells, the documented ones for the others.
fn quotas(limits: &[(String, String)]) -> Quotas {
    let figure = |name: &str, default: usize| {
        let found = limits.iter().find(|(key, _)| key == name);
        found.and_then(|(_, value)| value.parse().ok()).unwrap_or(default)
    };
    let known = Quotas::default();
    Quotas {
        listeners: figure("listeners-per-network-load-balancer", known.listeners),
        targets: figure("targets-per-network-load-balancer", known.targets),
        targets_per_zone: figure(
            "targets-per-availability-zone-per-network-load-balancer",
            known.targets_per_zone,
        ),
        // Not in the list of `API_Limit`, but in the answers.
        targets_per_group: figure("targets-per-target-group", known.targets_per_group),
        // Rules are counted by EC2, which does not tell.
        rules: known.rules,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_tells_its_quotas() {
        let limits = [
            ("targets-per-availability-zone-per-network-load-balancer", "800"),
            ("targets-per-network-load-balancer", "many"),
            ("targets-per-target-group", "2000"),
        ];
        let limits = limits.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = Quotas { targets_per_zone: 800, targets_per_group: 2_000, ..Quotas::default() };
        assert_eq!(quotas(&limits), expected);
    }
}
