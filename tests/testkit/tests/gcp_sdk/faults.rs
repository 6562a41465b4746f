//! What goes wrong, as the client tells it.

use landfall_core::error::{Classified, ErrorClass};
use landfall_gcp::api::error::Failure;
use landfall_gcp::api::types::{Address, BackendService, HealthCheck};
use landfall_gcp::api::{Compute, Kind, Method, Verb};
use landfall_gcp::error::GcpError;
use landfall_testkit::gcp::fake::{Fault, PROJECT, Quota, QuotaShape, REGION};
use rstest::rstest;
use serde_json::json;

use crate::common::{World, at, body, client, id, it, sdk, world};

const INSERT: Method = Method::new(Kind::Address, Verb::Insert);

fn address() -> Address {
    serde_json::from_value(body(Kind::Address)).unwrap()
}

#[rstest]
#[case(Fault::refuse(401, "authError"), "CredentialsRejected", false)]
#[case(Fault::refuse(403, "rateLimitExceeded"), "ApiThrottled", false)]
#[case(Fault::refuse(403, "quotaExceeded"), "QuotaExceeded", false)]
#[case(Fault::refuse(400, "resourceNotReady"), "WaitingForResource", false)]
#[case(Fault::refuse(429, "somethingNew"), "ApiThrottled", false)]
#[case(Fault::refuse(503, "backendError"), "CloudUnavailable", true)]
#[case(Fault::Html { status: 502 }, "CloudUnavailable", true)]
#[case(Fault::LoseRequest, "CloudUnavailable", true)]
#[case(Fault::LoseAnswer, "CloudUnavailable", true)]
#[case(Fault::fail_operation(503, "INTERNAL_ERROR"), "CloudUnavailable", false)]
#[case(Fault::fail_operation(403, "QUOTA_EXCEEDED"), "QuotaExceeded", false)]
#[case(Fault::fail_operation(409, "IP_IN_USE_BY_ANOTHER_RESOURCE"), "AddressInUse", false)]
#[tokio::test]
async fn a_fault_has_its_class_and_its_doubt_and_nothing_is_sent_twice(
    #[case] fault: Fault,
    #[case] word: &str,
    #[case] in_doubt: bool,
) {
    let world = world().await;
    let World { fake, client, .. } = &world;
    fake.fault_on(INSERT, 1, fault);
    let error = client.insert(&it(Kind::Address), &address()).await.unwrap_err();
    assert_eq!((error.category().as_str(), error.is_in_doubt()), (word, in_doubt), "{error:?}");
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn a_repeated_request_is_the_same_request() {
    let world = world().await;
    let World { fake, sdk, .. } = &world;
    fake.fault_on(INSERT, 1, Fault::LoseAnswer);
    let (what, once) = (it(Kind::Address), id());
    sdk.insert(&what, body(Kind::Address), once).await.unwrap_err();
    let operation = sdk.insert(&what, body(Kind::Address), once).await.unwrap();
    assert_eq!(operation.error, None);
    let error = sdk.insert(&what, body(Kind::Address), id()).await.unwrap_err();
    assert_eq!((error.status(), error.reason()), (Some(409), Some("alreadyExists")));
}

#[tokio::test]
async fn what_is_there_is_told_from_what_is_not() {
    let world = world().await;
    let World { client, .. } = &world;
    assert_eq!(client.find::<Address>(&it(Kind::Address)).await.unwrap(), None);
    client.insert(&it(Kind::Address), &address()).await.unwrap();
    assert!(client.find::<Address>(&it(Kind::Address)).await.unwrap().is_some());
    let error = client.insert(&it(Kind::Address), &address()).await.unwrap_err();
    assert!(matches!(error, GcpError::AlreadyExists { .. }), "{error:?}");
    client.delete(&it(Kind::Address)).await.unwrap();
    client.delete(&it(Kind::Address)).await.unwrap();
}

#[tokio::test]
async fn what_is_used_cannot_go_yet() {
    let world = world().await;
    let World { client, .. } = &world;
    let (check, service) = (it(Kind::HealthCheck), it(Kind::BackendService));
    let new: HealthCheck = serde_json::from_value(body(Kind::HealthCheck)).unwrap();
    client.insert(&check, &new).await.unwrap();
    let new: BackendService = serde_json::from_value(json!({
        "name": "lf-it", "loadBalancingScheme": "EXTERNAL", "protocol": "TCP", "healthChecks": [check.url()],
    }))
    .unwrap();
    client.insert(&service, &new).await.unwrap();
    let error = client.delete(&check).await.unwrap_err();
    assert_eq!(error.category().as_str(), "WaitingForRelease", "{error:?}");
    client.delete(&service).await.unwrap();
    client.delete(&check).await.unwrap();
}

#[rstest]
#[case(QuotaShape::Classic)]
#[case(QuotaShape::Detailed)]
#[case(QuotaShape::Operation)]
#[tokio::test]
async fn a_quota_is_known_in_every_shape(#[case] shape: QuotaShape) {
    let world = world().await;
    let World { fake, client, .. } = &world;
    fake.set_quota(Quota::StaticAddresses, 0);
    fake.set_quota_shape(shape);
    let quotas = json!([{ "metric": "STATIC_ADDRESSES", "limit": 0.0, "usage": 0.0 }]);
    fake.edit(&at(Kind::Region, REGION), |fields| {
        fields.insert("quotas".to_owned(), quotas);
    })
    .unwrap();
    let error = client.insert(&it(Kind::Address), &address()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Quota, "{error:?}");
    let told = landfall_gcp::quota::Quotas::default().explain(client, error).await.to_string();
    assert!(told.contains("a quota is used up (STATIC_ADDRESSES 0 of 0)"), "{told}");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let world = world().await;
    let World { fake, client, .. } = &world;
    fake.forbid(PROJECT, INSERT, true);
    let error = client.insert(&it(Kind::Address), &address()).await.unwrap_err();
    assert!(error.is_forbidden());
    assert!(error.to_string().contains("the permission compute.addresses.create"), "{error}");
    fake.forbid(PROJECT, INSERT, false);
    client.insert(&it(Kind::Address), &address()).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_addressed_is_not_sent() {
    let world = world().await;
    let World { fake, sdk, .. } = &world;
    let elsewhere = at(Kind::Instance, "x").place;
    for (what, why) in [
        (elsewhere.at(Kind::Address, "x"), "is not a region"),
        (elsewhere.at(Kind::Firewall, "x"), "is global"),
        (it(Kind::Address).place.at(Kind::EndpointGroup, "x"), "is not a zone"),
        (at(Kind::Address, ""), "cannot find a matching binding"),
        (at(Kind::Address, "a/b"), "cannot find a matching binding"),
    ] {
        let error = sdk.get(&what).await.unwrap_err();
        assert!(matches!(error.kind, Failure::NotSent { credentials: false, .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(fake.calls(), 0);
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(std::sync::Arc::new(sdk(&format!("http://{free}")).await));
    let error = client.insert(&it(Kind::Address), &address()).await.unwrap_err();
    assert!(matches!(error.answer().unwrap().kind, Failure::Unreachable { .. }), "{error:?}");
    assert_eq!((error.class(), error.is_in_doubt()), (ErrorClass::Transient, false));
}
