//! The few EC2 calls that the AWS provider needs, through Amazon's SDK.
//!
//! Alone in a crate because compiling that SDK takes minutes and 8 GB: editing the provider never rebuilds it, and the
//! provider and its tests do without it.

use aws_config::SdkConfig;
use aws_sdk_ec2::Client;

mod answers;
mod calls;
mod rules;

/// [`Ec2`](landfall_aws::api::ec2::Ec2) on AWS, or on whatever stands at the configured endpoint.
#[derive(Debug, Clone)]
pub struct Ec2Client {
    sdk: Client,
}

impl Ec2Client {
    /// A client with the connection settings of [`landfall_aws::connect()`].
    pub fn new(config: &SdkConfig) -> Self {
        Self { sdk: Client::new(config) }
    }
}
