//! The `JSONPath` subset that `additionalPrinterColumns` use in practice.
//!
//! Fields (`.a.b`, `['a']`, `\.` inside a name), indices (`[0]`, `[-1]`, `[*]`) and filters that compare one field
//! with a literal (`[?(@.type=="Ready")]`). Ranges, unions, recursive descent and scripts are refused at parse time.

use std::fmt;

use serde_json::Value;

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub struct Path(Vec<Step>);

/// The path is outside the subset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "jsonPath {path:?}: {problem} at character {at}; accepted are .field, ['field'], [0], [*] and [?(@.field==\"x\")]"
)]
pub struct PathError {
    /// The whole path.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
    /// Position in characters, from 0.
    pub at: usize,
}

/// What makes a path unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Something else than `.` or `[` where a step must start.
    Step,
    /// A `.` without a name after it.
    EmptyName,
    /// `[` without `]`, or an index that is no number, name, `*` or filter.
    Bracket,
    /// A filter that is no comparison of one field with a literal.
    Filter,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Step => "expected `.` or `[`",
            Self::EmptyName => "empty field name",
            Self::Bracket => "unreadable index",
            Self::Filter => "unreadable filter",
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    Filter { field: Path, equal: bool, literal: Value },
}

impl Path {
    /// Parses the path of a printer column, with or without surrounding braces.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let trimmed = path.trim();
        let inner = trimmed.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(trimmed);
        let mut parser = Parser { characters: inner.chars().collect(), at: 0 };
        parser.steps().map(Self).map_err(|problem| PathError {
            path: path.to_owned(),
            problem,
            at: parser.at,
        })
    }

    /// Every value that the path leads to, in document order.
    pub fn find<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        self.0
            .iter()
            .fold(vec![object], |found, step| found.into_iter().flat_map(|value| step.apply(value)).collect())
    }
}

impl Step {
    fn apply<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => value.as_array().and_then(|all| nth(all, *index)).into_iter().collect(),
            Self::All => members(value),
            Self::Filter { field, equal, literal } => members(value)
                .into_iter()
                .filter(|member| {
                    field.find(member).first().is_some_and(|found| (*found == literal) == *equal)
                })
                .collect(),
        }
    }
}

/// Negative indices count from the end.
fn nth(all: &[Value], index: i64) -> Option<&Value> {
    let offset = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { all.get(all.len().checked_sub(offset)?) } else { all.get(offset) }
}

fn members(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Object(all) => all.values().collect(),
        _ => Vec::new(),
    }
}

struct Parser {
    characters: Vec<char>,
    at: usize,
}

impl Parser {
    fn steps(&mut self) -> Result<Vec<Step>, Problem> {
        if self.characters.first() == Some(&'$') {
            self.at = 1;
        }
        let mut steps = Vec::new();
        while let Some(character) = self.characters.get(self.at) {
            match character {
                '.' => steps.push(self.field()?),
                '[' => steps.push(self.bracket()?),
                _ => return Err(Problem::Step),
            }
        }
        Ok(steps)
    }

    /// `.name`; a backslash makes the next character part of the name.
    fn field(&mut self) -> Result<Step, Problem> {
        self.at += 1;
        let mut name = String::new();
        while let Some(&character) = self.characters.get(self.at) {
            match character {
                '.' | '[' => break,
                '\\' => {
                    self.at += 1;
                    name.extend(self.characters.get(self.at));
                }
                other => name.push(other),
            }
            self.at += 1;
        }
        match name.as_str() {
            "" => Err(Problem::EmptyName),
            "*" => Ok(Step::All),
            _ => Ok(Step::Field(name)),
        }
    }

