//! What both worlds of AWS say about wishes and errors.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use landfall_aws::account::Freshness;
use landfall_aws::api::ec2::Ec2;
use landfall_aws::api::elb::Elb;
use landfall_aws::api::ids::VpcId;
use landfall_aws::calls::Calls;
use landfall_aws::clock::Clock;
use landfall_aws::network::NetworkConfig;
use landfall_aws::observer::Unobserved;
use landfall_aws::pace::Limits;
use landfall_aws::provider::{AwsConfig, AwsProvider};
use landfall_contract::Mistake;
use landfall_core::annotations;
use landfall_core::error::ErrorClass;
use landfall_core::ids::ClusterId;
use landfall_core::model::Member;
use landfall_core::net::IpFamily;
use landfall_core::params::ClassParams;
use landfall_core::params::aws::{AwsParams, HealthCheckParams};

const SCHEME: &str = "service.beta.kubernetes.io/aws-load-balancer-scheme";
const ADDRESS_TYPE: &str = "service.beta.kubernetes.io/aws-load-balancer-ip-address-type";

/// Longer than a predecessor stays once its successor took over.
pub(crate) const OVERLAP: Duration = Duration::from_mins(11);

/// A process of a cluster over these APIs.
pub(crate) fn provider(
    cluster: ClusterId,
    (elb, ec2): (Arc<dyn Elb>, Arc<dyn Ec2>),
    vpc: VpcId,
    (freshness, clock): (Freshness, Clock),
) -> AwsProvider {
    let calls = Calls::new(elb, ec2, &Limits::none(), Arc::new(Unobserved));
    let network = NetworkConfig { vpc: Some(vpc), cluster_tag: None };
    AwsProvider::new(AwsConfig { cluster, network, freshness }, Arc::new(calls)).with_clock(clock)
}

/// A scheme is for life.
pub(crate) fn replacing(member: Member) -> Member {
    member.annotated(SCHEME, "internet-facing")
}

pub(crate) fn mistakes() -> Vec<Mistake> {
    vec![
        |member| member.annotated(SCHEME, "sideways"),
        |member| member.annotated(ADDRESS_TYPE, "ipv5"),
        |member| member.annotated(annotations::TARGETS, "sideways"),
    ]
}

pub(crate) fn class_params() -> Vec<ClassParams> {
    let with = |change: fn(&mut AwsParams)| {
        let mut params = AwsParams::default();
        change(&mut params);
        ClassParams::Aws(Box::new(params))
    };
    let pair = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    let mut tagged = AwsParams { tags: pair("team", "web"), ..AwsParams::default() };
    tagged.attributes = pair("load_balancing.cross_zone.enabled", "true");
    tagged.target_group_attributes = pair("deregistration_delay.timeout_seconds", "60");
    let checked = |params: &mut AwsParams| {
        params.health_check =
            Some(HealthCheckParams { interval_seconds: Some(20), ..HealthCheckParams::default() });
    };
    vec![ClassParams::Aws(Box::new(tagged)), with(checked)]
}

/// Nobody asks for addresses of a load balancer that is known by name.
pub(crate) fn free_addresses(family: IpFamily) -> [IpAddr; 2] {
    match family {
        IpFamily::V4 => ["192.0.2.7", "192.0.2.8"],
        IpFamily::V6 => ["2001:db8:7::7", "2001:db8:7::8"],
    }
    .map(|address| address.parse().unwrap())
}

/// An error code of the class.
pub(crate) fn code(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Throttled { .. } => "Throttling",
        ErrorClass::Transient => "InternalFailure",
        ErrorClass::Conflict => "InvalidPermission.Duplicate",
        ErrorClass::Waiting { .. } => "CapacityReservationPending",
        ErrorClass::Rejected => "InvalidConfigurationRequest",
        ErrorClass::Quota => "TooManyTags",
        ErrorClass::Denied => "AccessDenied",
        ErrorClass::Bug => "MalformedQueryString",
    }
}
