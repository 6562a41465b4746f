//! Ends and beginnings: nothing is written without need, nothing leaks, nobody loses an address, and only one writes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use landfall_controller_tests::{
    MEMORY, METAL, Mishap, Rig, class, pool, ports, run, run_embedded, service, shared,
};
use landfall_core::report::{ACCEPTED, shown};
use landfall_memory::cloud::{Fault, Lifecycle};
use landfall_runtime::lease::{Elector, Leadership};
use rstest::rstest;
use serde_json::json;

#[test]
fn a_settled_cluster_is_restarted_without_a_write() {
    run_embedded("settled", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        rig.create(class("gold", "metal", &json!({"spec": {"default": true}}))).await;
        let controller = rig.start();
        rig.create(service("lone", MEMORY, &json!({}))).await;
        rig.create(service("gold", "landfall.dev/gold", &json!({}))).await;
        rig.create(service("none", METAL, &json!({"spec": {"loadBalancerClass": null}}))).await;
        rig.create(service("lost", "landfall.dev/lost", &json!({}))).await;
        for (name, port) in [("a", 80), ("b", 81), ("clash", 80)] {
            rig.create(shared(name, MEMORY, "k", &[port])).await;
        }
        for name in ["lone", "gold", "none", "b"] {
            rig.address(name).await;
        }
        rig.condition("lost", ACCEPTED, "False", "UnknownClass").await;
        rig.quiet().await;
        controller.stop().await;
        let (writes, cloud, calls) = (rig.tap.writes(), rig.cloud.writes(), rig.cloud.calls());
        for _ in 0..3 {
            let controller = rig.start();
            tokio::time::sleep(rig.config().resync * 2).await;
            controller.stop().await;
        }
        assert_eq!(rig.tap.written_since(writes), [""; 0]);
        assert_eq!(rig.cloud.writes(), cloud);
        assert!(rig.cloud.calls() > calls, "it did look");
    });
}

/// Where a crash is: at which write or call, and whether it took effect.
#[derive(Debug, Clone, Copy)]
enum Crash {
    Api(Mishap),
    Cloud,
}

const SERVICES: [&str; 3] = ["a", "b", "c"];

/// Runs until the `n`-th call hangs or everything is settled, and crashes there. Tells whether it came to a hang.
async fn crash_at(rig: &Rig, n: usize, crash: Crash) -> bool {
    match crash {
        Crash::Api(mishap) => rig.tap.plan(n, mishap),
        Crash::Cloud => rig.cloud.fault_at(n, Fault::Freeze),
    }
    let controller = rig.start();
    let hung = tokio::select! {
        biased;
        () = rig.tap.hung() => true,
        () = rig.cloud.frozen() => true,
        () = rig.quiet() => false,
    };
    controller.crash().await;
    rig.tap.clear();
    rig.cloud.clear_faults();
    hung
}

/// Create, change, delete, with a crash at the `n`-th call of each; false if none came that far, `None` if the test is left
/// out on this server.
fn story(n: usize, crash: Crash) -> Option<bool> {
    let (sender, hung) = std::sync::mpsc::channel();
    run_embedded("crash", |rig| async move {
        rig.node("n1").await;
        rig.create(service("a", MEMORY, &json!({}))).await;
        rig.create(shared("b", MEMORY, "k", &[80])).await;
        rig.create(shared("c", MEMORY, "k", &[81])).await;
        let mut any = crash_at(&rig, n, crash).await;
        let controller = rig.start();
        for name in SERVICES {
            rig.address(name).await;
        }
        rig.quiet().await;
        assert_eq!((rig.cloud.balancers().len(), rig.cloud.listeners().len()), (2, 3), "call {n}, {crash:?}");
        controller.stop().await;

        // Both while nobody looks: the restarted controller finds it.
        rig.patch("Service", "b", "", &json!({"spec": {"ports": ports(&[80, 8080])}})).await;
        rig.delete("Service", "c").await;
        any |= crash_at(&rig, n, crash).await;
        let controller = rig.start();
        rig.gone("c").await;
        rig.quiet().await;
        assert_eq!((rig.cloud.balancers().len(), rig.cloud.listeners().len()), (2, 3), "call {n}, {crash:?}");
        assert!(rig.cloud.balancers().iter().all(|balancer| balancer.status.lifecycle == Lifecycle::Active));
        controller.stop().await;

        rig.delete("Service", "a").await;
        rig.delete("Service", "b").await;
        any |= crash_at(&rig, n, crash).await;
        let controller = rig.start();
        for name in SERVICES {
            rig.gone(name).await;
        }
        assert_eq!(rig.cloud.objects(), [], "call {n}, {crash:?}");
        controller.stop().await;
        sender.send(any).unwrap();
    });
    hung.recv().ok()
}

