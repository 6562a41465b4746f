//! Errors as the controller sees them: what to do next (`ErrorClass`) and what to call it (`Category`).

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What an error means for the next step. A closed set: every provider maps its codes into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ErrorClass {
    /// The provider asks for patience: retry after the larger of `after` and the backoff.
    Throttled {
        /// What the provider asked for, if it said.
        after: Option<Duration>,
    },
    /// Timeouts, 5xx, broken connections: retry with backoff.
    Transient,
    /// Somebody else was faster, or a thing is still in use: retry soon.
    Conflict,
    /// Under way on the provider's side; not an error. Look again after `poll`.
    Waiting {
        /// When to look again.
        poll: Duration,
    },
    /// The user must change something; no retry until the inputs change.
    Rejected,
    /// A limit of the account, pool or project is reached. Retried slowly: capacity may be freed elsewhere.
    Quota,
    /// Credentials or permissions are missing. Retried slowly.
    Denied,
    /// An invariant of ours does not hold.
    Bug,
}

impl ErrorClass {
    /// The word for metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::Transient => "transient",
            Self::Conflict => "conflict",
            Self::Waiting { .. } => "waiting",
            Self::Rejected => "rejected",
            Self::Quota => "quota",
            Self::Denied => "denied",
            Self::Bug => "bug",
        }
    }

    /// One of each, for tests that must cover them all.
    pub const fn examples() -> [Self; 8] {
        [
            Self::Throttled { after: Some(Duration::from_secs(7)) },
            Self::Transient,
            Self::Conflict,
            Self::Waiting { poll: Duration::from_secs(3) },
            Self::Rejected,
            Self::Quota,
            Self::Denied,
            Self::Bug,
        ]
    }
}

/// A `PascalCase` word out of a bounded set: event reason, condition reason and metric label at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Category(&'static str);

impl Category {
    /// Names a category. Only ever called with a literal, so the set is as bounded as the source text.
    pub const fn new(word: &'static str) -> Self {
        Self(word)
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An error that knows its class and category. Every provider's error enum implements it.
pub trait Classified: StdError + Send + Sync + 'static {
    /// What to do next.
    fn class(&self) -> ErrorClass;
    /// What to call it.
    fn category(&self) -> Category;
}

/// A provider's failure, as it crosses the contract.
///
/// `Display` is one sentence that says what was attempted on which object and what to do about it; the cause
/// is in `source()` and is not repeated in the sentence.
#[derive(Debug)]
pub struct ProviderError {
    class: ErrorClass,
    category: Category,
    source: Box<dyn StdError + Send + Sync>,
}

impl ProviderError {
    /// What to do next.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// What to call it.
    pub fn category(&self) -> Category {
        self.category
    }

    /// The sentence followed by its causes, for conditions and events: `a: b: c`.
    pub fn explain(&self) -> String {
        let mut text = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            // Some libraries print their source in their own message; saying it twice helps nobody.
            if !text.ends_with(&inner_text) {
                text.push_str(": ");
                text.push_str(&inner_text);
            }
            cause = inner.source();
        }
        text
    }
}

impl<E: Classified> From<E> for ProviderError {
    fn from(error: E) -> Self {
        Self { class: error.class(), category: error.category(), source: Box::new(error) }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not create the balancer web")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection reset")]
    struct Inner;

    impl Classified for Outer {
        fn class(&self) -> ErrorClass {
            ErrorClass::Transient
        }
        fn category(&self) -> Category {
            Category::new("ConnectionLost")
        }
    }

    #[test]
    fn explain_tells_the_whole_chain_once() {
        let error = ProviderError::from(Outer(Inner));
        assert_eq!(error.to_string(), "could not create the balancer web");
        assert_eq!(error.explain(), "could not create the balancer web: connection reset");
        assert_eq!(error.category().as_str(), "ConnectionLost");
    }
}
