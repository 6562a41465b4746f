//! What all calls share: the API, its pace, the time that a call may take, and what is learned from the answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use crate::api::error::Failure;
use crate::api::{Answer, ApiError, Compute, Method};
use crate::circuit::{Circuit, Turn, Verdict};
use crate::error::{self, GcpError, Object};
use crate::observer::Observer;
use crate::pace::{Group, Limits, Pacer};

/// How long one request may take. An operation takes longer; each look at its state is a request.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The way to Compute Engine, shared by all load balancers. Made once; used through [`Client`](crate::client::Client).
pub struct Calls {
    pub(crate) compute: Arc<dyn Compute>,
    pacer: Pacer,
    circuit: Circuit,
    observer: Arc<dyn Observer>,
}

/// What a call is about, for errors and for its place in the queue.
#[derive(Debug, Clone)]
pub(crate) struct About<'a> {
    /// Whom it is for.
    pub(crate) whom: &'a str,
    /// The request.
    pub(crate) method: Method,
    /// Of what.
    pub(crate) object: Object,
}

impl About<'_> {
    fn group(&self) -> Group {
        let place = match &self.object {
            Object::One(what) => &what.place,
            Object::All(place) => place,
        };
        Group::of(self.method.verb, &place.scope)
    }
}

impl Calls {
    /// Calls at the pace of `limits`.
    pub fn new(compute: Arc<dyn Compute>, limits: &Limits, observer: Arc<dyn Observer>) -> Self {
        Self { compute, pacer: Pacer::new(limits), circuit: Circuit::default(), observer }
    }

    /// Makes one call: when its turn has come, unless Google does not accept the credentials, and for [`PATIENCE`] at
    /// most. No retries: whoever asks decides about that.
    pub(crate) async fn call<T>(
        &self,
        about: About<'_>,
        request: impl Future<Output = Answer<T>>,
    ) -> Result<T, GcpError> {
        let rejected = |until| GcpError::CredentialsRejected { until };
        self.circuit.paused_for().map_or(Ok(()), |until| Err(rejected(until)))?;
        self.take_turn(&about).await?;
        let pass = self.circuit.admit().map_err(rejected)?;
        let begun = Instant::now();
        let answer = match timeout(PATIENCE, request).await {
            Ok(answer) => answer,
            Err(_) => Err(ApiError { method: about.method, kind: Failure::TimedOut { after: PATIENCE } }),
        };
        let turn = self.circuit.settle(pass, verdict(&answer));
        self.learn(&about, answer.as_ref().err(), begun.elapsed(), turn);
        answer.map_err(|error| GcpError::failed(about.whom, about.object, error))
    }

    async fn take_turn(&self, about: &About<'_>) -> Result<(), GcpError> {
        let group = about.group();
        let waited = self.pacer.turn(group).await.map_err(|busy| GcpError::Paced {
            whom: about.whom.to_owned(),
            method: about.method,
            ahead: busy.ahead,
            poll: busy.poll,
        })?;
        if !waited.is_zero() {
            self.observer.paced(group, waited);
        }
        Ok(())
    }

    fn learn(&self, about: &About<'_>, error: Option<&ApiError>, took: Duration, turn: Option<Turn>) {
        if error.is_some_and(error::is_throttling) {
            self.pacer.throttled(about.group());
        }
        self.observer.called(about.method, error.map_or("ok", error::class_word), took);
        match (turn, error) {
            (Some(Turn::Opened), Some(error)) => {
                warn!(%error, "Google does not accept the credentials: no calls but one attempt every 30 s");
            }
            (Some(Turn::Closed), _) => info!("Google accepts the credentials again"),
            _ => {}
        }
        if let Some(turn) = turn {
            self.observer.circuit(turn == Turn::Opened);
        }
    }
}

fn verdict<T>(answer: &Answer<T>) -> Verdict {
    match answer {
        Ok(_) => Verdict::Accepted,
        Err(error) if error::is_about_credentials(error) => Verdict::Rejected,
        Err(error) if error.status().is_some_and(|status| status < 500) => Verdict::Accepted,
        Err(_) => Verdict::Unknown,
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("pacer", &self.pacer)
            .field("circuit", &self.circuit)
            .finish_non_exhaustive()
    }
}
