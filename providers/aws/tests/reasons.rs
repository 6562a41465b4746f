//! The table of reasons in `docs/aws.md` has every word that the provider can tell, and no other.
//!
//! The words are read from the source text: they are literals in many places, next to what they are told about.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Words in quotes that are no reasons: codes of AWS, names of its things, values of settings.
const OTHERS: [&str; 18] = [
    "AWSLogs",
    "Calls",
    "CapacityUnits",
    "ClientIP",
    "Clock",
    "DependencyViolation",
    "False",
    "InvalidTarget",
    "ListenerNotFound",
    "LoadBalancerNotFound",
    "Name",
    "None",
    "RequireDualStack",
    "ResourceInUse",
    "TargetGroupNotFound",
    "TooManyRegistrationsForTargetId",
    "TooManyTargets",
    "True",
];

/// Told by the controller on behalf of the provider, or instead of it.
const OF_THE_CONTROLLER: [&str; 1] = ["ProviderNotEnabled"];

type Words = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The sources of the provider without tests and without what speaks AWS's words only.
fn sources() -> Vec<(PathBuf, String)> {
    let (mut folders, mut files) = (vec![root().join("providers/aws/src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.file_name().and_then(|name| name.to_str()) {
                Some("tests" | "api" | "sdk" | "tests.rs" | "testing.rs") => {}
                _ if path.is_dir() => folders.push(path),
                _ => files.push(path),
            }
        }
    }
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The literals of a text that look like a reason: a word of letters that begins with a capital and has small ones.
fn words(text: &str) -> Words {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let quoted = code.lines().filter(is_code).flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_word = |text: &&str| {
        text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.chars().all(|letter| letter.is_ascii_alphabetic())
            && text.chars().any(|letter| letter.is_ascii_lowercase())
    };
    quoted.filter(is_word).map(str::to_owned).collect()
}

/// Of the table of error codes the words alone: what follows the class in a row, and what is called one.
fn words_of_codes(text: &str) -> Words {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let rows = lines.windows(2).filter(|pair| pair[0].starts_with("ErrorClass::")).map(|pair| pair[1]);
    let rows: Vec<&str> = rows.collect();
    assert!(rows.len() > 8, "rows are written otherwise: {rows:?}");
    let named = lines.iter().filter(|line| line.contains("word: \"") || line.contains(": &str = \""));
    let named = named.map(|line| line.split("word: ").last().unwrap_or(line));
    rows.into_iter().chain(named).flat_map(words).collect()
}

/// `categories::SOME_WORD`: the reasons that core defines.
fn shared(text: &str) -> Words {
    let names = text.split("categories::").skip(1).map(|rest| {
        rest.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_').next().unwrap_or_default()
    });
    let capital = |part: &str| {
        let (first, rest) = part.split_at(1);
        format!("{first}{}", rest.to_ascii_lowercase())
    };
    let word = |name: &str| name.split('_').filter(|part| !part.is_empty()).map(capital).collect::<String>();
    names.map(word).filter(|word| !word.is_empty()).collect()
}

fn told() -> Words {
    let mut told: Words = OF_THE_CONTROLLER.map(str::to_owned).into();
    let mut others: Words = OTHERS.map(str::to_owned).into();
    let mut unused = others.clone();
    for (path, text) in sources() {
        let found = if path.ends_with("error/codes.rs") { words_of_codes(&text) } else { words(&text) };
        unused.retain(|word| !found.contains(word));
        told.extend(found.into_iter().filter(|word| !others.contains(word)));
        told.extend(shared(&text));
    }
    others.retain(|word| unused.contains(word));
    assert!(others.is_empty(), "nobody says {others:?} any more");
    told
}

fn documented() -> Words {
    let page = std::fs::read_to_string(root().join("docs/aws.md")).unwrap();
    let table = page.split("\n## Troubleshooting\n").nth(1).unwrap().split("\nNo reason").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let reasons = rows.filter_map(|row| row.split('|').nth(1));
    reasons.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_reason_is_explained_and_no_other() {
    let (told, documented) = (told(), documented());
    let missing: Vec<_> = told.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&told).collect();
    assert!(missing.is_empty(), "docs/aws.md lacks {missing:?}");
    assert!(stale.is_empty(), "docs/aws.md explains what nobody tells: {stale:?}");
}
