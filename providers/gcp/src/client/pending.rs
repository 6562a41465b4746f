//! What a change waits for, for who has to know although the wait was cut short.

use std::sync::{Arc, Mutex, PoisonError};

use crate::api::OperationRef;

/// The operation that Google began for a change, until its end is seen. Clones are of the same change.
#[derive(Debug, Clone, Default)]
pub struct Pending(Arc<Mutex<Option<OperationRef>>>);

impl Pending {
    /// Takes the operation out, if there is one whose end nobody saw.
    pub fn take(&self) -> Option<OperationRef> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes that an operation has begun.
    pub(super) fn set(&self, operation: OperationRef) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(operation);
    }
}
