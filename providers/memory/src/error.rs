//! What can go wrong, and what that means for the next step.

use std::time::Duration;

use landfall_core::error::{Category, Classified, ErrorClass};

use crate::cloud::{CloudError, Code, Kind, Operation};

/// A failure of the in-memory provider.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The cloud answered with an error.
    #[error("could not {} for {lb}", source.attempt())]
    Call {
        /// The load balancer it was for.
        lb: String,
        /// The answer, with the call and the object that it is about.
        source: Box<CloudError>,
    },
    /// The cloud did not answer in time.
    #[error("no answer within {} s to a call for {lb}; it may or may not have taken effect", after.as_secs())]
    TimedOut {
        /// The load balancer it was for.
        lb: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// An object that is not ours has a name or a port that we need.
    #[error("the {kind} {name:?} is in the way of {lb} and does not carry its marks: rename or delete it")]
    Foreign {
        /// The load balancer it is in the way of.
        lb: String,
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// After deleting everything, something new was there.
    #[error("{lb} still has the {kind} {name:?} after everything was deleted")]
    StillThere {
        /// The load balancer.
        lb: String,
        /// Kind of what is left.
        kind: Kind,
        /// Name of what is left.
        name: String,
    },
    /// The cloud is still deleting.
    #[error("the balancer {name:?} of {lb} is being deleted by the cloud")]
    Deleting {
        /// The load balancer.
        lb: String,
        /// Its balancer.
        name: String,
        /// When to look again.
        poll: Duration,
    },
}

impl MemoryError {
    /// The error for an error answer.
    pub(crate) fn answer(lb: &str, source: CloudError) -> Self {
        let lb = lb.to_owned();
        match (source.code, source.operation) {
            (Code::AlreadyExists, Operation::Create(kind)) => Self::Foreign { lb, kind, name: source.object },
            _ => Self::Call { lb, source: Box::new(source) },
        }
    }
}

impl Classified for MemoryError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Call { source, .. } => class_of(source.code),
            Self::TimedOut { .. } => ErrorClass::Transient,
            Self::Foreign { .. } | Self::StillThere { .. } => ErrorClass::Conflict,
            Self::Deleting { poll, .. } => ErrorClass::Waiting { poll: *poll },
        }
    }

    fn category(&self) -> Category {
        Category::new(match self {
            Self::Call { source, .. } => word_for(source.code),
            Self::TimedOut { .. } => "CallTimedOut",
            Self::Foreign { .. } => "ForeignResource",
            Self::StillThere { .. } => "StillThere",
            Self::Deleting { .. } => "Deleting",
        })
    }
}

fn class_of(code: Code) -> ErrorClass {
    match code {
        Code::Throttled { retry_after } => ErrorClass::Throttled { after: retry_after },
        Code::Unavailable => ErrorClass::Transient,
        // An address that is taken may be given back, and what vanished under us is made again by the next run.
        Code::AlreadyExists | Code::Changed | Code::InUse | Code::NotFound | Code::AddressInUse => {
            ErrorClass::Conflict
        }
        Code::NotReady { poll } => ErrorClass::Waiting { poll },
        Code::Invalid => ErrorClass::Rejected,
        Code::QuotaExceeded => ErrorClass::Quota,
        Code::AccessDenied => ErrorClass::Denied,
        Code::Internal => ErrorClass::Bug,
    }
}

fn word_for(code: Code) -> &'static str {
    match code {
        Code::Throttled { .. } => "Throttled",
        Code::Unavailable => "CloudUnavailable",
        Code::AlreadyExists => "ForeignResource",
        Code::Changed => "ChangedMeanwhile",
        Code::InUse => "ResourceInUse",
        Code::NotFound => "ResourceVanished",
        Code::AddressInUse => "AddressInUse",
        Code::NotReady { .. } => "NotReady",
        Code::Invalid => "RejectedByCloud",
        Code::QuotaExceeded => "QuotaExceeded",
        Code::AccessDenied => "AccessDenied",
        Code::Internal => "CloudInternalError",
    }
}
