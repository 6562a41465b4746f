//! How Google is reached: project, region, credentials, endpoint.

use std::path::{Path, PathBuf};

use google_cloud_auth::build_errors::Error as CredentialsError;
use google_cloud_auth::credentials::{
    Builder, Credentials, anonymous, external_account, impersonated, service_account, user_account,
};
use google_cloud_gax::client_builder::Error as BuildError;
use serde_json::Value;
use tracing::{info, warn};

mod metadata;

use crate::sdk::Sdk;
use metadata::Metadata;

/// Settings that win over what is found. What is left out is found by itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Project id of the cluster. Else that of the machine that this runs on.
    pub project: Option<String>,
    /// Region of the cluster, e.g. `europe-west3`. Else that of the machine, if its project is that of the cluster.
    pub region: Option<String>,
    /// URL of the API instead of Google's. One that begins with `http://` is taken for a fake: it gets no credentials,
    /// since they would be readable on the way.
    pub endpoint: Option<String>,
    /// File with credentials: a service account's key, or a configuration of workload identity federation. Else the
    /// Application Default Credentials: the file of `GOOGLE_APPLICATION_CREDENTIALS`, that of
    /// `gcloud auth application-default login`, the service account of the machine or of the pod.
    pub credentials: Option<PathBuf>,
    /// Project whose rate quotas are used, instead of that of the resources.
    pub quota_project: Option<String>,
    /// Host and port of the metadata server that tells about the machine. Else Google's, unless a fake is used.
    pub metadata: Option<String>,
}

/// Where to send requests, and which project and region they are about.
#[derive(Debug)]
pub struct Connection {
    /// The API.
    pub sdk: Sdk,
    /// Project id, as told or as that of the machine.
    pub project: Option<String>,
    /// Region, as told or as that of the machine.
    pub region: Option<String>,
}

impl Connection {
    /// Fails unless project and region are known. Where they are not, the nodes of a Service tell them, but nobody could
    /// delete load balancers before there is a Service to be served: whoever does needs them from the beginning.
    pub fn require_place(&self) -> Result<(), ConnectError> {
        let missing = match (&self.project, &self.region) {
            (Some(_), Some(_)) => return Ok(()),
            (Some(_), None) => Missing::Region,
            (None, Some(_)) => Missing::Project,
            (None, None) => Missing::Both,
        };
        Err(ConnectError::Nowhere(missing))
    }
}

/// What nobody tells of where the cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The project.
    Project,
    /// The region.
    Region,
    /// Both.
    Both,
}

impl Missing {
    const fn what(self) -> &'static str {
        match self {
            Self::Project => "project is",
            Self::Region => "region is",
            Self::Both => "project and region are",
        }
    }

    const fn flags(self) -> &'static str {
        match self {
            Self::Project => "--gcp-project (LANDFALL_GCP_PROJECT)",
            Self::Region => "--gcp-region (LANDFALL_GCP_REGION)",
            Self::Both => "--gcp-project (LANDFALL_GCP_PROJECT) and --gcp-region (LANDFALL_GCP_REGION)",
        }
    }
}

/// Why there is nothing to connect to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A name that cannot be one.
    #[error(
        "GCP {what} {name:?} is not a name of one: lower case letters, digits and dashes, e.g. {example}"
    )]
    BadName {
        /// `project` or `region`.
        what: &'static str,
        /// What was given.
        name: String,
        /// How one looks.
        example: &'static str,
    },
    /// The endpoint cannot be one.
    #[error("GCP endpoint {endpoint:?} is not an http:// or https:// URL")]
    BadEndpoint {
        /// What was given.
        endpoint: String,
    },
    /// Credentials are given for an endpoint to which they are not sent.
    #[error(
        "GCP endpoint {endpoint:?} is not https, so no credentials are sent to it: \
         leave out the credentials file, or use https"
    )]
    Unprotected {
        /// What was given.
        endpoint: String,
    },
    /// The credentials file cannot be read.
    #[error("GCP credentials file {} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The credentials file is none.
    #[error("GCP credentials file {}: {reason}", path.display())]
    BadFile {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There are no usable credentials.
    #[error(
        "no GCP credentials: set --gcp-credentials or GOOGLE_APPLICATION_CREDENTIALS to a file, \
         run `gcloud auth application-default login`, or give the machine or the pod a service account"
    )]
    NoCredentials(#[source] CredentialsError),
    /// Nobody tells where the cluster is.
    #[error(
        "the GCP {} not known, and nothing could be deleted without: no metadata server of a machine of the cluster's \
         project tells; set {}",
        .0.what(),
        .0.flags()
    )]
    Nowhere(Missing),
    /// The client cannot be made.
    #[error("the client of Compute Engine cannot be set up")]
    Client(#[source] BuildError),
}

