//! Clients of the Kubernetes API, and the bound that every call gets.
//!
//! kube installs aws-lc-rs as the TLS provider of the process when it builds its first client and none is set, so
//! nothing is to be done for that here. Call [`connect`] before another library could install a different one.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::header::{self, HeaderValue, InvalidHeaderValue};
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use thiserror::Error;
use tokio::time::timeout;

/// How long the write client waits for bytes of an answer. The bound of a call is set by [`bounded`] and is shorter.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Where the cluster is, and who asks.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// A kubeconfig file. Without it: `KUBECONFIG`, then `~/.kube/config`, then the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; without it the current one. Rules out the service account of the pod.
    pub context: Option<String>,
    /// The `User-Agent`, such as `landfall/1.2.3`: what API audit logs and priority levels see.
    pub user_agent: String,
}

/// Clients of one cluster. Both speak with the same identity.
#[derive(Clone)]
pub struct Clients {
    /// For lists and watches: retries 429, 503 and 504 by itself, and has no read timeout, which would end quiet
    /// watches.
    pub watches: Client,
    /// For everything else: one request per call, so that a call takes effect at most once and a retry is ours to
    /// decide. Run calls in [`bounded`].
    pub writes: Client,
    /// The namespace of the service account or of the context.
    pub namespace: String,
}

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Neither a kubeconfig nor a service account.
    #[error("no Kubernetes configuration found: {0}")]
    Infer(#[from] InferConfigError),
    /// The kubeconfig asked for cannot be used.
    #[error("kubeconfig {} cannot be used: {source}", path.as_ref().map_or("(KUBECONFIG or ~/.kube/config)".into(), |p| p.display().to_string()))]
    Kubeconfig {
        /// The file, if one was named.
        path: Option<PathBuf>,
        /// What is wrong with it.
        source: KubeconfigError,
    },
    /// The user agent has characters that a header cannot carry.
    #[error("user agent {0:?} is not accepted: visible ASCII characters only")]
    UserAgent(String, #[source] InvalidHeaderValue),
    /// TLS or credentials could not be set up.
    #[error("cannot build a Kubernetes client: {0}")]
    Build(#[from] kube::Error),
}

/// Finds the cluster and builds the clients. Reads files and, for kubeconfigs with an exec plugin, runs it; does not
/// talk to the cluster yet.
pub async fn connect(options: &ClientOptions) -> Result<Clients, ClientError> {
    clients(load(options).await?, &options.user_agent)
}

/// The clients of a configuration that is known already, such as that of an embedded API server.
pub fn clients(mut config: Config, user_agent: &str) -> Result<Clients, ClientError> {
    let agent = HeaderValue::from_str(user_agent)
        .map_err(|source| ClientError::UserAgent(user_agent.to_owned(), source))?;
    config.headers.push((header::USER_AGENT, agent));
    let namespace = config.default_namespace.clone();
    let writes = Client::try_from(for_writes(config.clone()))?;
    Ok(Clients { watches: Client::try_from(config)?, writes, namespace })
}

async fn load(options: &ClientOptions) -> Result<Config, ClientError> {
    let failed = |source| ClientError::Kubeconfig { path: options.kubeconfig.clone(), source };
    let selection = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    match (&options.kubeconfig, &options.context) {
        (None, None) => Ok(Config::infer().await?),
        (None, Some(_)) => Config::from_kubeconfig(&selection).await.map_err(failed),
        (Some(path), _) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
            Config::from_custom_kubeconfig(kubeconfig, &selection).await.map_err(failed)
        }
    }
}

fn for_writes(mut config: Config) -> Config {
    config.default_retry = false;
    config.read_timeout = Some(READ_TIMEOUT);
    // Else the idle time of a pooled connection counts against the next answer.
    config.reset_reader_on_write = true;
    config
}

/// A call to the Kubernetes API that did not succeed.
#[derive(Debug, Error)]
pub enum ApiError {
    /// No answer in time. Whether the call took effect is unknown.
    #[error("{call}: no answer from the API server within {after:?}")]
    Timeout {
        /// What was attempted, with which object.
        call: String,
        /// The bound of the call.
        after: Duration,
    },
    /// The API server refused, or could not be reached.
    #[error("{call}")]
    Failed {
        /// What was attempted, with which object.
        call: String,
        /// Why it failed.
        source: kube::Error,
    },
}

impl ApiError {
    /// The HTTP status that the API server answered, if it answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Failed { source: kube::Error::Api(status), .. } => Some(status.code),
            Self::Timeout { .. } | Self::Failed { .. } => None,
        }
    }

    /// The object does not exist (404).
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Somebody else changed or created the object (409).
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// The API server, an admission webhook or RBAC will refuse the same call again (400, 401, 403, 405, 413, 422).
    pub fn is_refused(&self) -> bool {
        matches!(self.code(), Some(400 | 401 | 403 | 405 | 413 | 422))
    }

    /// How long the API server asks to wait (`retryAfterSeconds` of a 429 or 503).
    pub fn retry_after(&self) -> Option<Duration> {
        let Self::Failed { source: kube::Error::Api(status), .. } = self else { return None };
        let seconds = status.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
    }
}

/// Runs one API call, at most for `limit`. `what` says what is attempted with which object; it is only called on
/// failure. A call that is cut off may still take effect.
pub async fn bounded<T>(
    limit: Duration,
    what: impl FnOnce() -> String,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ApiError> {
    match timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => Err(ApiError::Failed { call: what(), source }),
        Err(_) => Err(ApiError::Timeout { call: what(), after: limit }),
    }
}

#[cfg(test)]
mod tests;
