//! What the controller may not do, so that it is not tried for each load balancer.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::api::{Method, Place};
use crate::error::GcpError;

/// Answers that told so, by place and method.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    known: HashMap<(Place, Method), (GcpError, Instant)>,
}

impl Refusals {
    /// Notes an answer, and when to try again.
    pub(crate) fn note(&mut self, place: &Place, method: Method, answer: GcpError, until: Instant) {
        self.known.insert((place.clone(), method), (answer, until));
    }

    /// The answer, unless it is to be tried again.
    pub(crate) fn get(&self, place: &Place, method: Method, now: Instant) -> Option<GcpError> {
        let (answer, _) = self.known.get(&(place.clone(), method)).filter(|(_, until)| now < *until)?;
        Some(answer.clone())
    }
}