/// Finds project, region, endpoint and where credentials come from. Neither credentials nor Compute Engine are asked for
/// before the first call; the metadata server is asked for what is not told, and need not be there.
pub async fn connect(options: &Options) -> Result<Connection, ConnectError> {
    let endpoint = options.endpoint.as_deref();
    if let Some(endpoint) = endpoint.filter(|endpoint| !is_url(endpoint)) {
        return Err(ConnectError::BadEndpoint { endpoint: endpoint.to_owned() });
    }
    // Projects of a domain have its name before theirs: `example.com:web`.
    check("project", options.project.as_deref(), ".:", "web-production")?;
    check("region", options.region.as_deref(), "", "europe-west3")?;
    let credentials = credentials(options)?;
    let (project, region) = whereabouts(options).await;
    let sdk = Sdk::new(&credentials, endpoint).await.map_err(ConnectError::Client)?;
    Ok(Connection { sdk, project, region })
}

/// Project and region: as told, or else those of the machine.
async fn whereabouts(options: &Options) -> (Option<String>, Option<String>) {
    let Options { project, region, endpoint, metadata, .. } = options;
    let is_fake = endpoint.as_deref().is_some_and(is_plain);
    let all_told = project.is_some() && region.is_some();
    if all_told || (is_fake && metadata.is_none()) {
        return (project.clone(), region.clone());
    }
    let machine = Metadata::at(metadata.as_deref());
    let found =
        async { Ok::<_, metadata::MetadataError>((machine.project().await?, machine.region().await?)) };
    match found.await {
        // The machine of another project tells nothing about the cluster.
        Ok((found, _)) if project.as_ref().is_some_and(|told| *told != found) => {
            info!(machine = found, "the machine is not of the project, so its region is not taken");
            (project.clone(), region.clone())
        }
        Ok((of_machine, near)) => {
            let (project, region) = (project.clone().unwrap_or(of_machine), region.clone().unwrap_or(near));
            info!(project, region, "project and region as told, or else those of the machine");
            (Some(project), Some(region))
        }
        Err(error) => {
            let host = machine.host();
            warn!(host, %error, "no metadata server tells project and region");
            (project.clone(), region.clone())
        }
    }
}

fn credentials(options: &Options) -> Result<Credentials, ConnectError> {
    let quota_project = options.quota_project.as_deref();
    match (options.endpoint.as_deref(), &options.credentials) {
        (Some(endpoint), None) if is_plain(endpoint) => Ok(anonymous::Builder::new().build()),
        (Some(endpoint), Some(_)) if is_plain(endpoint) => {
            Err(ConnectError::Unprotected { endpoint: endpoint.to_owned() })
        }
        (_, Some(path)) => from_file(path, &read(path)?, quota_project),
        (_, None) => by_default(quota_project),
    }
}

fn read(path: &Path) -> Result<Value, ConnectError> {
    let unreadable = |source| ConnectError::Unreadable { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map_err(|error| bad_file(path, error.to_string()))
}

fn bad_file(path: &Path, reason: String) -> ConnectError {
    ConnectError::BadFile { path: path.to_owned(), reason }
}

/// Credentials of the kind that the file says.
fn from_file(path: &Path, json: &Value, quota_project: Option<&str>) -> Result<Credentials, ConnectError> {
    macro_rules! build {
        ($kind:ident) => {{
            let builder = $kind::Builder::new(json.clone());
            match quota_project {
                Some(project) => builder.with_quota_project_id(project).build(),
                None => builder.build(),
            }
        }};
    }
    let built = match json.get("type").and_then(Value::as_str) {
        Some("service_account") => build!(service_account),
        Some("external_account") => build!(external_account),
        Some("impersonated_service_account") => build!(impersonated),
        Some("authorized_user") => build!(user_account),
        other => {
            let given = other.map_or_else(|| "no type".to_owned(), |kind| format!("type {kind:?}"));
            let accepted =
                "service_account, external_account, impersonated_service_account and authorized_user";
            return Err(bad_file(path, format!("it has {given}; accepted are {accepted}")));
        }
    };
    built.map_err(|error| bad_file(path, error.to_string()))
}

fn by_default(quota_project: Option<&str>) -> Result<Credentials, ConnectError> {
    let builder = Builder::default();
    let builder = match quota_project {
        Some(project) => builder.with_quota_project_id(project),
        None => builder,
    };
    builder.build().map_err(ConnectError::NoCredentials)
}

fn check(
    what: &'static str,
    name: Option<&str>,
    besides: &str,
    example: &'static str,
) -> Result<(), ConnectError> {
    let fits = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-') || besides.contains(letter);
    match name {
        Some(name) if name.is_empty() || !name.chars().all(fits) => {
            Err(ConnectError::BadName { what, name: name.to_owned(), example })
        }
        _ => Ok(()),
    }
}

fn is_plain(endpoint: &str) -> bool {
    endpoint.starts_with("http://")
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
}

#[cfg(test)]
mod tests;
