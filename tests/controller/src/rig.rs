//! A test's API server, controllers and namespace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use landfall_api::names::LEASE_NAME;
use landfall_controller::{Config, Controller, Parts};
use landfall_core::ids::ClusterId;
use landfall_core::provider::Provider;
use landfall_core::report::{conditions, shown};
use landfall_memory::MemoryProvider;
use landfall_memory::cloud::Cloud;
use landfall_metal::MetalProvider;
use landfall_runtime::client::Clients;
use landfall_runtime::health::Health;
use landfall_runtime::lease::{Claim, Elector, Identity, KubeLease, Leadership, LeaseMetrics, Timing};
use landfall_runtime::metrics::Metrics;
use landfall_testkit::apiserver::ApiServer;
use landfall_testkit::backend::{Backend, Choice};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::objects::node;
use crate::rights::granted;
use crate::tap::Tap;

/// What `deploy/` ships, as the administrator would apply it.
const MANIFESTS: &str = concat!(
    include_str!("../../../deploy/crds/addresspools.landfall.dev.yaml"),
    "\n---\n",
    include_str!("../../../deploy/crds/loadbalancerclasses.landfall.dev.yaml"),
    "\n---\n",
    include_str!("../../../deploy/base/namespace.yaml"),
    "\n---\n",
    include_str!("../../../deploy/base/rbac.yaml"),
);

/// How long a test waits for something that should happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long nothing must be written for a cluster to count as quiet: longer than polls and first retries.
const QUIET: Duration = Duration::from_secs(12);

/// Kinds without a namespace.
const CLUSTER_WIDE: [&str; 5] =
    ["Node", "Namespace", "AddressPool", "LoadBalancerClass", "CustomResourceDefinition"];

/// An API server, a namespace and a cloud for one test.
pub struct Rig {
    /// The API server.
    pub backend: Arc<Backend>,
    /// The test's own namespace.
    pub namespace: String,
    /// The cloud of the memory provider. It outlives controllers.
    pub cloud: Cloud,
    /// What the controllers of this rig ask of the API server.
    pub tap: Tap,
    /// Objects without a namespace that the test made: kind and name.
    made: Arc<Mutex<Vec<(String, String)>>>,
}

/// A running controller. Dropping it is a crash; [`Running::stop`] is an orderly end.
pub struct Running {
    /// Its metrics.
    pub metrics: Metrics,
    /// Its health.
    pub health: Health,
    /// Keeps the leadership alive where no election runs.
    leadership: Option<watch::Sender<Leadership>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends it in order and waits for it.
    pub async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.expect("the controller does not panic");
    }

    /// Ends it on the spot, and waits until nothing of it runs any more.
    pub async fn crash(mut self) {
        self.task.abort();
        let ended = (&mut self.task).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it was running");
    }

    /// What its readiness says about one check: whether it holds, and why.
    pub fn check(&self, name: &str) -> (bool, String) {
        let report = self.health.readiness();
        let check = report.checks.into_iter().find(|check| check.name == name).expect("a known check");
        (check.ok, check.detail)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.leadership.take());
        self.task.abort();
    }
}

/// Runs a test on the API server that the environment names. Whatever it does, the controllers in it must get along with
/// the rights that `deploy/base` grants.
pub fn run<F: Future<Output = ()>>(hint: &str, test: impl FnOnce(Rig) -> F) {
    start(hint, chosen(), test);
}

/// Runs a test that interferes with the server, or waits for longer than anybody would: only on the embedded server,
/// where time is virtual. Elsewhere it says that it was left out.
pub fn run_embedded<F: Future<Output = ()>>(hint: &str, test: impl FnOnce(Rig) -> F) {
    match chosen() {
        Choice::Embedded => start(hint, Choice::Embedded, test),
        _ => eprintln!("left out: {hint} needs the hooks or the clock of the embedded API server"),
    }
}

fn chosen() -> Choice {
    Choice::read(|name| std::env::var_os(name)).expect("environment")
}

fn start<F: Future<Output = ()>>(hint: &str, choice: Choice, test: impl FnOnce(Rig) -> F) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(matches!(choice, Choice::Embedded));
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "off".into());
    // Another test of this process may have been first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    builder.build().expect("runtime").block_on(async {
        let backend = Arc::new(Backend::new(choice, MANIFESTS).await.expect("API server"));
        let namespace = backend.namespace(hint).await.expect("namespace");
        let rig = Rig::new(Arc::clone(&backend), namespace);
        let (tap, made) = (rig.tap.clone(), Arc::clone(&rig.made));
        test(rig).await;
        clean_up(&backend, &made).await;
        let missing: Vec<_> = tap.permissions().difference(&granted()).cloned().collect();
        assert!(missing.is_empty(), "used and not granted in deploy/base/rbac.yaml: {missing:#?}");
    });
}

