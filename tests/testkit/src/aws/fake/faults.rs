//! What goes wrong: faults by number of the call or by action.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_aws::api::Action;

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect and is answered by this error code.
    Code(String),
    /// It takes effect, and the answer is lost on the way.
    LoseAnswer,
    /// It has no effect and is never answered.
    Hang,
    /// It takes effect and is never answered: where a test lets the caller die.
    Freeze,
    /// It takes effect and is answered properly, but this much later.
    Delay(Duration),
}

impl Fault {
    /// An error answer with this code.
    pub fn code(code: &str) -> Self {
        Self::Code(code.to_owned())
    }
}

/// The faults to come. Each happens once.
#[derive(Debug, Default)]
pub(super) struct Faults {
    by_call: BTreeMap<usize, Fault>,
    by_action: BTreeMap<(Action, usize), Fault>,
}

impl Faults {
    /// Plans a fault for the call with that number, counted over the life of the handle from 1.
    pub(super) fn at(&mut self, number: usize, fault: Fault) {
        self.by_call.insert(number, fault);
    }

    /// Plans a fault for the call of that action with that number, counted likewise.
    pub(super) fn on(&mut self, action: Action, number: usize, fault: Fault) {
        self.by_action.insert((action, number), fault);
    }

    /// Takes the fault for the call that is the `number`-th of all and the `of_action`-th of its action.
    pub(super) fn take(&mut self, number: usize, action: Action, of_action: usize) -> Option<Fault> {
        self.by_call.remove(&number).or_else(|| self.by_action.remove(&(action, of_action)))
    }
}
