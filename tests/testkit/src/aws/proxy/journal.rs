//! What was called.

use axum::body::Bytes;
use tokio::time::Instant;

use super::form::{Form, Service};

/// One call that reached the proxy, whatever came of it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The action as it was sent; empty if the request names none.
    pub action: String,
    /// Which service it was sent to.
    pub service: Service,
    /// When it arrived.
    pub at: Instant,
    /// HTTP status of the answer; `None` if there was none, or not yet.
    pub status: Option<u16>,
    body: Bytes,
}

impl Call {
    /// Whether it asks for a change.
    pub fn is_write(&self) -> bool {
        !self.action.starts_with("Describe")
    }

    /// A parameter as it was sent, e.g. `Targets.member.1.Id`.
    pub fn parameter(&self, key: &str) -> Option<String> {
        Form::new(&self.body).value(key)
    }
}

/// The calls since the start or the last time they were forgotten.
#[derive(Debug, Default)]
pub(super) struct Journal {
    calls: Vec<Call>,
}

impl Journal {
    /// Writes a call down. Answers its place.
    pub(super) fn add(&mut self, action: &str, service: Service, body: Bytes) -> usize {
        let call = Call { action: action.to_owned(), service, at: Instant::now(), status: None, body };
        self.calls.push(call);
        self.calls.len() - 1
    }

    /// Writes down how the call at that place was answered. It may have been forgotten since.
    pub(super) fn answered(&mut self, place: usize, status: u16) {
        if let Some(call) = self.calls.get_mut(place) {
            call.status = Some(status);
        }
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }
}
