//! Splits a file into documents and reads each, with the line where it is wrong.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// One YAML or JSON document of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a> {
    /// What the file is called in messages.
    pub(crate) source: &'a str,
    /// Line of the file in which the text begins, from 1.
    pub(crate) line: u64,
    /// The text.
    pub(crate) text: &'a str,
}

/// Something in a file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadManifest {
    /// File and line.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) message: String,
}

impl fmt::Display for BadManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// The documents of a file, without those that hold nothing but comments and directives.
///
/// A line that begins with `---` ends a document wherever it stands (YAML 1.2.2, rule 206), so the text can be cut
/// before it is parsed, and an error in one document does not hide those in the next.
pub(crate) fn split<'a>(source: &'a str, text: &'a str) -> Vec<Document<'a>> {
    let mut documents = Vec::new();
    let (mut start, mut line) = (0, 1);
    let (mut offset, mut number) = (0, 1);
    for row in text.split_inclusive('\n') {
        if is_separator(row) {
            documents.push(Document { source, line, text: &text[start..offset] });
            (start, line) = (offset, number);
        }
        offset += row.len();
        number += 1;
    }
    documents.push(Document { source, line, text: &text[start..] });
    documents.retain(|document| !document.is_blank());
    documents
}

fn is_separator(row: &str) -> bool {
    row.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

impl Document<'_> {
    fn is_blank(&self) -> bool {
        self.text.lines().map(str::trim).all(|row| {
            row.is_empty() || row == "---" || row == "..." || row.starts_with('#') || row.starts_with('%')
        })
    }

    /// Reads the document as a type.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, BadManifest> {
        if self.text.trim_start().starts_with('{') {
            return serde_json::from_str(self.text).or_else(|json| {
                // A flow mapping of YAML looks like JSON at first sight.
                self.yaml().map_err(|_| self.wrong(json.line() as u64, &json.to_string()))
            });
        }
        self.yaml()
    }

    fn yaml<T: DeserializeOwned>(&self) -> Result<T, BadManifest> {
        serde_saphyr::from_str_with_options(self.text, options()).map_err(|error| {
            let error = error.without_snippet();
            let line = error.location().map_or(1, |location| location.line());
            self.wrong(line, &error.to_string())
        })
    }

    /// Says what is wrong with the document as a whole.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> BadManifest {
        BadManifest { place: self.place(self.first_line()), message: message.into() }
    }

    /// File and line of its first content.
    pub(crate) fn here(&self) -> String {
        self.place(self.first_line())
    }

    /// `line` counts from the start of the document.
    fn wrong(&self, line: u64, message: &str) -> BadManifest {
        // Both parsers end their text with their own line, which counts from the start of the document.
        let end = message.find(" at line ").or_else(|| message.find(" (line "));
        let text = end.map_or(message, |end| &message[..end]);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        BadManifest { place: self.place(line.max(1)), message: strip_place(&text).to_owned() }
    }

    fn first_line(&self) -> u64 {
        let blank = |row: &&str| row.is_empty() || *row == "---" || row.starts_with('#');
        1 + self.text.lines().map(str::trim).take_while(blank).count() as u64
    }

    fn place(&self, line: u64) -> String {
        format!("{}:{}", self.source, self.line + line - 1)
    }
}

/// Leaves out a leading `error: line 3 column 4: `.
fn strip_place(text: &str) -> &str {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    match text.split_once(": ") {
        Some((head, rest)) if head.starts_with("line ") => rest,
        _ => text,
    }
}

/// The files are the user's own, so long lists are welcome; the bounds on aliases stay.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
        },
    }
}

/// Paths of the fields of `given` that `kept` does not have: what the type did not know.
pub(crate) fn unknown_fields(given: &Value, kept: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    compare(given, kept, "", &mut unknown);
    unknown
}

fn compare(given: &Value, kept: &Value, path: &str, unknown: &mut Vec<String>) {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (key, value) in given {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match kept.get(key) {
                    Some(kept) => compare(value, kept, &path, unknown),
                    None if is_empty(value) => {}
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(kept)) => {
            for (index, (given, kept)) in given.iter().zip(kept).enumerate() {
                compare(given, kept, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

/// What a type may leave out when it writes itself.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn lines(text: &str) -> Vec<u64> {
        split("f", text).iter().map(|document| document.line + document.first_line() - 1).collect()
    }

    #[rstest]
    #[case::empty("", &[])]
    #[case::comments_only("# nothing\n---\n# here\n", &[])]
    #[case::one("a: 1\n", &[1])]
    #[case::two("---\na: 1\n---\n# text\nb: 2\n", &[2, 5])]
    #[case::no_newline_at_the_end("a: 1\n---\nb: 2", &[1, 3])]
    #[case::windows("a: 1\r\n---\r\nb: 2\r\n", &[1, 3])]
    #[case::inside_a_block("a: |\n  ---\n  x\n", &[1])]
    #[case::a_longer_rule("----: 1\n", &[1])]
    #[case::document_end("a: 1\n...\n---\n...\n", &[1])]
    fn documents_are_cut_at_their_separators(#[case] text: &str, #[case] want: &[u64]) {
        assert_eq!(lines(text), want);
    }

    #[rstest]
    #[case::yaml("a: 1\n---\nb:\n  - x\n  c: [\n", "f:")]
    #[case::json("{\n \"a\": 1,\n \"b\" 2\n}\n", "f:3")]
    #[case::tabs("a: 1\n---\nb:\n\tc: 1\n", "f:4")]
    fn a_syntax_error_names_the_line_of_the_file(#[case] text: &str, #[case] place: &str) {
        let error = split("f", text).iter().find_map(|document| document.read::<Value>().err()).unwrap();
        assert!(error.place.starts_with(place), "{error}");
        assert!(!error.message.contains("line "), "only one line number: {error}");
    }

    #[test]
    fn a_flow_mapping_is_not_taken_for_json() {
        let documents = split("f", "{a: 1, b: [x]}");
        assert_eq!(documents[0].read::<Value>().unwrap(), json!({"a": 1, "b": ["x"]}));
    }

    #[test]
    fn what_the_type_did_not_know_is_found() {
        let given = json!({"spec": {"portz": 1, "ports": [{"port": 80, "x": 1}], "empty": {}, "none": null}});
        let kept = json!({"spec": {"ports": [{"port": 80}]}});
        assert_eq!(unknown_fields(&given, &kept), ["spec.ports[0].x", "spec.portz"]);
    }
}