/// Leaves a server that outlives the test as it was. Tests on one cluster share its pools, classes and nodes: run them one
/// after the other there.
async fn clean_up(backend: &Arc<Backend>, made: &Mutex<Vec<(String, String)>>) {
    if backend.embedded().is_some() {
        return;
    }
    let made = std::mem::take(&mut *made.lock().unwrap_or_else(PoisonError::into_inner));
    let rig = Rig::new(Arc::clone(backend), String::new());
    for (kind, name) in made {
        let object = json!({"kind": kind, "apiVersion": api_version(&kind)});
        // It may be gone already.
        let _ = rig.api_of(&object).delete(&name, &DeleteParams::default()).await;
    }
    backend.cleanup().await.expect("cleaned up");
}

impl Rig {
    fn new(backend: Arc<Backend>, namespace: String) -> Self {
        Self { backend, namespace, cloud: Cloud::new(), tap: Tap::default(), made: Arc::default() }
    }

    /// The settings that most tests use.
    pub fn config(&self) -> Config {
        Config {
            namespace: Some(self.namespace.clone()),
            ..Config::new(ClusterId::new("test").expect("cluster id"))
        }
    }

    /// Starts a controller with the memory and the metal provider.
    pub fn start(&self) -> Running {
        self.start_with(self.config(), self.providers())
    }

    /// New instances of the providers, as after a restart.
    pub fn providers(&self) -> Vec<Arc<dyn Provider>> {
        let cluster = ClusterId::new("test").expect("cluster id");
        vec![Arc::new(MemoryProvider::new(cluster, self.cloud.clone())), Arc::new(MetalProvider::new())]
    }

    /// Starts a controller that leads without an election.
    pub fn start_with(&self, config: Config, providers: Vec<Arc<dyn Provider>>) -> Running {
        let (leadership, leading) = watch::channel(Leadership::Leading(Claim::always()));
        let mut running = self.launch(config, providers, &self.tap, leading);
        running.leadership = Some(leadership);
        running
    }

    /// Starts a controller that takes part in the election, with a tap of its own.
    pub fn start_elected(&self, name: &str) -> (Running, Elector, Tap) {
        self.start_elected_with(name, self.providers())
    }

    /// The same with these providers.
    pub fn start_elected_with(
        &self,
        name: &str,
        providers: Vec<Arc<dyn Provider>>,
    ) -> (Running, Elector, Tap) {
        let tap = Tap::default();
        let client = tap.client(self.backend.controller());
        let store = KubeLease::new(client, "landfall-system", LEASE_NAME);
        let metrics = LeaseMetrics::register(&Metrics::new("landfall", name));
        let identity = Identity::new(name).expect("identity");
        let elector = Elector::start(store, identity, Timing::default(), metrics);
        (self.launch(self.config(), providers, &tap, elector.leadership()), elector, tap)
    }

    fn launch(
        &self,
        config: Config,
        providers: Vec<Arc<dyn Provider>>,
        tap: &Tap,
        leading: watch::Receiver<Leadership>,
    ) -> Running {
        let client = tap.client(self.backend.controller());
        let clients =
            Clients { watches: client.clone(), writes: client, namespace: "landfall-system".into() };
        let (metrics, health) = (Metrics::new("landfall", "test"), Health::new());
        let instance = "test".to_owned();
        let parts = Parts { clients, providers, metrics: metrics.clone(), health: health.clone(), instance };
        let controller = Controller::new(config, parts).expect("controller");
        let stop = CancellationToken::new();
        let task = tokio::spawn(controller.run(move || leading, stop.clone()));
        Running { metrics, health, leadership: None, stop, task }
    }

    /// The embedded server, for tests that interfere with it.
    pub fn embedded(&self) -> &ApiServer {
        self.backend.embedded().expect("this test needs the embedded API server")
    }

    /// The administrator's client.
    pub fn admin(&self) -> Client {
        self.backend.admin()
    }

    /// Services of the test's namespace.
    pub fn services(&self) -> Api<Service> {
        Api::namespaced(self.admin(), &self.namespace)
    }

    /// Creates any object; namespaced ones without a namespace go to the test's.
    pub async fn create(&self, object: Value) -> DynamicObject {
        let api = self.api_of(&object);
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        if CLUSTER_WIDE.contains(&kind.as_str()) {
            let name = object.metadata.name.clone().unwrap_or_default();
            self.made.lock().unwrap_or_else(PoisonError::into_inner).push((kind, name));
        }
        api.create(&PostParams::default(), &object).await.expect("created")
    }

