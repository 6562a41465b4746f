//! One term of leadership: everything that writes.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::api::core::v1::Service;
use kube::core::DeserializeGuard;
use kube::{Api, Client};
use landfall_core::desired::fingerprint;
use landfall_core::ids::{LbId, ProviderName};
use landfall_core::pools::AddressBook;
use landfall_core::provider::Provider;
use landfall_core::report::shown;
use landfall_runtime::client::bounded;
use landfall_runtime::lease::{Claim, LostClaim};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::cluster::Key;
use crate::events::Recorder;
use crate::orphans::Orphans;
use crate::policy::{Next, spread};
use crate::queue::{Due, Lane, Taken};
use crate::shared::Shared;
use crate::slim::Slim;
use crate::watch::PAGE;
use crate::work::{Effects, Looker};
use crate::writer::Writer;
use crate::{classes, pools};

/// How long changes of classes, pools and usage are collected before statuses follow.
const STATUS_DELAY: Duration = Duration::from_millis(500);
/// Pause after a status of a pool or class could not be written, or after a task has failed.
const STATUS_RETRY: Duration = Duration::from_secs(10);
/// How long freed capacity is collected before those who wait for it are looked at.
const FREED_DELAY: Duration = Duration::from_millis(200);
/// How long a look keeps its worker. What takes longer goes on beside the workers.
const PROMPT: Duration = Duration::from_secs(5);
/// How many looks may go on beside the workers of a provider, as a multiple of the workers.
const SLOW_SHARE: usize = 4;
/// Pause after a panic inside a look.
const AFTER_PANIC: Duration = Duration::from_mins(5);
/// Pause before the Services are listed once more at the begin of a term.
const LIST_RETRY: Duration = Duration::from_secs(1);
/// Looks at keys without a provider only write refusals.
const OTHER_WORKERS: usize = 2;

/// Leads until the claim is lost or the process stops.
pub(crate) async fn lead(
    shared: &Arc<Shared>,
    claim: Claim,
    client: &Client,
    recorder: &Arc<Recorder>,
    stop: &CancellationToken,
) {
    info!("leading");
    let writer = Writer {
        client: client.clone(),
        claim: claim.clone(),
        limit: shared.config.api_timeout,
        cluster: Arc::clone(&shared.cluster),
        metrics: shared.metrics.clone(),
    };
    let looker = Looker::new(
        Arc::clone(&shared.cluster),
        Arc::clone(&shared.providers),
        writer.clone(),
        Arc::clone(recorder),
        shared.config.clone(),
    );
    let term = Arc::new(Term {
        slow: room_for_slow_looks(shared),
        shared: Arc::clone(shared),
        looker,
        writer,
        stop: stop.clone(),
        running: TaskTracker::new(),
    });
    tokio::select! {
        () = term.run() => {}
        () = claim.lost() => warn!("leadership lost"),
    }
    // After an orderly stop they finish; after a lost claim they end at once. Either way before the next term.
    term.running.close();
    term.running.wait().await;
    shared.set_leading(false);
}

fn room_for_slow_looks(shared: &Shared) -> HashMap<Option<ProviderName>, Arc<Semaphore>> {
    let room = shared.config.workers.saturating_mul(SLOW_SHARE).min(Semaphore::MAX_PERMITS);
    shared.queues.all().map(|(_, provider)| (provider, Arc::new(Semaphore::new(room)))).collect()
}

struct Term {
    shared: Arc<Shared>,
    looker: Looker,
    writer: Writer,
    stop: CancellationToken,
    /// Room for looks that outlast [`PROMPT`], per queue.
    slow: HashMap<Option<ProviderName>, Arc<Semaphore>>,
    /// Every task, and the looks that go on beside the workers: waited for before the next term. All they do is
    /// under the claim, so they end with it.
    running: TaskTracker,
}

impl Term {
    /// Begins, and works until the process stops. Dropping the future ends every task where it stands.
    async fn run(self: &Arc<Self>) {
        for provider in self.shared.providers.values() {
            provider.begin_term();
        }
        tokio::select! {
            () = self.stop.cancelled() => return,
            () = self.catch_up() => {}
        }
        self.begin();
        let mut tasks = self.spawn();
        while let Some(ended) = tasks.join_next().await {
            if let Err(failure) = ended {
                // The next term begins with everything, so nothing is lost by giving this one up.
                error!(%failure, "a task of the term has failed: this is a bug; the term ends");
                self.unless_stopped(tokio::time::sleep(STATUS_RETRY)).await;
                return;
            }
        }
        info!("stopped");
    }

    /// Brings the store of Services up to what the last leader wrote: a watch may lag behind, and an address that
    /// is given out by a stale store would be given out twice. Needed where the Services are the only record.
    async fn catch_up(&self) {
        if self.shared.providers.values().all(|provider| provider.capabilities().external_state) {
            return;
        }
        while let Err(failure) = self.list_services().await {
            warn!(%failure, "the Services cannot be listed; nothing is given out before they are");
            tokio::time::sleep(LIST_RETRY).await;
        }
    }

