//! Who wrote which field: what the engine tells [`apply`](crate::apiserver::apply) about a write.

use serde_json::Value;

use crate::apiserver::apply::{self, Writer};
use crate::apiserver::kinds::Kind;
use crate::apiserver::patch::PatchKind;

/// Which half of the object a write is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the status.
    Main,
    /// The status alone.
    Status,
}

/// Who keeps `managedFields` up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracking {
    /// The engine, by comparing the states.
    Compare,
    /// Server-side apply has done it.
    Applied,
}

/// The kind as patches and field ownership see it.
pub(crate) fn patch_kind(kind: &Kind) -> PatchKind<'_> {
    PatchKind { group: &kind.group, kind: &kind.kind, is_custom_resource: kind.custom.is_some() }
}

/// The writer of a request.
pub(crate) fn field_writer<'a>(kind: &Kind, part: Part, manager: &'a str, now: &'a str) -> Writer<'a> {
    let (subresource, not_written): (_, &[&str]) = match part {
        Part::Main if kind.has_status => ("", &["status"]),
        Part::Main => ("", &[]),
        Part::Status => ("status", &["spec"]),
    };
    Writer { manager, subresource, now, not_written }
}

/// Records a write by POST, PUT or patch in the new object.
pub(super) fn track(kind: &Kind, writer: &Writer<'_>, old: Option<&Value>, new: &mut Value) {
    apply::track_update(&patch_kind(kind), writer, old, new);
}
