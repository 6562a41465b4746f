//! Events: on changes only, with the reasons that operators know from the upstream service controller.
//!
//! What an event is about is found by comparing a Service's conditions and addresses before and after a write. Those
//! are stored with the object, so a restart repeats nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference, Service};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use landfall_core::annotations::PUBLISHED;
use landfall_core::refusal::clip;
use landfall_core::report::{ACCEPTED, PROGRAMMED, conditions, shown};
use landfall_runtime::client::bounded;
use tracing::{debug, warn};

use crate::metrics::ControllerMetrics;

/// Longest note the API accepts, in bytes.
const NOTE_LIMIT: usize = 1_024;

/// What to tell about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whether something needs attention.
    pub warning: bool,
    /// Reason, in `PascalCase`.
    pub reason: &'static str,
    /// A sentence.
    pub text: String,
}

impl Note {
    /// A piece of good news.
    pub fn normal(reason: &'static str, text: impl Into<String>) -> Self {
        Self { warning: false, reason, text: text.into() }
    }

    /// Something that needs attention.
    pub fn warning(reason: &'static str, text: impl Into<String>) -> Self {
        Self { warning: true, reason, text: text.into() }
    }
}

/// Notes that follow from the difference between two versions of a Service.
///
/// A new reason of a bad condition is a warning; a condition that is only waiting is not. A new address, or the
/// recovery from something bad, is good news.
pub fn between(old: &Service, new: &Service) -> Vec<Note> {
    let mut notes = Vec::new();
    let (before, after) = (conditions(old), conditions(new));
    let mut recovered = false;
    for condition in after.iter().filter(|c| c.type_ == ACCEPTED || c.type_ == PROGRAMMED) {
        let known = before.iter().find(|other| other.type_ == condition.type_);
        let same = known.is_some_and(|k| k.status == condition.status && k.reason == condition.reason);
        if condition.status == "True" {
            recovered |= condition.type_ == PROGRAMMED && known.is_some_and(|k| k.status != "True");
            if !same && condition.type_ == PROGRAMMED && condition.reason != "Programmed" {
                notes.push(failure(&condition.reason, &condition.message));
            }
        } else if !same && !is_progress(&condition.reason) {
            notes.push(failure(&condition.reason, &condition.message));
        }
    }
    // Addresses that we had published before are no news: they were restored.
    let published = |service: &Service| service.metadata.annotations.as_ref()?.get(PUBLISHED).cloned();
    let restored = published(old).is_some() && published(old) == published(new);
    let addresses = shown(new);
    let programmed =
        after.iter().any(|c| c.type_ == PROGRAMMED && c.status == "True" && c.reason == "Programmed");
    if programmed && !addresses.is_empty() && (recovered || (!restored && addresses != shown(old))) {
        let list: Vec<&str> =
            addresses.iter().filter_map(|entry| entry.ip.as_deref().or(entry.hostname.as_deref())).collect();
        notes
            .push(Note::normal("EnsuredLoadBalancer", format!("Ensured load balancer: {}", list.join(", "))));
    }
    notes
}

fn failure(reason: &str, message: &str) -> Note {
    Note::warning("SyncLoadBalancerFailed", format!("{reason}: {message}"))
}

/// Reasons of a condition that is not met yet without anything being wrong.
fn is_progress(reason: &str) -> bool {
    matches!(reason, "Provisioning" | "Pending" | "Waiting" | "NotAccepted")
}

/// Writes events. A failure is logged and never disturbs the work.
pub struct Recorder {
    client: Client,
    instance: String,
    limit: Duration,
    metrics: ControllerMetrics,
    count: AtomicU64,
}

impl Recorder {
    /// `instance` names this process, as the reporting instance.
    pub fn new(client: Client, instance: String, limit: Duration, metrics: ControllerMetrics) -> Self {
        Self { client, instance, limit, metrics, count: AtomicU64::new(0) }
    }

