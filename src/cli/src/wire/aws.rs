//! The AWS provider: its flags, and how it is put together.

use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};
use landfall_aws::account::Freshness;
use landfall_aws::api::ids::VpcId;
use landfall_aws::calls::Calls;
use landfall_aws::connect::{self, Options};
use landfall_aws::network::NetworkConfig;
use landfall_aws::pace::Limits;
use landfall_aws::provider::{AwsConfig, AwsProvider};
use landfall_aws::sdk::ElbClient;
use landfall_aws_ec2::Ec2Client;
use landfall_core::provider::Provider;

mod metrics;

use super::Setup;
use metrics::CallMetrics;

/// Where AWS is, and what of it is the cluster's. Credentials come from the environment, a profile, IRSA, pod identity
/// or the instance metadata, as for every AWS program.
#[derive(Debug, Args)]
#[command(next_help_heading = "AWS")]
pub(crate) struct AwsArgs {
    /// Region [default: AWS_REGION, then the profile, then the instance metadata]
    #[arg(id = "aws_region", long = "aws-region", env = "LANDFALL_AWS_REGION", value_name = "REGION")]
    region: Option<String>,

    /// URL of both APIs, for moto and LocalStack [default: AWS_ENDPOINT_URL, which may also be set per service, then
    /// AWS]
    #[arg(id = "aws_endpoint", long = "aws-endpoint", env = "LANDFALL_AWS_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,

    /// The network of the cluster [default: that of the nodes' instances]
    #[arg(id = "aws_vpc", long = "aws-vpc", env = "LANDFALL_AWS_VPC", value_name = "VPC")]
    vpc: Option<VpcId>,

    /// Name of the cluster in the tags kubernetes.io/cluster/NAME of subnets and security groups [default: found on
    /// the nodes' instances]
    #[arg(
        id = "aws_cluster_tag",
        long = "aws-cluster-tag",
        env = "LANDFALL_AWS_CLUSTER_TAG",
        value_name = "NAME"
    )]
    cluster_tag: Option<String>,

    /// Request rates to keep
    #[arg(id = "aws_limits", long = "aws-limits", env = "LANDFALL_AWS_LIMITS", value_name = "LIMITS", value_enum,
          default_value_t = Pace::Documented)]
    limits: Pace,
}

/// Request rates to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pace {
    /// Those that AWS documents; slower where it throttles nevertheless.
    Documented,
    /// None, for moto and LocalStack.
    None,
}

/// Makes the provider. Finds region, endpoint and where credentials come from; AWS itself is first asked with the first
/// load balancer.
pub(super) async fn connect(args: &AwsArgs, setup: &Setup<'_>) -> Result<Arc<dyn Provider>> {
    let options =
        Options { region: args.region.clone(), endpoint: args.endpoint.clone(), ..Options::default() };
    let sdk = connect::connect(&options).await?;
    let limits = match args.limits {
        Pace::Documented => Limits::documented(),
        Pace::None => Limits::none(),
    };
    let observer = Arc::new(CallMetrics::register(setup.metrics, setup.health)?);
    let calls = Calls::new(Arc::new(ElbClient::new(&sdk)), Arc::new(Ec2Client::new(&sdk)), &limits, observer);
    let config = AwsConfig {
        cluster: setup.cluster.clone(),
        network: NetworkConfig { vpc: args.vpc.clone(), cluster_tag: args.cluster_tag.clone() },
        freshness: if setup.dry_run { Freshness::always() } else { Freshness::default() },
    };
    Ok(Arc::new(AwsProvider::new(config, Arc::new(calls))))
}
