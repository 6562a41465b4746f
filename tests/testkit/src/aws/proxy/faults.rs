//! What goes wrong: faults by number of the call or by action.

use std::collections::BTreeMap;
use std::time::Duration;

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect and is answered by this error.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Error code.
        code: String,
        /// Text.
        message: String,
    },
    /// It takes effect, and the connection breaks before the answer.
    LoseAnswer,
    /// It has no effect and is never answered.
    Hang,
    /// It takes effect and is never answered: where a test lets the caller die.
    Freeze,
    /// It takes effect and is answered properly, but this much later.
    Delay(Duration),
}

impl Fault {
    /// An error answer with this code, and the status that AWS gives it.
    pub fn code(code: &str) -> Self {
        let status = match code {
            "InternalFailure" | "InternalError" => 500,
            "ServiceUnavailable" | "Unavailable" | "RequestLimitExceeded" => 503,
            "AccessDenied"
            | "UnauthorizedOperation"
            | "ExpiredToken"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch" => 403,
            "AuthFailure" => 401,
            _ => 400,
        };
        Self::Refuse { status, code: code.to_owned(), message: "the test wants it so".to_owned() }
    }
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// By number of the call.
    by_call: BTreeMap<usize, Fault>,
    /// By number of the call among those of its action.
    by_action: BTreeMap<(String, usize), Fault>,
    always: Option<Fault>,
    /// Calls so far, of all actions and of each.
    seen: usize,
    seen_of: BTreeMap<String, usize>,
}

impl Faults {
    pub(super) fn at(&mut self, n: usize, fault: Fault) {
        self.by_call.insert(self.seen + n, fault);
    }

    pub(super) fn on(&mut self, action: &str, n: usize, fault: Fault) {
        let seen = self.seen_of.get(action).copied().unwrap_or_default();
        self.by_action.insert((action.to_owned(), seen + n), fault);
    }

    pub(super) fn all(&mut self, fault: Fault) {
        self.always = Some(fault);
    }

    /// Counts a call and takes the fault that is meant for it.
    pub(super) fn take(&mut self, action: &str) -> Option<Fault> {
        self.seen += 1;
        let seen_of = self.seen_of.entry(action.to_owned()).or_default();
        *seen_of += 1;
        let of_action = (action.to_owned(), *seen_of);
        self.by_call
            .remove(&self.seen)
            .or_else(|| self.by_action.remove(&of_action))
            .or_else(|| self.always.clone())
    }
}
