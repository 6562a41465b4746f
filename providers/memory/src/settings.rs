//! Annotations of a member that this provider reads.

use landfall_core::annotations::TARGETS;
use landfall_core::model::{Member, TargetKind};
use landfall_core::refusal::{Refusal, categories};

/// Where the member's traffic goes, nodes unless it says otherwise; a refusal that names the accepted values if that cannot be read.
pub(crate) fn targets(member: &Member) -> Result<TargetKind, Box<Refusal>> {
    match member.annotations.get(TARGETS).map(String::as_str) {
        None | Some("nodes") => Ok(TargetKind::Nodes),
        Some("pods") => Ok(TargetKind::Endpoints),
        Some(other) => Err(Box::new(Refusal::of(
            &member.service,
            categories::INVALID_VALUE,
            TARGETS,
            other,
            "must be nodes or pods",
        ))),
    }
}
