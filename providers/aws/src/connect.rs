//! How AWS is reached: region, credentials, endpoint, time limits.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region};
pub use aws_credential_types::Credentials;

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call may take, from asking for credentials to the last byte of the answer.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// What the SDK tells AWS about us, in the user agent.
const APP_NAME: &str = "landfall";

/// Settings that win over what the SDK finds by itself. Everything that is left out is found in the usual places and
/// order: environment, profile files, web identity (IRSA), container credentials (pod identity), instance metadata.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The region, e.g. `eu-central-1`.
    pub region: Option<String>,
    /// The profile in the shared configuration files.
    pub profile: Option<String>,
    /// Where every service is, instead of at AWS. The environment can say it as well, for all services by
    /// `AWS_ENDPOINT_URL` and for one by `AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2` and `AWS_ENDPOINT_URL_EC2`.
    pub endpoint: Option<String>,
    /// Credentials.
    pub credentials: Option<Credentials>,
}

/// Why there is nothing to connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nobody says which region.
    #[error(
        "no AWS region: set AWS_REGION, or `region` in the profile of ~/.aws/config; \
         on an EC2 instance or in a pod on one the instance metadata tells it if the pod may reach it"
    )]
    NoRegion,
    /// The region's name cannot be one.
    #[error(
        "AWS region \"{region}\" is not a name of a region: lower case letters, digits and dashes, e.g. eu-central-1"
    )]
    BadRegion {
        /// What was given.
        region: String,
    },
    /// The endpoint cannot be one.
    #[error("AWS endpoint \"{endpoint}\" is not an http:// or https:// URL")]
    BadEndpoint {
        /// What was given.
        endpoint: String,
    },
}

/// Finds region, endpoint and where credentials come from. Credentials are not asked for before the first call.
pub async fn connect(options: &Options) -> Result<SdkConfig, ConnectError> {
    let config = loader(options).load().await;
    let region = config.region().ok_or(ConnectError::NoRegion)?;
    if !is_region(region.as_ref()) {
        return Err(ConnectError::BadRegion { region: region.to_string() });
    }
    match config.endpoint_url() {
        Some(url) if !is_url(url) => Err(ConnectError::BadEndpoint { endpoint: url.to_owned() }),
        _ => Ok(config),
    }
}

fn loader(options: &Options) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    // Once, because the controller retries: with backoff per load balancer and paced by the account's buckets.
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    if let Ok(name) = AppName::new(APP_NAME) {
        loader = loader.app_name(name);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(credentials) = &options.credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    loader
}

fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("eu-central-1", "https://aws.example", None)]
    #[case("us-gov-west-1", "http://127.0.0.1:4566", None)]
    #[case("EU Frankfurt", "https://aws.example", Some("AWS region \"EU Frankfurt\""))]
    #[case("", "https://aws.example", Some("AWS region \"\""))]
    #[case("eu-central-1", "aws.example", Some("AWS endpoint \"aws.example\""))]
    #[case("eu-central-1", "http:///path", Some("AWS endpoint \"http:///path\""))]
    #[tokio::test]
    async fn region_and_endpoint_are_checked(
        #[case] region: &str,
        #[case] endpoint: &str,
        #[case] wanted: Option<&str>,
    ) {
        let (region, endpoint) = (Some(region.to_owned()), Some(endpoint.to_owned()));
        let options = Options { region, endpoint, ..Options::default() };
        let error = connect(&options).await.err().map(|error| error.to_string());
        match wanted {
            None => assert_eq!(error, None),
            Some(wanted) => assert!(error.as_ref().is_some_and(|text| text.starts_with(wanted)), "{error:?}"),
        }
    }

    #[tokio::test]
    async fn calls_are_bounded_named_and_not_repeated() {
        let options = Options { region: Some("eu-central-1".to_owned()), ..Options::default() };
        let config = connect(&options).await.unwrap();
        assert_eq!(config.retry_config().map(RetryConfig::max_attempts), Some(1));
        let timeouts = config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
        assert_eq!(timeouts.operation_timeout(), Some(OPERATION_TIMEOUT));
        assert_eq!(config.app_name().map(AsRef::as_ref), Some("landfall"));
    }
}
