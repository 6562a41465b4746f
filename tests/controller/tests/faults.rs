//! An API server that fails, forgets, lags, and hands out what cannot be read.
#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use landfall_controller_tests::{MEMORY, METAL, Rig, class, pool, ports, run_embedded, service};
use landfall_core::error::ErrorClass;
use landfall_core::report::{ACCEPTED, shown};
use landfall_memory::cloud::{Fault as CloudFault, Kind, Operation};
use landfall_testkit::apiserver::{ApiError, Fault, Matcher, Verb};
use rstest::rstest;
use serde_json::{Value, json};

const POOL_CRD: &str = include_str!("../../../deploy/crds/addresspools.landfall.dev.yaml");

fn refused(code: u16, reason: &'static str) -> Fault {
    Fault::Refuse(ApiError::new(code, reason, "injected"))
}

#[rstest]
#[case::conflict(refused(409, "Conflict"))]
#[case::gone(refused(410, "Expired"))]
#[case::invalid(refused(422, "Invalid"))]
#[case::too_many(Fault::too_many_requests(30))]
#[case::internal(Fault::internal_error())]
#[case::unavailable(Fault::unavailable())]
#[case::broken(Fault::Drop)]
#[case::lost_answer(Fault::DropAfter)]
#[case::slow(Fault::Delay(Duration::from_mins(1)))]
#[case::slow_answer(Fault::DelayAfter(Duration::from_mins(1)))]
fn a_status_write_that_fails_is_made_up_for(#[case] fault: Fault, #[values(METAL, MEMORY)] class: &str) {
    run_embedded("write", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.quiet().await;
        let hits = Matcher::writes().kind("Service").subresource("status");
        let strikes = rig.embedded().hooks().inject(hits.clone(), fault.clone(), 3);
        rig.create(service("web", class, &json!({}))).await;
        tokio::time::sleep(Duration::from_mins(16)).await;
        rig.address("web").await;
        assert!(strikes.count() > 0);
        rig.embedded().hooks().clear();
        let reasons = rig.reasons("web").await;
        let count = |reason: &str| reasons.iter().filter(|known| *known == reason).count();
        assert!(count("EnsuredLoadBalancer") <= 1 && count("SyncLoadBalancerFailed") == 0, "{reasons:?}");

        rig.embedded().hooks().inject(hits, fault, 3);
        rig.delete("Service", "web").await;
        tokio::time::sleep(Duration::from_mins(16)).await;
        rig.embedded().hooks().clear();
        rig.gone("web").await;
        assert_eq!(rig.cloud.objects(), []);
        controller.stop().await;
    });
}

#[rstest]
#[case::broken(false)]
#[case::ended(true)]
fn watches_that_drop_lose_nothing(#[case] in_order: bool) {
    run_embedded("watch", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/24"])).await;
        let controller = rig.start();
        for n in 0..10 {
            if in_order {
                rig.embedded().hooks().end_watches();
            } else {
                rig.embedded().hooks().break_watches();
            }
            rig.create(service(&format!("web{n}"), METAL, &json!({}))).await;
            if n % 2 == 1 {
                rig.delete("Service", &format!("web{}", n - 1)).await;
            }
        }
        for n in 0..10 {
            let name = format!("web{n}");
            if n % 2 == 0 {
                rig.gone(&name).await;
            } else {
                rig.address(&name).await;
            }
        }
        controller.stop().await;
    });
}

#[test]
fn a_history_that_was_compacted_is_listed_anew() {
    run_embedded("compact", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("kept", MEMORY, &json!({}))).await;
        rig.create(service("lost", MEMORY, &json!({}))).await;
        rig.address("kept").await;
        rig.address("lost").await;
        rig.quiet().await;
        rig.tap.cut(Some("services"));
        rig.embedded().hooks().break_watches();
        rig.patch("Service", "kept", "", &json!({"spec": {"ports": ports(&[80, 81])}})).await;
        rig.delete("Service", "lost").await;
        rig.patch("Service", "lost", "", &json!({"metadata": {"finalizers": null}})).await;
        rig.gone("lost").await;
        rig.embedded().hooks().compact();
        rig.tap.cut(None);
        rig.embedded().hooks().break_watches();
        tokio::time::sleep(Duration::from_mins(6)).await;
        rig.eventually("both changes are seen", async || {
            (rig.cloud.balancers().len(), rig.cloud.listeners().len()) == (1, 2)
        })
        .await;
        controller.stop().await;
    });
}

