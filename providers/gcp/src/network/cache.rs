//! What Compute Engine told lately, shared by all load balancers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::try_join_all;

use super::slot::Slots;
use super::{NetworkError, nodes};
use crate::api::types::{Address, Instance, NetworkInterface, Rest, Subnetwork};
use crate::api::{Kind, Place, Reference};
use crate::client::Client;
use crate::error::GcpError;

/// How long instances are taken to be as they were.
const INSTANCES: Duration = Duration::from_mins(10);
/// How soon instances are read again because a node's is unknown or does not run.
pub(super) const NEW_INSTANCE: Duration = Duration::from_secs(30);
/// How long subnets are taken to be as they were.
const SUBNETS: Duration = Duration::from_mins(10);
/// How long reservations are, and that a subnet is not there: people are about to change it.
const MOMENT: Duration = Duration::from_secs(30);

/// What is known about project and network without asking Google. What is `None` is taken from the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Project of the load balancers.
    pub project: Option<String>,
    /// Region of the load balancers.
    pub region: Option<String>,
    /// Name of the network.
    pub network: Option<String>,
    /// Name of the subnet of internal and IPv6 addresses.
    pub subnetwork: Option<String>,
    /// Project of the network, where that is not the project of the load balancers: the host of a Shared VPC.
    pub network_project: Option<String>,
}

impl NetworkConfig {
    /// The project of the network of load balancers in this region, if that does not depend on the nodes.
    pub(crate) fn project_of_network(&self, region: &Place) -> Option<String> {
        let own = || self.network.as_ref().map(|_| region.project.clone());
        self.network_project.clone().or_else(own)
    }
}

/// The instances of a zone by name.
type Zone = Arc<BTreeMap<String, Arc<Instance>>>;

/// What Compute Engine told lately. One read of a thing is under way at a time; a failed one is never taken for an
/// answer.
#[derive(Debug)]
pub struct NetworkCache {
    config: NetworkConfig,
    /// Region and network of the first nodes seen: load balancers do not move when nodes of others join.
    found: (OnceLock<Place>, OnceLock<Reference>),
    zones: Slots<Place, Zone>,
    subnets: Slots<Reference, Option<Arc<Subnetwork>>>,
    addresses: Slots<Place, Arc<Vec<Address>>>,
}

impl NetworkCache {
    /// Nothing known but this.
    pub fn new(config: NetworkConfig) -> Self {
        Self {
            config,
            found: Default::default(),
            zones: Slots::new(),
            subnets: Slots::new(),
            addresses: Slots::new(),
        }
    }

    pub(super) fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// The region: as configured, else that of the first nodes seen.
    pub(super) fn region(&self, instances: &BTreeSet<Reference>) -> Result<Place, NetworkError> {
        if let (Some(project), Some(region)) = (&self.config.project, &self.config.region) {
            return Ok(Place::region(project, region));
        }
        if let Some(found) = self.found.0.get() {
            return Ok(found.clone());
        }
        let region = nodes::region(instances, &self.config)?;
        Ok(self.found.0.get_or_init(|| region).clone())
    }

    /// The network: as configured, else that of the first instances seen.
    pub(super) fn network(
        &self,
        region: &Place,
        instances: &BTreeMap<Reference, Arc<Instance>>,
    ) -> Result<Reference, NetworkError> {
        if let Some(name) = &self.config.network {
            let project = self.config.network_project.as_ref().unwrap_or(&region.project);
            return Ok(Place::global(project).at(Kind::Network, name));
        }
        if let Some(found) = self.found.1.get() {
            return Ok(found.clone());
        }
        let network = nodes::network(instances)?;
        Ok(self.found.1.get_or_init(|| network).clone())
    }

    /// These instances, those that exist. Zones are read whole.
    pub(super) async fn instances(
        &self,
        client: &Client,
        wanted: &BTreeSet<Reference>,
    ) -> Result<BTreeMap<Reference, Arc<Instance>>, GcpError> {
        let mut by_zone: BTreeMap<&Place, Vec<&Reference>> = BTreeMap::new();
        for reference in wanted {
            by_zone.entry(&reference.place).or_default().push(reference);
        }
        let reads = by_zone.into_iter().map(|(place, wanted)| async move {
            let zone = self.zone(client, place, &wanted).await?;
            let found =
                wanted.into_iter().filter_map(|it| Some((it.clone(), Arc::clone(zone.get(&it.name)?))));
            Ok::<_, GcpError>(found.collect::<Vec<_>>())
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// The instances of a zone are not taken to be as they were any more.
    pub(crate) fn forget_instances(&self, zone: &Place) {
        self.zones.forget(zone);
    }

    async fn zone(&self, client: &Client, place: &Place, wanted: &[&Reference]) -> Result<Zone, GcpError> {
        let is_good = |zone: &Zone, age: Duration| {
            let runs = |it: &&Reference| zone.get(&it.name).is_some_and(|instance| is_running(instance));
            age < NEW_INSTANCE || (age < INSTANCES && wanted.iter().all(runs))
        };
        let read = || async {
            let found: Vec<Instance> = client.list(place, None).await?;
            let slim = found.into_iter().map(|instance| (instance.name.clone(), Arc::new(slim(instance))));
            Ok(Arc::new(slim.collect()))
        };
        self.zones.get(place, is_good, read).await
    }

    /// These subnets, those that exist.
    pub(super) async fn subnets(
        &self,
        client: &Client,
        wanted: impl IntoIterator<Item = Reference>,
    ) -> Result<BTreeMap<Reference, Arc<Subnetwork>>, GcpError> {
        let reads = wanted.into_iter().map(|it| async move {
            let is_good = |subnet: &Option<_>, age| age < if subnet.is_some() { SUBNETS } else { MOMENT };
            let read = || async { Ok(client.find::<Subnetwork>(&it).await?.map(Arc::new)) };
            let found = self.subnets.get(&it, is_good, read).await?;
            Ok::<_, GcpError>(found.map(|found| (it.clone(), found)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// The reserved addresses of a region, of anybody.
    pub(super) async fn addresses(
        &self,
        client: &Client,
        place: &Place,
    ) -> Result<Arc<Vec<Address>>, GcpError> {
        let read = || async { client.list::<Address>(place, None).await.map(Arc::new) };
        self.addresses.get(place, |_, age| age < MOMENT, read).await
    }

    /// The reserved addresses of a region are not taken to be as they were any more.
    pub(super) fn forget_addresses(&self, place: &Place) {
        self.addresses.forget(place);
    }
}

fn is_running(instance: &Instance) -> bool {
    instance.status.as_deref() == Some("RUNNING")
}

/// An instance without what nobody looks at: start scripts in its metadata may be larger than all else.
fn slim(instance: Instance) -> Instance {
    let first = instance.network_interfaces.into_iter().take(1);
    Instance {
        network_interfaces: first.map(|it| NetworkInterface { rest: Rest::new(), ..it }).collect(),
        rest: Rest::new(),
        ..instance
    }
}
