//! Annotations that have no effect, are refused whatever they say, or are typing errors.

use serde_json::Value;

use super::keys::{self, Use};
use super::said::{Findings, Source, problem};

/// Keys of Google's load balancers are told apart from those of other controllers by their words.
const WORDS: [&str; 2] = ["load-balanc", "loadbalanc"];
/// Up to how many wrong characters make a typing error of one of our keys.
const TYPING_ERRORS: usize = 2;
/// Network endpoint groups for others than load balancers of Services.
const NEG: &str = "cloud.google.com/neg";

/// Tells or refuses them.
pub(super) fn check(source: Source<'_>, findings: &mut Findings) {
    for (key, text) in &source.member.annotations {
        match keys::ALL.iter().find(|known| known.name == key).map(|known| known.used) {
            Some(Use::Read) => {}
            Some(Use::Ignored(why)) => findings.ignored(source, key, why),
            Some(Use::Refused(why)) => findings.unsupported(&source.by(key, text), why),
            None if key == NEG => endpoint_groups(source, text, findings),
            None => typing_error(source, key, findings),
        }
    }
}

/// GKE writes `{"ingress":true}` by itself; only a wish for groups of one's own is worth a word.
fn endpoint_groups(source: Source<'_>, text: &str, findings: &mut Findings) {
    let value: Option<Value> = serde_json::from_str(text).ok();
    if value.is_some_and(|value| value.get("exposed_ports").is_some()) {
        findings.ignored(source, NEG, "it asks Google's controllers for groups, and Landfall makes its own");
    }
}

fn typing_error(source: Source<'_>, key: &str, findings: &mut Findings) {
    let own = key.starts_with(keys::OWN_PREFIX);
    if !own && !keys::GOOGLE_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
        return;
    }
    let Some((nearest, apart)) = keys::nearest(key) else { return };
    let about_balancers = WORDS.iter().any(|word| keys::short(key).contains(word));
    if own || about_balancers || apart <= TYPING_ERRORS {
        let message = format!("{key} is unknown and has no effect; did you mean {nearest}?");
        findings.tell(source, problem::UNKNOWN, message);
    }
}
