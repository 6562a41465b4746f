//! The tasks of the controller, and when they may write.
//!
//! The watches run from the start to the end, on every replica, so that a standby takes over with full stores. What
//! writes runs in a **term**: from the moment this process leads and every store is complete, until the claim is
//! lost or the process stops. A lost claim drops every look where it stands, which is safe by the provider contract;
//! an orderly stop lets the looks in flight finish.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource};
use landfall_core::ids::ProviderName;
use landfall_core::provider::Provider;
use landfall_runtime::client::Clients;
use landfall_runtime::health::{Condition, DuplicateCheck, Health, Heartbeat};
use landfall_runtime::lease::{Claim, Leadership};
use landfall_runtime::metrics::Metrics;
use serde::de::DeserializeOwned;
use tokio::sync::watch as channel;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::cluster::Cluster;
use crate::config::Config;
use crate::events::Recorder;
use crate::metrics::ControllerMetrics;
use crate::shared::Shared;
use crate::store::Store;
use crate::term;
use crate::watch::{self, Feed, Synced};
use crate::work::Providers;

/// How often the event loop shows that it turns.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long the event loop may stand still before the process counts as dead.
const HEARTBEAT_LIMIT: Duration = Duration::from_mins(1);

/// What the controller is put together from.
pub struct Parts {
    /// The API server.
    pub clients: Clients,
    /// The providers that run here.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Where metrics are registered.
    pub metrics: Metrics,
    /// Where readiness is told.
    pub health: Health,
    /// Names this process in events.
    pub instance: String,
}

/// A controller that is ready to run.
pub struct Controller {
    shared: Arc<Shared>,
    clients: Clients,
    instance: String,
    synced: Vec<Arc<Synced>>,
    feeds: Feeds,
    leading: Condition,
    alive: Heartbeat,
}

struct Feeds {
    services: Feed<Service>,
    nodes: Feed<Node>,
    slices: Feed<EndpointSlice>,
    namespaces: Feed<Namespace>,
    classes: Feed<landfall_api::v1alpha1::LoadBalancerClass>,
    pools: Feed<landfall_api::v1alpha1::AddressPool>,
}

impl Controller {
    /// Puts a controller together. Fails if `health` already has checks of the same names.
    pub fn new(config: Config, parts: Parts) -> Result<Self, DuplicateCheck> {
        let metrics = ControllerMetrics::register(&parts.metrics);
        let providers: Providers =
            parts.providers.into_iter().map(|provider| (provider.name(), provider)).collect();
        let names: Vec<ProviderName> = providers.keys().copied().collect();
        let cluster = Arc::new(Cluster::new(names.clone(), config.default_class.clone()));
        let mut synced = Vec::new();
        let mut gate = |name: &str| -> Result<Arc<Synced>, DuplicateCheck> {
            let gate = Arc::new(Synced::new(parts.health.condition(format!("watch-{name}"))?));
            synced.push(Arc::clone(&gate));
            Ok(gate)
        };
        let feeds = Feeds {
            services: feed(&cluster.services, gate("services")?, &metrics),
            nodes: feed(&cluster.nodes, gate("nodes")?, &metrics),
            slices: feed(&cluster.slices, gate("endpointslices")?, &metrics),
            namespaces: feed(&cluster.namespaces, gate("namespaces")?, &metrics),
            classes: feed(&cluster.classes, gate("loadbalancerclasses")?, &metrics),
            pools: feed(&cluster.pools, gate("addresspools")?, &metrics),
        };
        let alive = parts.health.heartbeat("event-loop", HEARTBEAT_LIMIT)?;
        let leading = parts.health.condition("leadership")?;
        leading.ready("standby");
        let shared = Arc::new(Shared::new(config, cluster, Arc::new(providers), metrics));
        Ok(Self { shared, clients: parts.clients, instance: parts.instance, synced, feeds, leading, alive })
    }

    /// Runs until `stop` is cancelled. Returns when nothing is being written any more.
    ///
    /// `elect` is called once, when every store is complete: a process that cannot read the cluster must not hold the
    /// lease while another one could lead.
    pub async fn run(
        self,
        elect: impl FnOnce() -> channel::Receiver<Leadership> + Send,
        stop: CancellationToken,
    ) {
        let mut watches = watch_all(&self.clients.watches, &self.shared, self.feeds);
        watches.spawn(beat(self.alive));
        let recorder = Arc::new(Recorder::new(
            self.clients.writes.clone(),
            self.instance.clone(),
            self.shared.config.api_timeout,
            self.shared.metrics.clone(),
        ));
        let work = async {
            if !complete(&self.synced, &stop).await {
                return;
            }
            info!(services = self.shared.cluster.services.len(), "every store is complete");
            let mut leadership = elect();
            while let Some(claim) = next_claim(&mut leadership, &stop).await {
                self.leading.ready("leading");
                term::lead(&self.shared, claim, &self.clients.writes, &recorder, &stop).await;
                self.leading.ready("standby");
            }
        };
        tokio::select! {
            () = work => {}
            ended = watches.join_next() => error!(?ended, "a watch has ended: this is a bug; the controller stops"),
        }
        watches.shutdown().await;
    }
}

/// Waits for every store; false if the process stops before.
async fn complete(stores: &[Arc<Synced>], stop: &CancellationToken) -> bool {
    for store in stores {
        tokio::select! {
            () = stop.cancelled() => return false,
            () = store.wait() => {}
        }
    }
    true
}

/// Shows that the event loop turns: a program whose tasks never yield is found and restarted.
async fn beat(heartbeat: Heartbeat) {
    loop {
        heartbeat.beat();
        tokio::time::sleep(HEARTBEAT).await;
    }
}

/// Waits for the next term of leadership; `None` when the process stops or the election has ended.
async fn next_claim(
    leadership: &mut channel::Receiver<Leadership>,
    stop: &CancellationToken,
) -> Option<Claim> {
    loop {
        let current = leadership.borrow_and_update().clone();
        if let Leadership::Leading(claim) = current
            && claim.check().is_ok()
        {
            return (!stop.is_cancelled()).then_some(claim);
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            changed = leadership.changed() => changed.ok()?,
        }
    }
}

fn feed<K>(store: &Arc<Store<K>>, synced: Arc<Synced>, metrics: &ControllerMetrics) -> Feed<K> {
    Feed { store: Arc::clone(store), synced, metrics: metrics.clone() }
}

fn watch_all(client: &Client, shared: &Arc<Shared>, feeds: Feeds) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let namespace = shared.config.namespace.as_deref();
    let at = Arc::clone(shared);
    tasks
        .spawn(watch::run(api(client, namespace), feeds.services, move |change| at.service_changed(&change)));
    let at = Arc::clone(shared);
    tasks.spawn(watch::run(api(client, namespace), feeds.slices, move |change| at.slice_changed(&change)));
    let at = Arc::clone(shared);
    tasks.spawn(watch::run(Api::all(client.clone()), feeds.nodes, move |_| at.nodes_changed.notify_one()));
    let at = Arc::clone(shared);
    let on_namespace = move |change| at.namespace_changed(change);
    tasks.spawn(watch::run(Api::all(client.clone()), feeds.namespaces, on_namespace));
    let at = Arc::clone(shared);
    tasks.spawn(watch::run(Api::all(client.clone()), feeds.classes, move |_| at.classes_changed()));
    let at = Arc::clone(shared);
    tasks.spawn(watch::run(Api::all(client.clone()), feeds.pools, move |_| at.pools_changed.notify_one()));
    tasks
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<DeserializeGuard<K>>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + DeserializeOwned
        + Debug
        + Clone,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}
