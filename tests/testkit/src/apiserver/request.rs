//! From an HTTP request to what it means: verb, kind, object, options.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};

use super::body::media_type;
use super::error::ApiError;
use super::journal::Call;
use super::kinds::{Kind, Registry};
use super::negotiate::Output;

mod path;

pub(crate) use path::ResourcePath;

/// The verb of a request on a resource, as RBAC knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// GET of an object.
    Get,
    /// GET of a collection.
    List,
    /// GET with `watch=true`.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH, server-side apply included.
    Patch,
    /// DELETE of an object.
    Delete,
    /// DELETE of a collection.
    DeleteCollection,
}

/// A request on a resource.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) call: Call,
    pub(crate) kind: Arc<Kind>,
    pub(crate) params: Params,
    pub(crate) output: Output,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) query: String,
    pub(crate) body: Bytes,
}

/// The query parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(HashMap<String, String>);

impl Verb {
    /// The RBAC word, e.g. `deletecollection`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// Whether it asks for a change.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

impl Request {
    /// Resolves a request whose path leads to a resource.
    pub(crate) fn resolve(
        kinds: &Registry,
        path: ResourcePath,
        parts: &Parts,
        body: Bytes,
    ) -> Result<Self, ApiError> {
        let kind =
            kinds.resource(&path.group, &path.version, &path.plural).ok_or_else(ApiError::no_such_path)?;
        let params = Params::of(&parts.uri)?;
        let verb = verb(&parts.method, &path, &params)?;
        check_path(&kind, &path, verb)?;
        let header = |name| text(&parts.headers, name);
        let output = Output::negotiate(&header(header::ACCEPT), &params)?;
        Ok(Self {
            call: Call {
                verb,
                group: path.group,
                kind: kind.kind.clone(),
                plural: path.plural,
                namespace: path.namespace,
                name: path.name,
                subresource: path.subresource,
            },
            kind,
            params,
            output,
            content_type: header(header::CONTENT_TYPE),
            user_agent: header(header::USER_AGENT),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body,
        })
    }

    /// `Content-Type` without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        media_type(&self.content_type)
    }

    /// Who writes: `fieldManager`, else the first word of the user agent up to the slash.
    pub(crate) fn manager(&self) -> String {
        let named = self.params.text("fieldManager");
        if !named.is_empty() {
            return named.to_owned();
        }
        let agent = self.user_agent.split('/').next().unwrap_or_default();
        if agent.is_empty() { "unknown".to_owned() } else { agent.to_owned() }
    }
}

impl Params {
    fn of(uri: &Uri) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|problem| ApiError::bad_request(format!("query string: {problem}")))?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// A parameter, empty when absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A switch: `true` or `1`, and present without a value.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name).map(String::as_str) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(other) => Err(refused(name, other, "true or false")),
        }
    }

    /// A count, absent for 0.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let parsed: u64 = text.parse().map_err(|_| refused(name, text, "a whole number"))?;
        Ok((parsed > 0).then_some(parsed))
    }

    /// Whether the write is only tried: `dryRun=All`.
    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        match self.text("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => Err(refused("dryRun", other, "All")),
        }
    }
}

pub(crate) fn refused(parameter: &str, value: &str, accepted: &str) -> ApiError {
    ApiError::bad_request(format!("{parameter}: {value:?} is not accepted, expected {accepted}"))
}

fn verb(method: &Method, path: &ResourcePath, params: &Params) -> Result<Verb, ApiError> {
    let item = !path.name.is_empty();
    match *method {
        Method::GET if params.flag("watch")? && path.subresource.is_empty() => Ok(Verb::Watch),
        Method::GET if item => Ok(Verb::Get),
        Method::GET => Ok(Verb::List),
        Method::POST if !item => Ok(Verb::Create),
        Method::PUT if item => Ok(Verb::Update),
        Method::PATCH if item => Ok(Verb::Patch),
        Method::DELETE if item => Ok(Verb::Delete),
        Method::DELETE => Ok(Verb::DeleteCollection),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Refuses scopes and subresources the kind does not have.
fn check_path(kind: &Kind, path: &ResourcePath, verb: Verb) -> Result<(), ApiError> {
    let scoped = !path.namespace.is_empty();
    if scoped != kind.namespaced && (scoped || !path.name.is_empty()) {
        return Err(ApiError::no_such_path());
    }
    if kind.namespaced && !scoped && !matches!(verb, Verb::List | Verb::Watch) {
        return Err(ApiError::method_not_allowed());
    }
    match path.subresource.as_str() {
        "" => Ok(()),
        "status" if kind.has_status => match verb {
            Verb::Get | Verb::Update | Verb::Patch => Ok(()),
            _ => Err(ApiError::method_not_allowed()),
        },
        _ => Err(ApiError::no_such_path()),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
