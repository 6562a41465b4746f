//! What can go wrong, and what that means for the next step.

use std::fmt;
use std::time::Duration;

use landfall_core::error::{Category, Classified, ErrorClass};
use landfall_core::refusal::Refusal;

mod codes;

pub use codes::quota_of;

use crate::api::error::Failure;
use crate::api::{Action, ApiError};
use crate::network::NetworkError;
use codes::Advice;

/// A failure of the AWS provider.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AwsError {
    /// AWS answered a request with an error, or not at all.
    #[error(transparent)]
    Call(Box<FailedCall>),
    /// AWS has something of the name that we want to give, with other settings.
    #[error("there is a {kind} {name:?} already, with other settings than {whom} wants")]
    NameTaken {
        /// Whom it is for.
        whom: String,
        /// `load balancer`, `target group`, `security group` or `listener`.
        kind: &'static str,
        /// Its name; of a listener the port.
        name: String,
        /// The answer.
        source: Box<ApiError>,
    },
    /// Something that does not carry our marks has a name or a port that we need.
    #[error(
        "the {kind} {name:?}, {}, is in the way of {whom}: rename or delete it, or ask for another name",
        owned_by(owner.as_deref())
    )]
    Foreign {
        /// Whom it is in the way of.
        whom: String,
        /// `load balancer`, `target group`, `security group` or `listener`.
        kind: &'static str,
        /// Its name, ARN or port.
        name: String,
        /// Who made it, as far as its tags tell.
        owner: Option<String>,
    },
    /// A load balancer must go and is protected from it.
    #[error(
        "the load balancer {name:?} of {whom} has deletion protection: set its attribute \
         deletion_protection.enabled to false, in AWS and in the annotation if there is one"
    )]
    DeletionProtected {
        /// Whose it is.
        whom: String,
        /// Its name or ARN.
        name: String,
        /// The answer, if AWS was asked to delete it.
        source: Option<Box<ApiError>>,
    },
    /// Something must go and is still used.
    #[error("the {what} of {whom} cannot be deleted yet: {}", used_by(by))]
    StillInUse {
        /// Whose it is.
        whom: String,
        /// What must go: kind and name.
        what: String,
        /// What uses it; empty if that is not known.
        by: Vec<String>,
        /// When to look again.
        poll: Duration,
    },
    /// What is to be removed may not be known in full yet.
    #[error(
        "AWS's lists and tags may not tell yet what was made for {whom} last: looked at again in {} s",
        poll.as_secs()
    )]
    Unsettled {
        /// Whose it is.
        whom: String,
        /// When to look again.
        poll: Duration,
    },
    /// A request's turn is too far away to wait for it in place. Its place is kept.
    #[error(
        "{action} for {whom} is due in {} s, after {ahead} others: AWS limits the rate of such requests",
        poll.as_secs()
    )]
    Paced {
        /// Whom it is for.
        whom: String,
        /// The request.
        action: Action,
        /// How many come first.
        ahead: usize,
        /// When to ask again.
        poll: Duration,
    },
    /// AWS does not accept the credentials; nothing is sent for a while.
    #[error(
        "AWS does not accept the credentials of the controller, so no calls are made; tried again in {} s: \
         see its log for AWS's answer, and check its role, keys and clock",
        until.as_secs()
    )]
    CredentialsRejected {
        /// Time until the next attempt.
        until: Duration,
    },
    /// A load balancer is to be taken over and the operator has not agreed to the plan yet.
    #[error(
        "taking over {arn} for {whom} would do what follows; set the annotation \
         landfall.dev/adopt-confirm to {fingerprint:?} to agree: {plan}"
    )]
    AdoptionNeedsConfirmation {
        /// Whom it is for.
        whom: String,
        /// ARN of the load balancer.
        arn: String,
        /// What would be done.
        plan: String,
        /// Stands for the plan in the annotation.
        fingerprint: String,
    },
    /// A load balancer cannot be taken over.
    #[error("{arn} cannot be taken over for {whom}: {reason}")]
    NotAdoptable {
        /// Whom it is for.
        whom: String,
        /// ARN of the load balancer.
        arn: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The wish cannot be read in full, and what is left out would get defaults that nobody asked for.
    #[error("the wish of {whom} is refused: {}", all(reasons))]
    Refused {
        /// Whose it is.
        whom: String,
        /// Every reason.
        reasons: Vec<Refusal>,
    },
    /// A change refers to something that neither exists nor was made before it: a fault of the comparison.
    #[error("a change for {whom} refers to the {kind} {name:?}, which does not exist: please report this")]
    Lost {
        /// Whom it is for.
        whom: String,
        /// Kind of what it refers to.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Listeners went for a change that failed, and cannot be made again for now.
    #[error(
        "{} of {whom} went for a change that failed, and did not come back ({}): nobody serves there until either \
         succeeds, and both are tried again",
        listeners.join(", "),
        why.answer().map_or_else(|| why.to_string(), |answer| format!("{}: {answer}", answer.action))
    )]
    ListenerAway {
        /// Whose they are.
        whom: String,
        /// Which: load balancer and port.
        listeners: Vec<String>,
        /// Why they did not come back.
        why: Box<AwsError>,
        /// Why they are away.
        source: Box<AwsError>,
    },
    /// The wish and the network do not go together.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// A request that AWS answered with an error, or not at all.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct FailedCall {
    /// Whom the request was for.
    pub whom: String,
    /// Name, ARN or id of what it was about; `None` for lists.
    pub object: Option<String>,
    /// The answer.
    #[source]
    pub error: ApiError,
    /// How far the quota is used, if it is one and somebody looked.
    pub figures: Option<Figures>,
}