    /// A list without a resource version is answered from the newest state.
    async fn list_services(&self) -> Result<(), landfall_runtime::client::ApiError> {
        let client = self.writer.client.clone();
        let api: Api<DeserializeGuard<Service>> = match &self.shared.config.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let mut parameters = kube::api::ListParams::default().limit(PAGE);
        loop {
            let call = api.list(&parameters);
            let page = bounded(self.shared.config.api_timeout, || "list Services".to_owned(), call).await?;
            for mut service in page.items.into_iter().filter_map(|item| item.0.ok()) {
                service.slim();
                if let Some(change) = self.shared.cluster.services.observe(service) {
                    self.shared.cluster.service_changed(&change);
                }
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(()),
            }
        }
    }

    /// Fills the queues with everything. What the Services show is adopted before anything new is given out.
    fn begin(&self) {
        let shared = &self.shared;
        shared.set_leading(true);
        shared.cluster.nodes_changed();
        pools::feed(&shared.cluster, &shared.providers, true);
        for key in shared.cluster.keys() {
            let lane = if self.serves(&key) { Lane::Sweep } else { Lane::New };
            shared.add_all([key], Due::forced(lane));
        }
        shared.statuses_due.notify_one();
    }

    fn serves(&self, key: &Key) -> bool {
        let Key::Lb(id) = key else { return false };
        let group = self.shared.cluster.group(id);
        group.wanted.iter().any(|facts| !shown(&facts.service).is_empty())
    }

    fn spawn(self: &Arc<Self>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for (label, provider) in self.shared.queues.all() {
            let workers = if provider.is_some() { self.shared.config.workers } else { OTHER_WORKERS };
            for _ in 0..workers {
                tasks.spawn(self.running.track_future(Arc::clone(self).work(label, provider)));
            }
        }
        for name in self.shared.providers.keys() {
            tasks.spawn(self.running.track_future(Arc::clone(self).find_orphans(*name)));
        }
        tasks.spawn(self.running.track_future(Arc::clone(self).follow_nodes()));
        tasks.spawn(self.running.track_future(Arc::clone(self).follow_pools()));
        tasks.spawn(self.running.track_future(Arc::clone(self).keep_statuses()));
        tasks
    }