/// Every call number from `first` in steps, until the whole story passes without coming that far.
fn crash_everywhere(story: impl Fn(usize) -> Option<bool>, first: usize, step: usize) {
    let mut points = 0;
    while let Some(hung) = story(first + points * step) {
        if !hung {
            assert!(points > 1, "the story is too short to say anything");
            return;
        }
        points += 1;
    }
}

#[rstest]
#[case::before(Mishap::HangBefore)]
#[case::after(Mishap::HangAfter)]
fn a_crash_at_any_write_to_the_api_server_leaks_and_duplicates_nothing(#[case] mishap: Mishap) {
    crash_everywhere(|n| story(n, Crash::Api(mishap)), 1, 1);
}

#[rstest]
fn a_crash_at_any_call_of_the_cloud_leaks_and_duplicates_nothing(#[values(1, 2, 3)] first: usize) {
    crash_everywhere(|n| story(n, Crash::Cloud), first, 3);
}

#[rstest]
#[case::before(Mishap::HangBefore)]
#[case::after(Mishap::HangAfter)]
fn on_metal_what_was_shown_before_a_crash_is_kept(#[case] mishap: Mishap) {
    crash_everywhere(|n| metal_story(n, mishap), 1, 1);
}

fn metal_story(n: usize, mishap: Mishap) -> Option<bool> {
    let (sender, hung) = std::sync::mpsc::channel();
    run_embedded("metal", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/30"])).await;
        rig.create(service("a", METAL, &json!({}))).await;
        for (name, port) in [("b", 80), ("c", 81)] {
            rig.create(shared(name, METAL, "k", &[port])).await;
        }
        let any = crash_at(&rig, n, Crash::Api(mishap)).await;
        let mut before = Vec::new();
        for name in SERVICES {
            before.push(shown(&rig.get(name).await).first().and_then(|entry| entry.ip.clone()));
        }
        let controller = rig.start();
        let mut after = Vec::new();
        for (name, before) in SERVICES.into_iter().zip(before) {
            let address = rig.address(name).await;
            assert!(before.is_none_or(|before| before == address), "call {n}: {name} lost its address");
            after.push(address);
        }
        assert!(after[1] == after[2] && after[0] != after[1], "call {n}: {after:?}");
        rig.quiet().await;
        let pool = rig.read("AddressPool", "public").await.unwrap();
        assert_eq!(pool["status"]["used"]["ipv4"], 2, "call {n}");
        controller.stop().await;
        sender.send(any).unwrap();
    });
    hung.recv().ok()
}

#[test]
fn on_metal_addresses_are_kept_before_any_new_one_is_given_out() {
    run("sticky", |rig| async move {
        rig.create(pool("public", &["192.0.2.0/29"])).await;
        let controller = rig.start();
        for name in ["a", "b", "c"] {
            rig.create(service(name, METAL, &json!({}))).await;
            rig.address(name).await;
        }
        rig.delete("Service", "a").await;
        rig.gone("a").await;
        controller.stop().await;
        // Newcomers that sort first, and one that asks for what is taken.
        for name in ["0", "1"] {
            rig.create(service(&format!("n{name}"), METAL, &json!({}))).await;
        }
        rig.create(service("greedy", METAL, &json!({"spec": {"loadBalancerIP": "192.0.2.1"}}))).await;
        let controller = rig.start();
        let message =
            rig.condition("greedy", landfall_core::report::PROGRAMMED, "False", "AddressInUse").await;
        assert!(message.contains("/b"), "{message}");
        let mut all = Vec::new();
        for name in ["b", "c", "n0", "n1"] {
            all.push(rig.address(name).await);
        }
        assert_eq!(all[..2], ["192.0.2.1", "192.0.2.2"]);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
        controller.stop().await;
    });
}