/// How far a quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How many there are; `None` if nobody counted.
    pub used: Option<u64>,
    /// How many there may be.
    pub limit: u64,
}

impl AwsError {
    /// The error for a failed request.
    pub fn failed(whom: &str, object: Option<&str>, error: ApiError) -> Self {
        let (whom, object) = (whom.to_owned(), object.map(str::to_owned));
        Self::Call(Box::new(FailedCall { whom, object, error, figures: None }))
    }

    /// Names what has the name already, if that is what AWS answered.
    pub(crate) fn or_name_taken(self, kind: &'static str, name: &str) -> Self {
        match self {
            Self::Call(call) if codes::meaning(&call.error).word == codes::NAME_TAKEN => {
                let FailedCall { whom, error, .. } = *call;
                Self::NameTaken { whom, kind, name: name.to_owned(), source: Box::new(error) }
            }
            other => other,
        }
    }

    /// Says that it is deletion protection, if AWS answered that the deletion is not permitted.
    pub(crate) fn or_protected(self, name: &str) -> Self {
        match self {
            Self::Call(call) if call.error.code() == Some("OperationNotPermitted") => {
                let FailedCall { whom, error, .. } = *call;
                Self::DeletionProtected { whom, name: name.to_owned(), source: Some(Box::new(error)) }
            }
            other => other,
        }
    }

    /// AWS's answer, if one is behind this.
    pub fn answer(&self) -> Option<&ApiError> {
        match self {
            Self::Call(call) => Some(&call.error),
            Self::NameTaken { source, .. } => Some(source),
            Self::DeletionProtected { source, .. } => source.as_deref(),
            Self::ListenerAway { source, .. } => source.answer(),
            _ => None,
        }
    }

    /// AWS's error code, if it answered with one.
    pub fn code(&self) -> Option<&str> {
        self.answer().and_then(ApiError::code)
    }

    /// Whether the request may have taken effect although it looks failed.
    pub fn is_in_doubt(&self) -> bool {
        self.answer().is_some_and(ApiError::is_in_doubt)
    }

    /// Whether there was an answer that cannot be read.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.answer().is_some_and(|error| matches!(error.kind, Failure::Unreadable { .. }))
    }

    /// The quota that is used up, by its name in `DescribeAccountLimits`.
    pub fn quota(&self) -> Option<&'static str> {
        self.code().and_then(quota_of)
    }

    /// Adds how far the quota is used; no effect on other errors.
    pub fn with_limit(mut self, used: Option<u64>, limit: u64) -> Self {
        if let Self::Call(call) = &mut self {
            call.figures = Some(Figures { used, limit });
        }
        self
    }
}

