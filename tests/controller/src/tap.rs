//! What the controllers of a test ask of the API server.
//!
//! A [`Tap`] stands between a controller and its client, so its counts hold on every kind of server and are free of the
//! test's own requests. It can also let a chosen write go wrong, counted over the writes of these controllers alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tokio::sync::Notify;
use tower::BoxError;

/// What happens to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It never reaches the server and is never answered: where a test lets the controller die.
    HangBefore,
    /// It takes effect and is never answered.
    HangAfter,
    /// It never reaches the server; the connection breaks.
    BreakBefore,
    /// It takes effect; the connection breaks before the answer.
    BreakAfter,
}

/// The record of the requests through it; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tap {
    state: Arc<Mutex<State>>,
    hung: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    writes: Vec<Asked>,
    permissions: BTreeSet<Permission>,
    mishaps: BTreeMap<usize, Mishap>,
    cut: Option<String>,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Verb and resource.
    pub permission: Permission,
    /// Name of the object; empty if it is created.
    pub name: String,
}

/// A right as RBAC names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// API group, empty for core.
    pub group: String,
    /// `services` or `services/status`.
    pub resource: String,
    /// `patch`.
    pub verb: String,
}

impl Tap {
    /// A client whose requests go through here.
    pub fn client(&self, inner: Client) -> Client {
        let tap = self.clone();
        let namespace = inner.default_namespace().to_owned();
        let pass = move |request: Request<Body>| {
            let (tap, inner) = (tap.clone(), inner.clone());
            async move { tap.pass(&inner, request).await }
        };
        Client::new(tower::service_fn(pass), namespace)
    }

    /// How many writes so far, whatever came of them.
    pub fn writes(&self) -> usize {
        self.state().writes.len()
    }

    /// The writes after the first `skip`, as `verb resource name`; the random names of events are left out.
    pub fn written_since(&self, skip: usize) -> Vec<String> {
        let state = self.state();
        state
            .writes
            .iter()
            .skip(skip)
            .map(|asked| {
                let text = format!("{} {} {}", asked.permission.verb, asked.permission.resource, asked.name);
                text.trim_end().to_owned()
            })
            .collect()
    }

    /// How many writes to a resource such as `services/status` there were so far.
    pub fn writes_to(&self, resource: &str) -> usize {
        self.state().writes.iter().filter(|asked| asked.permission.resource == resource).count()
    }

    /// Every right used so far.
    pub fn permissions(&self) -> BTreeSet<Permission> {
        self.state().permissions.clone()
    }

    /// Plans a mishap for the `n`-th write from now, counted from 1.
    pub fn plan(&self, n: usize, mishap: Mishap) {
        let mut state = self.state();
        let number = state.writes.len() + n;
        state.mishaps.insert(number, mishap);
    }

    /// Forgets every mishap that has not happened.
    pub fn clear(&self) {
        self.state().mishaps.clear();
    }

    /// From now on requests to this resource reach nobody, their connections break; the empty word means all
    /// resources, `None` ends it. Watches that run already go on.
    pub fn cut(&self, resource: Option<&str>) {
        self.state().cut = resource.map(str::to_owned);
    }

    /// Resolves when a write hangs; each resolves one wait.
    pub async fn hung(&self) {
        self.hung.notified().await;
    }

    async fn pass(&self, inner: &Client, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let broken = || BoxError::from("connection broken by the test");
        match self.record(&request) {
            None => Ok(inner.send(request).await?),
            Some(Mishap::HangBefore) => self.hang().await,
            Some(Mishap::BreakBefore) => Err(broken()),
            Some(mishap @ (Mishap::HangAfter | Mishap::BreakAfter)) => {
                inner.send(request).await?;
                if mishap == Mishap::HangAfter { self.hang().await } else { Err(broken()) }
            }
        }
    }

    async fn hang<T>(&self) -> T {
        self.hung.notify_one();
        std::future::pending().await
    }

    fn record(&self, request: &Request<Body>) -> Option<Mishap> {
        let asked = Asked::read(request)?;
        let mut state = self.state();
        if state.cut.as_ref().is_some_and(|cut| cut.is_empty() || *cut == asked.permission.resource) {
            return Some(Mishap::BreakBefore);
        }
        state.permissions.insert(asked.permission.clone());
        if request.method() == Method::GET {
            return None;
        }
        state.writes.push(asked);
        let number = state.writes.len();
        state.mishaps.remove(&number)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// Reads path and method as the API server does; `None` for what is about no resource.
    fn read(request: &Request<Body>) -> Option<Self> {
        let path: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match path.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let rest = match rest {
            ["namespaces", _, inside @ ..] if !inside.is_empty() => inside,
            other => other,
        };
        let (plural, name, sub) = match *rest {
            [plural] => (plural, "", ""),
            [plural, name] => (plural, name, ""),
            [plural, name, sub] => (plural, name, sub),
            _ => return None,
        };
        let watches = request.uri().query().unwrap_or_default().split('&').any(|pair| pair == "watch=true");
        let verb = match (request.method().as_str(), name) {
            ("GET", _) if watches => "watch",
            ("GET", "") => "list",
            ("GET", _) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", "") => "deletecollection",
            ("DELETE", _) => "delete",
            _ => return None,
        };
        let resource = if sub.is_empty() { plural.to_owned() } else { format!("{plural}/{sub}") };
        let permission = Permission { group: group.to_owned(), resource, verb: verb.to_owned() };
        Some(Self { permission, name: name.to_owned() })
    }
}
