//! Lists: filters and pages.

use std::sync::Arc;

use landfall_gcp::api::{Kind, Place};
use regex::Regex;
use serde_json::{Value, json};

use super::json::Fields;
use super::operations::BASE;
use super::patterns::{compiled, whole};
use super::refused::{Done, refuse};
use super::request::Request;
use super::state::State;

/// What resources of a list must fulfil: the part of the filter language that is one comparison of one field.
#[derive(Debug)]
pub(super) struct Filter {
    field: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    /// `field eq regex`: the whole field must match.
    Matches(Arc<Regex>),
    /// `field ne regex`.
    Differs(Arc<Regex>),
    /// `field=value`.
    Equals(String),
    /// `field!=value`.
    Unequal(String),
}

impl Filter {
    /// Reads a filter; `None` of none.
    pub(super) fn parse(text: Option<&str>) -> Done<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        let pattern = r#"^\s*\(?\s*([A-Za-z.]+)(?:\s+(eq|ne)\s+|\s*(=|!=)\s*)(?:"([^"]*)"|'([^']*)'|([^\s()"']+))\s*\)?\s*$"#;
        let Some(grammar) = compiled(pattern) else { unreachable!("the grammar of filters") };
        let Some(parts) = grammar.captures(text) else { return bad(text) };
        let part = |number| parts.get(number).map(|part| part.as_str().to_owned());
        let literal = part(4).or(part(5)).or(part(6)).unwrap_or_default();
        let comparison = match part(2).or(part(3)).as_deref() {
            Some("eq") => compiled(&whole(&literal)).map(Test::Matches),
            Some("ne") => compiled(&whole(&literal)).map(Test::Differs),
            Some("=") => Some(Test::Equals(literal)),
            _ => Some(Test::Unequal(literal)),
        };
        let Some(comparison) = comparison else { return bad(text) };
        Ok(Some(Self { field: part(1).unwrap_or_default(), test: comparison }))
    }

    fn admits(&self, item: &Value) -> bool {
        let found = self.field.split('.').try_fold(item, |at, name| at.get(name));
        let text = match found {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        match &self.test {
            Test::Matches(regex) => regex.is_match(&text),
            Test::Differs(regex) => !regex.is_match(&text),
            Test::Equals(value) => text == *value,
            Test::Unequal(value) => text != *value,
        }
    }
}

fn bad<T>(text: &str) -> Done<T> {
    refuse(
        400,
        "invalid",
        format!("Invalid value for field 'filter': '{text}'. Invalid list filter expression."),
    )
}

impl State {
    /// A page of a list of resources. Its token is a name and no count, so that what others delete between two pages
    /// hides nothing.
    pub(super) fn list(&self, request: &Request, place: &Place, kind: Kind) -> Done<Value> {
        let filter = Filter::parse(request.query("filter"))?;
        if let Some(order) = request.query("orderBy") {
            return refuse(
                400,
                "invalid",
                format!("Invalid value for field 'orderBy': '{order}'. Not supported here."),
            );
        }
        let after = request.query("pageToken").unwrap_or_default();
        let all = self.store.of(place, kind, after).map(|(what, record)| self.view(what, record));
        let wanted = all.filter(|item| filter.as_ref().is_none_or(|filter| filter.admits(item)));
        let name = |item: &Value| item["name"].as_str().unwrap_or_default().to_owned();
        let (items, next) = self.page(request, wanted, name);
        let path = match kind {
            Kind::Region => format!("projects/{}/regions", place.project),
            _ => format!("{place}/{}", kind.collection()),
        };
        let mut answer = json!({
            "kind": format!("{}List", super::view::kind_word(kind)),
            "id": path,
            "selfLink": format!("{BASE}{path}"),
        });
        add(&mut answer, items, next);
        Ok(answer)
    }

    /// A page of what a group holds, by name.
    pub(super) fn member_list(
        &self,
        request: &Request,
        kind: &str,
        all: Vec<(String, Value)>,
    ) -> Done<Value> {
        if let Some(filter) = request.query("filter") {
            return bad(filter);
        }
        let after = request.query("pageToken").unwrap_or_default();
        let rest = all.into_iter().filter(|(name, _)| name.as_str() > after);
        let (items, next) = self.page(request, rest, |(name, _)| name.clone());
        let mut answer = json!({ "kind": kind });
        add(&mut answer, items.into_iter().map(|(_, item)| item).collect(), next);
        Ok(answer)
    }

    fn page<T>(
        &self,
        request: &Request,
        all: impl Iterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let asked = request.query("maxResults").and_then(|text| text.parse().ok());
        let size = asked.filter(|size| *size > 0).unwrap_or(self.page).min(self.page);
        let mut all = all.peekable();
        let items: Vec<T> = all.by_ref().take(size).collect();
        let next = all.peek().and(items.last()).map(name);
        (items, next)
    }
}

/// An empty list has no field `items`, and the last page no field `nextPageToken`.
fn add(answer: &mut Value, items: Vec<Value>, next: Option<String>) {
    let mut fields = Fields::new();
    if !items.is_empty() {
        fields.insert("items".to_owned(), items.into());
    }
    if let Some(next) = next {
        fields.insert("nextPageToken".to_owned(), next.into());
    }
    if let Some(answer) = answer.as_object_mut() {
        answer.append(&mut fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"name eq "lf-.*""#, "lf-web", true)]
    #[case("name eq lf-.*", "lf-web", true)]
    #[case("name eq 'lf-.*'", "my-lf-web", false)]
    #[case("(name eq web)", "web-2", false)]
    #[case("name ne web.*", "web-2", false)]
    #[case(r#"name="web""#, "web", true)]
    #[case("name = web.*", "web-2", false)]
    #[case("name != web", "web-2", true)]
    fn one_comparison_is_understood(#[case] text: &str, #[case] name: &str, #[case] admitted: bool) {
        let filter = Filter::parse(Some(text)).unwrap().unwrap();
        assert_eq!(filter.admits(&json!({ "name": name })), admitted);
    }

    #[rstest]
    #[case("name")]
    #[case("name eq")]
    #[case("name ~ x")]
    #[case("name eq (")]
    #[case("(name eq a) (name eq b)")]
    #[case("name eq a AND status eq b")]
    fn anything_else_is_refused(#[case] text: &str) {
        assert_eq!(Filter::parse(Some(text)).unwrap_err().status, 400);
    }
}