impl Classified for AwsError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Call(call) => codes::meaning(&call.error).class,
            Self::NameTaken { .. } | Self::Foreign { .. } => ErrorClass::Conflict,
            // Lifted by somebody else, perhaps outside of the cluster: looked at again, but slowly.
            Self::DeletionProtected { .. } => ErrorClass::Denied,
            // Everything goes on as soon as one attempt succeeds.
            Self::CredentialsRejected { until } => ErrorClass::Throttled { after: Some(*until) },
            Self::StillInUse { poll, .. } | Self::Unsettled { poll, .. } | Self::Paced { poll, .. } => {
                ErrorClass::Waiting { poll: *poll }
            }
            Self::AdoptionNeedsConfirmation { .. } | Self::NotAdoptable { .. } | Self::Refused { .. } => {
                ErrorClass::Rejected
            }
            Self::Lost { .. } => ErrorClass::Bug,
            Self::ListenerAway { why, source, .. } => soonest(why.class(), source.class()),
            Self::Network(error) => error.class(),
        }
    }

    fn category(&self) -> Category {
        Category::new(match self {
            Self::Network(error) => return error.category(),
            Self::Call(call) => codes::meaning(&call.error).word,
            Self::NameTaken { .. } => codes::NAME_TAKEN,
            Self::Foreign { .. } => "ForeignResource",
            Self::DeletionProtected { .. } => "DeletionProtected",
            Self::StillInUse { .. } | Self::Unsettled { .. } => "WaitingForRelease",
            Self::Paced { .. } => "ApiPaced",
            Self::CredentialsRejected { .. } => codes::CREDENTIALS_REJECTED,
            Self::AdoptionNeedsConfirmation { .. } => "AdoptionNeedsConfirmation",
            Self::NotAdoptable { .. } => "NotAdoptable",
            Self::Refused { .. } => "Refused",
            Self::Lost { .. } => "LostReference",
            Self::ListenerAway { .. } => "ListenerAway",
        })
    }
}

impl FailedCall {
    fn sentence(&self) -> String {
        let action = self.error.action;
        let object = self.object.as_ref().map(|object| format!(" of {object}")).unwrap_or_default();
        let advice = match codes::meaning(&self.error).advice {
            Advice::Say(text) => text.to_owned(),
            Advice::Allow => format!("allow the IAM action {action} to the controller's role"),
            Advice::Raise { quota, .. } => {
                let figures = self.figures.map(|figures| format!(", {figures}")).unwrap_or_default();
                format!("the quota of {quota} is used up{figures}: free some, or have it raised")
            }
        };
        format!("{action}{object} for {} failed: {advice}", self.whom)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.used {
            Some(used) => write!(f, "{used} of {}", self.limit),
            None => write!(f, "{} at most", self.limit),
        }
    }
}

/// The class of a failure by which something is away that should not be: tried again as soon as what would bring it back
/// allows, and slowly at least, whatever the other failure means.
fn soonest(of_return: ErrorClass, of_change: ErrorClass) -> ErrorClass {
    match (of_return, of_change) {
        (ErrorClass::Rejected | ErrorClass::Bug, ErrorClass::Rejected | ErrorClass::Bug) => {
            ErrorClass::Denied
        }
        (ErrorClass::Rejected | ErrorClass::Bug, of_change) => of_change,
        (of_return, _) => of_return,
    }
}

/// Whether it is open what a failed change left behind, or what was known before has turned out to be wrong.
pub(crate) fn leaves_doubt(error: &AwsError) -> bool {
    error.is_in_doubt() || error.class() == ErrorClass::Conflict
}

/// Whether AWS did not accept the credentials, or there are none: no other request can succeed either.
pub(crate) fn is_about_credentials(error: &ApiError) -> bool {
    match &error.kind {
        Failure::NotSent { .. } => true,
        _ => codes::meaning(error).word == codes::CREDENTIALS_REJECTED,
    }
}

/// Whether AWS answered that there were too many requests.
pub(crate) fn is_throttling(error: &ApiError) -> bool {
    matches!(codes::meaning(error).class, ErrorClass::Throttled { .. })
}

/// The word of the class of an answer, for metrics.
pub(crate) fn class_word(error: &ApiError) -> &'static str {
    codes::meaning(error).class.as_str()
}

fn owned_by(owner: Option<&str>) -> String {
    owner.map_or_else(|| "which is not ours".to_owned(), |owner| format!("made by {owner}"))
}

fn all(reasons: &[Refusal]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn used_by(by: &[String]) -> String {
    if by.is_empty() {
        return "AWS has not released it".to_owned();
    }
    format!("still used by {}", by.join(", "))
}

#[cfg(test)]
mod tests;
