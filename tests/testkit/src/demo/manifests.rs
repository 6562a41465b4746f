//! What the demo creates, from the YAML files in `demo/` that users can read too, and what shall come of it.

use k8s_openapi::api::core::v1::Service;
use serde_json::Value;

use crate::error::DemoError;

/// A YAML file compiled into this program; `file` is its path in the repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manifest {
    pub(crate) file: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! manifest {
    ($path:literal) => {
        Manifest { file: $path, text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../", $path)) }
    };
}

/// Applied in this order before the controller starts.
const BEFORE: [Manifest; 4] = [
    manifest!("deploy/crds/addresspools.landfall.dev.yaml"),
    manifest!("deploy/crds/loadbalancerclasses.landfall.dev.yaml"),
    manifest!("tests/testkit/demo/cluster.yaml"),
    manifest!("tests/testkit/demo/pool.yaml"),
];

/// The Services in the order of their creation, and the condition's reason of those that cannot be served.
const SERVICES: [(Manifest, Option<&str>); 7] = [
    (manifest!("tests/testkit/demo/web.yaml"), None),
    (manifest!("tests/testkit/demo/dns.yaml"), None),
    (manifest!("tests/testkit/demo/dual.yaml"), None),
    (manifest!("tests/testkit/demo/game.yaml"), None),
    (manifest!("tests/testkit/demo/shop-http.yaml"), None),
    (manifest!("tests/testkit/demo/shop-https.yaml"), None),
    (manifest!("tests/testkit/demo/outside.yaml"), Some("AddressNotInPool")),
];

/// A Service of the demo.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) service: Service,
    pub(crate) want: Want,
}

/// What shall come of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// This many addresses.
    Addresses(usize),
    /// No address, but a condition with this reason.
    Refusal(&'static str),
    /// Somebody else's Service.
    Nothing,
}

/// The objects that are there before the controller starts, each with the file that it is from.
pub(crate) fn before() -> Result<Vec<(&'static str, Value)>, DemoError> {
    let mut objects = Vec::new();
    for manifest in BEFORE {
        objects.extend(documents(manifest)?.into_iter().map(|object| (manifest.file, object)));
    }
    Ok(objects)
}

/// The Services in the order of their creation.
pub(crate) fn services() -> Result<Vec<Planned>, DemoError> {
    SERVICES.into_iter().map(|(manifest, refusal)| planned(manifest, refusal)).collect()
}

fn planned(manifest: Manifest, refusal: Option<&'static str>) -> Result<Planned, DemoError> {
    let service: Service =
        serde_saphyr::from_str(manifest.text).map_err(|error| unreadable(manifest, &error))?;
    let policy = service.spec.as_ref().and_then(|spec| spec.ip_family_policy.as_deref());
    let addresses = if policy == Some("RequireDualStack") { 2 } else { 1 };
    Ok(Planned { want: refusal.map_or(Want::Addresses(addresses), Want::Refusal), service })
}

fn documents(manifest: Manifest) -> Result<Vec<Value>, DemoError> {
    let all: Vec<Value> =
        serde_saphyr::from_multiple(manifest.text).map_err(|error| unreadable(manifest, &error))?;
    // A comment before the first `---` is a document too.
    Ok(all.into_iter().filter(|document| !document.is_null()).collect())
}

fn unreadable(manifest: Manifest, error: &dyn std::fmt::Display) -> DemoError {
    DemoError::Manifest { file: manifest.file, problem: error.to_string() }
}

#[cfg(test)]
mod tests;
