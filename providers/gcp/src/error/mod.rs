//! What can go wrong, and what that means for the next step.

use std::fmt;
use std::time::Duration;

use landfall_core::error::{Category, Classified, ErrorClass};
use landfall_core::refusal::Refusal;

mod codes;
mod permission;

pub use permission::permission;

use crate::api::error::Failure;
use crate::api::{ApiError, Method, Place, Reference};
use crate::network::NetworkError;
use codes::Advice;

/// A failure of the GCP provider.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GcpError {
    /// Google answered a request with an error, at once or as the end of its operation, or not at all.
    #[error(transparent)]
    Call(Box<FailedCall>),
    /// Something of the name that we want to give is there already.
    #[error("there is a {} {what} already, so it is not made for {whom}: it is read again", what.kind)]
    AlreadyExists {
        /// Whom it is for.
        whom: String,
        /// What.
        what: Box<Reference>,
        /// The answer.
        source: Box<ApiError>,
    },
    /// A change was accepted, and its operation has not ended within the time that it is waited for.
    #[error(
        "{method} of {what} for {whom} was accepted as operation {operation}, which has not ended yet: \
         looked at again in {} s",
        poll.as_secs()
    )]
    StillRunning {
        /// Whom it is for.
        whom: String,
        /// What was asked for.
        method: Method,
        /// Of what.
        what: Box<Reference>,
        /// Name of the operation.
        operation: String,
        /// When to look again.
        poll: Duration,
        /// Why its state was not told when it was last asked for, if so.
        #[source]
        unseen: Option<Box<GcpError>>,
    },
    /// Something that was there when the project was listed is gone.
    #[error("the {} {what} of {whom} is gone: everything is read again and what is missing made again", what.kind)]
    Vanished {
        /// Whose it was.
        whom: String,
        /// What.
        what: Reference,
    },
    /// Something that does not carry our marks has a name that we need.
    #[error("the {} {what}, {}, is in the way of {whom}: rename or delete it, or ask for another name",
        what.kind, owned_by(owner.as_deref()))]
    Foreign {
        /// Whom it is in the way of.
        whom: String,
        /// What.
        what: Box<Reference>,
        /// Who made it, as far as its description tells.
        owner: Option<String>,
    },
    /// Something must go and is still used.
    #[error("the {} {what} of {whom} cannot be deleted yet: {}", what.kind, used_by(by))]
    StillInUse {
        /// Whose it is.
        whom: String,
        /// What must go.
        what: Box<Reference>,
        /// What uses it; empty if that is not known.
        by: Vec<String>,
        /// When to look again.
        poll: Duration,
    },
    /// Everything found is removed, and more may yet be found.
    #[error(
        "a change for {whom} failed or was cut short, and Google's lists may lack what it made: \
         looked at again in {} s",
        poll.as_secs()
    )]
    Unsettled {
        /// Whose it is.
        whom: String,
        /// When to look again.
        poll: Duration,
    },
    /// A request's turn is too far away to wait for it in place.
    #[error(
        "{method} for {whom} is due in {} s, after {ahead} others: Google limits the rate of such requests",
        poll.as_secs()
    )]
    Paced {
        /// Whom it is for.
        whom: String,
        /// The request.
        method: Method,
        /// How many come first.
        ahead: u32,
        /// When to ask again.
        poll: Duration,
    },
    /// Google does not accept the credentials; nothing is sent for a while.
    #[error(
        "Google does not accept the credentials of the controller, so no calls are made; tried again in {} s: \
         see its log for Google's answer, and check its service account, key and clock",
        until.as_secs()
    )]
    CredentialsRejected {
        /// Time until the next attempt.
        until: Duration,
    },
    /// The wish cannot be read in full, and what is left out would get defaults that nobody asked for.
    #[error("the wish of {whom} is refused: {}", all(reasons))]
    Refused {
        /// Whose it is.
        whom: String,
        /// Every reason.
        reasons: Vec<Refusal>,
    },
    /// The wish and the network do not go together.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A change refers to something that neither exists nor was made before it: a fault of the comparison.
    #[error("a change for {whom} refers to the {what}, which does not exist: please report this")]
    Lost {
        /// Whom it is for.
        whom: String,
        /// Kind and name of what it refers to.
        what: String,
    },
}

/// A request that Google answered with an error, or not at all.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct FailedCall {
    /// Whom the request was for.
    pub whom: String,
    /// What it was about.
    pub object: Object,
    /// The answer.
    #[source]
    pub error: ApiError,
    /// How far the quotas are used that the request needs, if it is about one and somebody looked.
    pub figures: Vec<Figures>,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// One resource.
    One(Reference),
    /// All resources of a kind in a place.
    All(Place),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(what) => write!(f, "of {what}"),
            Self::All(place) => write!(f, "in {place}"),
        }
    }
}

/// How far a quota is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// What is counted, in Google's word, e.g. `FORWARDING_RULES`.
    pub metric: String,
    /// How many there are.
    pub used: f64,
    /// How many there may be.
    pub limit: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.metric, self.used, self.limit)
    }
}

impl GcpError {
    /// The error for a failed request.
    pub fn failed(whom: &str, object: Object, error: ApiError) -> Self {
        Self::Call(Box::new(FailedCall { whom: whom.to_owned(), object, error, figures: Vec::new() }))
    }

