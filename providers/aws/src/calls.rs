//! What all calls share: the two APIs, their pace, the time that a call may take, and what is learned from the answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use crate::api::ec2::Ec2;
use crate::api::elb::Elb;
use crate::api::error::Failure;
use crate::api::{Action, Answer, ApiError};
use crate::circuit::{Circuit, Turn, Verdict};
use crate::error::{self, AwsError};
use crate::observer::Observer;
use crate::pace::{Asker, Limits, Pacer};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to AWS, shared by all load balancers of an account and region. Made once; used through
/// [`Client`](crate::client::Client).
pub struct Calls {
    pub(crate) elb: Arc<dyn Elb>,
    pub(crate) ec2: Arc<dyn Ec2>,
    pacer: Pacer,
    circuit: Circuit,
    observer: Arc<dyn Observer>,
}

/// What a call is about, for errors and for its place in the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    /// Whom it is for.
    pub(crate) asker: Asker<'a>,
    /// The request.
    pub(crate) action: Action,
    /// Name, ARN or id of its object; `None` for lists.
    pub(crate) object: Option<&'a str>,
    /// Whether its turn was taken beforehand.
    pub(crate) has_turn: bool,
}

impl Calls {
    /// Calls over these two, at the pace of `limits`.
    pub fn new(elb: Arc<dyn Elb>, ec2: Arc<dyn Ec2>, limits: &Limits, observer: Arc<dyn Observer>) -> Self {
        Self { elb, ec2, pacer: Pacer::new(limits), circuit: Circuit::default(), observer }
    }

    /// Makes one call: when its turn has come, unless AWS does not accept the credentials, and for [`PATIENCE`] at
    /// most. No retries: whoever asks decides about that.
    pub(crate) async fn call<T>(
        &self,
        about: About<'_>,
        request: impl Future<Output = Answer<T>>,
    ) -> Result<T, AwsError> {
        let rejected = |until| AwsError::CredentialsRejected { until };
        self.circuit.paused_for().map_or(Ok(()), |until| Err(rejected(until)))?;
        if !about.has_turn {
            self.take_turn(about.asker, about.action).await?;
        }
        let pass = self.circuit.admit().map_err(rejected)?;
        let begun = Instant::now();
        let answer = match timeout(PATIENCE, request).await {
            Ok(answer) => answer,
            Err(_) => Err(ApiError { action: about.action, kind: Failure::TimedOut { after: PATIENCE } }),
        };
        let turn = pass.settle(verdict(&answer));
        self.learn(about.action, answer.as_ref().err(), begun.elapsed(), turn);
        answer.map_err(|error| AwsError::failed(about.asker.whom, about.object, error))
    }

    /// Whether AWS throttles such requests.
    pub(crate) fn is_slowed(&self, action: Action) -> bool {
        self.pacer.is_slowed(action)
    }

    /// Waits for the turn of a request for this one.
    pub(crate) async fn take_turn(&self, asker: Asker<'_>, action: Action) -> Result<(), AwsError> {
        let waited = self.pacer.turn(action, asker).await.map_err(|busy| AwsError::Paced {
            whom: asker.whom.to_owned(),
            action,
            ahead: busy.ahead,
            poll: busy.poll,
        })?;
        if !waited.is_zero() {
            self.observer.paced(action.category(), waited);
        }
        Ok(())
    }

    fn learn(&self, action: Action, error: Option<&ApiError>, took: Duration, turn: Option<Turn>) {
        if error.is_some_and(error::is_throttling) {
            self.pacer.throttled(action);
        }
        self.observer.called(action, error.map_or("ok", error::class_word), took);
        match (turn, error) {
            (Some(Turn::Opened), Some(error)) => {
                warn!(%error, "AWS does not accept the credentials: no calls but one attempt every 30 s");
            }
            (Some(Turn::Closed), _) => info!("AWS accepts the credentials again"),
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
        Err(ApiError { kind: Failure::Answered { status, .. }, .. }) if *status < 500 => Verdict::Accepted,
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
