//! Operations: what was asked for, until it is done.

use std::collections::{BTreeMap, BTreeSet};

use landfall_gcp::api::{Method, Place, Reference, Scope};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::clock::Clock;
use super::json::Fields;
use super::store::Record;

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) id: u64,
    pub(super) place: Place,
    pub(super) method: Method,
    pub(super) target: Reference,
    pub(super) target_id: Option<String>,
    pub(super) inserted: Instant,
    pub(super) begins: Instant,
    pub(super) ends: Instant,
    /// What happens when it ends well.
    pub(super) effect: Effect,
    /// Why it ends badly.
    pub(super) failure: Option<OperationFailure>,
}

/// What an operation does when it ends.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// Nothing more: it was done when it began, or there is nothing to do.
    Nothing,
    /// A new resource of this body comes to exist, if it can by then.
    Make(Box<Fields>),
    /// The resource is now this one.
    Put(Box<Record>),
    /// The resource goes, unless something uses it by then.
    Remove,
}

/// Why an operation fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OperationFailure {
    /// `httpErrorStatusCode`.
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

/// All operations there ever were.
#[derive(Debug, Default)]
pub(super) struct Operations {
    by_name: BTreeMap<String, Operation>,
    /// Those that have not ended, by their end.
    open: BTreeSet<(Instant, u64, String)>,
}

impl Operations {
    pub(super) fn add(&mut self, operation: Operation) {
        self.open.insert((operation.ends, operation.id, operation.name.clone()));
        self.by_name.insert(operation.name.clone(), operation);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Operation> {
        self.by_name.get(name)
    }

    /// The next operation that has ended by then and is not settled.
    pub(super) fn take_ended(&mut self, now: Instant) -> Option<Operation> {
        let first = self.open.first().filter(|(ends, ..)| *ends <= now)?.clone();
        self.open.remove(&first);
        self.by_name.get(&first.2).cloned()
    }

    /// What is yet to come to exist, with its body.
    pub(super) fn unborn(&self) -> impl Iterator<Item = (&Reference, &Fields)> {
        let open = self.open.iter().filter_map(|(.., name)| self.by_name.get(name));
        open.filter_map(|operation| match &operation.effect {
            Effect::Make(body) => Some((&operation.target, &**body)),
            _ => None,
        })
    }

    /// Tells that an operation failed after all.
    pub(super) fn fail(&mut self, name: &str, failure: OperationFailure) {
        if let Some(operation) = self.by_name.get_mut(name) {
            operation.failure = Some(failure);
        }
    }
}

impl Operation {
    /// The operation as the API tells it.
    pub(super) fn view(&self, now: Instant, clock: &Clock) -> Value {
        let (status, progress) = match () {
            () if now >= self.ends => ("DONE", 100),
            () if now >= self.begins => ("RUNNING", 50),
            () => ("PENDING", 0),
        };
        let url = Place::to_string(&self.place);
        let mut view = json!({
            "kind": "compute#operation",
            "id": self.id.to_string(),
            "name": self.name,
            "operationType": self.method.verb.word(),
            "targetLink": self.target.url(),
            "user": "landfall@test.iam.gserviceaccount.com",
            "status": status,
            "progress": progress,
            "insertTime": clock.stamp(self.inserted),
            "selfLink": format!("{BASE}{url}/operations/{}", self.name),
        });
        match &self.place.scope {
            Scope::Global => {}
            Scope::Region(_) => view["region"] = format!("{BASE}{url}").into(),
            Scope::Zone(_) => view["zone"] = format!("{BASE}{url}").into(),
        }
        if let Some(id) = &self.target_id {
            view["targetId"] = id.clone().into();
        }
        if now >= self.begins {
            view["startTime"] = clock.stamp(self.begins).into();
        }
        if now >= self.ends {
            view["endTime"] = clock.stamp(self.ends).into();
            self.add_failure(&mut view);
        }
        view
    }

    fn add_failure(&self, view: &mut Value) {
        let Some(OperationFailure { status, code, message }) = &self.failure else { return };
        view["error"] = json!({ "errors": [{ "code": code, "message": message }] });
        view["httpErrorStatusCode"] = (*status).into();
        view["httpErrorMessage"] = http_text(*status).into();
    }
}

/// What links in answers begin with.
pub(super) const BASE: &str = "https://www.googleapis.com/compute/v1/";

fn http_text(status: u16) -> &'static str {
    match status {
        400 => "BAD REQUEST",
        403 => "FORBIDDEN",
        404 => "NOT FOUND",
        409 => "CONFLICT",
        412 => "PRECONDITION FAILED",
        429 => "TOO MANY REQUESTS",
        _ => "INTERNAL SERVER ERROR",
    }
}
