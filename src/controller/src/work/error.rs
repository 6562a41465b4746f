//! Why a look did not reach its end.

use std::time::Duration;

use landfall_core::error::{Category, ErrorClass, ProviderError};
use landfall_runtime::lease::LostClaim;

use crate::writer::WriteError;

/// Why a look did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The provider failed.
    #[error("{}", .0.explain())]
    Provider(ProviderError),
    /// The API server failed.
    #[error("{}", .0.explain())]
    Write(#[from] WriteError),
    /// The provider did not answer in time.
    #[error("the provider did not finish within {0:?}")]
    Timeout(Duration),
    /// The provider panicked; the panic is in the log.
    #[error("the provider panicked; this is a bug, please report it with the controller's log")]
    Panicked,
    /// A load balancer that nobody wants any more could not be removed.
    #[error(transparent)]
    Stuck(Box<LookError>),
    /// Somebody leaves a load balancer whose other members are all refused, so that it cannot be changed.
    #[error("the other Services of this load balancer are refused; correct or delete them")]
    GroupRefused,
}

impl LookError {
    /// What to do next.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Provider(error) => error.class(),
            Self::Write(error) => error.class(),
            Self::Timeout(_) => ErrorClass::Transient,
            Self::Panicked => ErrorClass::Bug,
            // There is no wish left that somebody could correct.
            Self::Stuck(error) if error.class() == ErrorClass::Rejected => ErrorClass::Denied,
            Self::Stuck(error) => error.class(),
            Self::GroupRefused => ErrorClass::Rejected,
        }
    }

    /// What to call it.
    pub fn category(&self) -> Category {
        match self {
            Self::Provider(error) => error.category(),
            Self::Write(error) => error.category(),
            Self::Timeout(_) => Category::new("ProviderTimeout"),
            Self::Panicked => Category::new("ProviderPanicked"),
            Self::Stuck(error) => error.category(),
            Self::GroupRefused => Category::new("GroupRefused"),
        }
    }
}

impl From<LostClaim> for LookError {
    fn from(lost: LostClaim) -> Self {
        Self::Write(WriteError::Lost(lost))
    }
}
