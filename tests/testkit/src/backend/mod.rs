//! The API server under a test: the embedded one, or a real one when the environment names it.
//!
//! Tests that use [`Backend`] run unchanged on all three. By default it is the embedded server; `KUBEBUILDER_ASSETS`
//! (a folder with `etcd` and `kube-apiserver`) starts real programs for each test, `LANDFALL_TEST_KUBECONFIG` uses a
//! cluster. On real servers the controller signs in as its own `ServiceAccount`, so that a right missing from the
//! shipped `ClusterRole` fails a test. The embedded server authorises nothing.

mod choice;
mod install;
mod kubeconfig;
mod programs;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};

use crate::apiserver::{ApiServer, Served, StartError};

pub use choice::{ASSETS, Choice, KUBECONFIG};
use programs::Programs;

/// Where the controller lives.
pub const NAMESPACE: &str = "landfall-system";
/// The controller's `ServiceAccount` there.
pub const ACCOUNT: &str = "landfall-controller";
/// On every namespace a test makes, so that leftovers of a test that panicked can be found in a cluster:
/// `kubectl delete namespaces -l landfall.dev/test`.
const TEST_LABEL: &str = "landfall.dev/test";

/// An API server with what the controller needs already installed.
///
/// Dropping it ends what it started. In a cluster call [`Backend::cleanup`] as well: a drop cannot wait for
/// the namespaces to go.
pub struct Backend {
    server: Server,
    admin: Client,
    controller: Client,
    kubeconfig: String,
    namespaces: Mutex<Vec<String>>,
}

enum Server {
    Embedded { server: ApiServer, _listener: Served },
    Programs { _running: Programs },
    Cluster,
}

/// Why there is no API server to test against.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Both variables are set.
    #[error("{KUBECONFIG} and {ASSETS} are both set; set one of them")]
    Ambiguous,
    /// A variable leads nowhere.
    #[error("{variable}: no such file: {}", path.display())]
    Missing {
        /// The environment variable.
        variable: &'static str,
        /// What was looked for.
        path: PathBuf,
    },
    /// A temporary file or a free port could not be had.
    #[error("preparing the control plane")]
    Files(#[source] io::Error),
    /// No key for service account tokens.
    #[error("generating an RSA key")]
    Key,
    /// A program did not start.
    #[error("starting {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program ended or never got ready.
    #[error("{name}: {problem}; its last lines:\n{log}")]
    Program {
        /// The program.
        name: String,
        /// What happened.
        problem: String,
        /// The end of its output.
        log: String,
    },
    /// The kubeconfig does not make a client.
    #[error("kubeconfig: {0}")]
    Kubeconfig(String),
    /// The embedded server does not start.
    #[error("starting the embedded server")]
    Embedded(#[from] StartError),
    /// The manifests are not objects.
    #[error("manifests: {0}")]
    Manifest(String),
    /// The server refused an object.
    #[error("installing {kind} {name}")]
    Install {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// The refusal.
        source: Box<kube::Error>,
    },
    /// Waiting for a definition failed.
    #[error("waiting for the definition {name}")]
    Wait {
        /// Name of the definition.
        name: String,
        /// Why.
        source: Box<kube::runtime::wait::Error>,
    },
    /// A definition is accepted but not served.
    #[error("the definition {name} is not served")]
    NotServed {
        /// Name of the definition.
        name: String,
    },
    /// A request of the administrator failed.
    #[error("{what}")]
    Request {
        /// What was tried.
        what: String,
        /// The answer.
        source: Box<kube::Error>,
    },
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = match self.server {
            Server::Embedded { .. } => "Embedded",
            Server::Programs { .. } => "Programs",
            Server::Cluster => "Cluster",
        };
        f.debug_struct("Backend").field("server", &server).finish_non_exhaustive()
    }
}

impl Backend {
    /// The chosen server, with the objects of `manifests` (the YAML of `deploy/base`) applied.
    pub async fn new(choice: Choice, manifests: &str) -> Result<Self, BackendError> {
        let (server, kubeconfig) = match choice {
            Choice::Embedded => return Self::in_process(manifests).await,
            Choice::Programs { etcd, apiserver } => {
                let running = Programs::start(&etcd, &apiserver).await?;
                let kubeconfig = running.kubeconfig().to_owned();
                (Server::Programs { _running: running }, kubeconfig)
            }
            Choice::Cluster(path) => {
                let text = std::fs::read_to_string(&path).map_err(BackendError::Files)?;
                (Server::Cluster, text)
            }
        };
        let admin = client_of(&kubeconfig).await?;
        install::install(&admin, manifests).await?;
        let controller = sign_in(&admin, &kubeconfig).await?;
        Ok(Self { server, admin, controller, kubeconfig, namespaces: Mutex::default() })
    }

