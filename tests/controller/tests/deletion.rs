//! What was made is removed, whatever way a Service goes; nothing else is.

use std::time::Duration;

use landfall_api::names::{FINALIZER, UPSTREAM_FINALIZER};
use landfall_controller::Config;
use landfall_controller_tests::{MEMORY, METAL, pool, run, run_embedded, service, shared};
use landfall_core::annotations::LOAD_BALANCER;
use landfall_core::error::ErrorClass;
use landfall_core::ids::ClassName;
use landfall_core::report::{PROGRAMMED, conditions, shown};
use landfall_memory::cloud::{Fault, Kind, Operation};
use rstest::rstest;
use serde_json::{Value, json};

/// The patch that makes a Service internal; the API server drops the class.
fn inward() -> Value {
    json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null}})
}

/// The patch that gives an internal Service a class.
fn outward(class: Option<&str>) -> Value {
    json!({"spec": {"type": "LoadBalancer", "loadBalancerClass": class}})
}

#[test]
fn the_finalizer_is_there_before_the_provider_writes_anything() {
    run("first", |rig| async move {
        rig.node("n1").await;
        rig.cloud.fault_on(Operation::Create(Kind::Balancer), Fault::Fail(ErrorClass::Denied));
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.condition("web", PROGRAMMED, "False", "AccessDenied").await;
        let service = rig.get("web").await;
        assert_eq!(service.metadata.finalizers.unwrap(), [FINALIZER]);
        assert!(service.metadata.annotations.unwrap()[LOAD_BALANCER].contains("/web/"));
        controller.stop().await;
    });
}

#[rstest]
#[case::again(2)]
#[case::at_the_first_try(1)]
fn no_finalizer_no_provider_write(#[case] failures: usize) {
    run("order", |rig| async move {
        rig.node("n1").await;
        for n in 1..=failures {
            rig.tap.plan(n, landfall_controller_tests::Mishap::BreakBefore);
        }
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.eventually("the write was tried", async || rig.tap.writes() >= failures).await;
        assert_eq!(rig.cloud.writes(), 0, "the finalizer could not be written");
        rig.address("web").await;
        assert!(rig.cloud.writes() > 0);
        controller.stop().await;
    });
}

#[test]
fn a_service_can_be_deleted_while_its_load_balancer_is_being_made() {
    run_embedded("early", |rig| async move {
        rig.node("n1").await;
        rig.cloud.set_provisioning_time(Duration::from_mins(3));
        rig.cloud.set_deletion_time(Duration::from_mins(1));
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.condition("web", PROGRAMMED, "False", "Provisioning").await;
        rig.delete("Service", "web").await;
        let text = rig.condition("web", PROGRAMMED, "False", "Waiting").await;
        assert!(text.contains("cannot be deleted yet"), "{text}");
        tokio::time::sleep(Duration::from_secs(30)).await;
        rig.gone("web").await;
        assert_eq!(rig.cloud.objects(), []);
        let reasons = rig.reasons("web").await;
        assert_eq!(reasons, ["EnsuringLoadBalancer", "DeletingLoadBalancer", "DeletedLoadBalancer"]);
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_change_of_type_ends_our_part_and_a_change_back_begins_anew(#[case] class: &str) {
    run("type", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", class, &json!({}))).await;
        rig.address("web").await;
        rig.patch("Service", "web", "", &inward()).await;
        let service = rig.until("web", "let go", |s| s.metadata.finalizers.is_none()).await;
        assert_eq!(conditions(&service), []);
        assert_eq!(shown(&service), []);
        let left: Vec<_> = service.metadata.annotations.iter().flatten().collect();
        assert!(left.iter().all(|(key, _)| !key.starts_with("landfall.dev/")), "{left:?}");
        assert_eq!(rig.cloud.objects(), []);
        rig.patch("Service", "web", "", &outward(Some(class))).await;
        rig.address("web").await;
        controller.stop().await;
    });
}

#[rstest]
#[case::seen(true)]
#[case::while_the_controller_was_down(false)]
fn a_change_of_class_by_way_of_the_type_moves_the_service(#[case] seen: bool) {
    run("class", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        let first = rig.address("web").await;
        rig.quiet().await;
        let controller = if seen {
            Some(controller)
        } else {
            controller.stop().await;
            None
        };
        rig.patch("Service", "web", "", &inward()).await;
        rig.patch("Service", "web", "", &outward(Some(METAL))).await;
        let controller = controller.unwrap_or_else(|| rig.start());
        let second = rig.address("web").await;
        assert_ne!(first, second);
        rig.quiet().await;
        assert_eq!(rig.cloud.objects(), [], "what the first class made is gone");
        assert_eq!(rig.address("web").await, second);
        assert_eq!(rig.get("web").await.metadata.finalizers.unwrap(), [FINALIZER]);
        controller.stop().await;
    });
}

#[rstest]
#[case::seen(true)]
#[case::while_the_controller_was_down(false)]
fn what_the_next_controller_has_written_is_left_alone(#[case] running: bool) {
    run("handover", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        if running {
            // Held back until the other one has written.
            rig.cloud.fault_on(Operation::Delete(Kind::Listener), Fault::Delay(Duration::from_secs(10)));
        }
        let controller = if running {
            Some(controller)
        } else {
            controller.stop().await;
            None
        };
        rig.patch("Service", "web", "", &inward()).await;
        rig.patch("Service", "web", "", &outward(Some("example.com/lb"))).await;
        let theirs = json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]},
            "conditions": [{"type": "example.com/Ready", "status": "True", "reason": "Fine", "message": "",
                            "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        rig.patch("Service", "web", "status", &theirs).await;
        rig.patch("Service", "web", "", &json!({"metadata": {"finalizers": [FINALIZER, "example.com/lb"]}}))
            .await;
        let controller = controller.unwrap_or_else(|| rig.start());
        let alone = |s: &k8s_openapi::api::core::v1::Service| {
            s.metadata.finalizers.as_deref() == Some(&["example.com/lb".to_owned()])
        };
        let service = rig.until("web", "was let go", alone).await;
        assert_eq!(shown(&service)[0].ip.as_deref(), Some("203.0.113.9"));
        let types: Vec<_> = conditions(&service).into_iter().map(|c| c.type_).collect();
        assert_eq!(types, ["example.com/Ready"]);
        assert_eq!(rig.cloud.objects(), []);
        controller.stop().await;
    });
}