#[test]
fn an_orderly_stop_ends_looks_that_have_begun() {
    run_embedded("orderly", |rig| async move {
        rig.node("n1").await;
        rig.cloud.set_latency(Duration::from_secs(1));
        let controller = rig.start();
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.eventually("it has begun", async || rig.cloud.writes() > 0).await;
        controller.stop().await;
        assert_eq!(shown(&rig.get("web").await).len(), 1);
        let (writes, calls) = (rig.tap.writes(), rig.cloud.calls());
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!((rig.tap.writes(), rig.cloud.calls()), (writes, calls), "and then nothing is done");
    });
}

fn leads(elector: &Elector) -> bool {
    matches!(&*elector.leadership().borrow(), Leadership::Leading(claim) if claim.check().is_ok())
}

/// Whether all that was written is the Lease.
fn only_the_lease(tap: &landfall_controller_tests::Tap) -> bool {
    tap.written_since(0).iter().all(|write| write.contains(" leases"))
}

#[test]
fn a_standby_writes_nothing_and_takes_over_at_once_when_the_leader_stops() {
    run("standby", |rig| async move {
        rig.node("n1").await;
        let (first, first_elector, first_tap) = rig.start_elected("first");
        rig.eventually("the first leads", async || leads(&first_elector)).await;
        let (second, second_elector, second_tap) = rig.start_elected("second");
        for n in 0..5 {
            rig.create(service(&format!("web{n}"), MEMORY, &json!({}))).await;
            rig.address(&format!("web{n}")).await;
        }
        assert!(only_the_lease(&second_tap), "{:?}", second_tap.written_since(0));
        assert!(second.check("leadership").0, "a standby is ready");
        first.stop().await;
        first_elector.release().await.unwrap();
        let stopped = (tokio::time::Instant::now(), first_tap.writes());
        rig.eventually("the second leads", async || leads(&second_elector)).await;
        assert!(stopped.0.elapsed() < Duration::from_secs(2), "{:?}", stopped.0.elapsed());
        rig.delete("Service", "web0").await;
        rig.gone("web0").await;
        assert_eq!(first_tap.writes(), stopped.1);
        assert_eq!(rig.cloud.balancers().len(), 4);
        second.stop().await;
    });
}

#[test]
fn a_leader_that_loses_the_lease_in_the_middle_of_its_work_stops_and_the_other_finishes() {
    run("lost", |rig| async move {
        rig.node("n1").await;
        let (first, first_elector, first_tap) = rig.start_elected("first");
        rig.eventually("the first leads", async || leads(&first_elector)).await;
        let (second, second_elector, _) = rig.start_elected("second");
        // A slow cloud: the work outlasts the lease.
        rig.cloud.set_latency(Duration::from_secs(4));
        rig.create(service("web", MEMORY, &json!({}))).await;
        rig.eventually("the work has begun", async || rig.cloud.writes() > 0).await;
        first_tap.cut(Some("leases"));
        rig.eventually("the claim has ended", async || !leads(&first_elector)).await;
        let at_loss = (rig.cloud.calls(), first_tap.writes());
        rig.eventually("the second leads", async || {
            let leads = leads(&second_elector);
            assert!(leads || rig.cloud.calls() == at_loss.0, "nobody may write now");
            leads
        })
        .await;
        rig.cloud.set_latency(Duration::ZERO);
        rig.address("web").await;
        rig.quiet().await;
        assert_eq!(rig.cloud.balancers().len(), 1);
        let after = &first_tap.written_since(at_loss.1);
        assert!(after.iter().all(|write| write.contains(" leases")), "{after:?}");
        let reasons = rig.reasons("web").await;
        assert_eq!(reasons, ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
        first.crash().await;
        second.stop().await;
    });
}
