//! Operations, followed to their end.

use std::time::Duration;

use landfall_core::error::{Classified, ErrorClass};
use serde_json::json;
use tokio::time::Instant;

use super::script::answered;
use super::{World, body, operation, rule, unpaced};
use crate::api::error::Failure;

#[tokio::test(start_paused = true)]
async fn a_change_is_followed_to_its_end() {
    let World { script, told, client } = unpaced();
    script
        .operation(operation("PENDING"))
        .operation(operation("RUNNING"))
        .operation(operation("RUNNING"))
        .operation(operation("DONE"));
    let begun = Instant::now();
    client.insert(&rule(), &body()).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(500 + 1_000 + 2_000));
    assert_eq!(script.bodies(), [json!({ "name": "lf-web" })]);
    let look = "operation op-1 in projects/p/regions/r";
    assert_eq!(script.calls(), ["insert lf-web", look, look, look]);
    let seen = "operations.get ok 0s";
    assert_eq!(told.take(), ["forwardingRules.insert ok 0s", seen, seen, seen]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_ends_at_once_is_not_asked_for() {
    let World { script, client, .. } = unpaced();
    script.operation(operation("DONE"));
    client.patch(&rule(), json!({ "networkTier": "STANDARD" })).await.unwrap();
    assert_eq!(script.calls(), ["patch lf-web"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_ends_with_errors_is_a_failure_by_its_first_code() {
    let World { script, client, .. } = unpaced();
    let errors = json!([
        { "code": "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "message": "one" },
        { "code": "QUOTA_EXCEEDED", "message": "two" },
    ]);
    script.operation(operation("RUNNING")).operation(json!({
        "name": "op-1", "status": "DONE", "error": { "errors": errors }, "httpErrorStatusCode": 400,
    }));
    let error = client.delete(&rule()).await.unwrap_err();
    assert_eq!(error.category().as_str(), "WaitingForRelease");
    assert_eq!(
        error.answer().unwrap().to_string(),
        "forwardingRules.delete: RESOURCE_IN_USE_BY_ANOTHER_RESOURCE (HTTP 400): one; two [operation op-1]"
    );
    assert!(!error.is_in_doubt());
}

#[tokio::test(start_paused = true)]
async fn a_status_without_errors_is_a_failure_too() {
    let World { script, client, .. } = unpaced();
    script.operation(json!({
        "name": "op-1", "status": "DONE", "httpErrorStatusCode": 503, "httpErrorMessage": "SERVICE UNAVAILABLE",
    }));
    let error = client.update(&rule(), &body()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.answer().unwrap().to_string().contains("SERVICE UNAVAILABLE"));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_is_not_an_operation_that_fails() {
    let World { script, client, .. } = unpaced();
    script
        .operation(operation("RUNNING"))
        .fails(answered("backendError", 503))
        .fails(answered("rateLimitExceeded", 403))
        .fails(Failure::NoAnswer { reason: "reset".to_owned() })
        .fails(answered("notFound", 404))
        .operation(operation("DONE"));
    client.insert(&rule(), &body()).await.unwrap();
    assert!(script.is_over());
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_does_not_end_is_left_to_the_next_look() {
    let World { script, client, .. } = unpaced();
    for _ in 0..20 {
        script.operation(operation("RUNNING"));
    }
    let begun = Instant::now();
    let error = client.insert(&rule(), &body()).await.unwrap_err();
    assert!(begun.elapsed() <= Duration::from_mins(1) && begun.elapsed() > Duration::from_secs(50));
    assert_eq!(error.class(), ErrorClass::Waiting { poll: Duration::from_secs(15) });
    assert!(error.is_in_doubt() && error.leaves_doubt());
    assert_eq!(
        error.to_string(),
        "forwardingRules.insert of projects/p/regions/r/forwardingRules/lf-web for default/web was accepted as \
         operation op-1, which has not ended yet: looked at again in 15 s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_does_not_take_longer() {
    let World { script, client, .. } = unpaced();
    script.operation(operation("RUNNING")).hangs().hangs().hangs();
    let begun = Instant::now();
    let error = client.insert(&rule(), &body()).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_mins(1));
    assert_eq!(error.category().as_str(), "OperationRunning");
}

#[tokio::test(start_paused = true)]
async fn without_leave_to_see_operations_nobody_waits_for_them() {
    let World { script, client, .. } = unpaced();
    script.operation(operation("RUNNING")).fails(answered("forbidden", 403));
    let error = client.insert(&rule(), &body()).await.unwrap_err();
    assert_eq!(error.category().as_str(), "OperationRunning");
    let told = landfall_core::error::ProviderError::from(error).explain();
    assert!(told.contains("the permission compute.regionOperations.get"), "{told}");
}
