//! Providers that fail, wait, hang or panic, each in its own way: the right pace, the right words, nobody else held up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use landfall_controller::Config;
use landfall_controller_tests::stub::Mood;
use landfall_controller_tests::{MEMORY, METAL, Stub, pool, run, run_embedded, service};
use landfall_core::error::ErrorClass;
use landfall_core::report::{PROGRAMMED, conditions, shown};
use landfall_memory::cloud::{Fault, Kind, Operation};
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

const STUB: &str = "landfall.dev/aws";

/// Seconds from and to which the second attempt must come, the reason shown meanwhile, and whether it is worth an event.
#[rstest]
#[case::throttled(ErrorClass::Throttled { after: Some(Duration::from_secs(40)) }, 40, 41, "Throttled", true)]
#[case::transient(ErrorClass::Transient, 5, 11, "CloudUnavailable", true)]
#[case::conflict(ErrorClass::Conflict, 1, 2, "ChangedMeanwhile", true)]
#[case::waiting(ErrorClass::Waiting { poll: Duration::from_secs(20) }, 20, 21, "Waiting", false)]
#[case::quota(ErrorClass::Quota, 60, 61, "QuotaExceeded", true)]
#[case::denied(ErrorClass::Denied, 300, 301, "AccessDenied", true)]
#[case::bug(ErrorClass::Bug, 300, 301, "CloudInternalError", true)]
fn each_class_of_errors_has_its_pace_and_words(
    #[case] class: ErrorClass,
    #[case] from: u64,
    #[case] to: u64,
    #[case] reason: &str,
    #[case] warns: bool,
) {
    run("pace", |rig| async move {
        rig.node("n1").await;
        rig.cloud.fault_on(Operation::Create(Kind::Balancer), Fault::Fail(class));
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        let creations = || {
            let journal = rig.cloud.journal();
            journal.iter().filter(|call| call.operation == Operation::Create(Kind::Balancer)).count()
        };
        rig.eventually("it was tried", async || creations() == 1).await;
        let start = Instant::now();
        rig.condition("web", PROGRAMMED, "False", reason).await;
        while creations() == 1 {
            assert!(start.elapsed() <= Duration::from_secs(to), "not within {to} s");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let pause = start.elapsed() + Duration::from_millis(200);
        assert!(pause >= Duration::from_secs(from), "after {pause:?}");
        rig.address("web").await;
        let mut expected = vec!["EnsuringLoadBalancer", "SyncLoadBalancerFailed", "EnsuredLoadBalancer"];
        expected.retain(|reason| warns || *reason != "SyncLoadBalancerFailed");
        assert_eq!(rig.reasons("web").await, expected);
        controller.stop().await;
    });
}

#[test]
fn what_the_provider_rejects_is_tried_again_when_the_service_changes_and_not_before() {
    run_embedded("rejected", |rig| async move {
        rig.node("n1").await;
        rig.cloud.fault_on(Operation::Create(Kind::Balancer), Fault::Fail(ErrorClass::Rejected));
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.condition("web", PROGRAMMED, "False", "RejectedByCloud").await;
        let calls = rig.cloud.calls();
        // Less than a resync.
        tokio::time::sleep(Duration::from_mins(8)).await;
        assert_eq!(rig.cloud.calls(), calls);
        rig.patch("Service", "web", "", &json!({"spec": {"sessionAffinity": "ClientIP"}})).await;
        let start = Instant::now();
        rig.address("web").await;
        assert!(start.elapsed() < Duration::from_secs(2), "at once");
        controller.stop().await;
    });
}

#[test]
fn provisioning_is_polled_as_the_provider_asks_and_is_no_failure() {
    run("poll", |rig| async move {
        rig.node("n1").await;
        rig.cloud.set_provisioning_time(Duration::from_secs(42));
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.condition("web", PROGRAMMED, "False", "Provisioning").await;
        let start = Instant::now();
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert!((40..50).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        assert_eq!(rig.reasons("web").await, ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
        controller.stop().await;
    });
}

#[test]
fn health_is_looked_at_again_when_the_provider_asks_for_it_and_counted() {
    run_embedded("health", |rig| async move {
        let checked = Arc::new(AtomicBool::new(false));
        let mood = Arc::clone(&checked);
        let stub =
            Stub::new(move |_| if mood.load(Ordering::SeqCst) { Mood::Checked } else { Mood::Checking });
        let controller = rig.start_with(rig.config(), vec![Arc::new(stub)]);
        let counted = |health: &str| {
            let text = controller.metrics.encode().expect("metrics");
            let line =
                text.lines().find(|line| line.starts_with("landfall_targets{") && line.contains(health));
            line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok())
        };
        rig.create(service("web", STUB, &json!({}))).await;
        let message = rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert!(message.ends_with("80/TCP: 0 of 1 targets healthy"), "{message}");
        assert_eq!((counted("unknown"), counted("\"healthy")), (Some(1), Some(0)));
        let start = Instant::now();
        checked.store(true, Ordering::SeqCst);
        rig.eventually("it is healthy", async || counted("\"healthy") == Some(1)).await;
        assert!((29..33).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        assert_eq!(counted("unknown"), Some(0));
        let message = rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert_eq!(message, "the load balancer is in place");
        rig.delete("Service", "web").await;
        rig.gone("web").await;
        rig.eventually("nothing is counted", async || counted("\"healthy") == Some(0)).await;
        controller.stop().await;
    });
}

#[test]
fn a_provider_that_hangs_is_given_up_and_tried_again() {
    run_embedded("hang", |rig| async move {
        let hangs = Arc::new(AtomicBool::new(true));
        let mood = Arc::clone(&hangs);
        let stub = Stub::new(move |_| if mood.load(Ordering::SeqCst) { Mood::Hang } else { Mood::Fine });
        let controller = rig.start_with(rig.config(), vec![Arc::new(stub)]);
        rig.create(service("web", STUB, &json!({}))).await;
        tokio::time::sleep(rig.config().look_timeout).await;
        let message = rig.condition("web", PROGRAMMED, "False", "ProviderTimeout").await;
        assert!(message.contains("120s"), "{message}");
        hangs.store(false, Ordering::SeqCst);
        rig.address("web").await;
        controller.stop().await;
    });
}

#[test]
fn a_provider_that_panics_over_one_service_goes_on_with_the_others() {
    run_embedded("panic", |rig| async move {
        let panics = Arc::new(AtomicBool::new(true));
        let mood = Arc::clone(&panics);
        let stub =
            Stub::new(
                move |name| {
                    if name == "bad" && mood.load(Ordering::SeqCst) { Mood::Panic } else { Mood::Fine }
                },
            );
        let controller = rig.start_with(Config { workers: 1, ..rig.config() }, vec![Arc::new(stub.clone())]);
        rig.create(service("bad", STUB, &json!({}))).await;
        for n in 0..5 {
            rig.create(service(&format!("good{n}"), STUB, &json!({}))).await;
            rig.address(&format!("good{n}")).await;
        }
        assert_eq!(shown(&rig.get("bad").await), []);
        rig.condition("bad", PROGRAMMED, "False", "ProviderPanicked").await;
        panics.store(false, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_mins(6)).await;
        rig.address("bad").await;
        assert_eq!(stub.count(), 6);
        controller.stop().await;
    });
}

#[test]
fn one_slow_service_delays_no_other_and_one_slow_provider_no_other() {
    run("slow", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/24"])).await;
        let stub = Stub::new(|name| if name.starts_with("slow") { Mood::Hang } else { Mood::Fine });
        let mut providers = rig.providers();
        providers.push(Arc::new(stub));
        let controller = rig.start_with(rig.config(), providers);
        // As many as there are workers, less one.
        for n in 1..rig.config().workers {
            rig.create(service(&format!("slow{n}"), STUB, &json!({}))).await;
        }
        let start = Instant::now();
        rig.create(service("quick", STUB, &json!({}))).await;
        rig.address("quick").await;
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        for n in 0..40 {
            rig.create(service(&format!("slow-more{n}"), STUB, &json!({}))).await;
        }
        rig.create(service("late", STUB, &json!({}))).await;
        let start = Instant::now();
        rig.address("late").await;
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        let start = Instant::now();
        for (name, class) in [("metal", METAL), ("memory", MEMORY)] {
            rig.create(service(name, class, &json!({}))).await;
            rig.address(name).await;
        }
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        controller.stop().await;
    });
}

#[test]
fn a_quota_of_the_cloud_is_told_and_room_is_taken_at_once() {
    run("quota", |rig| async move {
        rig.node("n1").await;
        rig.cloud.set_quota(Kind::Balancer, 1);
        let controller = rig.start();
        rig.create(service("first", MEMORY, &json!({}))).await;
        rig.address("first").await;
        rig.create(service("second", MEMORY, &json!({}))).await;
        rig.condition("second", PROGRAMMED, "False", "QuotaExceeded").await;
        rig.delete("Service", "first").await;
        rig.gone("first").await;
        let start = Instant::now();
        rig.address("second").await;
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        controller.stop().await;
    });
}

#[test]
fn an_error_that_lasts_is_told_about_a_served_service_too_and_its_address_stays() {
    run_embedded("lasts", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        let address = rig.address("web").await;
        for _ in 0..1_000 {
            rig.cloud.fault_on(Operation::List(Kind::Balancer), Fault::Fail(ErrorClass::Transient));
        }
        tokio::time::sleep(Duration::from_mins(20)).await;
        rig.condition("web", PROGRAMMED, "False", "CloudUnavailable").await;
        assert_eq!(rig.address("web").await, address);
        rig.cloud.clear_faults();
        tokio::time::sleep(Duration::from_mins(5)).await;
        rig.condition("web", PROGRAMMED, "True", "Programmed").await;
        assert!(conditions(&rig.get("web").await).iter().all(|condition| condition.status == "True"));
        controller.stop().await;
    });
}