    /// `[…]` up to the matching bracket outside quotes.
    fn bracket(&mut self) -> Result<Step, Problem> {
        let start = self.at + 1;
        let mut quote = None;
        let close = self.characters[start..].iter().position(|&character| {
            match quote {
                Some(open) if character == open => quote = None,
                None if character == '"' || character == '\'' => quote = Some(character),
                _ => {}
            }
            quote.is_none() && character == ']'
        });
        let close = start + close.ok_or(Problem::Bracket)?;
        let inside: String = self.characters[start..close].iter().collect();
        let step = index(inside.trim())?;
        self.at = close + 1;
        Ok(step)
    }
}

fn index(inside: &str) -> Result<Step, Problem> {
    if inside == "*" {
        return Ok(Step::All);
    }
    if let Some(condition) = inside.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        return filter(condition).ok_or(Problem::Filter);
    }
    if let Some(name) = unquote(inside) {
        return Ok(Step::Field(name.to_owned()));
    }
    inside.parse().map(Step::Index).map_err(|_| Problem::Bracket)
}

/// `@.field == literal` or `!=`.
fn filter(condition: &str) -> Option<Step> {
    let (left, right, equal) = match condition.split_once("==") {
        Some((left, right)) => (left, right, true),
        None => condition.split_once("!=").map(|(left, right)| (left, right, false))?,
    };
    let field = Path::parse(left.trim().strip_prefix('@')?).ok()?;
    let right = right.trim();
    let literal = match unquote(right) {
        Some(text) => Value::from(text),
        None => serde_json::from_str(right).ok()?,
    };
    Some(Step::Filter { field, equal, literal })
}

fn unquote(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        json!({
            "metadata": {"annotations": {"landfall.dev/share": "web"}},
            "spec": {"addresses": ["192.0.2.0/24", "198.51.100.0/24"], "size": 3},
            "status": {"conditions": [
                {"type": "Ready", "status": "True"},
                {"type": "a]b", "status": "False"},
            ]},
        })
    }

    #[rstest]
    #[case(".spec.size", json!([3]))]
    #[case("{.spec.size}", json!([3]))]
    #[case("$.spec.size", json!([3]))]
    #[case(".spec['size']", json!([3]))]
    #[case(".spec.addresses[0]", json!(["192.0.2.0/24"]))]
    #[case(".spec.addresses[-1]", json!(["198.51.100.0/24"]))]
    #[case(".spec.addresses[-3]", json!([]))]
    #[case(".spec.addresses[*]", json!(["192.0.2.0/24", "198.51.100.0/24"]))]
    #[case(r".metadata.annotations.landfall\.dev/share", json!(["web"]))]
    #[case(r#".status.conditions[?(@.type=="Ready")].status"#, json!(["True"]))]
    #[case(r".status.conditions[?(@.type == 'a]b')].status", json!(["False"]))]
    #[case(r#".status.conditions[?(@.type!="Ready")].type"#, json!(["a]b"]))]
    #[case(".status.missing[0].x", json!([]))]
    #[case("", json!([sample()]))]
    fn finds(#[case] path: &str, #[case] want: Value) -> Result<(), PathError> {
        assert_eq!(json!(Path::parse(path)?.find(&sample())), want);
        Ok(())
    }

    #[rstest]
    #[case("spec", Problem::Step, 0)]
    #[case(".spec..size", Problem::EmptyName, 6)]
    #[case(".a[0", Problem::Bracket, 2)]
    #[case(".a[0:2]", Problem::Bracket, 2)]
    #[case(".a[?(@.b)]", Problem::Filter, 2)]
    #[case(".a[?(b==1)]", Problem::Filter, 2)]
    fn refuses(#[case] path: &str, #[case] problem: Problem, #[case] at: usize) {
        assert_eq!(Path::parse(path), Err(PathError { path: path.to_owned(), problem, at }));
    }

    proptest! {
        #[test]
        fn never_panics(path in r#"[.\[\]a-c0-9*?@='"(){}\\$-]{0,24}"#) {
            if let Ok(parsed) = Path::parse(&path) {
                let _found = parsed.find(&sample());
            }
        }
    }
}