    /// The embedded server, and a listener for the kubeconfig.
    async fn in_process(manifests: &str) -> Result<Self, BackendError> {
        let server = ApiServer::start()?;
        let listener = server.serve((Ipv4Addr::LOCALHOST, 0).into()).await.map_err(BackendError::Files)?;
        let client = server.client();
        install::install(&client, manifests).await?;
        Ok(Self {
            kubeconfig: listener.kubeconfig(),
            server: Server::Embedded { server, _listener: listener },
            admin: client.clone(),
            controller: client,
            namespaces: Mutex::default(),
        })
    }

    /// A client that may do everything.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// A client with the rights of the shipped `ClusterRole`, where the server checks rights.
    pub fn controller(&self) -> Client {
        self.controller.clone()
    }

    /// The embedded server with its hooks, clock and journal; `None` on real servers, where a test that needs them
    /// cannot run.
    pub fn embedded(&self) -> Option<&ApiServer> {
        match &self.server {
            Server::Embedded { server, .. } => Some(server),
            Server::Programs { .. } | Server::Cluster => None,
        }
    }

    /// Text of a kubeconfig for the administrator.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// Makes a namespace of its own for a test, named `HINT-` and a random end.
    pub async fn namespace(&self, hint: &str) -> Result<String, BackendError> {
        let wanted = Namespace {
            metadata: ObjectMeta {
                generate_name: Some(format!("{hint}-")),
                labels: Some([(TEST_LABEL.to_owned(), "true".to_owned())].into()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let api: Api<Namespace> = Api::all(self.admin());
        let made = api.create(&PostParams::default(), &wanted).await;
        let name = made.map_err(request(format!("making a namespace {hint}-…")))?.name_any();
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        Ok(name)
    }

    /// Deletes the namespaces made here. It does not wait: the server finishes alone.
    pub async fn cleanup(&self) -> Result<(), BackendError> {
        let names = std::mem::take(&mut *self.namespaces.lock().unwrap_or_else(PoisonError::into_inner));
        let api: Api<Namespace> = Api::all(self.admin());
        for name in names {
            match api.delete(&name, &DeleteParams::background()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                other => other.map(drop).map_err(request(format!("deleting the namespace {name}")))?,
            }
        }
        Ok(())
    }
}

/// Maps a client error of one request.
fn request(what: String) -> impl FnOnce(kube::Error) -> BackendError {
    move |source| BackendError::Request { what, source: Box::new(source) }
}

async fn client_of(kubeconfig: &str) -> Result<Client, BackendError> {
    client_with(kubeconfig, |_| {}).await
}

async fn client_with(kubeconfig: &str, change: impl FnOnce(&mut Config)) -> Result<Client, BackendError> {
    let unusable = |error: &dyn std::fmt::Display| BackendError::Kubeconfig(error.to_string());
    let parsed = Kubeconfig::from_yaml(kubeconfig).map_err(|error| unusable(&error))?;
    let mut config = Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(&error))?;
    change(&mut config);
    Client::try_from(config).map_err(|error| unusable(&error))
}

/// A client of the controller's `ServiceAccount`, by a token of one hour (the `TokenRequest` API).
async fn sign_in(admin: &Client, kubeconfig: &str) -> Result<Client, BackendError> {
    let accounts: Api<ServiceAccount> = Api::namespaced(admin.clone(), NAMESPACE);
    let wanted = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let what = || format!("a token for the ServiceAccount {NAMESPACE}/{ACCOUNT} (do the manifests have it?)");
    let answer = accounts.create_token_request(ACCOUNT, &PostParams::default(), &wanted).await;
    let token = answer.map_err(request(what()))?.status.map(|status| status.token.into());
    client_with(kubeconfig, |config| config.auth_info = AuthInfo { token, ..AuthInfo::default() }).await
}
