//! Paths without a resource: health, version, discovery, `OpenAPI`, and the one review that is served.

use axum::http::request::Parts;
use axum::http::{Method, header};
use serde_json::{Value, json};

use super::App;
use crate::apiserver::discovery::{self, DiscoveredKind};
use crate::apiserver::kinds::Kind;
use crate::apiserver::openapi;
use crate::apiserver::reply::{self, Reply};

/// The release whose behaviour is followed.
const VERSION: (&str, &str, &str) = ("1", "33", "v1.33.0");

/// Verbs every kind has.
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// The answer, if the path is one of these.
pub(super) fn answer(app: &App, parts: &Parts) -> Option<Reply> {
    if parts.method != Method::GET {
        return None;
    }
    let path = parts.uri.path();
    match path {
        "/healthz" | "/livez" | "/readyz" => {
            return Some(reply::typed(200, "text/plain; charset=utf-8", "ok"));
        }
        "/version" | "/version/" => return Some(reply::value(200, &version())),
        _ => {}
    }
    // Only discovery paths are worth the list of all kinds.
    if path.trim_matches('/').split('/').count() > 3 && !path.starts_with("/openapi/") {
        return None;
    }
    let kinds: Vec<DiscoveredKind> = app.engine.kinds.all().iter().map(|kind| discovered(kind)).collect();
    if let Some(document) = openapi::answer(path, &kinds) {
        return Some(reply::value(200, &document));
    }
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let document = discovery::answer(path, accept, &kinds)?;
    Some(reply::typed(200, document.content_type, document.body.to_string()))
}

/// `kubectl auth can-i` asks here.
pub(super) fn is_access_review(parts: &Parts) -> bool {
    parts.method == Method::POST
        && parts.uri.path() == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
}

/// Everybody may do everything: there is no authorisation.
pub(super) fn access_review() -> Reply {
    let review = json!({
        "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {},
        "spec": {}, "status": {"allowed": true, "reason": "this server does not authorise"},
    });
    reply::value(201, &review)
}

fn version() -> Value {
    let (major, minor, git) = VERSION;
    json!({
        "major": major, "minor": minor, "gitVersion": git, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn discovered(kind: &Kind) -> DiscoveredKind {
    DiscoveredKind {
        group: kind.group.clone(),
        version: kind.version.clone(),
        kind: kind.kind.clone(),
        plural: kind.plural.clone(),
        singular: kind.singular.clone(),
        short_names: kind.short_names.clone(),
        categories: kind.categories.clone(),
        namespaced: kind.namespaced,
        has_status: kind.has_status,
        verbs: VERBS.map(str::to_owned).to_vec(),
    }
}