    async fn work(self: Arc<Self>, label: &'static str, provider: Option<ProviderName>) {
        let queue = self.shared.queues.queue(provider);
        loop {
            let taken = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                taken = queue.take() => taken,
            };
            self.shared.metrics.dequeued(label, taken.waited, taken.depth);
            let mut look = Box::pin(Arc::clone(&self).look(taken, provider));
            if tokio::time::timeout(PROMPT, &mut look).await.is_ok() {
                continue;
            }
            // A worker that waits for one that hangs is none for the others.
            let room = self.slow.get(&provider).map(|room| Arc::clone(room).try_acquire_owned());
            match room {
                Some(Ok(room)) => drop(self.running.spawn(async move {
                    look.await;
                    drop(room);
                })),
                Some(Err(_)) | None => look.await,
            }
        }
    }

    async fn look(self: Arc<Self>, taken: Taken<Key>, provider: Option<ProviderName>) {
        let look = AssertUnwindSafe(self.looker.look(&taken.key, taken.due)).catch_unwind().await;
        let (next, effects) = look.unwrap_or_else(|_| {
            error!(key = ?taken.key, "a look panicked: this is a bug; the load balancer is left alone for a while");
            (Next::Retry(AFTER_PANIC), Effects::default())
        });
        self.follow(&taken.key, provider, next, effects);
        self.shared.queues.queue(provider).done(&taken.key);
    }

    /// Retries and polls have lanes of their own: however many of them there are, a change is looked at next.
    fn follow(&self, key: &Key, provider: Option<ProviderName>, next: Next, effects: Effects) {
        let queues = &self.shared.queues;
        let (pause, lane) = match next {
            // What is refused is compared too, though nothing here changed: the cure may be on the provider's side.
            Next::Settled | Next::Wait => {
                (spread(self.shared.config.resync, fingerprint(&format!("{key:?}"))), Lane::Sweep)
            }
            Next::Poll(pause) => (pause, Lane::New),
            Next::Again(pause) => (pause.min(self.shared.config.resync), Lane::Sweep),
            Next::Retry(pause) => (pause, Lane::Sweep),
            Next::Forget => (Duration::MAX, Lane::Sweep),
        };
        if next != Next::Forget {
            queues.add_after(key.clone(), Due::forced(lane), pause);
        }
        for other in effects.touched.into_iter().filter(|other| other != key) {
            queues.add(other, Due::new(Lane::Change));
        }
        if let Some(provider) = provider.filter(|_| effects.freed) {
            let book = self.shared.providers.get(&provider).and_then(|provider| provider.address_book());
            let restless = book.map(AddressBook::restless).unwrap_or_default().into_iter().map(Key::Lb);
            for hungry in self.looker.starving(provider).into_iter().chain(restless) {
                queues.add_after(hungry, Due::forced(Lane::New), FREED_DELAY);
            }
        }
        if effects.usage_changed {
            self.shared.statuses_due.notify_one();
        }
    }

    /// Waits for a signal, then a while for more of it. False if the process stops meanwhile.
    async fn gathered(&self, signal: &Notify, delay: Duration) -> bool {
        let wait = async {
            signal.notified().await;
            tokio::time::sleep(delay).await;
        };
        self.unless_stopped(wait).await.is_some()
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            done = work => Some(done),
        }
    }

    async fn follow_nodes(self: Arc<Self>) {
        let shared = &self.shared;
        while self.gathered(&shared.nodes_changed, shared.config.node_delay).await {
            if shared.cluster.nodes_changed() {
                shared.node_set_changed();
            }
        }
    }

    async fn follow_pools(self: Arc<Self>) {
        let shared = &self.shared;
        while self.gathered(&shared.pools_changed, FREED_DELAY).await {
            shared.add_all(pools::feed(&shared.cluster, &shared.providers, false), Due::forced(Lane::Change));
            shared.pools_fed();
        }
    }

    async fn keep_statuses(self: Arc<Self>) {
        let shared = &self.shared;
        while self.gathered(&shared.statuses_due, STATUS_DELAY).await {
            let pools = pools::write_statuses(&shared.cluster, &shared.providers, &self.writer).await;
            let classes = classes::write_statuses(&shared.cluster, &shared.providers, &self.writer).await;
            if let Err(failure) = pools.and(classes) {
                warn!(error = failure.explain(), "a status could not be written");
                if self.unless_stopped(tokio::time::sleep(STATUS_RETRY)).await.is_none() {
                    return;
                }
                shared.statuses_due.notify_one();
            }
        }
    }

    async fn find_orphans(self: Arc<Self>, name: ProviderName) {
        let shared = &self.shared;
        let Some(provider) = shared.providers.get(&name) else { return };
        let mut known = Orphans::default();
        while self.unless_stopped(tokio::time::sleep(shared.config.resync)).await.is_some() {
            match self.unless_stopped(self.inventory(name, provider.as_ref())).await {
                Some(Some(ids)) => self.judge(name, &mut known, &ids),
                Some(None) => {}
                None => return,
            }
        }
    }

    /// The load balancers that a provider knows of; `None` if it could not be asked.
    async fn inventory(&self, name: ProviderName, provider: &dyn Provider) -> Option<BTreeSet<LbId>> {
        let bounded = tokio::time::timeout(self.shared.config.look_timeout, provider.inventory());
        match self.writer.claim.guard(AssertUnwindSafe(bounded).catch_unwind()).await {
            Ok(Ok(Ok(Ok(owned)))) => return Some(owned.into_iter().map(|owned| owned.mark.lb).collect()),
            Ok(Ok(Ok(Err(failure)))) => warn!(provider = %name, error = failure.explain(), "no inventory"),
            Ok(Ok(Err(_elapsed))) => {
                warn!(provider = %name, "no inventory: the provider did not answer in time");
            }
            Ok(Err(_panic)) => error!(provider = %name, "an inventory panicked: this is a bug"),
            // The term ends.
            Err(LostClaim) => {}
        }
        None
    }

    fn judge(&self, name: ProviderName, orphans: &mut Orphans, ids: &BTreeSet<LbId>) {
        let shared = &self.shared;
        let now = tokio::time::Instant::now();
        // Those of namespaces that are not watched may well have their Services.
        let watched = shared.config.namespace.as_deref();
        let outside = |id: &LbId| watched.is_some_and(|watched| id.namespace() != Some(watched));
        let known = |id: &LbId| shared.cluster.is_known(id) || outside(id);
        let findings = orphans.update(ids, known, now, shared.config.orphan_grace);
        shared.metrics.orphans(name, findings.count);
        for id in findings.new {
            warn!(lb = %id, "orphan: carries our marks, but no Service wants or holds it");
        }
        if !shared.config.collect_orphans {
            return;
        }
        if shared.cluster.services.has_unreadable() {
            warn!("there are Services that cannot be read: no orphan is deleted, as it may be theirs");
            return;
        }
        for id in findings.overdue {
            warn!(lb = %id, "orphan is deleted");
            self.looker.condemn(&id);
            shared.add_all([Key::Lb(id)], Due::forced(Lane::Sweep));
        }
    }
}
