//! Requests that are fine, for tests to change one thing about.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use landfall_gcp::api::operation::Status;
use landfall_gcp::api::{Answer, Compute, Kind, Operation, OperationRef, Place, Reference, RequestId, Verb};
use landfall_testkit::gcp::fake::{FakeCompute, NETWORK, PROJECT, REGION, SUBNET, ZONES};
use serde_json::{Value, json};

/// A request id that was not used before.
pub(crate) fn id() -> RequestId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    RequestId::new(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
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

/// The URL of a resource.
pub(crate) fn url(kind: Kind, name: &str) -> String {
    at(kind, name).url()
}

/// A body of a kind that is fine once what it refers to is there.
pub(crate) fn body(kind: Kind, name: &str) -> Value {
    match kind {
        Kind::BackendService => json!({
            "name": name, "loadBalancingScheme": "EXTERNAL", "protocol": "TCP",
            "healthChecks": [url(Kind::HealthCheck, "check")],
        }),
        Kind::EndpointGroup => json!({
            "name": name, "networkEndpointType": "GCE_VM_IP",
            "network": url(Kind::Network, NETWORK), "subnetwork": url(Kind::Subnetwork, SUBNET),
        }),
        Kind::Firewall => json!({
            "name": name, "network": url(Kind::Network, NETWORK),
            "allowed": [{ "IPProtocol": "tcp", "ports": ["80"] }], "sourceRanges": ["192.0.2.0/24"],
        }),
        Kind::ForwardingRule => json!({
            "name": name, "loadBalancingScheme": "EXTERNAL", "IPProtocol": "TCP", "ports": ["80"],
            "backendService": url(Kind::BackendService, "service"),
        }),
        Kind::HealthCheck => json!({ "name": name, "type": "TCP", "tcpHealthCheck": { "port": 10256 } }),
        _ => json!({ "name": name }),
    }
}

/// Some fields of a body changed; `null` removes one.
pub(crate) fn with(mut body: Value, changes: Value) -> Value {
    let (Value::Object(fields), Value::Object(changes)) = (&mut body, changes) else { return body };
    for (name, value) in changes {
        if value.is_null() {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    body
}

/// Projects with health check `check`, and external TCP backend service `service`.
pub(crate) async fn serving() -> FakeCompute {
    let gcp = FakeCompute::new();
    insert(&gcp, Kind::HealthCheck, body(Kind::HealthCheck, "check")).await.unwrap();
    insert(&gcp, Kind::BackendService, body(Kind::BackendService, "service")).await.unwrap();
    gcp
}

/// Makes a resource, and waits.
pub(crate) async fn insert(gcp: &FakeCompute, kind: Kind, body: Value) -> Answer<Operation> {
    let what = at(kind, body["name"].as_str().unwrap_or("unnamed"));
    let operation = gcp.insert(&what, body, id()).await;
    wait(gcp, &what, Verb::Insert, operation).await
}

/// Changes a resource, and waits.
pub(crate) async fn change(
    gcp: &FakeCompute,
    what: &Reference,
    verb: Verb,
    body: Value,
) -> Answer<Operation> {
    let operation = gcp.change(what, verb, body, id()).await;
    wait(gcp, what, verb, operation).await
}

/// Deletes a resource, and waits.
pub(crate) async fn delete(gcp: &FakeCompute, what: &Reference) -> Answer<Operation> {
    let operation = gcp.delete(what, id()).await;
    wait(gcp, what, Verb::Delete, operation).await
}

/// Follows an operation to its end.
pub(crate) async fn wait(
    gcp: &FakeCompute,
    what: &Reference,
    verb: Verb,
    operation: Answer<Operation>,
) -> Answer<Operation> {
    let mut operation = operation?;
    while operation.status != Status::Done {
        tokio::time::sleep(Duration::from_millis(100)).await;
        operation = gcp.operation(&reference(what, verb, &operation)).await?;
    }
    Ok(operation)
}

pub(crate) fn reference(what: &Reference, verb: Verb, operation: &Operation) -> OperationRef {
    OperationRef { place: what.place.clone(), name: operation.name.clone(), kind: what.kind, verb }
}

/// Status and reason of an answer that must be an error.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Answer<T>) -> (u16, String) {
    let error = answer.unwrap_err();
    (error.status().unwrap(), error.reason().unwrap_or_default().to_owned())
}

/// Status and code of an operation that must have failed.
#[track_caller]
pub(crate) fn failed(answer: Answer<Operation>) -> (u16, String) {
    let operation = answer.unwrap();
    assert_eq!(operation.status, Status::Done);
    (operation.http_error_status_code.unwrap(), operation.error.unwrap().errors[0].code.clone())
}

/// Whether an operation ended well.
#[track_caller]
pub(crate) fn done(answer: Answer<Operation>) {
    let operation = answer.unwrap();
    assert_eq!((operation.status, operation.error), (Status::Done, None));
}
