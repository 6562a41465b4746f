//! Many Services at once, in counts.
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;

use kube::api::ListParams;
use landfall_controller_tests::{MEMORY, METAL, Rig, pool, run, service};
use landfall_core::report::shown;
use serde_json::json;

const MANY: usize = 1_000;

async fn create_all(rig: &Rig, class: &str) {
    for n in 0..MANY {
        rig.create(service(
            &format!("web{n}"),
            class,
            &json!({"spec": {"allocateLoadBalancerNodePorts": class == MEMORY}}),
        ))
        .await;
    }
}

/// The addresses of all Services, once each has one.
async fn addresses(rig: &Rig) -> BTreeSet<String> {
    for _ in 0..60 {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let all = rig.services().list(&ListParams::default()).await.expect("list").items;
        let addresses: Vec<String> = all.iter().flat_map(shown).filter_map(|entry| entry.ip).collect();
        if addresses.len() == MANY {
            return addresses.into_iter().collect();
        }
    }
    panic!("not all have an address");
}

#[test]
fn a_thousand_services_at_once_get_distinct_addresses_on_metal_by_one_write_each() {
    run("metal", |rig| async move {
        rig.create(pool("public", &["10.10.0.0/20"])).await;
        let controller = rig.start();
        create_all(&rig, METAL).await;
        assert_eq!(addresses(&rig).await.len(), MANY);
        assert_eq!(rig.tap.writes_to("services/status"), MANY);
        assert_eq!(rig.tap.writes_to("events"), MANY);
        assert!(
            rig.tap.writes_to("addresspools/status") <= 20,
            "{}",
            rig.tap.writes_to("addresspools/status")
        );
        controller.stop().await;
    });
}

#[test]
fn a_thousand_services_at_once_get_distinct_addresses_on_a_cloud_by_three_writes_at_most() {
    run("cloud", |rig| async move {
        rig.node("n1").await;
        let controller = rig.start();
        create_all(&rig, MEMORY).await;
        assert_eq!(addresses(&rig).await.len(), MANY);
        assert!(rig.tap.writes_to("services/status") <= 3 * MANY, "{}", rig.tap.writes_to("services/status"));
        assert_eq!(rig.cloud.balancers().len(), MANY);
        controller.stop().await;
    });
}