    /// Writes one event about an object.
    pub async fn tell<K: Resource<DynamicType = ()>>(&self, object: &K, note: &Note) {
        let about = object.object_ref(&());
        if note.warning {
            warn!(namespace = about.namespace, name = about.name, reason = note.reason, "{}", note.text);
        } else {
            debug!(namespace = about.namespace, name = about.name, reason = note.reason, "{}", note.text);
        }
        let namespace = about.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let event = self.event(about, &namespace, note);
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let parameters = PostParams::default();
        let written =
            bounded(self.limit, || format!("write event {}", note.reason), api.create(&parameters, &event))
                .await;
        match written {
            Ok(_) => self.metrics.wrote("Event"),
            Err(error) => debug!(%error, "event could not be written"),
        }
    }

    fn event(&self, about: ObjectReference, namespace: &str, note: &Note) -> Event {
        let now = Timestamp::now();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let stem = about.name.as_deref().unwrap_or_default();
        // Unique among the processes that may write: time, and a count for events of the same nanosecond.
        let name = format!("{}.{:x}{number:x}", clip_name(stem), now.as_nanosecond());
        Event {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(now)),
            note: Some(clip(&note.text, NOTE_LIMIT)),
            reason: Some(note.reason.to_owned()),
            regarding: Some(about),
            reporting_controller: Some("landfall.dev/controller".to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
            ..Event::default()
        }
    }
}

/// Room for the suffix within the 253 characters of an object name.
fn clip_name(name: &str) -> &str {
    &name[..name.len().min(200)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn service(programmed: Option<(&str, &str)>, ip: Option<&str>) -> Service {
        let conditions: Vec<_> = programmed
            .into_iter()
            .map(|(status, reason)| {
                json!({"type": PROGRAMMED, "status": status, "reason": reason, "message": "m",
                       "lastTransitionTime": "2026-01-01T00:00:00Z"})
            })
            .collect();
        let ingress: Vec<_> = ip.into_iter().map(|ip| json!({"ip": ip})).collect();
        serde_json::from_value(
            json!({"metadata": {"name": "web"}, "status": {"conditions": conditions, "loadBalancer": {"ingress": ingress}}}),
        )
        .unwrap()
    }

    #[rstest]
    #[case(None, None, Some(("False", "Provisioning")), None, &[])]
    #[case(None, None, Some(("True", "Programmed")), Some("192.0.2.1"), &["EnsuredLoadBalancer"])]
    #[case(Some(("True", "Programmed")), Some("192.0.2.1"), Some(("True", "Programmed")), Some("192.0.2.1"), &[])]
    #[case(Some(("True", "Programmed")), Some("192.0.2.1"), Some(("True", "Programmed")), Some("192.0.2.2"), &["EnsuredLoadBalancer"])]
    #[case(Some(("True", "Programmed")), Some("192.0.2.1"), Some(("False", "PoolExhausted")), Some("192.0.2.1"), &["SyncLoadBalancerFailed"])]
    #[case(Some(("False", "PoolExhausted")), None, Some(("False", "PoolExhausted")), None, &[])]
    #[case(Some(("False", "Throttled")), Some("192.0.2.1"), Some(("True", "Programmed")), Some("192.0.2.1"), &["EnsuredLoadBalancer"])]
    #[case(Some(("True", "Programmed")), Some("192.0.2.1"), Some(("True", "PortConflict")), Some("192.0.2.1"), &["SyncLoadBalancerFailed"])]
    #[case(Some(("True", "PortConflict")), Some("192.0.2.1"), Some(("True", "PortConflict")), Some("192.0.2.1"), &[])]
    fn events_follow_changes(
        #[case] old: Option<(&str, &str)>,
        #[case] old_ip: Option<&str>,
        #[case] new: Option<(&str, &str)>,
        #[case] new_ip: Option<&str>,
        #[case] want: &[&str],
    ) {
        let notes = between(&service(old, old_ip), &service(new, new_ip));
        assert_eq!(notes.iter().map(|note| note.reason).collect::<Vec<_>>(), want);
    }
}