    /// Google's answer, if one is behind this.
    pub fn answer(&self) -> Option<&ApiError> {
        match self {
            Self::Call(call) => Some(&call.error),
            Self::AlreadyExists { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The reason as a word, if Google answered with one.
    pub fn reason(&self) -> Option<&str> {
        self.answer().and_then(ApiError::reason)
    }

    /// Whether what was asked for, or something that it refers to, is not there.
    pub fn is_not_found(&self) -> bool {
        self.answer().is_some_and(|error| codes::meaning(error).word == codes::RESOURCE_VANISHED)
    }

    /// Whether something cannot go because something else uses it.
    pub fn is_in_use(&self) -> bool {
        self.answer().is_some_and(|error| codes::meaning(error).word == codes::IN_USE)
    }

    /// Whether the controller lacks a permission for the request.
    pub fn is_forbidden(&self) -> bool {
        self.answer().is_some_and(|error| codes::meaning(error).advice == Advice::Allow)
    }

    /// Whether a quota is used up.
    pub fn is_about_quota(&self) -> bool {
        self.class() == ErrorClass::Quota
    }

    /// Whether the request may have taken effect although it looks failed.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::StillRunning { .. }) || self.answer().is_some_and(ApiError::is_in_doubt)
    }

    /// Whether it is open what a failed change left behind, or what was known before has turned out to be wrong.
    pub fn leaves_doubt(&self) -> bool {
        self.is_in_doubt() || self.class() == ErrorClass::Conflict
    }

    /// Adds how far quotas are used; no effect on errors that are not about one.
    pub fn with_figures(mut self, figures: Vec<Figures>) -> Self {
        if self.is_about_quota()
            && let Self::Call(call) = &mut self
        {
            call.figures = figures;
        }
        self
    }

    /// Names what is there already, if that is what Google answered to an insert.
    pub(crate) fn or_already_exists(self, what: &Reference) -> Self {
        match self {
            Self::Call(call) if codes::meaning(&call.error).word == codes::NAME_TAKEN => {
                let FailedCall { whom, error, .. } = *call;
                Self::AlreadyExists { whom, what: Box::new(what.clone()), source: Box::new(error) }
            }
            other => other,
        }
    }
}

impl Classified for GcpError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Call(call) => codes::meaning(&call.error).class,
            Self::AlreadyExists { .. } | Self::Vanished { .. } | Self::Foreign { .. } => ErrorClass::Conflict,
            // Everything goes on as soon as one attempt succeeds.
            Self::CredentialsRejected { until } => ErrorClass::Throttled { after: Some(*until) },
            Self::StillRunning { poll, .. }
            | Self::StillInUse { poll, .. }
            | Self::Unsettled { poll, .. }
            | Self::Paced { poll, .. } => ErrorClass::Waiting { poll: *poll },
            Self::Refused { .. } => ErrorClass::Rejected,
            Self::Network(error) => error.class(),
            Self::Lost { .. } => ErrorClass::Bug,
        }
    }

    fn category(&self) -> Category {
        Category::new(match self {
            Self::Network(error) => return error.category(),
            Self::Call(call) => codes::meaning(&call.error).word,
            Self::AlreadyExists { .. } => codes::NAME_TAKEN,
            Self::Vanished { .. } => codes::RESOURCE_VANISHED,
            Self::StillRunning { .. } => "OperationRunning",
            Self::Foreign { .. } => "ForeignResource",
            Self::StillInUse { .. } | Self::Unsettled { .. } => "WaitingForRelease",
            Self::Paced { .. } => "ApiPaced",
            Self::CredentialsRejected { .. } => codes::CREDENTIALS_REJECTED,
            Self::Refused { .. } => "Refused",
            Self::Lost { .. } => "LostReference",
        })
    }
}

impl FailedCall {
    fn sentence(&self) -> String {
        let Self { whom, object, error, .. } = self;
        let method = error.method;
        let advice = match codes::meaning(error).advice {
            Advice::Say(text) => text.to_owned(),
            Advice::Allow => format!(
                "give the controller's service account the permission {}, or the one that Google's answer names",
                permission(method)
            ),
            Advice::Raise => format!("{}: free some, or have it raised", self.quota()),
        };
        format!("{method} {object} for {whom} failed: {advice}")
    }

    fn quota(&self) -> String {
        if self.figures.is_empty() {
            return "the quota that Google's answer names is used up".to_owned();
        }
        let figures: Vec<String> = self.figures.iter().map(ToString::to_string).collect();
        format!("a quota is used up ({})", figures.join(", "))
    }
}

/// Whether Google did not accept the credentials, or there are none: no other request can succeed either.
pub(crate) fn is_about_credentials(error: &ApiError) -> bool {
    match &error.kind {
        Failure::NotSent { credentials, .. } => *credentials,
        _ => codes::meaning(error).word == codes::CREDENTIALS_REJECTED,
    }
}

/// Whether Google answered that there were too many requests.
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
        return "Google has not released it".to_owned();
    }
    format!("still used by {}", by.join(", "))
}

#[cfg(test)]
mod tests;
