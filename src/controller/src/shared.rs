//! What the watches and the term of leadership share, and what follows from a change of the cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use landfall_core::class::Class;
use landfall_core::member::{self, MemberInput};
use landfall_core::model::TargetKind;
use landfall_core::report::shown;
use tokio::sync::Notify;

use crate::cluster::{Cluster, Key, object_key};
use crate::config::Config;
use crate::metrics::ControllerMetrics;
use crate::queue::{Due, Lane};
use crate::queues::Queues;
use crate::store::Change;
use crate::work::Providers;

/// What the watches and the term share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) providers: Arc<Providers>,
    pub(crate) queues: Queues,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) nodes_changed: Notify,
    pub(crate) pools_changed: Notify,
    pub(crate) statuses_due: Notify,
    leading: AtomicBool,
}

impl Shared {
    /// Nothing is due yet, and nobody leads.
    pub(crate) fn new(
        config: Config,
        cluster: Arc<Cluster>,
        providers: Arc<Providers>,
        metrics: ControllerMetrics,
    ) -> Self {
        let queues = Queues::new(providers.keys().copied());
        let (nodes_changed, pools_changed, statuses_due) = Default::default();
        let leading = AtomicBool::new(false);
        Self {
            config,
            cluster,
            providers,
            queues,
            metrics,
            nodes_changed,
            pools_changed,
            statuses_due,
            leading,
        }
    }

    /// Begins or ends to collect what is due. A standby collects nothing: a term begins with everything anyway.
    pub(crate) fn set_leading(&self, leading: bool) {
        self.leading.store(leading, Ordering::SeqCst);
        self.queues.reset();
    }

    /// Makes keys due.
    pub(crate) fn add_all(&self, keys: impl IntoIterator<Item = Key>, due: Due) {
        if self.leading.load(Ordering::SeqCst) {
            keys.into_iter().for_each(|key| self.queues.add(key, due));
        }
    }

    pub(crate) fn service_changed(&self, change: &Change<Service>) {
        let lane = match &change.new {
            Some(new) if new.metadata.deletion_timestamp.is_none() && shown(new).is_empty() => Lane::New,
            _ => Lane::Change,
        };
        self.add_all(self.cluster.service_changed(change), Due::new(lane));
        self.statuses_due.notify_one();
    }

    /// The labels of a namespace decide which classes and pools its Services may use.
    pub(crate) fn namespace_changed(&self, change: Change<Namespace>) {
        let name = change.new.or(change.old).and_then(|object| object.metadata.name.clone());
        self.add_all(self.cluster.keys_in(&name.unwrap_or_default()), Due::new(Lane::Sweep));
    }

    pub(crate) fn classes_changed(&self) {
        self.add_all(self.cluster.classes_changed(), Due::new(Lane::Change));
        self.statuses_due.notify_one();
    }

    /// Only Services whose provider needs the pods are concerned.
    pub(crate) fn slice_changed(&self, change: &Change<EndpointSlice>) {
        for key in self.cluster.slice_changed(change) {
            let Some(placement) = self.cluster.placement(&key) else { continue };
            let (Some(id), Some(class)) = (placement.wanted, placement.class) else { continue };
            let service = self.cluster.services.get(&object_key(&key));
            let kind = service.and_then(|service| self.target_kind(&class, &service));
            if kind.is_some_and(TargetKind::needs_endpoints) && self.leading.load(Ordering::SeqCst) {
                let delay = self.config.endpoint_delay;
                self.queues.add_after(Key::Lb(id), Due::new(Lane::Change), delay);
            }
        }
    }

    /// Makes those due that send traffic to nodes.
    pub(crate) fn node_set_changed(&self) {
        let to_nodes = |key: &Key| {
            let Key::Lb(id) = key else { return false };
            let group = self.cluster.group(id);
            let Some(class) = &group.class else { return false };
            let mut kinds = group.wanted.iter().map(|facts| self.target_kind(class, &facts.service));
            kinds.any(|kind| kind.is_some_and(TargetKind::needs_nodes))
        };
        self.add_all(self.cluster.keys().into_iter().filter(to_nodes), Due::new(Lane::Sweep));
    }

    /// Makes those due whose provider hands out addresses from pools.
    pub(crate) fn pools_fed(&self) {
        let by_pools = |key: &Key| {
            let Key::Lb(id) = key else { return false };
            self.providers.get(&id.provider).is_some_and(|provider| provider.address_book().is_some())
        };
        self.add_all(self.cluster.keys().into_iter().filter(by_pools), Due::forced(Lane::Sweep));
        self.statuses_due.notify_one();
    }

    fn target_kind(&self, class: &Class, service: &Service) -> Option<TargetKind> {
        let provider = self.providers.get(&class.provider)?;
        let (member, _) = member::read(MemberInput { service, namespace_labels: None })?;
        Some(provider.target_kind(&class.params, &member))
    }
}
