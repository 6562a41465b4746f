//! Label selectors: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`, joined by commas.

use serde_json::Value;

use crate::apiserver::error::ApiError;

#[derive(Debug, Clone, Default)]
pub(super) struct LabelSelector(Vec<Term>);

#[derive(Debug, Clone, PartialEq)]
struct Term {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    /// Also true when the label is absent.
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let parts = split(text).into_iter().map(str::trim).filter(|part| !part.is_empty());
        parts.map(Term::parse).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn matches(&self, labels: &Value) -> bool {
        self.0.iter().all(|term| term.test.passes(labels[&term.key].as_str()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Term {
    fn parse(term: &str) -> Result<Self, ApiError> {
        let one = |value: &str| vec![value.trim().to_owned()];
        let (key, test) = if let Some(key) = term.strip_prefix('!') {
            (key, Test::Absent)
        } else if let Some((key, values)) = set(term, "notin") {
            (key, Test::NotIn(values))
        } else if let Some((key, values)) = set(term, "in") {
            (key, Test::In(values))
        } else if let Some((key, value)) = term.split_once("!=") {
            (key, Test::NotIn(one(value)))
        } else if let Some((key, value)) = term.split_once('=') {
            (key, Test::In(one(value.strip_prefix('=').unwrap_or(value))))
        } else if let Some((key, value)) = term.split_once('>') {
            (key, Test::Greater(number(term, value)?))
        } else if let Some((key, value)) = term.split_once('<') {
            (key, Test::Less(number(term, value)?))
        } else {
            (term, Test::Exists)
        };
        let key = key.trim();
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)) {
            return Err(unparsable(term));
        }
        Ok(Self { key: key.to_owned(), test })
    }
}

impl Test {
    fn passes(&self, label: Option<&str>) -> bool {
        let compare = |holds: &dyn Fn(i64) -> bool| label.and_then(|l| l.parse().ok()).is_some_and(holds);
        match self {
            Self::Exists => label.is_some(),
            Self::Absent => label.is_none(),
            Self::In(values) => label.is_some_and(|l| values.iter().any(|v| v == l)),
            Self::NotIn(values) => label.is_none_or(|l| values.iter().all(|v| v != l)),
            Self::Greater(bound) => compare(&|value| value > *bound),
            Self::Less(bound) => compare(&|value| value < *bound),
        }
    }
}

/// `key in (a, b)` → key and values.
fn set<'a>(text: &'a str, operator: &str) -> Option<(&'a str, Vec<String>)> {
    let (head, values) = text.strip_suffix(')')?.split_once('(')?;
    let key = head.trim_end().strip_suffix(operator)?;
    // The operator is a word of its own: `margin (a)` is not `marg in (a)`.
    key.ends_with(char::is_whitespace)
        .then(|| (key.trim_end(), values.split(',').map(|v| v.trim().to_owned()).collect()))
}

fn number(term: &str, value: &str) -> Result<i64, ApiError> {
    value.trim().parse().map_err(|_| unparsable(term))
}

fn unparsable(term: &str) -> ApiError {
    ApiError::bad_request(format!("unable to parse requirement {term:?} of the label selector"))
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("", true)]
    #[case("app", true)]
    #[case("!app", false)]
    #[case("!other", true)]
    #[case("app=web", true)]
    #[case("app == web , tier=front", true)]
    #[case("app!=web", false)]
    #[case("other!=web", true)]
    #[case("app in (web, api)", true)]
    #[case("app in (api)", false)]
    #[case("other in (api)", false)]
    #[case("app notin (web)", false)]
    #[case("other notin (web)", true)]
    #[case("app in (web,api),tier notin (back,mid)", true)]
    #[case("size>4", true)]
    #[case("size<5", false)]
    #[case("app>1", false)]
    #[case("kubernetes.io/service-name=web", true)]
    fn selects(#[case] selector: &str, #[case] expected: bool) {
        let labels = json!({"app": "web", "tier": "front", "size": "5", "kubernetes.io/service-name": "web"});
        assert_eq!(LabelSelector::parse(selector).unwrap().matches(&labels), expected);
    }

    #[rstest]
    #[case("=web")]
    #[case("size>big")]
    #[case("a b")]
    #[case("app in web")]
    fn refuses(#[case] selector: &str) {
        assert_eq!(LabelSelector::parse(selector).unwrap_err().code, 400);
    }
}
