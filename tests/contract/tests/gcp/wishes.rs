//! What the world of GCP says about wishes and errors.

use std::net::IpAddr;
use std::sync::Arc;

use landfall_contract::Mistake;
use landfall_core::annotations;
use landfall_core::error::ErrorClass;
use landfall_core::ids::ClusterId;
use landfall_core::model::Member;
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::params::ClassParams;
use landfall_core::params::gcp::{GcpParams, HealthCheckParams};
use landfall_gcp::account::Freshness;
use landfall_gcp::api::Compute;
use landfall_gcp::calls::Calls;
use landfall_gcp::network::NetworkConfig;
use landfall_gcp::observer::Unobserved;
use landfall_gcp::pace::Limits;
use landfall_gcp::provider::{GcpConfig, GcpProvider};
use landfall_testkit::gcp::fake::{Fault, NETWORK, PROJECT, REGION};

/// A process of a cluster over this API.
pub(crate) fn provider(cluster: ClusterId, compute: Arc<dyn Compute>, freshness: Freshness) -> GcpProvider {
    let calls = Calls::new(compute, &Limits::none(), Arc::new(Unobserved));
    let network = NetworkConfig {
        project: Some(PROJECT.into()),
        region: Some(REGION.into()),
        network: Some(NETWORK.into()),
        ..NetworkConfig::default()
    };
    GcpProvider::new(GcpConfig { cluster, network, freshness }, Arc::new(calls))
}

/// Under another protocol, everything but the address is another one.
pub(crate) fn replacing(member: Member) -> Member {
    member.listening(&[(Protocol::Udp, 80)])
}

pub(crate) fn mistakes() -> Vec<Mistake> {
    vec![
        |member| member.annotated("cloud.google.com/network-tier", "Gold"),
        |member| member.annotated("networking.gke.io/weighted-load-balancing", "by-mood"),
        |member| member.annotated(annotations::TARGETS, "sideways"),
    ]
}

pub(crate) fn class_params() -> Vec<ClassParams> {
    let with = |params: GcpParams| ClassParams::Gcp(Box::new(params));
    let labels = [("team".to_owned(), "web".to_owned())].into();
    let health = HealthCheckParams { interval_seconds: Some(20), ..HealthCheckParams::default() };
    vec![
        with(GcpParams { labels, connection_draining_seconds: Some(60), ..GcpParams::default() }),
        with(GcpParams { health_check: Some(health), ..GcpParams::default() }),
    ]
}

/// Reserved by somebody before, as external addresses must be to be asked for.
pub(crate) fn free_addresses(family: IpFamily) -> [IpAddr; 2] {
    match family {
        IpFamily::V4 => ["198.51.100.7", "198.51.100.8"],
        IpFamily::V6 => ["2600:1900:4000:1:0:7::", "2600:1900:4000:1:0:8::"],
    }
    .map(|address| address.parse().unwrap())
}

/// An error answer of the class.
pub(crate) fn fault(class: ErrorClass) -> Fault {
    match class {
        ErrorClass::Throttled { .. } => Fault::refuse(403, "rateLimitExceeded"),
        ErrorClass::Transient => Fault::refuse(503, "backendError"),
        ErrorClass::Conflict => Fault::refuse(409, "alreadyExists"),
        ErrorClass::Waiting { .. } => Fault::refuse(400, "resourceNotReady"),
        ErrorClass::Rejected => Fault::refuse(400, "invalid"),
        ErrorClass::Quota => Fault::refuse(403, "quotaExceeded"),
        ErrorClass::Denied => Fault::refuse(403, "accessNotConfigured"),
        ErrorClass::Bug => Fault::refuse(400, "required"),
    }
}
