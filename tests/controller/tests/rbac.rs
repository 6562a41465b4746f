//! The rights that `deploy/base/rbac.yaml` grants are those that the controller uses: no fewer, no more.
//!
//! The controller's requests are taken from its own taps, so the test's do not count. That no scenario uses more than is
//! granted is checked at the end of each; this one uses all of it.

use std::collections::BTreeSet;

use landfall_controller_tests::rights::granted;
use landfall_controller_tests::{MEMORY, METAL, class, pool, run, service};
use serde_json::json;

#[test]
fn the_rights_granted_are_the_rights_used() {
    run("rbac", |rig| async move {
        rig.node("n1").await;
        rig.create(pool("public", &["192.0.2.0/28"])).await;
        rig.create(class("gold", "metal", &json!({}))).await;
        // Two of them, so that the Lease is created, read, renewed and given away.
        let (first, first_elector, first_tap) = rig.start_elected("first");
        rig.create(service("a", MEMORY, &json!({}))).await;
        rig.create(service("b", "landfall.dev/gold", &json!({}))).await;
        rig.create(service("c", "landfall.dev/missing", &json!({}))).await;
        rig.address("a").await;
        rig.address("b").await;
        let (second, _elector, second_tap) = rig.start_elected("second");
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        first.stop().await;
        first_elector.release().await.unwrap();
        rig.delete("Service", "a").await;
        rig.gone("a").await;
        rig.create(service("d", METAL, &json!({}))).await;
        rig.address("d").await;
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        second.stop().await;

        let used: BTreeSet<_> = first_tap.permissions().union(&second_tap.permissions()).cloned().collect();
        let granted = granted();
        let missing: Vec<_> = used.difference(&granted).collect();
        assert!(missing.is_empty(), "used and not granted: {missing:#?}");
        let idle: Vec<_> = granted.difference(&used).collect();
        assert!(idle.is_empty(), "granted and not used: {idle:#?}");
    });
}