#[rstest]
#[case::our_address(None)]
#[case::the_address_of_another(Some("203.0.113.9"))]
fn when_default_mode_is_switched_off_our_address_goes_and_anothers_stays(#[case] theirs: Option<&str>) {
    run("default", |rig| async move {
        rig.node("n1").await;
        let memory = ClassName::new("memory").unwrap();
        let controller =
            rig.start_with(Config { default_class: Some(memory), ..rig.config() }, rig.providers());
        rig.create(service("web", METAL, &json!({"spec": {"loadBalancerClass": null}}))).await;
        rig.address("web").await;
        controller.stop().await;
        if let Some(ip) = theirs {
            rig.patch(
                "Service",
                "web",
                "status",
                &json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}}),
            )
            .await;
        }
        let controller = rig.start();
        let service = rig.until("web", "let go", |s| s.metadata.finalizers.is_none()).await;
        let left: Vec<_> = shown(&service).into_iter().filter_map(|entry| entry.ip).collect();
        assert_eq!(left, theirs.into_iter().collect::<Vec<_>>());
        assert_eq!(rig.cloud.objects(), []);
        controller.stop().await;
    });
}

#[test]
fn the_upstream_finalizer_of_another_controller_is_not_ours_to_remove() {
    run("upstream", |rig| async move {
        let controller = rig.start();
        let object =
            json!({"metadata": {"finalizers": [UPSTREAM_FINALIZER]}, "spec": {"loadBalancerClass": null}});
        rig.create(service("web", METAL, &object)).await;
        rig.delete("Service", "web").await;
        rig.quiet().await;
        assert_eq!(rig.get("web").await.metadata.finalizers.unwrap(), [UPSTREAM_FINALIZER]);
        assert_eq!(rig.reasons("web").await, [""; 0]);
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_service_that_goes_without_its_finalizer_is_released_all_the_same(#[case] class: &str) {
    run("forced", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.7"])).await;
        let controller = rig.start();
        rig.create(service("web", class, &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        // Both in one write: the deletion of an object that is only held by its finalizers.
        let api = rig.services();
        rig.cloud.fault_on(Operation::Delete(Kind::Listener), Fault::Fail(ErrorClass::Transient));
        rig.delete("Service", "web").await;
        let _ = api
            .patch(
                "web",
                &kube::api::PatchParams::default(),
                &kube::api::Patch::Merge(json!({"metadata": {"finalizers": null}})),
            )
            .await;
        rig.gone("web").await;
        rig.eventually("the cloud is empty", async || rig.cloud.objects().is_empty()).await;
        if class == METAL {
            rig.create(service("next", METAL, &json!({}))).await;
            assert_eq!(rig.address("next").await, "192.0.2.7");
        }
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_finalizer_that_was_removed_from_a_living_service_comes_back(#[case] class: &str) {
    run("restored", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", class, &json!({}))).await;
        rig.address("web").await;
        rig.patch("Service", "web", "", &json!({"metadata": {"finalizers": null, "annotations": null}}))
            .await;
        let service = rig.until("web", "got it back", |s| s.metadata.finalizers.is_some()).await;
        assert!(service.metadata.annotations.unwrap().contains_key(LOAD_BALANCER));
        controller.stop().await;
    });
}

#[rstest]
#[case::metal(METAL)]
#[case::cloud(MEMORY)]
fn a_service_of_the_same_name_is_another_service(#[case] class: &str) {
    run("again", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        for round in 0..5 {
            rig.create(service("web", class, &json!({}))).await;
            if round % 2 == 0 {
                rig.address("web").await;
            }
            rig.delete("Service", "web").await;
            let free = json!({"metadata": {"finalizers": null}});
            let parameters = kube::api::PatchParams::default();
            // Refused where the controller was faster and the Service is gone already.
            let _ = rig.services().patch("web", &parameters, &kube::api::Patch::Merge(free)).await;
            rig.gone("web").await;
        }
        rig.create(service("web", class, &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        if class == MEMORY {
            assert_eq!(rig.cloud.balancers().len(), 1, "one per living Service");
        } else {
            let status = rig.read("AddressPool", "public").await.unwrap();
            assert_eq!(status["status"]["used"]["ipv4"], 1, "{status}");
        }
        controller.stop().await;
    });
}

#[rstest]
fn while_the_cloud_fails_the_finalizer_stays_and_the_condition_says_why(
    #[values(0, 1, 2, 3, 4, 5, 6, 7)] class: usize,
) {
    run_embedded("stuck", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        let class = ErrorClass::examples()[class];
        for _ in 0..1_000 {
            rig.cloud.fault_on(Operation::Delete(Kind::Balancer), Fault::Fail(class));
        }
        rig.delete("Service", "web").await;
        let stuck = |s: &k8s_openapi::api::core::v1::Service| {
            conditions(s).iter().any(|c| c.type_ == PROGRAMMED && c.message.contains("cannot be deleted yet"))
        };
        let service = rig.until("web", "said why", stuck).await;
        assert_eq!(service.metadata.finalizers.unwrap(), [FINALIZER]);
        tokio::time::sleep(Duration::from_mins(25)).await;
        assert_eq!(rig.get("web").await.metadata.finalizers.unwrap(), [FINALIZER]);
        rig.cloud.clear_faults();
        // The longest pause there is.
        tokio::time::sleep(Duration::from_mins(5)).await;
        rig.gone("web").await;
        assert_eq!(rig.cloud.objects(), []);
        let reasons = rig.reasons("web").await;
        let count = |reason: &str| reasons.iter().filter(|known| *known == reason).count();
        assert_eq!((count("DeletingLoadBalancer"), count("DeletedLoadBalancer")), (1, 1), "{reasons:?}");
        controller.stop().await;
    });
}

#[test]
fn a_service_that_is_being_deleted_and_was_never_served_is_left_alone() {
    run("late", |rig| async move {
        rig.node("n1").await;
        rig.create(service("web", MEMORY, &json!({"metadata": {"finalizers": ["example.com/hold"]}}))).await;
        rig.delete("Service", "web").await;
        let controller = rig.start();
        rig.create(service("next", MEMORY, &json!({}))).await;
        rig.address("next").await;
        rig.quiet().await;
        let web = rig.get("web").await;
        assert_eq!(web.metadata.finalizers.unwrap(), ["example.com/hold"]);
        assert_eq!(rig.reasons("web").await, [""; 0]);
        assert_eq!(rig.cloud.balancers().len(), 1);
        controller.stop().await;
    });
}

#[test]
fn the_last_served_member_of_a_group_takes_the_load_balancer_with_it() {
    run("refused", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(shared("a", MEMORY, "k", &[80])).await;
        rig.address("a").await;
        // Never served here, so it keeps nothing alive.
        let mut wrong = shared("b", MEMORY, "k", &[81]);
        wrong["metadata"]["annotations"]["landfall.dev/addresses"] = json!("not-an-address");
        rig.create(wrong).await;
        rig.condition("b", landfall_core::report::ACCEPTED, "False", "InvalidValue").await;
        rig.delete("Service", "a").await;
        rig.gone("a").await;
        rig.quiet().await;
        assert_eq!(rig.cloud.objects(), []);
        controller.stop().await;
    });
}

#[test]
fn a_member_that_cannot_leave_yet_says_why() {
    run_embedded("member", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(shared("a", MEMORY, "k", &[80])).await;
        rig.create(shared("b", MEMORY, "k", &[81])).await;
        rig.address("a").await;
        rig.address("b").await;
        rig.quiet().await;
        rig.cloud.fault_on(Operation::Delete(Kind::Listener), Fault::Fail(ErrorClass::Denied));
        rig.delete("Service", "b").await;
        let text = rig.condition("b", PROGRAMMED, "False", "AccessDenied").await;
        assert!(text.contains("cannot be deleted yet"), "{text}");
        assert_eq!(rig.get("b").await.metadata.finalizers.unwrap(), [FINALIZER]);
        tokio::time::sleep(Duration::from_mins(6)).await;
        rig.gone("b").await;
        assert_eq!(rig.cloud.listeners().len(), 1);
        controller.stop().await;
    });
}
