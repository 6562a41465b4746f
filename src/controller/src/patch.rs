//! The one status write of a Service, as a value: a JSON merge patch on the `status` subresource, which also
//! carries finalizer and record (the API server takes metadata there).
//!
//! The patch names the resource version that it was computed from, so lists can be sent whole: whoever changed the
//! object meanwhile makes the write fail, and it is computed again. If nothing would change there is no patch.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service};
use landfall_api::names::{FINALIZER, UPSTREAM_FINALIZER};
use landfall_core::annotations::{LOAD_BALANCER, PUBLISHED};
use landfall_core::desired::fingerprint;
use landfall_core::ids::LbId;
use landfall_core::report::{self, Verdict};
use serde_json::{Map, Value, json};

use crate::placement::{finalizer_for, recorded};

/// What a Service should show. Parts that are `None` stay as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wish {
    /// The load balancers to record, current one first; with it goes the finalizer.
    pub record: Option<Vec<LbId>>,
    /// The conditions.
    pub verdicts: Vec<Verdict>,
    /// `status.loadBalancer.ingress`.
    pub ingress: Option<Vec<LoadBalancerIngress>>,
}

/// The patch that makes a Service show it; `None` if it does already.
pub fn write(service: &Service, wish: &Wish, now: Timestamp) -> Option<Value> {
    let mut patch = Patch::default();
    if let Some(record) = &wish.record {
        patch.finalizers(service, with_finalizer(service, finalizer_for(service)));
        patch.annotation(service, LOAD_BALANCER, Some(&record_text(record)));
    }
    let conditions = report::conditions(service);
    let wanted = report::with_verdicts(conditions.clone(), &wish.verdicts, now);
    if wanted != conditions {
        patch.status.insert("conditions".into(), json!(wanted));
    }
    if let Some(ingress) = &wish.ingress {
        if report::shown(service) != *ingress {
            patch.status.insert("loadBalancer".into(), json!({"ingress": ingress}));
        }
        patch.annotation(service, PUBLISHED, Some(&published_text(ingress)));
    }
    patch.finish(service)
}

/// The patch that ends our part in a Service for one load balancer; `None` if there is nothing left of us.
///
/// While other load balancers are recorded, only the record is shortened. With the last one go finalizer,
/// conditions, and the addresses, if they are still those that we wrote: what another controller has written
/// since is left alone.
pub fn leave(service: &Service, id: &LbId) -> Option<Value> {
    let record: Vec<LbId> = recorded(service).into_iter().filter(|known| known != id).collect();
    if record.is_empty() {
        return clear(service);
    }
    let mut patch = Patch::default();
    patch.annotation(service, LOAD_BALANCER, Some(&record_text(&record)));
    patch.finish(service)
}

/// The patch that takes everything of ours from a Service; `None` if there is nothing.
pub fn clear(service: &Service) -> Option<Value> {
    let mut patch = Patch::default();
    patch.finalizers(service, without_finalizers(service));
    patch.annotation(service, LOAD_BALANCER, None);
    patch.annotation(service, PUBLISHED, None);
    if service.metadata.deletion_timestamp.is_none() {
        let conditions = report::conditions(service);
        let rest = report::without_verdicts(conditions.clone());
        if rest != conditions {
            patch.status.insert("conditions".into(), json!(rest));
        }
        if is_ours(service) {
            patch.status.insert("loadBalancer".into(), json!({"ingress": null}));
        }
    }
    patch.finish(service)
}

/// Whether the addresses that a Service shows are those that we wrote last.
pub fn is_ours(service: &Service) -> bool {
    let shown = report::shown(service);
    let mark = service.metadata.annotations.as_ref().and_then(|all| all.get(PUBLISHED));
    !shown.is_empty() && mark.is_some_and(|mark| *mark == published_text(&shown))
}

/// Whether we have written addresses on a Service before.
pub fn was_published(service: &Service) -> bool {
    service.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(PUBLISHED))
}

/// Whether somebody else has replaced the addresses that we wrote by others.
pub fn is_overwritten(service: &Service) -> bool {
    was_published(service) && !report::shown(service).is_empty() && !is_ours(service)
}

#[derive(Debug, Default)]
struct Patch {
    finalizers: Option<Vec<String>>,
    annotations: Map<String, Value>,
    status: Map<String, Value>,
}

impl Patch {
    fn finalizers(&mut self, service: &Service, wanted: Vec<String>) {
        if service.metadata.finalizers.as_deref().unwrap_or_default() != wanted {
            self.finalizers = Some(wanted);
        }
    }

    fn annotation(&mut self, service: &Service, key: &str, wanted: Option<&str>) {
        let current = service.metadata.annotations.as_ref().and_then(|all| all.get(key));
        if current.map(String::as_str) != wanted {
            self.annotations.insert(key.to_owned(), json!(wanted));
        }
    }

    fn finish(self, service: &Service) -> Option<Value> {
        if self.finalizers.is_none() && self.annotations.is_empty() && self.status.is_empty() {
            return None;
        }
        let mut metadata =
            json!({"resourceVersion": service.metadata.resource_version, "uid": service.metadata.uid});
        if let Some(finalizers) = self.finalizers {
            metadata["finalizers"] = json!(finalizers);
        }
        if !self.annotations.is_empty() {
            metadata["annotations"] = Value::Object(self.annotations);
        }
        let mut patch = json!({"metadata": metadata});
        if !self.status.is_empty() {
            patch["status"] = Value::Object(self.status);
        }
        Some(patch)
    }
}

fn with_finalizer(service: &Service, name: &str) -> Vec<String> {
    let mut list = service.metadata.finalizers.clone().unwrap_or_default();
    // A finalizer may not be added to an object that is being deleted: the API server refuses the whole write.
    if service.metadata.deletion_timestamp.is_none() && list.iter().all(|finalizer| finalizer != name) {
        list.push(name.to_owned());
    }
    list
}

/// The upstream finalizer is only ours to remove where our record says that we have been the one.
fn without_finalizers(service: &Service) -> Vec<String> {
    let recorded = !recorded(service).is_empty();
    let mut list = service.metadata.finalizers.clone().unwrap_or_default();
    list.retain(|name| name != FINALIZER && !(recorded && name == UPSTREAM_FINALIZER));
    list
}

fn record_text(record: &[LbId]) -> String {
    record.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn published_text(ingress: &[LoadBalancerIngress]) -> String {
    format!("{:016x}", fingerprint(&ingress))
}

#[cfg(test)]
mod tests;
