//! Lists: pages that all show one state, and the meanings of `resourceVersion`.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list>

use std::borrow::Cow;
use std::sync::Arc;

use super::error::{ApiError, Cause};
use super::request::Params;
use super::selector::Selector;
use super::store::{Key, Objects, Store, Stored, Table};

/// What a list asks for.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    pub(crate) selector: Selector,
    limit: Option<usize>,
    from: Wanted,
}

/// Which state of the collection is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// The latest, which must not be older than this.
    NotOlderThan(u64),
    /// This one exactly.
    Exactly(u64),
    /// The one the first page showed, after this key.
    Next(u64, Key),
}

/// One page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Arc<Stored>>,
    /// The resourceVersion of the state shown.
    pub(crate) revision: u64,
    /// `metadata.continue`, empty on the last page.
    pub(crate) next: String,
    /// `metadata.remainingItemCount`, where known.
    pub(crate) remaining: Option<usize>,
}

impl ListQuery {
    /// Reads the list options of a query string.
    pub(crate) fn parse(selector: Selector, params: &Params) -> Result<Self, ApiError> {
        if params.flag("sendInitialEvents")? {
            return Err(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        let limit = params.number("limit")?.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let from = Wanted::parse(params, limit.is_some())?;
        // A list at "0" is served from the cache upstream, which does not page.
        let limit = if params.text("resourceVersion") == "0" && params.text("continue").is_empty() {
            None
        } else {
            limit
        };
        Ok(Self { selector, limit, from })
    }

    /// Everything the selector matches, now.
    pub(crate) fn all(selector: Selector) -> Self {
        Self { selector, limit: None, from: Wanted::NotOlderThan(0) }
    }

    /// Reads the page.
    pub(crate) fn run(&self, store: &Store, table: &Table) -> Result<Page, ApiError> {
        let state = table.read();
        let current = store.revision();
        let (revision, after) = match &self.from {
            Wanted::NotOlderThan(oldest) if *oldest > current => {
                return Err(ApiError::too_large_resource_version(*oldest, current));
            }
            Wanted::NotOlderThan(_) => (current, None),
            Wanted::Exactly(revision) | Wanted::Next(revision, _) if *revision > current => {
                return Err(ApiError::too_large_resource_version(*revision, current));
            }
            Wanted::Exactly(revision) => (*revision, None),
            Wanted::Next(revision, key) => (*revision, Some(key)),
        };
        let past = state
            .history
            .rewind(&state.objects, revision)
            .map_err(|compacted| self.expired(revision, compacted.oldest))?;
        let objects = past.map_or(Cow::Borrowed(&state.objects), Cow::Owned);
        Ok(self.page(&objects, revision, after))
    }

    fn page(&self, objects: &Objects, revision: u64, after: Option<&Key>) -> Page {
        let scope = &self.selector.namespace;
        if let (Some(name), false) = (self.selector.name(), scope.is_empty()) {
            let found = objects.get(&Key::new(scope, name)).filter(|o| self.selector.matches(o)).cloned();
            return Page {
                objects: found.into_iter().collect(),
                revision,
                next: String::new(),
                remaining: None,
            };
        }
        let start = after.cloned().unwrap_or_else(|| Key::new(scope, ""));
        let mut inside = objects
            .range::<Key, _>(start..)
            .filter(|(key, _)| after != Some(key))
            .take_while(|(key, _)| scope.is_empty() || key.namespace == *scope);
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut page = Vec::new();
        let mut last = None;
        for (key, object) in inside.by_ref() {
            if self.selector.matches(object) {
                page.push(Arc::clone(object));
                last = Some(key);
            }
            if page.len() == limit {
                break;
            }
        }
        let rest = inside.filter(|(_, object)| self.selector.matches(object)).count();
        let next = match last {
            Some(key) if rest > 0 => token(revision, key),
            _ => String::new(),
        };
        let remaining = (rest > 0 && !self.selector.filters()).then_some(rest);
        Page { objects: page, revision, next, remaining }
    }

    fn expired(&self, asked: u64, oldest: u64) -> ApiError {
        match self.from {
            Wanted::Next(..) => ApiError::expired(
                "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.",
            ),
            _ => ApiError::expired(format!(
                "The resourceVersion for the provided list is too old: {asked} ({oldest})"
            )),
        }
    }
}

impl Wanted {
    fn parse(params: &Params, limited: bool) -> Result<Self, ApiError> {
        let sent = params.text("resourceVersion");
        let matching = params.text("resourceVersionMatch");
        let revision = revision(sent)?;
        if !params.text("continue").is_empty() {
            if revision != 0 {
                return Err(ApiError::bad_request(
                    "specifying resource version is not allowed when using continue",
                ));
            }
            if !matching.is_empty() {
                return Err(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden when continue is provided",
                ));
            }
            return parse_token(params.text("continue"));
        }
        match matching {
            "" if limited && revision > 0 => Ok(Self::Exactly(revision)),
            "" => Ok(Self::NotOlderThan(revision)),
            _ if sent.is_empty() => Err(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            )),
            "NotOlderThan" => Ok(Self::NotOlderThan(revision)),
            "Exact" if revision == 0 => Err(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"",
            )),
            "Exact" => Ok(Self::Exactly(revision)),
            other => Err(forbidden(
                "resourceVersionMatch",
                &format!("{other:?} is not accepted, expected Exact or NotOlderThan"),
            )),
        }
    }
}

/// A resourceVersion in a query; 0 for "".
pub(crate) fn revision(text: &str) -> Result<u64, ApiError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| ApiError::bad_request(format!("resourceVersion: {text:?} is not a number")))
}

/// 422 on the list options.
pub(crate) fn forbidden(field: &str, why: &str) -> ApiError {
    let cause = Cause {
        reason: "FieldValueForbidden",
        field: field.to_owned(),
        message: format!("Forbidden: {why}"),
    };
    ApiError::invalid("meta.k8s.io", "ListOptions", "", vec![cause])
}

fn token(revision: u64, key: &Key) -> String {
    format!("v1.{revision}.{}/{}", key.namespace, key.name)
}

fn parse_token(text: &str) -> Result<Wanted, ApiError> {
    let parsed = (|| {
        let (revision, key) = text.strip_prefix("v1.")?.split_once('.')?;
        let (namespace, name) = key.split_once('/')?;
        Some(Wanted::Next(revision.parse().ok()?, Key::new(namespace, name)))
    })();
    parsed.ok_or_else(|| ApiError::bad_request(format!("continue: {text:?} is not a token of this server")))
}
