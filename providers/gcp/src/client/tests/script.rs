//! Compute Engine, answering what a test has written down.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Value;

use crate::api::error::Failure;
use crate::api::{
    Answer, ApiError, Compute, Kind, Method, Operation, OperationRef, Page, Place, Reference, RequestId, Verb,
};

/// Answers in the order written down; nothing after that.
#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Line>>,
    calls: Mutex<Vec<String>>,
    bodies: Mutex<Vec<Value>>,
    ids: Mutex<Vec<RequestId>>,
}

enum Line {
    Page(Page<Value>),
    Item(Value),
    Operation(Operation),
    Failure(Failure),
    Never,
}

pub(super) fn answered(reason: &str, status: u16) -> Failure {
    let (reason, message) = (reason.to_owned(), "Google's own words".to_owned());
    Failure::Answered { reason, message, status, operation: None }
}

impl Script {
    pub(super) fn page(&self, items: Vec<Value>, next: Option<&str>) -> &Self {
        self.push(Line::Page(Page { items, next: next.map(str::to_owned) }))
    }

    pub(super) fn item(&self, item: Value) -> &Self {
        self.push(Line::Item(item))
    }

    pub(super) fn operation(&self, json: Value) -> &Self {
        self.push(Line::Operation(serde_json::from_value(json).unwrap()))
    }

    pub(super) fn fails(&self, failure: Failure) -> &Self {
        self.push(Line::Failure(failure))
    }

    pub(super) fn hangs(&self) -> &Self {
        self.push(Line::Never)
    }

    /// The calls made since this was asked last.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// The bodies sent.
    pub(super) fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }

    /// The request ids sent.
    pub(super) fn ids(&self) -> Vec<RequestId> {
        self.ids.lock().unwrap().clone()
    }

    /// Whether everything written down has been asked for.
    pub(super) fn is_over(&self) -> bool {
        self.answers.lock().unwrap().is_empty()
    }

    fn push(&self, line: Line) -> &Self {
        self.answers.lock().unwrap().push_back(line);
        self
    }

    async fn next(&self, method: Method, told: String) -> Answer<Line> {
        self.calls.lock().unwrap().push(told.clone());
        let line = self.answers.lock().unwrap().pop_front();
        match line {
            Some(Line::Failure(kind)) => Err(ApiError { method, kind }),
            Some(Line::Never) => pending().await,
            Some(line) => Ok(line),
            None => panic!("nothing is written down for {told}"),
        }
    }

    async fn change(&self, what: &Reference, verb: Verb, id: RequestId) -> Answer<Operation> {
        self.ids.lock().unwrap().push(id);
        match self.next(Method::new(what.kind, verb), format!("{} {}", verb.word(), what.name)).await? {
            Line::Operation(operation) => Ok(operation),
            _ => panic!("{} answers an operation", verb.word()),
        }
    }
}

#[async_trait]
impl Compute for Script {
    async fn list(
        &self,
        place: &Place,
        kind: Kind,
        filter: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<Value>> {
        let told = format!("list {place} {kind} {} {}", filter.unwrap_or("-"), page.unwrap_or("-"));
        match self.next(Method::new(kind, Verb::List), told).await? {
            Line::Page(page) => Ok(page),
            _ => panic!("list answers a page"),
        }
    }

    async fn get(&self, what: &Reference) -> Answer<Value> {
        match self.next(Method::new(what.kind, Verb::Get), format!("get {}", what.name)).await? {
            Line::Item(item) => Ok(item),
            _ => panic!("get answers an item"),
        }
    }

    async fn insert(&self, what: &Reference, body: Value, id: RequestId) -> Answer<Operation> {
        self.bodies.lock().unwrap().push(body);
        Self::change(self, what, Verb::Insert, id).await
    }

    async fn change(&self, what: &Reference, verb: Verb, body: Value, id: RequestId) -> Answer<Operation> {
        self.bodies.lock().unwrap().push(body);
        Self::change(self, what, verb, id).await
    }

    async fn delete(&self, what: &Reference, id: RequestId) -> Answer<Operation> {
        Self::change(self, what, Verb::Delete, id).await
    }

    async fn members(
        &self,
        what: &Reference,
        verb: Verb,
        body: Value,
        page: Option<&str>,
    ) -> Answer<Page<Value>> {
        self.bodies.lock().unwrap().push(body);
        let told = format!("{} {} {}", verb.word(), what.name, page.unwrap_or("-"));
        match self.next(Method::new(what.kind, verb), told).await? {
            Line::Page(page) => Ok(page),
            _ => panic!("{} answers a page", verb.word()),
        }
    }

    async fn operation(&self, which: &OperationRef) -> Answer<Operation> {
        let told = format!("operation {} in {}", which.name, which.place);
        match self.next(Method::new(which.kind, Verb::GetOperation), told).await? {
            Line::Operation(operation) => Ok(operation),
            _ => panic!("operation answers an operation"),
        }
    }
}
