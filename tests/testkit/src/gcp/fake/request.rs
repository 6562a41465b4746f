//! Requests, and what they are about.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use landfall_gcp::api::{Kind, Method, Place, Reference, Scope, Verb};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::discovery::Routed;

/// A request as HTTP has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    /// `GET`, `POST`, …
    pub(super) http_method: String,
    /// Below the version: from `projects/` on.
    pub(super) path: String,
    /// Decoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

/// What a request is about.
#[derive(Debug, Clone)]
pub(super) enum About {
    /// The state of an operation.
    Operation { place: Place, name: String },
    /// All resources of a kind, or a new one.
    Collection { method: Method, place: Place },
    /// One resource.
    Resource { method: Method, what: Reference },
}

impl Request {
    /// A value in the query; empty ones count as absent.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

impl About {
    /// What a routed request is about.
    pub(super) fn new(routed: &Routed) -> Option<Self> {
        let value = |name: &str| routed.path.get(name).cloned();
        let is_region = routed.id.starts_with("regions.");
        let project = value("project")?;
        let scope = match (value("region").filter(|_| !is_region), value("zone")) {
            (Some(region), _) => Scope::Region(region),
            (None, Some(zone)) => Scope::Zone(zone),
            (None, None) => Scope::Global,
        };
        let place = Place { project, scope };
        let own = |name: &&&str| is_region || !["region", "zone"].contains(*name);
        let name =
            routed.path.keys().filter(|name| **name != "project").find(own).and_then(|name| value(name));
        if routed.id.ends_with("Operations.get") {
            return Some(Self::Operation { place, name: name? });
        }
        let method = *METHODS.get(routed.id)?;
        Some(match name {
            None => Self::Collection { method, place },
            Some(name) => Self::Resource { method, what: place.at(method.kind, name) },
        })
    }

    /// The resource that the request is about.
    pub(super) fn what(&self, request: &Request) -> Option<Reference> {
        match self {
            Self::Resource { what, .. } => Some(what.clone()),
            Self::Collection { method, place } if method.verb == Verb::Insert => {
                let name = request.body.as_ref()?.get("name")?.as_str()?;
                Some(place.at(method.kind, name))
            }
            Self::Operation { .. } | Self::Collection { .. } => None,
        }
    }

    /// Where it is.
    pub(super) fn place(&self) -> &Place {
        match self {
            Self::Operation { place, .. } | Self::Collection { place, .. } => place,
            Self::Resource { what, .. } => &what.place,
        }
    }
}

/// Methods on resources by their ids.
static METHODS: LazyLock<BTreeMap<String, Method>> = LazyLock::new(|| {
    const VERBS: [Verb; 14] = [
        Verb::List,
        Verb::Get,
        Verb::Insert,
        Verb::Patch,
        Verb::Update,
        Verb::Delete,
        Verb::SetLabels,
        Verb::AttachEndpoints,
        Verb::DetachEndpoints,
        Verb::ListEndpoints,
        Verb::AddInstances,
        Verb::RemoveInstances,
        Verb::ListInstances,
        Verb::GetHealth,
    ];
    let of_kind = |kind| VERBS.into_iter().map(move |verb| Method::new(kind, verb));
    Kind::ALL.into_iter().flat_map(of_kind).map(|method| (method.to_string(), method)).collect()
});

/// Reads a query string.
pub(super) fn decode(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (plain(name), plain(value))
        })
        .collect()
}

/// What a request is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// JSON.
    Json(u16, Value),
    /// The page of a proxy that could not do it.
    Html(u16),
}

impl Reply {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Json(status, _) | Self::Html(status) => *status,
        }
    }

    /// The text of the page.
    pub(super) fn page(status: u16) -> String {
        format!(
            "<!DOCTYPE html>\n<html><title>Error {status} (Server Error)</title><p>That is an error.</html>\n"
        )
    }
}
