#![allow(clippy::needless_pass_by_value, reason = "a json! literal reads best as an argument by value")]

use super::*;
use landfall_core::report::{ACCEPTED, PROGRAMMED};

const ID: &str = "metal:service/shop/web/u1";

fn id() -> LbId {
    ID.parse().unwrap()
}

fn base(extra: Value) -> Service {
    let mut value = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7"},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/metal", "ports": [{"port": 80}]},
    });
    json_patch::merge(&mut value, &extra);
    serde_json::from_value(value).unwrap()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn wish(ip: &str) -> Wish {
    Wish {
        record: Some(vec![id()]),
        verdicts: vec![
            Verdict::new(ACCEPTED, true, "Accepted", "ok"),
            Verdict::new(PROGRAMMED, true, "Programmed", "ok"),
        ],
        ingress: Some(vec![LoadBalancerIngress {
            ip: Some(ip.into()),
            ip_mode: Some("VIP".into()),
            ..LoadBalancerIngress::default()
        }]),
    }
}

/// What the API server makes of a patch.
fn apply(service: &Service, patch: &Value) -> Service {
    let mut value = serde_json::to_value(service).unwrap();
    json_patch::merge(&mut value, patch);
    serde_json::from_value(value).unwrap()
}

#[test]
fn one_write_says_everything_and_a_second_nothing() {
    let service = base(json!({"metadata": {"finalizers": ["other"]}}));
    let patch = write(&service, &wish("192.0.2.1"), now()).unwrap();
    assert_eq!(patch["metadata"]["resourceVersion"], "7");
    assert_eq!(patch["metadata"]["finalizers"], json!(["other", FINALIZER]));
    assert_eq!(patch["metadata"]["annotations"][LOAD_BALANCER], ID);
    assert_eq!(patch["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.1");
    assert_eq!(patch["status"]["conditions"].as_array().unwrap().len(), 2);
    let after = apply(&service, &patch);
    assert_eq!(write(&after, &wish("192.0.2.1"), Timestamp::MAX), None);
    assert!(is_ours(&after) && !is_overwritten(&after));
}

#[test]
fn only_what_differs_is_written() {
    let service = base(json!({}));
    let after = apply(&service, &write(&service, &wish("192.0.2.1"), now()).unwrap());
    let patch = write(&after, &wish("192.0.2.2"), now()).unwrap();
    assert_eq!(patch["metadata"].get("finalizers"), None);
    assert_eq!(patch["status"].as_object().unwrap().keys().collect::<Vec<_>>(), ["loadBalancer"]);
}

#[test]
fn the_servers_own_default_is_no_difference() {
    let service = base(json!({}));
    let mut after = apply(&service, &write(&service, &wish("192.0.2.1"), now()).unwrap());
    let status = after.status.as_mut().unwrap().load_balancer.as_mut().unwrap();
    status.ingress.as_mut().unwrap()[0].ip_mode = None;
    assert_eq!(write(&after, &wish("192.0.2.1"), now()), None);
}

#[test]
fn a_wiped_status_is_written_again() {
    let service = base(json!({}));
    let mut after = apply(&service, &write(&service, &wish("192.0.2.1"), now()).unwrap());
    after.status = None;
    let patch = write(&after, &wish("192.0.2.1"), now()).unwrap();
    assert_eq!(patch["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.1");
    assert!(!is_overwritten(&after), "empty is not another's");
}

#[test]
fn services_without_a_class_get_the_upstream_finalizer() {
    let service = base(json!({"spec": {"loadBalancerClass": null}}));
    let patch = write(&service, &wish("192.0.2.1"), now()).unwrap();
    assert_eq!(patch["metadata"]["finalizers"], json!([UPSTREAM_FINALIZER]));
    let after = apply(&service, &patch);
    let gone = apply(&after, &leave(&after, &id()).unwrap());
    assert_eq!(gone.metadata.finalizers.as_deref(), Some(&[][..]));
}

#[test]
fn no_finalizer_is_added_to_what_is_being_deleted() {
    let service = base(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}));
    let patch = write(&service, &wish("192.0.2.1"), now()).unwrap();
    assert_eq!(patch["metadata"].get("finalizers"), None);
}

#[test]
fn leaving_takes_everything_of_ours_and_nothing_else() {
    let foreign = json!({"type": "example.com/X", "status": "True", "reason": "X", "message": "",
                         "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let service = base(json!({"metadata": {"finalizers": ["other"]}, "status": {"conditions": [foreign]}}));
    let after = apply(&service, &write(&service, &wish("192.0.2.1"), now()).unwrap());
    let left = apply(&after, &leave(&after, &id()).unwrap());
    assert_eq!(left.metadata.finalizers.as_deref(), Some(&["other".to_owned()][..]));
    assert!(left.metadata.annotations.clone().unwrap_or_default().is_empty());
    assert_eq!(report::shown(&left), []);
    assert_eq!(report::conditions(&left).len(), 1);
    assert_eq!(leave(&left, &id()), None);
}

#[test]
fn what_another_controller_wrote_is_left_alone() {
    let service = base(json!({}));
    let mut after = apply(&service, &write(&service, &wish("192.0.2.1"), now()).unwrap());
    let status = after.status.as_mut().unwrap().load_balancer.as_mut().unwrap();
    status.ingress.as_mut().unwrap()[0].ip = Some("198.51.100.1".into());
    assert!(is_overwritten(&after));
    let left = apply(&after, &leave(&after, &id()).unwrap());
    assert_eq!(report::shown(&left)[0].ip.as_deref(), Some("198.51.100.1"));
    assert!(report::conditions(&left).is_empty());
}

#[test]
fn with_another_load_balancer_recorded_only_the_record_is_shortened() {
    let other = "metal:share/metal/shop/a";
    let service = base(
        json!({"metadata": {"finalizers": [FINALIZER], "annotations": {LOAD_BALANCER: format!("{other},{ID}")}}}),
    );
    let patch = leave(&service, &id()).unwrap();
    assert_eq!(patch["metadata"]["annotations"], json!({LOAD_BALANCER: other}));
    assert_eq!(patch["metadata"].get("finalizers"), None);
    assert_eq!(patch.get("status"), None);
}
