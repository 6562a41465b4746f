//! The front in process: verbs as HTTP requests, and their answers as the provider's types.

use async_trait::async_trait;
use landfall_gcp::api::error::Failure;
use landfall_gcp::api::{
    Answer, ApiError, Compute, Kind, Method, Operation, OperationRef, Page, Place, Reference, RequestId, Verb,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::FakeCompute;
use super::request::{Reply, Request};

#[async_trait]
impl Compute for FakeCompute {
    async fn list(
        &self,
        place: &Place,
        kind: Kind,
        filter: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<Value>> {
        let mut request = request("GET", collection(place, kind), None);
        request.query.extend(filter.map(|filter| ("filter".to_owned(), filter.to_owned())));
        self.page(Method::new(kind, Verb::List), request, page).await
    }

    async fn get(&self, what: &Reference) -> Answer<Value> {
        let method = Method::new(what.kind, Verb::Get);
        self.send(method, &request("GET", what.to_string(), None)).await
    }

    async fn insert(&self, what: &Reference, body: Value, id: RequestId) -> Answer<Operation> {
        let method = Method::new(what.kind, Verb::Insert);
        let request = request("POST", collection(&what.place, what.kind), Some(body));
        self.write(method, request, id).await
    }

    async fn change(&self, what: &Reference, verb: Verb, body: Value, id: RequestId) -> Answer<Operation> {
        let (http_method, path) = match verb {
            Verb::Patch => ("PATCH", what.to_string()),
            Verb::Update => ("PUT", what.to_string()),
            verb => ("POST", format!("{what}/{}", verb.word())),
        };
        self.write(Method::new(what.kind, verb), request(http_method, path, Some(body)), id).await
    }

    async fn delete(&self, what: &Reference, id: RequestId) -> Answer<Operation> {
        let method = Method::new(what.kind, Verb::Delete);
        self.write(method, request("DELETE", what.to_string(), None), id).await
    }

    async fn members(
        &self,
        what: &Reference,
        verb: Verb,
        body: Value,
        page: Option<&str>,
    ) -> Answer<Page<Value>> {
        let request = request("POST", format!("{what}/{}", verb.word()), Some(body));
        self.page(Method::new(what.kind, verb), request, page).await
    }

    async fn operation(&self, operation: &OperationRef) -> Answer<Operation> {
        let method = Method::new(operation.kind, Verb::GetOperation);
        let path = format!("{}/operations/{}", operation.place, operation.name);
        let answer = self.send(method, &request("GET", path, None)).await?;
        read(method, answer)
    }
}

impl FakeCompute {
    async fn page(&self, method: Method, mut request: Request, page: Option<&str>) -> Answer<Page<Value>> {
        request.query.extend(page.map(|page| ("pageToken".to_owned(), page.to_owned())));
        let mut answer = self.send(method, &request).await?;
        let field = if method.verb == Verb::GetHealth { "healthStatus" } else { "items" };
        let items = match answer.get_mut(field).map(Value::take) {
            None => Vec::new(),
            Some(items) => read(method, items)?,
        };
        Ok(Page { items, next: answer["nextPageToken"].as_str().map(str::to_owned) })
    }

    async fn write(&self, method: Method, mut request: Request, id: RequestId) -> Answer<Operation> {
        request.query.push(("requestId".to_owned(), id.to_string()));
        read(method, self.send(method, &request).await?)
    }

    async fn send(&self, method: Method, request: &Request) -> Answer<Value> {
        match self.handle(request).await {
            Ok(Reply::Json(200, body)) => Ok(body),
            Ok(Reply::Json(status, body)) => Err(ApiError { method, kind: answered(status, &body) }),
            Ok(Reply::Html(status)) => {
                let (reason, message) = (String::new(), Reply::page(status));
                let kind = Failure::Answered { reason, message, status, operation: None };
                Err(ApiError { method, kind })
            }
            Err(broken) => Err(ApiError { method, kind: Failure::NoAnswer { reason: broken.to_string() } }),
        }
    }
}

/// An error answer. Where there are `details`, the official client reads the reason from there alone.
fn answered(status: u16, body: &Value) -> Failure {
    let error = &body["error"];
    let reason = error["details"][0]["reason"].as_str().or(error["errors"][0]["reason"].as_str());
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    Failure::Answered {
        reason: text(reason),
        message: text(error["message"].as_str()),
        status,
        operation: None,
    }
}

fn read<T: DeserializeOwned>(method: Method, answer: Value) -> Answer<T> {
    serde_json::from_value(answer)
        .map_err(|error| ApiError { method, kind: Failure::Unreadable { what: error.to_string() } })
}

fn request(http_method: &str, path: String, body: Option<Value>) -> Request {
    Request { http_method: http_method.to_owned(), path, query: Vec::new(), body }
}

/// The path of all resources of a kind.
fn collection(place: &Place, kind: Kind) -> String {
    match kind {
        Kind::Region => format!("projects/{}/regions", place.project),
        _ => format!("{place}/{}", kind.collection()),
    }
}