#[test]
fn after_a_long_outage_everything_that_happened_meanwhile_is_caught_up_with() {
    run_embedded("outage", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        for name in ["stays", "goes", "changes"] {
            rig.create(service(name, MEMORY, &json!({}))).await;
            rig.address(name).await;
        }
        rig.quiet().await;
        rig.embedded().hooks().break_watches();
        rig.tap.cut(Some(""));
        rig.delete("Service", "goes").await;
        rig.patch("Service", "changes", "", &json!({"spec": {"ports": ports(&[80, 81])}})).await;
        rig.create(service("comes", METAL, &json!({}))).await;
        rig.node("n2").await;
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(rig.cloud.balancers().len(), 3, "without news nothing is changed");
        rig.tap.cut(None);
        // The longest pause between two attempts.
        tokio::time::sleep(Duration::from_mins(1)).await;
        rig.gone("goes").await;
        rig.address("comes").await;
        rig.eventually("the cloud is current", async || rig.cloud.listeners().len() == 3).await;
        let pools = rig.cloud.pools();
        assert!(pools.iter().all(|pool| rig.cloud.targets(pool.name()).len() == 2));
        controller.stop().await;
    });
}

/// A watch that lags behind our own writes tells of an object that these writes have removed already.
#[test]
fn a_watch_that_lags_repeats_nothing() {
    run_embedded("lag", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        for class in [ErrorClass::Transient, ErrorClass::Throttled { after: None }] {
            rig.cloud.fault_on(Operation::Delete(Kind::Balancer), CloudFault::Fail(class));
        }
        rig.delete("Service", "web").await;
        rig.condition("web", landfall_core::report::PROGRAMMED, "False", "CloudUnavailable").await;
        let unavailable = Matcher::verb(Verb::Watch).kind("Service");
        rig.embedded().hooks().inject(unavailable, Fault::unavailable(), 8);
        rig.embedded().hooks().break_watches();
        rig.gone("web").await;
        let calls = rig.cloud.calls();
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(rig.cloud.calls(), calls);
        let reasons = rig.reasons("web").await;
        assert_eq!(
            reasons,
            [
                "EnsuringLoadBalancer",
                "EnsuredLoadBalancer",
                "DeletingLoadBalancer",
                "SyncLoadBalancerFailed",
                "SyncLoadBalancerFailed",
                "DeletedLoadBalancer"
            ]
        );
        controller.stop().await;
    });
}

fn definition() -> Value {
    serde_saphyr::from_str(POOL_CRD).expect("YAML")
}

#[test]
fn without_its_definitions_the_controller_is_not_ready_and_says_what_to_do() {
    run_embedded("crd", |rig| async move {
        rig.delete("CustomResourceDefinition", "addresspools.landfall.dev").await;
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        let (ready, why) = controller.check("watch-addresspools");
        assert!(!ready && why.contains("AddressPool") && why.contains("landfall crds"), "{why}");
        assert_eq!(shown(&rig.get("web").await), [], "nobody decides on half of the picture");
        assert_eq!((rig.cloud.calls(), rig.tap.writes()), (0, 0));
        rig.create(definition()).await;
        rig.address("web").await;
        assert!(controller.health.readiness().ok(), "{}", controller.health.readiness());
        controller.stop().await;
    });
}

/// Objects of a newer or older version of the definition, which this program cannot read.
async fn loosen(rig: &Rig) {
    let mut loose = definition();
    loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
        json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let versions = &loose["spec"]["versions"];
    rig.patch(
        "CustomResourceDefinition",
        "addresspools.landfall.dev",
        "",
        &json!({"spec": {"versions": versions}}),
    )
    .await;
}