    /// Patches any object with a merge patch; `subresource` may be empty.
    pub async fn patch(&self, kind: &str, name: &str, subresource: &str, patch: &Value) {
        let object = json!({"kind": kind, "apiVersion": api_version(kind)});
        let api = self.api_of(&object);
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        let done = if subresource.is_empty() {
            api.patch(name, &parameters, &patch).await
        } else {
            api.patch_subresource(subresource, name, &parameters, &patch).await
        };
        done.expect("patched");
    }

    /// Deletes any object.
    pub async fn delete(&self, kind: &str, name: &str) {
        let object = json!({"kind": kind, "apiVersion": api_version(kind)});
        self.api_of(&object).delete(name, &DeleteParams::default()).await.expect("deleted");
    }

    /// A Service.
    pub async fn get(&self, name: &str) -> Service {
        self.services().get(name).await.expect("service")
    }

    /// Waits until a Service is as it should be, and returns it. Fails with what it is.
    pub async fn until(&self, name: &str, what: &str, good: impl Fn(&Service) -> bool) -> Service {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let service = self.services().get_opt(name).await.expect("read");
            if let Some(service) = service.as_ref().filter(|service| good(service)) {
                return service.clone();
            }
            assert!(Instant::now() < deadline, "{name} never {what}: {}", json!(service));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a Service shows an address or name, and returns the first.
    pub async fn address(&self, name: &str) -> String {
        let service = self.until(name, "had an address", |service| !shown(service).is_empty()).await;
        let entry = shown(&service).remove(0);
        entry.ip.or(entry.hostname).expect("ip or hostname")
    }

    /// Waits until a condition of a Service has this status and reason, and returns its message.
    pub async fn condition(&self, name: &str, kind: &str, status: &str, reason: &str) -> String {
        let fits = |service: &Service| {
            let mut all = conditions(service).into_iter();
            all.find(|c| c.type_ == kind && c.status == status && c.reason == reason)
        };
        let service = self.until(name, &format!("had {kind}={status} {reason}"), |s| fits(s).is_some()).await;
        fits(&service).map(|condition| condition.message).unwrap_or_default()
    }

    /// Waits until a Service is gone.
    pub async fn gone(&self, name: &str) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(service) = self.services().get_opt(name).await.expect("read") {
            assert!(Instant::now() < deadline, "{name} never went: {}", json!(service));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reasons and notes of the events about a Service, oldest first.
    pub async fn events(&self, name: &str) -> Vec<(String, String)> {
        let api: Api<Event> = Api::namespaced(self.admin(), &self.namespace);
        let mut list = api.list(&ListParams::default()).await.expect("events").items;
        list.retain(|event| {
            event.regarding.as_ref().is_some_and(|about| about.name.as_deref() == Some(name))
        });
        list.sort_by(|a, b| a.event_time.cmp(&b.event_time));
        list.into_iter()
            .map(|event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default()))
            .collect()
    }

    /// Reasons of the events about a Service, oldest first.
    pub async fn reasons(&self, name: &str) -> Vec<String> {
        self.events(name).await.into_iter().map(|(reason, _)| reason).collect()
    }

    /// Creates a node with a provider id.
    pub async fn node(&self, name: &str) {
        self.create(node(name, &json!({}))).await;
    }

    /// Any object as JSON; `None` if there is none.
    pub async fn read(&self, kind: &str, name: &str) -> Option<Value> {
        let object = json!({"kind": kind, "apiVersion": api_version(kind)});
        let found = self.api_of(&object).get_opt(name).await.expect("read");
        found.map(|object| serde_json::to_value(object).expect("JSON"))
    }

    /// Waits until something holds that is not about one Service.
    pub async fn eventually(&self, what: &str, good: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !good().await {
            assert!(Instant::now() < deadline, "never: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing was written for a while, neither to the API server nor to the cloud.
    pub async fn quiet(&self) {
        let count = || (self.tap.writes(), self.cloud.writes());
        loop {
            let before = count();
            tokio::time::sleep(QUIET).await;
            if count() == before {
                return;
            }
        }
    }

    fn api_of(&self, object: &Value) -> Api<DynamicObject> {
        let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        let (group, version) = match text("apiVersion").split_once('/') {
            Some((group, version)) => (group.to_owned(), version.to_owned()),
            None => (String::new(), text("apiVersion")),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind { group, version, kind: text("kind") });
        if CLUSTER_WIDE.contains(&text("kind").as_str()) {
            Api::all_with(self.admin(), &resource)
        } else {
            Api::namespaced_with(self.admin(), &self.namespace, &resource)
        }
    }
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "AddressPool" | "LoadBalancerClass" => "landfall.dev/v1alpha1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "EndpointSlice" => "discovery.k8s.io/v1",
        _ => "v1",
    }
}
