//! Deterministic names for cloud resources: readable in front, unique by a hash that survives every truncation.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::ids::{ClusterId, LbId};

/// Length of the hash inside a name: 10 characters out of 32 are 50 bits.
pub const HASH_LENGTH: usize = 10;

/// What a provider's API accepts as a name.
#[derive(Debug, Clone, Copy)]
pub struct NameRule {
    /// The word every name begins with; a letter, as some APIs demand one.
    pub prefix: &'static str,
    /// Longest name accepted.
    pub limit: usize,
}

impl NameRule {
    /// A name `{prefix}-{namespace}-{name}-{hash}[-{suffix}]` of at most `limit` characters out of `[a-z0-9-]`.
    ///
    /// Namespace and name share what room is left after prefix, hash and suffix, the longer one giving way first.
    /// The hash covers cluster, load balancer and suffix in full, so two names are equal only if all three are.
    pub fn name(&self, cluster: &ClusterId, id: &LbId, suffix: &str) -> String {
        self.text(id.label(), &[cluster.as_str(), &id.to_string(), suffix], suffix)
    }

    /// A name `{prefix}-{label.0}-{label.1}-{hash}` under the same limits, for objects that differ in more than a name
    /// can show: the label is for people, and two names are equal only if all `parts` are.
    pub fn labelled(&self, label: (&str, &str), parts: &[&str]) -> String {
        self.text(label, parts, "")
    }

    fn text(&self, label: (&str, &str), parts: &[&str], suffix: &str) -> String {
        let hash = hash_of(parts);
        let (namespace, name, tail) = (plain(label.0), plain(label.1), plain(suffix));
        let tail_room = if tail.is_empty() { 0 } else { tail.len() + 1 };
        let fixed = self.prefix.len() + 1 + HASH_LENGTH + tail_room;
        let room = self.limit.saturating_sub(fixed + 2);
        let (left, right) = share_room(namespace.len(), name.len(), room);
        let mut text = String::with_capacity(self.limit);
        text.push_str(self.prefix);
        for part in [&namespace[..left], &name[..right]] {
            let part = part.trim_matches('-');
            if !part.is_empty() {
                let _ = write!(text, "-{part}");
            }
        }
        let _ = write!(text, "-{hash}");
        if !tail.is_empty() && text.len() + tail_room <= self.limit {
            let _ = write!(text, "-{tail}");
        }
        text
    }
}

/// The first characters of the SHA-256 of all parts, in the alphabet `a-z2-7`.
pub fn hash_of(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher
        .finalize()
        .iter()
        .take(HASH_LENGTH)
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Lower-case letters, digits and `-`; everything else becomes `-`.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect()
}

/// Splits `room` between two lengths so that the shorter one is cut last.
fn share_room(left: usize, right: usize, room: usize) -> (usize, usize) {
    if left + right <= room {
        return (left, right);
    }
    let half = room / 2;
    if left <= half {
        (left, room - left)
    } else if right <= half {
        (room - right, right)
    } else {
        (half, room - half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ProviderName, ServiceKey, Uid};
    use proptest::prelude::*;

    const ELB: NameRule = NameRule { prefix: "lf", limit: 32 };
    const GCE: NameRule = NameRule { prefix: "lf", limit: 63 };

    fn lb(namespace: &str, name: &str, uid: &str) -> LbId {
        LbId::service(ProviderName::Aws, ServiceKey::new(namespace, name), Uid::new(uid).unwrap())
    }

    fn cluster(name: &str) -> ClusterId {
        ClusterId::new(name).unwrap()
    }

    #[test]
    fn short_names_are_kept_whole() {
        let name = GCE.name(&cluster("prod"), &lb("default", "web", "u1"), "tcp");
        assert!(name.starts_with("lf-default-web-"), "{name}");
        assert!(name.ends_with("-tcp"), "{name}");
    }

    #[test]
    fn each_input_changes_the_name() {
        let base = ELB.name(&cluster("prod"), &lb("default", "web", "u1"), "");
        for other in [
            ELB.name(&cluster("test"), &lb("default", "web", "u1"), ""),
            ELB.name(&cluster("prod"), &lb("default", "web", "u2"), ""),
            ELB.name(&cluster("prod"), &lb("default", "web2", "u1"), ""),
            ELB.name(&cluster("prod"), &lb("default", "web", "u1"), "internal"),
        ] {
            assert_ne!(base, other);
        }
    }

    proptest! {
        #[test]
        fn names_fit_and_keep_their_hash(ns in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", suffix in "[a-z-]{0,12}", limit in 32usize..64) {
            let rule = NameRule { prefix: "lf", limit };
            let id = lb(&ns, &name, "u1");
            let text = rule.name(&cluster("prod"), &id, &suffix);
            let hash = hash_of(&["prod", &id.to_string(), &suffix]);
            prop_assert!(text.len() <= limit, "{} is longer than {}", text, limit);
            prop_assert!(text.contains(&hash));
            prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!text.contains("--") || ns.contains("--") || name.contains("--") || suffix.contains("--") || suffix.starts_with('-') );
            prop_assert!(text.starts_with("lf-"));
        }
    }
}
