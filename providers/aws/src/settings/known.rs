//! Annotations that nobody reads: those of classic load balancers, and typing errors.

use super::keys::{self, Use};
use super::said::{Findings, Source, problem};

/// Tells them.
pub(super) fn check(source: Source<'_>, findings: &mut Findings) {
    for key in source.member.annotations.keys().filter(|key| key.starts_with(keys::PREFIX)) {
        match keys::ALL.iter().find(|known| known.name == key) {
            Some(known) if known.used == Use::Classic => {
                findings.ignored(source, key, "it concerns classic load balancers only");
            }
            Some(_) => {}
            None if is_pattern(key) => {}
            None => {
                let message =
                    format!("{key} is unknown and has no effect; did you mean {}?", keys::nearest(key));
                findings.tell(source, None, problem::UNKNOWN, message);
            }
        }
    }
}

fn is_pattern(key: &str) -> bool {
    [keys::LISTENER_ATTRIBUTES, keys::PORT_GROUP_ATTRIBUTES].iter().any(|prefix| key.starts_with(prefix))
}
