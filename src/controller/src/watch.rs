//! One watch per kind, feeding one plain store.
//!
//! An object that cannot be read never stops a watch: it is reported, counted, and the rest goes on.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use landfall_runtime::health::Condition;
use serde::de::DeserializeOwned;
use tracing::{debug, warn};

use crate::metrics::ControllerMetrics;
use crate::slim::Slim;
use crate::store::{Change, ObjectKey, Store};

/// Objects per page of a list. A page is held several times over while it is decoded, so a small one keeps the peak of
/// memory low.
pub const PAGE: u32 = 200;

/// Watches a kind for ever: fills the store and hands every change to `changed`, in order.
///
/// `synced` turns ready when the store holds everything, and stays so: an interrupted watch leaves what is known in
/// place. The task may be dropped at any time.
pub async fn run<K, F>(api: Api<DeserializeGuard<K>>, feed: Feed<K>, changed: F)
where
    K: Resource<DynamicType = ()> + Slim + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    F: Fn(Change<K>) + Send,
{
    let kind = K::kind(&());
    let mut listed: HashSet<ObjectKey> = HashSet::new();
    let config = watcher::Config::default().page_size(PAGE);
    let mut stream = watcher::watcher(api, config).default_backoff().boxed();
    while let Some(event) = stream.next().await {
        let change = match event {
            Ok(Event::Init) => {
                listed.clear();
                None
            }
            Ok(Event::InitApply(object)) => {
                listed.extend(ObjectKey::of(&object));
                feed.read(object).and_then(|object| feed.store.observe(object))
            }
            Ok(Event::InitDone) => {
                feed.store.retain(&listed).into_iter().for_each(&changed);
                debug!(%kind, objects = feed.store.len(), "store is complete");
                feed.synced.ready(format!("{} objects", feed.store.len()));
                listed = HashSet::new();
                None
            }
            Ok(Event::Apply(object)) => feed.read(object).and_then(|object| feed.store.observe(object)),
            // What is gone is forgotten also where it cannot be read.
            Ok(Event::Delete(object)) => feed.store.forget(object.meta()),
            Err(error) => {
                feed.failed(&error);
                None
            }
        };
        change.into_iter().for_each(&changed);
    }
}

/// Where a watch puts what it sees.
pub struct Feed<K> {
    /// The store.
    pub store: Arc<Store<K>>,
    /// Readiness: the store is complete.
    pub synced: Arc<Synced>,
    /// Counters.
    pub metrics: ControllerMetrics,
}

impl<K> Feed<K>
where
    K: Resource<DynamicType = ()> + Slim,
{
    fn read(&self, object: DeserializeGuard<K>) -> Option<K> {
        let kind = K::kind(&());
        match object.0 {
            Ok(mut object) => {
                object.slim();
                Some(object)
            }
            Err(bad) => {
                let (name, namespace) = (bad.metadata.name.as_deref(), bad.metadata.namespace.as_deref());
                warn!(%kind, namespace, name, error = %bad.error, "object cannot be read; it is ignored until it changes");
                self.metrics.unreadable(&kind);
                self.store.unreadable(&bad.metadata);
                None
            }
        }
    }

    fn failed(&self, error: &watcher::Error) {
        let kind = K::kind(&());
        self.metrics.watch_error(&kind);
        let missing = match error {
            watcher::Error::InitialListFailed(kube::Error::Api(status))
            | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 404,
            _ => false,
        };
        let text = if missing {
            format!(
                "the API server does not know {kind}: apply the CustomResourceDefinitions (`landfall crds`)"
            )
        } else {
            format!("watch interrupted: {error}")
        };
        warn!(%kind, "{text}");
        self.synced.interrupted(text);
    }
}

/// Whether one store is complete, for readiness and for those who must wait.
#[derive(Debug)]
pub struct Synced {
    condition: Condition,
    done: tokio::sync::watch::Sender<bool>,
}

impl Synced {
    /// Not complete yet.
    pub fn new(condition: Condition) -> Self {
        condition.not_ready("waiting for the first list");
        Self { condition, done: tokio::sync::watch::Sender::new(false) }
    }

    fn ready(&self, detail: String) {
        self.condition.ready(detail);
        self.done.send_replace(true);
    }

    /// A store that was complete once stays usable while its watch is interrupted.
    fn interrupted(&self, reason: String) {
        if !*self.done.borrow() {
            self.condition.not_ready(reason);
        }
    }

    /// Waits until the store is complete.
    pub async fn wait(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.done.subscribe().wait_for(|done| *done).await;
    }
}
