//! The façade: one API server per value, any number per process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::clock::Clock;
use super::engine::{DeleteOptions, Engine, OnMissing, Part, Tracking, Update, WriteOptions};
use super::error::ApiError;
use super::handlers::{App, Dropped};
use super::hooks::Hooks;
use super::journal::Journal;
use super::kinds::Kind;
use super::list::ListQuery;
use super::options::{Options, StartError};
use super::selector::Selector;
use super::serve::{self, Served};
use super::store::Key;

/// The field manager of direct writes.
const SET_UP: &str = "set-up";

/// An embedded Kubernetes API server. Dropping it ends its watches and stops to listen; clients that are left
/// over can still read and write what is in memory.
pub struct ApiServer {
    app: Arc<App>,
}

impl ApiServer {
    /// A server with the default [`Options`].
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(Options::default())
    }

    /// A server with the given options.
    pub fn start_with(options: Options) -> Result<Self, StartError> {
        let engine = Arc::new(Engine::new(&options, Clock::default())?);
        let app = App {
            hooks: Hooks::new(Arc::clone(&engine)),
            journal: Journal::new(options.journal),
            stop: CancellationToken::new(),
            engine,
            options,
        };
        Ok(Self { app: Arc::new(app) })
    }

    /// A client in this process, with `default` as its namespace. Needs a tokio runtime.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "default")
    }

    /// The server as a tower service, for clients that are built otherwise. It fails where a connection would
    /// break ([`Fault::Drop`](super::Fault::Drop)).
    pub fn service(&self) -> ApiService {
        ApiService { app: Arc::clone(&self.app), stop: self.app.stop.clone() }
    }

    /// Listens on `addr` in plain HTTP, without authentication, until the result is dropped or stopped.
    /// Port 0 takes a free one.
    pub async fn serve(&self, addr: SocketAddr) -> std::io::Result<Served> {
        serve::serve(self.service(), addr, self.app.stop.child_token()).await
    }

    /// Interference: faults, cut or lagging watches, lost history, the clock.
    pub fn hooks(&self) -> &Hooks {
        &self.app.hooks
    }

    /// What the server was asked.
    pub fn journal(&self) -> &Journal {
        &self.app.journal
    }

    /// What the server was started with.
    pub fn options(&self) -> &Options {
        &self.app.options
    }

    /// How many cluster IPs and node ports are out, for tests that look for leaks.
    pub fn allocated(&self) -> (usize, usize) {
        self.app.engine.services.in_use()
    }
}

/// Direct access for the set-up of tests: same rules as through a client, but past hooks and journal.
/// Objects name their kind in `apiVersion` and `kind`; a namespaced one without a namespace goes to `default`.
impl ApiServer {
    /// Creates an object, and sets its status where the body has one.
    pub fn create(&self, body: Value) -> Result<Value, ApiError> {
        let kind = self.kind_of(&body)?;
        let namespace = namespace_of(&kind, &body);
        let status =
            body.get("status").filter(|_| kind.has_status && kind.rules.clears_status_on_create).cloned();
        let created = self.app.engine.create(&kind, &namespace, body, &WriteOptions::by(SET_UP))?;
        let shown = kind.view.shown(&created.object.value).into_owned();
        let Some(status) = status else { return Ok(shown) };
        let mut with_status = shown;
        with_status["status"] = status;
        self.write(&kind, Part::Status, with_status)
    }

    /// Reads an object; `namespace` is ignored for kinds of the cluster.
    pub fn get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, ApiError> {
        let kind = self.kind(api_version, kind)?;
        let namespace = if kind.namespaced { namespace } else { "" };
        let object = self.app.engine.get(&kind, &Key::new(namespace, name))?;
        Ok(kind.view.shown(&object.value).into_owned())
    }

    /// All objects of a kind; an empty `namespace` means all namespaces.
    pub fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Result<Vec<Value>, ApiError> {
        let kind = self.kind(api_version, kind)?;
        let selector = Selector::parse(&kind, namespace, "", "")?;
        let page = ListQuery::all(selector).run(&self.app.engine.store, &self.app.engine.table(&kind))?;
        Ok(page.objects.iter().map(|object| kind.view.shown(&object.value).into_owned()).collect())
    }

    /// Replaces an object, its status excepted. A `resourceVersion` in the body must be the stored one.
    pub fn update(&self, body: Value) -> Result<Value, ApiError> {
        let kind = self.kind_of(&body)?;
        self.write(&kind, Part::Main, body)
    }

    /// Deletes an object; with finalizers it stays until they are gone.
    pub fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<(), ApiError> {
        let kind = self.kind(api_version, kind)?;
        let namespace = if kind.namespaced { namespace } else { "" };
        self.app.engine.delete(&kind, &Key::new(namespace, name), &DeleteOptions::default()).map(drop)
    }

    fn write(&self, kind: &Arc<Kind>, part: Part, body: Value) -> Result<Value, ApiError> {
        let mut key = Key::of(&body);
        key.namespace = namespace_of(kind, &body);
        let options = WriteOptions::by(SET_UP);
        let (missing, tracking) = (OnMissing::Refuse, Tracking::Compare);
        let update = Update { kind, key: &key, part, missing, tracking, options: &options };
        let written = self.app.engine.update(&update, |_| Ok(body))?;
        Ok(kind.view.shown(&written.object.value).into_owned())
    }

    fn kind_of(&self, body: &Value) -> Result<Arc<Kind>, ApiError> {
        let text = |field: &str| body[field].as_str().unwrap_or_default();
        self.kind(text("apiVersion"), text("kind"))
    }

    fn kind(&self, api_version: &str, kind: &str) -> Result<Arc<Kind>, ApiError> {
        let unknown =
            || ApiError::bad_request(format!("no kind {kind:?} in version {api_version:?} is served"));
        self.app.engine.kinds.of(api_version, kind).ok_or_else(unknown)
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}

/// The server as a tower service.
#[derive(Clone)]
pub struct ApiService {
    app: Arc<App>,
    /// Ends the watches that were started through this service.
    stop: CancellationToken,
}

impl ApiService {
    /// The same service, whose watches also end with `stop`.
    pub(super) fn until(&self, stop: CancellationToken) -> Self {
        Self { app: Arc::clone(&self.app), stop }
    }
}

impl<B> Service<Request<B>> for ApiService
where
    B: axum::body::HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = Dropped;
    type Future = BoxFuture<'static, Result<Response<Body>, Dropped>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Dropped>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { app, stop } = self.clone();
        Box::pin(async move { app.answer(request.map(Body::new), &stop).await })
    }
}

fn namespace_of(kind: &Kind, body: &Value) -> String {
    match body["metadata"]["namespace"].as_str() {
        _ if !kind.namespaced => String::new(),
        Some(namespace) if !namespace.is_empty() => namespace.to_owned(),
        _ => "default".to_owned(),
    }
}
