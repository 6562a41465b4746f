//! Recorded conversations: one JSON file for each scenario and `kubectl` version.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Length of a uid in text, by which it is told from a resource version.
pub(crate) const UID: usize = 36;

/// What happened during a scenario, in the order in which the requests arrived.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Conversation {
    /// Version of the `kubectl` that spoke.
    pub(crate) kubectl: String,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Entry {
    /// The requests up to the next one belong to this command.
    Command {
        command: String,
    },
    Exchange(Exchange),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// `accept`, `content-type` and `user-agent`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// Parsed, where it is JSON; else a string.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) body: Value,
    /// Whether a JSON body ended with a line break: refusals repeat the text of a patch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) newline: bool,
    pub(crate) status: u16,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) content_type: String,
    /// Values of `Warning` headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    /// The compared part of the answer; of a watch a list of events.
    pub(crate) answer: Value,
    /// Identifiers in the answer as they were then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) identifiers: Vec<String>,
}

impl Exchange {
    pub(crate) fn is_watch(&self) -> bool {
        is_watch(&self.path)
    }
}

pub(crate) fn is_watch(path_and_query: &str) -> bool {
    let query = path_and_query.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|parameter| parameter == "watch=true" || parameter == "watch=1")
}

/// Where the conversations are kept.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubectl")
}

/// The conversations of a scenario, by version.
pub(crate) fn load(scenario: &str) -> Vec<(PathBuf, Conversation)> {
    let mut versions: Vec<PathBuf> =
        fs::read_dir(folder()).expect("the fixtures").map(|e| e.expect("an entry").path()).collect();
    versions.sort();
    let files = versions
        .into_iter()
        .map(|version| version.join(format!("{scenario}.json")))
        .filter(|file| file.is_file());
    files
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a readable file");
            let conversation =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            (file, conversation)
        })
        .collect()
}

/// Writes the conversation of a scenario, unless another version of `kubectl` said the same.
pub(crate) fn save(scenario: &str, conversation: &Conversation) {
    let minor: Vec<&str> = conversation.kubectl.trim_start_matches('v').split('.').take(2).collect();
    let folder = folder().join(minor.join("."));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{scenario}.json"));
    let known = load(scenario).into_iter().any(|(other, said)| other != file && same(&said, conversation));
    if known {
        // An older recording of this version says nothing new any more.
        let _removed = fs::remove_file(file);
    } else {
        fs::write(file, text(conversation)).expect("a written file");
    }
}

/// Equal but for the version and the identifiers that the server drew.
fn same(one: &Conversation, other: &Conversation) -> bool {
    let anonymous = |conversation: &Conversation| {
        let identifiers = conversation.entries.iter().flat_map(|entry| match entry {
            Entry::Exchange(exchange) => exchange.identifiers.as_slice(),
            Entry::Command { .. } => &[],
        });
        let drawn = identifiers.filter(|identifier| identifier.len() == UID).enumerate();
        let entries = serde_json::to_string(&conversation.entries).expect("JSON");
        drawn.fold(entries, |text, (index, drawn)| text.replace(drawn.as_str(), &format!("uid {index}")))
    };
    anonymous(one) == anonymous(other)
}

/// JSON with one line for each entry: short enough to keep, and a changed answer is one changed line.
fn text(conversation: &Conversation) -> String {
    let lines: Vec<String> =
        conversation.entries.iter().map(|entry| serde_json::to_string(entry).expect("JSON")).collect();
    format!("{{\"kubectl\": \"{}\", \"entries\": [\n{}\n]}}\n", conversation.kubectl, lines.join(",\n"))
}
