//! A new leader, be it one that led before: what the last one did is not known to it.

use std::sync::Arc;

use landfall_controller_tests::stub::Mood;
use landfall_controller_tests::{METAL, Stub, pool, run_embedded, service};
use landfall_core::report::{PROGRAMMED, shown};
use landfall_runtime::lease::{Elector, Leadership};
use serde_json::json;

fn leads(elector: &Elector) -> bool {
    matches!(&*elector.leadership().borrow(), Leadership::Leading(claim) if claim.check().is_ok())
}

#[test]
fn an_address_that_the_watch_has_not_told_yet_is_adopted_all_the_same() {
    run_embedded("lag", |rig| async move {
        let (first, first_elector, _) = rig.start_elected("first");
        rig.eventually("the first leads", async || leads(&first_elector)).await;
        let (second, second_elector, second_tap) = rig.start_elected("second");
        rig.create(service("web", METAL, &json!({}))).await;
        rig.condition("web", PROGRAMMED, "False", "NoAddressPool").await;
        rig.quiet().await;

        rig.embedded().hooks().hold_watches("Service").unwrap();
        rig.create(pool("public", &["192.0.2.9"])).await;
        assert_eq!(rig.address("web").await, "192.0.2.9");
        rig.patch("AddressPool", "public", "", &json!({"spec": {"addresses": ["192.0.2.1", "192.0.2.9"]}}))
            .await;
        rig.quiet().await;

        first.crash().await;
        first_elector.release().await.unwrap();
        rig.eventually("the second leads", async || leads(&second_elector)).await;
        rig.quiet().await;
        rig.embedded().hooks().release_watches();
        rig.quiet().await;
        assert_eq!(shown(&rig.get("web").await)[0].ip.as_deref(), Some("192.0.2.9"));
        let writes = second_tap.written_since(0);
        assert!(writes.iter().all(|write| !write.contains("services/web")), "{writes:?}");
        second.stop().await;
    });
}

#[test]
fn providers_are_told_of_each_term_before_anything_of_it() {
    run_embedded("terms", |rig| async move {
        let stub = Stub::new(|_| Mood::Fine);
        let (controller, elector, tap) = rig.start_elected_with("first", vec![Arc::new(stub.clone())]);
        rig.create(service("web", "landfall.dev/aws", &json!({}))).await;
        rig.address("web").await;
        rig.quiet().await;
        let story = stub.take_story();
        assert_eq!(story[0], "term", "{story:?}");
        tap.cut(Some("leases"));
        rig.eventually("the claim has ended", async || !leads(&elector)).await;
        assert_eq!(stub.take_story(), [""; 0]);
        tap.cut(None);
        rig.eventually("it leads again", async || leads(&elector)).await;
        rig.quiet().await;
        let story = stub.take_story();
        assert!(story.len() > 1 && story[0] == "term", "{story:?}");
        assert!(!story[1..].contains(&"term".to_owned()), "{story:?}");
        controller.stop().await;
    });
}
