//! What goes wrong: faults by number of the call or by operation.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_core::error::ErrorClass;

use super::journal::Operation;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect and is answered by an error of this class.
    Fail(ErrorClass),
    /// It takes effect, and the caller is told that the connection broke.
    LoseAnswer,
    /// It has no effect and is never answered.
    Hang,
    /// It takes effect and is never answered: where a test lets the caller die.
    Freeze,
    /// It is answered properly, but this much later.
    Delay(Duration),
}

/// The faults to come. Each happens once.
#[derive(Debug, Default)]
pub(super) struct Faults {
    by_call: BTreeMap<usize, Fault>,
    by_operation: Vec<(Operation, Fault)>,
}

impl Faults {
    /// Plans a fault for the call with that number, counted over the life of the cloud from 1.
    pub(super) fn at(&mut self, number: usize, fault: Fault) {
        self.by_call.insert(number, fault);
    }

    /// Plans a fault for the next call of that operation that has none yet.
    pub(super) fn on(&mut self, operation: Operation, fault: Fault) {
        self.by_operation.push((operation, fault));
    }

    /// Forgets every planned fault.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the fault for this call.
    pub(super) fn take(&mut self, number: usize, operation: Operation) -> Option<Fault> {
        self.by_call.remove(&number).or_else(|| {
            let at = self.by_operation.iter().position(|(planned, _)| *planned == operation)?;
            Some(self.by_operation.remove(at).1)
        })
    }
}
