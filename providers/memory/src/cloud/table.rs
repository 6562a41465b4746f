//! Objects of one kind by name, and the rules that differ between kinds.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::error::Code;
use super::objects::{Kind, Lifecycle, Object, Status};
use super::state::State;

/// An error before it is known which call it answers.
pub(crate) type Refused = (Code, String);

/// An object and the times of its life.
#[derive(Debug, Clone)]
pub(crate) struct Record<S> {
    /// The object; its lifecycle is filled in when it is read.
    pub(crate) object: Object<S>,
    /// When it starts to serve.
    pub(crate) ready_at: Instant,
    /// When it disappears, once it is deleted.
    pub(crate) gone_at: Option<Instant>,
}

impl<S: Clone> Record<S> {
    /// The object as of now.
    pub(crate) fn read(&self, now: Instant) -> Object<S> {
        let lifecycle = match self.gone_at {
            Some(_) => Lifecycle::Deleting,
            None if self.ready_at > now => Lifecycle::Provisioning,
            None => Lifecycle::Active,
        };
        let status = Status { lifecycle, ..self.object.status.clone() };
        Object { draft: self.object.draft.clone(), status }
    }
}

/// Objects of one kind by name.
pub(crate) type Table<S> = BTreeMap<String, Record<S>>;

/// Settings of a kind of object, with the rules of that kind.
pub(crate) trait Spec: Clone + PartialEq + Send + Sync + 'static {
    /// The kind.
    const KIND: Kind;

    /// Where objects of the kind are kept.
    fn table(state: &State) -> &Table<Self>;

    /// Where objects of the kind are kept.
    fn table_mut(state: &mut State) -> &mut Table<Self>;

    /// Whether an object with these settings can be made.
    fn check_create(&self, state: &State) -> Result<(), Refused>;

    /// Whether the settings of an object can be changed in place to these.
    fn check_update(there: &Object<Self>, to: &Self, state: &State) -> Result<(), Refused>;

    /// An object that refers to the one of this name.
    fn user_of(state: &State, name: &str) -> Option<String>;
}
