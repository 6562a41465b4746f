//! Operations, followed to their end.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::Client;
use crate::api::error::Failure;
use crate::api::operation::Status;
use crate::api::{ApiError, Method, Operation, OperationRef, Reference, Verb};
use crate::error::{GcpError, Object};

/// Time until the state of an operation is asked for at first. Most take one to ten seconds.
const FIRST: Duration = Duration::from_millis(500);
/// Longest time from one look to the next; it doubles until then.
const SLOWEST: Duration = Duration::from_secs(5);
/// How long an operation is followed at most. It goes on without us.
const BOUND: Duration = Duration::from_mins(1);
/// When to look at what an operation that has not ended changes.
const LATER: Duration = Duration::from_secs(15);

impl Client {
    /// Whether an operation has ended, well or not. One that Google does not know any more has.
    pub(crate) async fn is_done(&self, what: &Reference, operation: &OperationRef) -> Result<bool, GcpError> {
        match self.call(what, Verb::GetOperation, self.compute().operation(operation)).await {
            Ok(operation) => Ok(operation.status == Status::Done),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Waits for the end of an operation, and tells how it ended. A look at its state that fails says nothing about the
    /// operation: it is looked at again.
    pub(super) async fn follow(
        &self,
        what: &Reference,
        verb: Verb,
        operation: Operation,
    ) -> Result<(), GcpError> {
        let (method, deadline) = (Method::new(what.kind, verb), Instant::now() + BOUND);
        let name = operation.name.clone();
        let which = OperationRef { place: what.place.clone(), name, kind: what.kind, verb };
        self.pending.set(which.clone());
        let (mut seen, mut pause) = (Ok(operation), FIRST);
        loop {
            if let Ok(operation) = &mut seen
                && operation.status == Status::Done
            {
                self.pending.take();
                return end(method, std::mem::take(operation))
                    .map_err(|error| GcpError::failed(self.whom(), Object::One(what.clone()), error));
            }
            let hopeless = seen.as_ref().is_err_and(GcpError::is_forbidden);
            if hopeless || Instant::now() + pause >= deadline {
                return Err(self.still_running(what, &which, seen.err()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(SLOWEST);
            let look = self.call(what, Verb::GetOperation, self.compute().operation(&which));
            match timeout_at(deadline, look).await {
                Ok(look) => seen = look,
                Err(_) => return Err(self.still_running(what, &which, seen.err())),
            }
        }
    }

    /// Tells that a change goes on.
    pub(crate) fn still_running(
        &self,
        what: &Reference,
        operation: &OperationRef,
        unseen: Option<GcpError>,
    ) -> GcpError {
        GcpError::StillRunning {
            whom: self.whom().to_owned(),
            method: Method::new(operation.kind, operation.verb),
            what: Box::new(what.clone()),
            operation: operation.name.clone(),
            poll: LATER,
            unseen: unseen.map(Box::new),
        }
    }
}

/// How an operation ended. The first of several errors decides; the texts of all are told.
fn end(method: Method, operation: Operation) -> Result<(), ApiError> {
    let Operation { name, error, http_error_status_code: code, http_error_message: text, .. } = operation;
    let errors = error.map(|error| error.errors).unwrap_or_default();
    if errors.is_empty() && code.is_none_or(|code| code < 400) {
        return Ok(());
    }
    let mut messages: Vec<String> = errors.iter().map(|error| error.message.clone()).collect();
    if messages.is_empty() {
        messages.extend(text);
    }
    let kind = Failure::Answered {
        reason: errors.into_iter().next().map(|error| error.code).unwrap_or_default(),
        message: messages.join("; "),
        // Without a status the reason decides alone.
        status: code.unwrap_or(500),
        operation: Some(name),
    };
    Err(ApiError { method, kind })
}
