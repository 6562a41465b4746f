//! Between the API's own JSON and the types of the client.

use google_cloud_compute_v1::model;
use google_cloud_compute_v1::model::operation::Status as ClientStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::{not_sent, unreadable};
use crate::api::operation::{ErrorItem, Errors, Status};
use crate::api::{Answer, Method, Operation, Page};
use crate::culprit;

/// A request body for the client. The client sends neither nulls nor empty lists: a body with such a field would not do
/// what it says, so it is refused.
pub(super) fn body<T: DeserializeOwned + Serialize>(method: Method, body: &Value) -> Answer<T> {
    let refused = |why: String| not_sent(method, format!("the body cannot be sent: {why}"));
    let typed: T = culprit::read(body).map_err(refused)?;
    let sent = serde_json::to_value(&typed).map_err(|error| refused(error.to_string()))?;
    match lost(body, &sent) {
        Some(path) => Err(refused(format!("the client would drop the field {path}"))),
        None => Ok(typed),
    }
}

/// The first field that is in one value and not in the other.
fn lost(before: &Value, after: &Value) -> Option<String> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => before.iter().find_map(|(key, value)| {
            let Some(kept) = after.get(key) else { return Some(key.clone()) };
            lost(value, kept).map(|path| format!("{key}.{path}"))
        }),
        (Value::Array(before), Value::Array(after)) => before.iter().enumerate().find_map(|(at, value)| {
            let Some(kept) = after.get(at) else { return Some(at.to_string()) };
            lost(value, kept).map(|path| format!("{at}.{path}"))
        }),
        _ => None,
    }
}

/// A resource of an answer.
pub(super) fn item(method: Method, item: impl Serialize) -> Answer<Value> {
    serde_json::to_value(item).map_err(|error| unreadable(method, error.to_string()))
}

/// A page of a list.
pub(super) fn page<T: Serialize>(method: Method, items: Vec<T>, next: Option<String>) -> Answer<Page<Value>> {
    let items = items.into_iter().map(|each| item(method, each)).collect::<Answer<_>>()?;
    Ok(Page { items, next: next.filter(|token| !token.is_empty()) })
}

/// An operation of an answer. A status that is newer than this program is one of an operation that has not ended.
pub(super) fn operation(method: Method, operation: model::Operation) -> Answer<Operation> {
    let name =
        operation.name.ok_or_else(|| unreadable(method, "name of an operation is missing".to_owned()))?;
    let status = match operation.status {
        Some(ClientStatus::Done) => Status::Done,
        None | Some(ClientStatus::Pending) => Status::Pending,
        Some(_) => Status::Running,
    };
    let error = operation.error.map(|error| Errors {
        errors: error
            .errors
            .into_iter()
            .map(|each| ErrorItem {
                code: each.code.unwrap_or_default(),
                message: each.message.unwrap_or_default(),
            })
            .collect(),
    });
    let http_error_status_code =
        match operation.http_error_status_code {
            None => None,
            Some(code) => Some(u16::try_from(code).map_err(|_| {
                unreadable(method, format!("httpErrorStatusCode of operation {name} is {code}"))
            })?),
        };
    let http_error_message = operation.http_error_message;
    Ok(Operation { name, status, error, http_error_status_code, http_error_message })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::api::error::Failure;
    use crate::api::{Kind, Verb};

    const UPDATE: Method = Method::new(Kind::BackendService, Verb::Update);

    #[test]
    fn what_neither_side_knows_comes_through() {
        let service = json!({
            "name": "lf-web",
            "protocol": "QUIC",
            "fingerprint": "AAEC_w==",
            "id": "18446744073709551615",
            "backends": [{ "group": "g", "balancingMode": "CONNECTION", "newThing": { "deep": [1, 2.5, null] } }],
            "failoverPolicy": { "dropTrafficIfUnhealthy": false },
            "logConfig": { "enable": true, "sampleRate": 0.5 },
            "connectionDraining": { "drainingTimeoutSec": 0 },
            "somethingNew": [],
        });
        let typed: model::BackendService = body(UPDATE, &service).unwrap();
        assert_eq!(item(UPDATE, typed).unwrap(), service);
    }

    #[rstest]
    #[case(json!({ "name": "a", "healthChecks": [] }), "drop the field healthChecks")]
    #[case(json!({ "name": "a", "protocol": null }), "drop the field protocol")]
    #[case(json!({ "backends": [{ "group": "g" }, { "group": null }] }), "drop the field backends.1.group")]
    #[case(json!({ "timeoutSec": "soon" }), "timeoutSec: ")]
    fn what_the_client_would_not_send_is_refused(#[case] service: Value, #[case] why: &str) {
        let error = body::<model::BackendService>(UPDATE, &service).unwrap_err();
        assert!(matches!(error.kind, Failure::NotSent { credentials: false, .. }));
        assert!(error.to_string().contains(why), "{error}");
    }

    #[rstest]
    #[case(json!({ "name": "o", "status": "PENDING" }), Status::Pending)]
    #[case(json!({ "name": "o", "status": "RUNNING" }), Status::Running)]
    #[case(json!({ "name": "o", "status": "DONE" }), Status::Done)]
    #[case(json!({ "name": "o", "status": "PAUSED" }), Status::Running)]
    #[case(json!({ "name": "o" }), Status::Pending)]
    fn operations_are_read(#[case] told: Value, #[case] status: Status) {
        let told: model::Operation = serde_json::from_value(told).unwrap();
        assert_eq!(operation(UPDATE, told).unwrap().status, status);
    }

    #[test]
    fn errors_of_operations_are_read() {
        let told: model::Operation = serde_json::from_value(json!({
            "name": "o", "status": "DONE", "httpErrorStatusCode": 400, "httpErrorMessage": "BAD REQUEST",
            "error": { "errors": [{ "code": "QUOTA_EXCEEDED", "message": "no more", "errorDetails": [] }] },
        }))
        .unwrap();
        let read = operation(UPDATE, told).unwrap();
        let error = ErrorItem { code: "QUOTA_EXCEEDED".to_owned(), message: "no more".to_owned() };
        assert_eq!(read.error, Some(Errors { errors: vec![error] }));
        assert_eq!(read.http_error_status_code, Some(400));
        assert_eq!(read.http_error_message.as_deref(), Some("BAD REQUEST"));
    }

    #[rstest]
    #[case(json!({ "status": "DONE" }), "name of an operation is missing")]
    #[case(json!({ "name": "o", "httpErrorStatusCode": -1 }), "httpErrorStatusCode of operation o is -1")]
    fn an_operation_that_cannot_be_read_is_told(#[case] told: Value, #[case] why: &str) {
        let told: model::Operation = serde_json::from_value(told).unwrap();
        let error = operation(UPDATE, told).unwrap_err();
        assert_eq!(error.kind, Failure::Unreadable { what: why.to_owned() });
    }
}
