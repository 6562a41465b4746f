//! Whatever a user writes into a Service, the controller lives, and the Service is told whether it is accepted.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Resource};
use landfall_controller_tests::{MEMORY, METAL, pool, run, service};
use landfall_core::report::{ACCEPTED, conditions};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// Keys that somebody reads, and some that nobody does.
const KEYS: [&str; 14] = [
    "landfall.dev/share",
    "landfall.dev/addresses",
    "landfall.dev/ip-mode",
    "landfall.dev/targets",
    "landfall.dev/address-pools",
    "landfall.dev/load-balancer",
    "landfall.dev/published",
    "landfall.dev/unknown",
    "service.beta.kubernetes.io/load-balancer-source-ranges",
    "metallb.io/loadBalancerIPs",
    "metallb.io/address-pool",
    "metallb.io/allow-shared-ip",
    "metallb.universe.tf/loadBalancerIPs",
    "example.com/other",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z0-9.:/, -]{0,40}",
        Just("k".to_owned()),
        Just("192.0.2.3".to_owned()),
        Just("192.0.2.3,2001:db8::3".to_owned()),
        Just("10.0.0.0/8".to_owned()),
        Just("public".to_owned()),
        Just("Proxy".to_owned()),
        Just("pods".to_owned()),
        Just("metal:share/metal/other/k,memory:service/a/b/c".to_owned()),
    ]
}

fn ports() -> impl Strategy<Value = Value> {
    let port = (1u16..200, prop_oneof![Just("TCP"), Just("UDP"), Just("SCTP")]);
    prop::collection::vec(port, 1..4).prop_map(|ports| {
        let port = |(index, (number, protocol)): (usize, (u16, &str))| {
            json!({"name": format!("p{index}"), "port": number, "protocol": protocol})
        };
        ports.into_iter().enumerate().map(port).collect()
    })
}

prop_compose! {
    fn spec()(
        ports in ports(),
        requested in prop::option::of(value()),
        ranges in prop::collection::vec(value(), 0..2),
        allocate in any::<bool>(),
        local in any::<bool>(),
        affinity in any::<bool>(),
        families in prop_oneof![Just("SingleStack"), Just("PreferDualStack"), Just("RequireDualStack")],
    ) -> Value {
        json!({
            "ports": ports, "loadBalancerIP": requested, "loadBalancerSourceRanges": ranges,
            "allocateLoadBalancerNodePorts": allocate, "ipFamilyPolicy": families,
            "externalTrafficPolicy": if local { "Local" } else { "Cluster" },
            "sessionAffinity": if affinity { "ClientIP" } else { "None" },
        })
    }
}

/// Services with annotations and specs of all kinds, by class.
fn services() -> impl Strategy<Value = Vec<Value>> {
    let class = prop_oneof![
        Just(METAL),
        Just(MEMORY),
        Just("landfall.dev/aws"),
        "landfall\\.dev/[a-z]{1,8}".prop_map(leak)
    ];
    let annotations = prop::collection::btree_map(prop::sample::select(KEYS.to_vec()), value(), 0..5);
    let one = (class, annotations, spec()).prop_map(|(class, annotations, spec)| {
        service("", class, &json!({"metadata": {"annotations": annotations}, "spec": spec}))
    });
    prop::collection::vec(one, 4..9).prop_map(|mut all| {
        for (index, service) in all.iter_mut().enumerate() {
            service["metadata"]["name"] = json!(format!("web{index}"));
        }
        all
    })
}

/// Class names have to be static for the builder; a few dozen short ones per run.
fn leak(name: String) -> &'static str {
    name.leak()
}

#[test]
fn every_service_of_ours_is_told_and_nothing_panics_or_leaks() {
    // The controller survives a panic, so it has to be looked for.
    let panics = Arc::new(AtomicUsize::new(0));
    let (count, tell) = (Arc::clone(&panics), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        count.fetch_add(1, Ordering::SeqCst);
        tell(info);
    }));
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    runner
        .run(&services(), |services| {
            check(services);
            prop_assert_eq!(panics.load(Ordering::SeqCst), 0);
            Ok(())
        })
        .unwrap();
}

fn check(services: Vec<Value>) {
    run("any", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28", "2001:db8::/120"])).await;
        let controller = rig.start();
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Service"));
        let api: Api<DynamicObject> = Api::namespaced_with(rig.admin(), &rig.namespace, &resource);
        let mut made = Vec::new();
        for object in services {
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            // What the API server itself refuses never reaches the controller.
            if let Ok(object) = api.create(&PostParams::default(), &object).await {
                made.extend(object.meta().name.clone());
            }
        }
        for name in &made {
            let told = |s: &_| conditions(s).iter().any(|condition| condition.type_ == ACCEPTED);
            rig.until(name, "was told", told).await;
        }
        for name in &made {
            rig.delete("Service", name).await;
        }
        for name in &made {
            rig.gone(name).await;
        }
        assert_eq!(rig.cloud.objects(), []);
        controller.stop().await;
    });
}
