//! The ELBv2 calls through Amazon's SDK: one request per call, nothing added and nothing read into the answers.

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::Client;

mod answers;
mod calls;
pub mod errors;
mod questions;

/// [`Elb`](crate::api::elb::Elb) on AWS, or on whatever stands at the configured endpoint.
#[derive(Debug, Clone)]
pub struct ElbClient {
    sdk: Client,
}

impl ElbClient {
    /// A client with the connection settings of [`crate::connect::connect`].
    pub fn new(config: &SdkConfig) -> Self {
        Self { sdk: Client::new(config) }
    }
}
