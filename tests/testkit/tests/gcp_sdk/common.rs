//! A fake Compute Engine, and the way to it over HTTP.

use std::sync::Arc;
use std::time::Duration;

use landfall_gcp::api::{Kind, Place, Reference, RequestId};
use landfall_gcp::calls::Calls;
use landfall_gcp::client::Client;
use landfall_gcp::connect::{Options, connect};
use landfall_gcp::observer::Unobserved;
use landfall_gcp::pace::Limits;
use landfall_gcp::sdk::Sdk;
use landfall_testkit::gcp::fake::{FakeCompute, NETWORK, PROJECT, REGION, SUBNET, Served, ZONES};
use serde_json::{Value, json};

/// Whom the calls are for.
pub(crate) const WHOM: &str = "default/web";

/// The fake, and both ways to it over HTTP.
pub(crate) struct World {
    pub(crate) fake: FakeCompute,
    pub(crate) sdk: Arc<Sdk>,
    pub(crate) client: Client,
    _served: Served,
}

/// Operations end at once.
pub(crate) async fn world() -> World {
    let fake = FakeCompute::new();
    fake.set_operation_time(Duration::ZERO);
    let served = fake.serve().await.unwrap();
    let sdk = Arc::new(sdk(&served.endpoint()).await);
    let client = client(sdk.clone());
    World { fake, sdk, client, _served: served }
}

/// The client of this endpoint, as a program makes it.
pub(crate) async fn sdk(endpoint: &str) -> Sdk {
    let options = Options {
        project: Some(PROJECT.to_owned()),
        region: Some(REGION.to_owned()),
        endpoint: Some(endpoint.to_owned()),
        ..Options::default()
    };
    connect(&options).await.unwrap().sdk
}

pub(crate) fn client(sdk: Arc<Sdk>) -> Client {
    Client::new(&Arc::new(Calls::new(sdk, &Limits::none(), Arc::new(Unobserved))), WHOM)
}

/// A resource of a kind that is in the region, in the first zone, or global.
pub(crate) fn at(kind: Kind, name: &str) -> Reference {
    let place = match kind {
        Kind::EndpointGroup | Kind::InstanceGroup | Kind::Instance => Place::zone(PROJECT, ZONES[0]),
        Kind::Firewall | Kind::Network | Kind::Region => Place::global(PROJECT),
        _ => Place::region(PROJECT, REGION),
    };
    place.at(kind, name)
}

/// The kinds that the provider makes, what is referred to before what refers to it.
pub(crate) const WRITTEN: [Kind; 7] = [
    Kind::Address,
    Kind::HealthCheck,
    Kind::EndpointGroup,
    Kind::InstanceGroup,
    Kind::Firewall,
    Kind::BackendService,
    Kind::ForwardingRule,
];

/// A resource named `lf-it` of a kind that the provider makes.
pub(crate) fn it(kind: Kind) -> Reference {
    at(kind, "lf-it")
}

/// Its body, with most of what the provider sets.
pub(crate) fn body(kind: Kind) -> Value {
    let (network, subnet) = (at(Kind::Network, NETWORK).url(), at(Kind::Subnetwork, SUBNET).url());
    let fields = match kind {
        Kind::Address => json!({ "networkTier": "PREMIUM" }),
        Kind::HealthCheck => json!({
            "type": "HTTP", "checkIntervalSec": 8, "timeoutSec": 1, "healthyThreshold": 1, "unhealthyThreshold": 3,
            "httpHealthCheck": { "port": 10256, "requestPath": "/healthz" },
        }),
        Kind::EndpointGroup => json!({
            "networkEndpointType": "GCE_VM_IP", "network": network, "subnetwork": subnet,
        }),
        Kind::Firewall => json!({
            "network": network, "direction": "INGRESS", "allowed": [{ "IPProtocol": "tcp", "ports": ["80"] }],
            "sourceRanges": ["192.0.2.0/24"], "destinationRanges": ["198.51.100.1/32"], "targetTags": ["k8s-node"],
        }),
        Kind::BackendService => json!({
            "loadBalancingScheme": "EXTERNAL", "protocol": "TCP", "sessionAffinity": "CLIENT_IP",
            "healthChecks": [it(Kind::HealthCheck).url()],
            "backends": [{ "group": it(Kind::EndpointGroup).url(), "balancingMode": "CONNECTION" }],
            "connectionDraining": { "drainingTimeoutSec": 30 },
        }),
        Kind::ForwardingRule => json!({
            "loadBalancingScheme": "EXTERNAL", "IPProtocol": "TCP", "ports": ["80", "443"],
            "backendService": it(Kind::BackendService).url(),
        }),
        _ => json!({}),
    };
    let mut body = json!({ "name": "lf-it", "description": "{\"landfall.dev/cluster\":\"c\"}" });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    body
}

/// A request id that was not used before.
pub(crate) fn id() -> RequestId {
    RequestId::new(uuid::Uuid::new_v4().as_u128())
}

/// With all numbers as floating point ones, as whose the client reads some.
pub(crate) fn floating(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(floating).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, floating(value))).collect(),
        other => other,
    }
}
