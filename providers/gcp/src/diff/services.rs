//! Backend services.

use super::rules::Turnover;
use super::{Diff, fields};
use crate::change::{Change, Stage};
use crate::observe::Thing;

/// Backend services that are missing or differ. One whose protocol a rule that goes holds waits for that.
pub(super) fn services(diff: &Diff<'_>, turnover: &Turnover<'_>) -> Vec<Change> {
    let wishes = diff.wanted.backend_services.iter();
    let change = wishes.filter_map(|wish| {
        let protocol = wish.it.protocol.as_deref().unwrap_or("TCP");
        let waits = turnover.holds_back(&wish.reference, protocol);
        let stage = if waits { Stage::Services } else { Stage::Backends };
        fields::change(diff.observed, stage, &wish.reference, Thing::BackendService(wish.it.clone()))
    });
    change.collect()
}
