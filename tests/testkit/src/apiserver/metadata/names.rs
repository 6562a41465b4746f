//! Object names: what is accepted, and how `generateName` is completed.

use super::{Cause, Kind, NameRule};

/// What generated endings are drawn from: no vowels and no look-alikes, so that no words come out.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Longest `generateName` that is used as given; the rest is cut (63 less five random characters).
const LONGEST_BASE: usize = 58;

/// `base` and five random characters.
pub(crate) fn generate(base: &str) -> String {
    let base: String = base.chars().take(LONGEST_BASE).collect();
    let random = uuid::Uuid::new_v4();
    // The first five bytes of a version 4 uuid are all random.
    let ending =
        random.as_bytes()[..5].iter().map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()]));
    base.chars().chain(ending).collect()
}

/// What is wrong with the name.
pub(super) fn check(kind: &Kind, name: &str) -> Vec<Cause> {
    let problem = match kind.rules.names {
        _ if name.is_empty() => {
            return vec![Cause {
                reason: "FieldValueRequired",
                field: "metadata.name".into(),
                message: "Required value: name or generateName is required".into(),
            }];
        }
        NameRule::Label if !is_label(name) => {
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        }
        NameRule::Subdomain if !is_subdomain(name) => {
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        }
        NameRule::PathSegment if name == "." || name == ".." || name.contains(['/', '%']) => {
            "may not be '.' or '..' and may not contain '/' or '%'"
        }
        _ => return Vec::new(),
    };
    vec![Cause {
        reason: "FieldValueInvalid",
        field: "metadata.name".into(),
        message: format!("Invalid value: \"{name}\": {problem}"),
    }]
}

/// `[prefix/]name` as labels, annotations and finalizers are called.
pub(super) fn is_qualified(name: &str) -> bool {
    let (prefix, name) = name.split_once('/').map_or((None, name), |(p, n)| (Some(p), n));
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    prefix.is_none_or(is_subdomain)
        && name.len() <= 63
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && edge(name.chars().next())
        && edge(name.chars().last())
}

fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_label_text(name)
}

fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label_text)
}

fn is_label_text(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a", true, true)]
    #[case("1-a", true, true)]
    #[case("a.b", false, true)]
    #[case("-a", false, false)]
    #[case("A", false, false)]
    #[case("a..b", false, false)]
    #[case(&"a".repeat(63), true, true)]
    #[case(&"a".repeat(64), false, true)]
    #[case(&"a".repeat(254), false, false)]
    fn labels_and_subdomains(#[case] name: &str, #[case] label: bool, #[case] subdomain: bool) {
        assert_eq!((is_label(name), is_subdomain(name)), (label, subdomain));
    }

    #[rstest]
    #[case("service.kubernetes.io/load-balancer-cleanup", true)]
    #[case("orphan", true)]
    #[case("a/b/c", false)]
    #[case("", false)]
    #[case("-x", false)]
    fn qualified_names(#[case] name: &str, #[case] good: bool) {
        assert_eq!(is_qualified(name), good);
    }

    #[test]
    fn generated_names_are_labels_of_bounded_length() {
        let name = generate(&"a".repeat(100));
        assert_eq!(name.len(), 63);
        assert!(is_label(&name));
        assert_ne!(generate("x-"), generate("x-"));
    }
}
