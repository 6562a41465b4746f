//! Where a Service belongs: the load balancer it wants, and those it still has something on.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use landfall_api::names::{FINALIZER, UPSTREAM_FINALIZER};
use landfall_core::annotations::LOAD_BALANCER;
use landfall_core::class::{Class, ClassSet, Selection};
use landfall_core::group;
use landfall_core::ids::{LbId, ProviderName, Scope, ServiceKey};
use landfall_core::member;
use landfall_core::refusal::{Refusal, categories};
use landfall_core::report::{ACCEPTED, PROGRAMMED, conditions};

use crate::cluster::Key;

/// Where a Service belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// The class that serves it.
    pub class: Option<Arc<Class>>,
    /// The load balancer it should be on; `None` if it should be on none, or if `refusal` keeps that open.
    pub wanted: Option<LbId>,
    /// The load balancers recorded on it, current one first: it may still have something there.
    pub held: Vec<LbId>,
    /// Why no place could be found for it although it is ours.
    pub refusal: Option<Refusal>,
}

impl Placement {
    /// Every load balancer it has to do with.
    pub fn ids(&self) -> impl Iterator<Item = &LbId> {
        let more = self.held.iter().filter(|id| Some(*id) != self.wanted.as_ref());
        self.wanted.iter().chain(more)
    }

    /// What has to be looked at for this Service.
    pub fn keys(&self, service: &ServiceKey) -> Vec<Key> {
        let keys: Vec<Key> = self.ids().cloned().map(Key::Lb).collect();
        if keys.is_empty() { vec![Key::Unplaced(service.clone())] } else { keys }
    }

    /// Whether it is on the way to another load balancer that does not serve it yet. Until then it stays on the
    /// one it has: the new is made before the old goes.
    pub fn is_moving(&self, service: &Service) -> bool {
        let Some(wanted) = &self.wanted else { return false };
        let arrived = self.held.first() == Some(wanted) && is_programmed(service);
        !arrived
    }
}

/// Finds the place of a Service. `None` if it is not ours and never was.
pub fn place(service: &Service, classes: &ClassSet, providers: &[ProviderName]) -> Option<Placement> {
    let key = member::key_of(service)?;
    let uid = member::uid_of(service)?;
    let mut held = recorded(service);
    let mut placement = Placement { class: None, wanted: None, held: Vec::new(), refusal: None };
    if service.metadata.deletion_timestamp.is_none() {
        match classes.select(service) {
            Selection::NotOurs => {}
            Selection::Unknown(name) => placement.refusal = Some(unknown_class(&key, &name, classes)),
            Selection::Ours(class) => {
                match group::membership(service, &class)? {
                    Ok(id) => placement.wanted = Some(id),
                    Err(refusal) => placement.refusal = Some(refusal),
                }
                placement.class = Some(class);
            }
        }
    }
    if held.is_empty() && placement.wanted.is_none() && has_finalizer(service, FINALIZER) {
        // The record was lost. Every provider is asked: they find what they made by their own marks.
        let lone = |provider: &ProviderName| LbId::service(*provider, key.clone(), uid.clone());
        held = providers.iter().map(lone).collect();
    }
    placement.held = held;
    let ours = placement.wanted.is_some() || !placement.held.is_empty() || placement.refusal.is_some();
    (ours || has_leftovers(service)).then_some(placement)
}

/// The load balancers recorded on a Service. What cannot be read is left out: the record is ours, and whoever
/// edits it by hand can only shorten it. So is what cannot be this Service's: a manifest that was copied under
/// another name brings the record of the original along.
pub fn recorded(service: &Service) -> Vec<LbId> {
    let text = service.metadata.annotations.as_ref().and_then(|all| all.get(LOAD_BALANCER));
    let items = text.map(String::as_str).unwrap_or_default().split(',').map(str::trim);
    let mut ids: Vec<LbId> =
        items.filter_map(|item| item.parse().ok()).filter(|id| may_hold(service, id)).collect();
    // Nearly always one, and kept for every Service.
    ids.shrink_to_fit();
    ids
}

/// Whether a Service can ever have been on a load balancer: its own, or one that its namespace may share.
fn may_hold(service: &Service, id: &LbId) -> bool {
    match &id.scope {
        Scope::Service { key, uid } => {
            member::key_of(service).as_ref() == Some(key) && member::uid_of(service).as_ref() == Some(uid)
        }
        Scope::Share { namespace, .. } => namespace.is_none() || *namespace == service.metadata.namespace,
    }
}

/// Whether a finalizer is set.
pub fn has_finalizer(service: &Service, name: &str) -> bool {
    service.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == name)
}

/// The finalizer for a Service: ours if it names a class, the upstream one if Landfall is the default controller.
pub fn finalizer_for(service: &Service) -> &'static str {
    let class = service.spec.as_ref().and_then(|spec| spec.load_balancer_class.as_ref());
    if class.is_some() { FINALIZER } else { UPSTREAM_FINALIZER }
}

/// Whether a Service that was ours and never had anything made for it still shows our conditions.
fn has_leftovers(service: &Service) -> bool {
    let ours = |kind: &str| kind == ACCEPTED || kind == PROGRAMMED;
    service.metadata.deletion_timestamp.is_none() && conditions(service).iter().any(|c| ours(&c.type_))
}

fn is_programmed(service: &Service) -> bool {
    conditions(service).iter().any(|condition| condition.type_ == PROGRAMMED && condition.status == "True")
}

