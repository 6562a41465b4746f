//! What goes wrong: faults by number of the call or by method.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_gcp::api::Method;

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect and is answered by this error.
    Refuse {
        /// HTTP status.
        status: u16,
        /// The word in `errors[].reason`.
        reason: String,
    },
    /// It has no effect, and a proxy answers with a page of HTML.
    Html {
        /// HTTP status, such as 502.
        status: u16,
    },
    /// The connection breaks before it takes effect.
    LoseRequest,
    /// It takes effect, and the answer is lost on the way.
    LoseAnswer,
    /// It has no effect and is never answered.
    Hang,
    /// It takes effect and is never answered: where a test lets the caller die.
    Freeze,
    /// It takes effect and is answered properly, but this much later.
    Delay(Duration),
    /// It is accepted, and its operation takes this long.
    SlowOperation(Duration),
    /// It is accepted, its operation takes this long, and what it makes is there only when that has ended: until then no
    /// read tells it, its name is taken, and what it refers to is not ready to be deleted. Whether it can be made is checked
    /// again in the end. What makes nothing new is slow.
    LateInsert(Duration),
    /// It is accepted, and its operation ends with an error; nothing has changed.
    FailOperation {
        /// `httpErrorStatusCode`.
        status: u16,
        /// `error.errors[].code`.
        code: String,
    },
}

impl Fault {
    /// An error answer.
    pub fn refuse(status: u16, reason: &str) -> Self {
        Self::Refuse { status, reason: reason.to_owned() }
    }

    /// An operation that ends with an error.
    pub fn fail_operation(status: u16, code: &str) -> Self {
        Self::FailOperation { status, code: code.to_owned() }
    }
}

/// The faults to come. Each happens once.
#[derive(Debug, Default)]
pub(super) struct Faults {
    by_call: BTreeMap<usize, Fault>,
    by_method: BTreeMap<(Method, usize), Fault>,
}

impl Faults {
    /// Plans a fault for the call with that number, counted over the life of the handle from 1.
    pub(super) fn at(&mut self, number: usize, fault: Fault) {
        self.by_call.insert(number, fault);
    }

    /// Plans a fault for the call of that method with that number, counted likewise.
    pub(super) fn on(&mut self, method: Method, number: usize, fault: Fault) {
        self.by_method.insert((method, number), fault);
    }

    /// Takes the fault for the call that is the `number`-th of all and the `of_method`-th of its method.
    pub(super) fn take(&mut self, number: usize, method: Option<Method>, of_method: usize) -> Option<Fault> {
        let by_method = |method| self.by_method.remove(&(method, of_method));
        self.by_call.remove(&number).or_else(|| method.and_then(by_method))
    }
}