#[test]
fn an_object_that_cannot_be_read_stops_no_watch() {
    run_embedded("bad", |rig| async move {
        loosen(&rig).await;
        let mut bad = pool("a-bad", &[]);
        bad["spec"]["addresses"] = json!(17);
        rig.create(bad).await;
        let controller = rig.start();
        rig.create(pool("public", &["192.0.2.7"])).await;
        rig.create(service("web", METAL, &json!({}))).await;
        assert_eq!(rig.address("web").await, "192.0.2.7");
        rig.patch("AddressPool", "a-bad", "", &json!({"spec": {"addresses": ["192.0.2.8"]}})).await;
        rig.create(service("next", METAL, &json!({}))).await;
        assert_eq!(rig.address("next").await, "192.0.2.8", "what becomes readable is read");
        controller.stop().await;
    });
}

#[test]
fn an_object_that_became_unreadable_is_kept_as_it_was_and_forgotten_when_it_goes() {
    run_embedded("worse", |rig| async move {
        loosen(&rig).await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.create(service("web", METAL, &json!({}))).await;
        let address = rig.address("web").await;
        rig.patch("AddressPool", "public", "", &json!({"spec": {"addresses": 17}})).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        rig.create(service("next", METAL, &json!({}))).await;
        assert_ne!(rig.address("next").await, address);
        rig.delete("AddressPool", "public").await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        rig.create(service("late", METAL, &json!({}))).await;
        rig.condition("late", landfall_core::report::PROGRAMMED, "False", "NoAddressPool").await;
        controller.stop().await;
    });
}

#[test]
fn jumps_of_the_clock_change_nothing() {
    run_embedded("clock", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let (controller, elector, tap) = rig.start_elected("first");
        rig.create(class("gold", "metal", &json!({}))).await;
        rig.create(service("before", MEMORY, &json!({}))).await;
        rig.create(service("gold", "landfall.dev/gold", &json!({}))).await;
        rig.address("before").await;
        rig.address("gold").await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        let clock = rig.embedded().hooks().clock();
        for round in 0..2 {
            let writes = tap.writes_to("services/status");
            if round == 0 {
                clock.advance(Duration::from_hours(24 * 400));
            } else {
                clock.freeze_at("2001-01-01T00:00:00Z".parse().unwrap());
            }
            tokio::time::sleep(rig.config().resync * 2).await;
            assert_eq!(tap.writes_to("services/status"), writes);
            let name = format!("after{round}");
            rig.create(service(&name, METAL, &json!({}))).await;
            rig.address(&name).await;
            rig.condition(&name, ACCEPTED, "True", "Accepted").await;
        }
        let leading = matches!(&*elector.leadership().borrow(), landfall_runtime::lease::Leadership::Leading(c) if c.check().is_ok());
        assert!(leading);
        controller.stop().await;
    });
}

#[test]
fn a_member_whose_status_cannot_be_written_does_not_hold_up_the_others() {
    run_embedded("webhook", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        let controller = rig.start();
        rig.quiet().await;
        let writes = Matcher::writes().kind("Service").subresource("status").name("older");
        rig.embedded().hooks().inject(writes, refused(403, "Forbidden"), u64::MAX);
        let share = |port: u16| json!({"metadata": {"annotations": {"landfall.dev/share": "k"}}, "spec": {"ports": [{"port": port}]}});
        rig.create(service("older", METAL, &share(80))).await;
        rig.quiet().await;
        rig.create(service("younger", METAL, &share(81))).await;
        let address = rig.address("younger").await;
        rig.embedded().hooks().clear();
        rig.patch("Service", "older", "", &json!({"metadata": {"labels": {"touched": "true"}}})).await;
        assert_eq!(rig.address("older").await, address);
        controller.stop().await;
    });
}

#[test]
fn a_refusal_that_could_not_be_told_is_told_soon_after() {
    run_embedded("untold", |rig| async move {
        let controller = rig.start();
        rig.quiet().await;
        let writes = Matcher::writes().kind("Service").subresource("status");
        let strikes = rig.embedded().hooks().inject(writes, Fault::unavailable(), 1);
        rig.create(service("bad", METAL, &json!({"spec": {"loadBalancerIP": "nonsense"}}))).await;
        // Within a minute: the resync would come ten times later.
        rig.condition("bad", ACCEPTED, "False", "InvalidValue").await;
        assert_eq!(strikes.count(), 1);
        controller.stop().await;
    });
}
