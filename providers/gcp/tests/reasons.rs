//! `docs/gcp.md` explains every reason that the provider tells, and no other.
//!
//! Reasons are literals next to what they are told about, so they are looked for in the source text: words of letters
//! that begin with a capital and go on with small ones.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Such words that are no reasons: values of fields and settings, names of things.
const NO_REASONS: [&str; 23] = [
    "AlwaysPersist",
    "Calls",
    "ClientIp",
    "ClientIpNoDestination",
    "ClientIpPortProto",
    "ClientIpProto",
    "Cluster",
    "DefaultForProtocol",
    "Disabled",
    "External",
    "Google",
    "IPAddress",
    "IPProtocol",
    "InstanceGroup",
    "Internal",
    "NetworkEndpointGroup",
    "NeverPersist",
    "None",
    "Premium",
    "SpillCrossZone",
    "Standard",
    "StayWithinZone",
    "String",
];

type Words = BTreeSet<String>;

fn path(below_root: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(below_root)
}

/// The text of every source without what only tests see.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            texts.extend(sources(&path));
        } else if path.is_file() && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(path).unwrap();
            texts.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
    texts
}

fn is_word(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.clone().any(|letter| letter.is_ascii_lowercase())
        && letters.all(|letter| letter.is_ascii_alphabetic())
}

/// Literals that are such words.
fn literals(text: &str) -> Words {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let quoted = code.flat_map(|line| line.split('"').skip(1).step_by(2));
    quoted.filter(|text| is_word(text)).map(str::to_owned).collect()
}

/// What the core defines and the provider tells, such as `categories::INVALID_VALUE`.
fn of_the_core(text: &str) -> Words {
    let is_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
    let names = text.split("categories::").skip(1).map(|rest| rest.split(|letter| !is_name(letter)).next());
    let part = |part: &str| part.chars().take(1).chain(part.to_ascii_lowercase().chars().skip(1)).collect();
    let word = |name: &str| name.split('_').map(part).collect::<Vec<String>>().concat();
    names.flatten().map(word).filter(|word| is_word(word)).collect()
}

fn told() -> Words {
    let no_reasons = Words::from(NO_REASONS.map(str::to_owned));
    let (mut told, mut found) = (Words::new(), Words::new());
    for text in sources(&path("providers/gcp/src")) {
        found.extend(literals(&text));
        told.extend(of_the_core(&text));
    }
    let unsaid: Vec<_> = no_reasons.difference(&found).collect();
    assert!(unsaid.is_empty(), "nobody says {unsaid:?} any more");
    told.extend(found.difference(&no_reasons).cloned());
    told
}

/// The first column of the table.
fn explained() -> Words {
    let page = std::fs::read_to_string(path("docs/gcp.md")).unwrap();
    let section = page.split("\n## Troubleshooting\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|row| row.strip_prefix("| `")?.split('|').next());
    let words = cells.flat_map(|cell| cell.split(|letter: char| !letter.is_ascii_alphabetic()));
    words.filter(|word| is_word(word)).map(str::to_owned).collect()
}

#[test]
fn every_reason_is_explained_and_no_other() {
    let (told, explained) = (told(), explained());
    assert!(explained.len() > 40, "the table is written otherwise: {explained:?}");
    let missing: Vec<_> = told.difference(&explained).collect();
    let stale: Vec<_> = explained.difference(&told).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "without explanation: {missing:?}, told by nobody: {stale:?}"
    );
}
