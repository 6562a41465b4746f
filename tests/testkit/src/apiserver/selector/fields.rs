//! Field selectors: `path=value`, `path==value`, `path!=value`, joined by commas.

use serde_json::Value;

use super::{field_text, resolve};
use crate::apiserver::error::ApiError;
use crate::apiserver::kinds::Kind;

#[derive(Debug, Clone, Default)]
pub(super) struct FieldSelector(Vec<Term>);

#[derive(Debug, Clone)]
struct Term {
    path: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    pub(super) fn parse(kind: &Kind, text: &str) -> Result<Self, ApiError> {
        let terms = split(text).into_iter().filter(|term| !term.is_empty());
        terms.map(|term| Term::parse(kind, &term)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|term| (field_text(object, &term.path) == term.value) == term.equal)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value `path` must have.
    pub(super) fn required(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|t| t.equal && t.path == path).map(|t| t.value.as_str())
    }
}

impl Term {
    fn parse(kind: &Kind, text: &str) -> Result<Self, ApiError> {
        let invalid = || {
            ApiError::bad_request(format!(
                "invalid field selector {text:?}: expected path=value or path!=value"
            ))
        };
        let (path, value, equal) = if let Some((path, value)) = text.split_once("!=") {
            (path, value, false)
        } else {
            let (path, value) = text.split_once('=').ok_or_else(invalid)?;
            (path, value.strip_prefix('=').unwrap_or(value), true)
        };
        let stored = resolve(kind, path)
            .ok_or_else(|| ApiError::bad_request(format!("field label not supported: {path}")))?;
        Ok(Self { path: stored, value: unescape(value), equal })
    }
}

/// Splits at commas that are not escaped.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let last = terms.len() - 1;
        match c {
            ',' => terms.push(String::new()),
            '\\' => {
                terms[last].push(c);
                terms[last].extend(chars.next());
            }
            c => terms[last].push(c),
        }
    }
    terms
}

fn unescape(value: &str) -> String {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apiserver::kinds::Registry;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("", true)]
    #[case("metadata.name=web", true)]
    #[case("metadata.name==web,metadata.namespace=ns", true)]
    #[case("metadata.name!=web", false)]
    #[case("spec.type=LoadBalancer", true)]
    #[case("spec.type=NodePort", false)]
    #[case("spec.clusterIP=", true)]
    fn service_fields(#[case] selector: &str, #[case] expected: bool) {
        let kind = Registry::default().of("v1", "Service").unwrap();
        let object =
            json!({"metadata": {"name": "web", "namespace": "ns"}, "spec": {"type": "LoadBalancer"}});
        assert_eq!(FieldSelector::parse(&kind, selector).unwrap().matches(&object), expected);
    }

    #[rstest]
    #[case("v1", "Service", "spec.colour=red")]
    #[case("v1", "Node", "metadata.namespace=x")]
    #[case("v1", "Service", "metadata.name")]
    #[case("events.k8s.io/v1", "Event", "involvedObject.name=x")]
    fn what_is_not_offered_is_refused(#[case] api: &str, #[case] kind: &str, #[case] selector: &str) {
        let kind = Registry::default().of(api, kind).unwrap();
        assert_eq!(FieldSelector::parse(&kind, selector).unwrap_err().code, 400);
    }

    #[test]
    fn both_event_groups_select_the_same_field() {
        let object = json!({"involvedObject": {"name": "web"}, "source": {"component": "c"}});
        for (api, selector) in
            [("v1", "involvedObject.name=web,source=c"), ("events.k8s.io/v1", "regarding.name=web")]
        {
            let kind = Registry::default().of(api, "Event").unwrap();
            assert!(FieldSelector::parse(&kind, selector).unwrap().matches(&object), "{api}");
        }
    }

    #[test]
    fn commas_can_be_escaped() {
        assert_eq!(split(r"a=1\,2,b=3"), [r"a=1\,2", "b=3"]);
        assert_eq!(unescape(r"1\,2\\"), r"1,2\");
    }
}