fn unknown_class(key: &ServiceKey, name: &str, classes: &ClassSet) -> Refusal {
    let known: Vec<&str> = classes.names().map(landfall_core::ids::ClassName::as_str).collect();
    let message = format!("there is no LoadBalancerClass of this name; known are {}", known.join(", "));
    Refusal::of(key, categories::UNKNOWN_CLASS, "spec.loadBalancerClass", name, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::needless_pass_by_value, reason = "a json! literal reads best as an argument by value")]

    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    const LONE: &str = "metal:service/shop/web/u1";

    fn service(extra: Value) -> Service {
        let mut value = json!({
            "metadata": {"name": "web", "namespace": "shop", "uid": "u1"},
            "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/metal"},
        });
        json_patch::merge(&mut value, &extra);
        serde_json::from_value(value).unwrap()
    }

    fn placed(extra: Value) -> Option<Placement> {
        let classes = ClassSet::new([ProviderName::Metal], [], None);
        place(&service(extra), &classes, &[ProviderName::Metal])
    }

    fn texts(ids: &[LbId]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_service_of_ours_wants_its_own_load_balancer() {
        let placement = placed(json!({})).unwrap();
        assert_eq!(placement.wanted.unwrap().to_string(), LONE);
        assert_eq!(placement.held, []);
    }

    #[rstest]
    #[case(json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}}))]
    #[case(json!({"spec": {"loadBalancerClass": "example.com/other"}}))]
    #[case(json!({"spec": {"loadBalancerClass": null}}))]
    fn what_is_not_ours_has_no_place(#[case] extra: Value) {
        assert_eq!(placed(extra), None);
    }

    #[rstest]
    #[case(json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}}))]
    #[case(json!({"spec": {"loadBalancerClass": "example.com/other"}}))]
    #[case(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))]
    fn what_was_ours_is_left_to_be_released(#[case] mut extra: Value) {
        json_patch::merge(&mut extra, &json!({"metadata": {"annotations": {LOAD_BALANCER: LONE}}}));
        let placement = placed(extra).unwrap();
        assert_eq!(placement.wanted, None);
        assert_eq!(texts(&placement.held), [LONE]);
    }

    #[test]
    fn a_lost_record_is_made_up_for_by_asking_every_provider() {
        let gone = json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}, "metadata": {"finalizers": [FINALIZER]}});
        assert_eq!(texts(&placed(gone).unwrap().held), [LONE]);
        let foreign = json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}, "metadata": {"finalizers": [UPSTREAM_FINALIZER]}});
        assert_eq!(placed(foreign), None, "the upstream finalizer alone may be another controller's");
    }

    #[test]
    fn conditions_left_on_a_service_that_is_not_ours_any_more_are_looked_at() {
        let left = json!({
            "spec": {"type": "ClusterIP", "loadBalancerClass": null},
            "status": {"conditions": [{"type": ACCEPTED, "status": "False", "reason": "UnknownClass", "message": "",
                       "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
        });
        let key = ServiceKey::new("shop", "web");
        assert_eq!(placed(left).unwrap().keys(&key), [Key::Unplaced(key)]);
    }

    #[test]
    fn an_unknown_class_keeps_what_is_there() {
        let extra = json!({"spec": {"loadBalancerClass": "landfall.dev/gone"}, "metadata": {"annotations": {LOAD_BALANCER: LONE}}});
        let placement = placed(extra).unwrap();
        assert_eq!(placement.wanted, None);
        assert_eq!(texts(&placement.held), [LONE]);
        let refusal = placement.refusal.unwrap();
        assert!(refusal.message.contains("metal"), "{refusal}");
        let fresh = placed(json!({"spec": {"loadBalancerClass": "landfall.dev/gone"}})).unwrap();
        assert_eq!(
            fresh.keys(&ServiceKey::new("shop", "web")),
            [Key::Unplaced(ServiceKey::new("shop", "web"))]
        );
    }

    #[test]
    fn a_service_moves_until_its_new_load_balancer_serves() {
        let extra = |record: &str, status: &str| {
            json!({
                "metadata": {"annotations": {LOAD_BALANCER: record, "landfall.dev/share": "a"}},
                "status": {"conditions": [{"type": PROGRAMMED, "status": status, "reason": "x", "message": "",
                           "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
            })
        };
        let new = "metal:share/metal/shop/a";
        let moving = |record: &str, status: &str| {
            placed(extra(record, status)).unwrap().is_moving(&service(extra(record, status)))
        };
        assert!(moving(LONE, "True"), "programmed there, not here");
        assert!(moving(&format!("{new},{LONE}"), "False"));
        assert!(!moving(&format!("{new},{LONE}"), "True"));
        let placement = placed(extra(&format!("{new},{LONE}"), "True")).unwrap();
        assert_eq!(placement.ids().count(), 2);
    }

    #[rstest]
    #[case(LONE, true)]
    #[case("metal:service/shop/web/u2", false)]
    #[case("metal:service/shop/other/u1", false)]
    #[case("metal:share/metal/shop/a", true)]
    #[case("metal:share/metal/other/a", false)]
    #[case("metal:share/metal/*/a", true)]
    fn a_record_counts_only_where_it_can_be_true(#[case] record: &str, #[case] counts: bool) {
        let service = service(json!({"metadata": {"annotations": {LOAD_BALANCER: record}}}));
        assert_eq!(recorded(&service).len(), usize::from(counts));
    }

    #[test]
    fn a_damaged_record_is_read_as_far_as_it_goes() {
        let damaged =
            service(json!({"metadata": {"annotations": {LOAD_BALANCER: format!("nonsense, {LONE} ,")}}}));
        assert_eq!(texts(&recorded(&damaged)), [LONE]);
    }
}
