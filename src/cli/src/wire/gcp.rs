//! The GCP provider: its flags, and how it is put together.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};
use landfall_core::provider::Provider;
use landfall_gcp::account::Freshness;
use landfall_gcp::calls::Calls;
use landfall_gcp::connect::{self, Options};
use landfall_gcp::network::NetworkConfig;
use landfall_gcp::pace::Limits;
use landfall_gcp::provider::{GcpConfig, GcpProvider};

mod metrics;

use super::Setup;
use metrics::CallMetrics;

/// Where GCP is, and what of it is the cluster's. Credentials are the Application Default Credentials, as for every
/// program of Google Cloud: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or the service
/// account of the pod (workload identity) or of the machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "GCP")]
pub(crate) struct GcpArgs {
    /// Project of the cluster [default: that of the machine; for plans, then that of the nodes]
    #[arg(id = "gcp_project", long = "gcp-project", env = "LANDFALL_GCP_PROJECT", value_name = "PROJECT")]
    project: Option<String>,

    /// Region of the cluster [default: that of the machine; for plans, then that of the nodes]
    #[arg(id = "gcp_region", long = "gcp-region", env = "LANDFALL_GCP_REGION", value_name = "REGION")]
    region: Option<String>,

    /// Name of the cluster's network [default: that of the nodes' instances]
    #[arg(id = "gcp_network", long = "gcp-network", env = "LANDFALL_GCP_NETWORK", value_name = "NAME")]
    network: Option<String>,

    /// Name of the subnet of internal and IPv6 addresses [default: that of the nodes' instances]
    #[arg(
        id = "gcp_subnetwork",
        long = "gcp-subnetwork",
        env = "LANDFALL_GCP_SUBNETWORK",
        value_name = "NAME"
    )]
    subnetwork: Option<String>,

    /// Project of the network, if it is a Shared VPC [default: that of the nodes' network]
    #[arg(
        id = "gcp_network_project",
        long = "gcp-network-project",
        env = "LANDFALL_GCP_NETWORK_PROJECT",
        value_name = "PROJECT"
    )]
    network_project: Option<String>,

    /// URL of the API; one that begins with http:// is taken for a fake and gets no credentials [default: Google's]
    #[arg(id = "gcp_endpoint", long = "gcp-endpoint", env = "LANDFALL_GCP_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,

    /// File with credentials, such as the key of a service account [default: Application Default Credentials]
    #[arg(
        id = "gcp_credentials",
        long = "gcp-credentials",
        env = "LANDFALL_GCP_CREDENTIALS",
        value_name = "FILE"
    )]
    credentials: Option<PathBuf>,

    /// Project whose rate quotas are used [default: that of the resources]
    #[arg(
        id = "gcp_quota_project",
        long = "gcp-quota-project",
        env = "LANDFALL_GCP_QUOTA_PROJECT",
        value_name = "PROJECT"
    )]
    quota_project: Option<String>,

    /// Host and port of the metadata server [default: metadata.google.internal]
    #[arg(
        id = "gcp_metadata",
        long = "gcp-metadata",
        env = "GCE_METADATA_HOST",
        value_name = "HOST",
        hide = true
    )]
    metadata: Option<String>,

    /// Request rates to keep
    #[arg(id = "gcp_limits", long = "gcp-limits", env = "LANDFALL_GCP_LIMITS", value_name = "LIMITS", value_enum,
          default_value_t = Pace::Documented)]
    limits: Pace,
}

/// Request rates to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pace {
    /// Those that Google documents; slower where it throttles nevertheless.
    Documented,
    /// None, for fakes.
    None,
}

/// Makes the provider. Finds endpoint, project and region, and where credentials come from; Compute Engine itself is first
/// asked with the first load balancer. A plan can do without project and region: the nodes that it is about tell them.
pub(super) async fn connect(args: &GcpArgs, setup: &Setup<'_>) -> Result<Arc<dyn Provider>> {
    let options = Options {
        project: args.project.clone(),
        region: args.region.clone(),
        endpoint: args.endpoint.clone(),
        credentials: args.credentials.clone(),
        quota_project: args.quota_project.clone(),
        metadata: args.metadata.clone(),
    };
    let connection = connect::connect(&options).await?;
    if !setup.dry_run {
        connection.require_place()?;
    }
    let limits = match args.limits {
        Pace::Documented => Limits::documented(),
        Pace::None => Limits::none(),
    };
    let observer = Arc::new(CallMetrics::register(setup.metrics, setup.health)?);
    let calls = Calls::new(Arc::new(connection.sdk), &limits, observer);
    let config = GcpConfig {
        cluster: setup.cluster.clone(),
        network: NetworkConfig {
            project: connection.project,
            region: connection.region,
            network: args.network.clone(),
            subnetwork: args.subnetwork.clone(),
            network_project: args.network_project.clone(),
        },
        freshness: if setup.dry_run { Freshness::always() } else { Freshness::default() },
    };
    Ok(Arc::new(GcpProvider::new(config, Arc::new(calls))))
}
