//! Every kind and verb, compared with what the fake says in process.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_core::error::Classified as _;
use landfall_gcp::api::operation::Status;
use landfall_gcp::api::types::{
    BackendService, Endpoint, Firewall, ForwardingRule, HealthCheck, HealthState, Instance,
};
use landfall_gcp::api::{Compute, Kind, Place, Verb};
use landfall_gcp::sdk::Sdk;
use landfall_testkit::gcp::fake::{NETWORK, PROJECT, REGION, SUBNET, ZONES};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{WRITTEN, World, at, body, floating, id, it, world};

async fn insert_all(sdk: &Sdk) {
    for kind in WRITTEN {
        let operation = sdk.insert(&it(kind), body(kind), id()).await.unwrap();
        assert_eq!((operation.status, operation.error), (Status::Done, None), "{kind}");
    }
}

#[tokio::test]
async fn what_is_made_is_read_and_listed_as_the_fake_tells_it_and_goes() {
    let world = world().await;
    let World { fake, sdk, .. } = &world;
    insert_all(sdk).await;
    for kind in WRITTEN {
        let what = it(kind);
        let told = fake.read(&what).unwrap();
        assert!(has(&told, &body(kind)), "{told}");
        assert_eq!(sdk.get(&what).await.unwrap(), told, "{kind}");
        let page = sdk.list(&what.place, kind, Some("name eq \"lf-.*\""), None).await.unwrap();
        assert_eq!((page.items, page.next), (vec![told], None), "{kind}");
    }
    for kind in WRITTEN.into_iter().rev() {
        let operation = sdk.delete(&it(kind), id()).await.unwrap();
        assert_eq!((operation.status, operation.error), (Status::Done, None), "{kind}");
    }
    assert_eq!(fake.leaks(), []);
}

/// Whether everything that was sent is there; the server fills in what was left out.
fn has(told: &Value, sent: &Value) -> bool {
    match (told, sent) {
        (Value::Object(told), Value::Object(sent)) => {
            sent.iter().all(|(name, value)| told.get(name).is_some_and(|told| has(told, value)))
        }
        (Value::Array(told), Value::Array(sent)) => {
            told.len() == sent.len() && told.iter().zip(sent).all(|(told, sent)| has(told, sent))
        }
        _ => told == sent,
    }
}

#[rstest]
#[case(Kind::Instance, "node-0")]
#[case(Kind::Network, NETWORK)]
#[case(Kind::Region, REGION)]
#[case(Kind::Subnetwork, SUBNET)]
#[tokio::test]
async fn what_is_only_read_is_read_and_listed(#[case] kind: Kind, #[case] name: &str) {
    let world = world().await;
    let World { fake, sdk, .. } = &world;
    let what = at(kind, name);
    let told = floating(fake.read(&what).unwrap());
    assert_eq!(floating(sdk.get(&what).await.unwrap()), told);
    let listed = sdk.list(&what.place, kind, None, None).await.unwrap();
    assert!(listed.items.into_iter().map(floating).any(|item| item == told));
    for (call, operation) in [
        ("insert", sdk.insert(&what, json!({ "name": name }), id()).await),
        ("delete", sdk.delete(&what, id()).await),
        ("update", sdk.change(&what, Verb::Update, json!({}), id()).await),
    ] {
        let error = operation.unwrap_err();
        assert!(error.to_string().contains("there is no such method"), "{call}: {error}");
    }
}

#[tokio::test]
async fn lists_go_on_from_page_to_page() {
    let world = world().await;
    let World { fake, sdk, client, .. } = &world;
    fake.set_page_size(2);
    let zone = Place::zone(PROJECT, ZONES[0]);
    let first = sdk.list(&zone, Kind::Instance, None, None).await.unwrap();
    assert_eq!(first.items.len(), 2);
    let second = sdk.list(&zone, Kind::Instance, None, first.next.as_deref()).await.unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
    let all: Vec<Instance> = client.list(&zone, None).await.unwrap();
    let names: Vec<_> = all.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!(names, ["node-0", "node-3", "node-6"]);
}

#[tokio::test]
async fn a_read_resource_is_replaced_with_what_nobody_here_knows() {
    let world = world().await;
    let World { fake, sdk, client, .. } = &world;
    insert_all(sdk).await;
    let what = it(Kind::BackendService);
    // Of the API, and of no type of the provider.
    fake.edit(&what, |fields| {
        fields.insert("timeoutSec".to_owned(), json!(77));
    })
    .unwrap();
    let mut service: BackendService = client.get(&what).await.unwrap();
    service.locality_lb_policy = Some("WEIGHTED_MAGLEV".to_owned());
    client.update(&what, &service).await.unwrap();
    let told = fake.read(&what).unwrap();
    assert_eq!((&told["timeoutSec"], &told["localityLbPolicy"]), (&json!(77), &json!("WEIGHTED_MAGLEV")));
    // It has another fingerprint now.
    let error = client.update(&what, &service).await.unwrap_err();
    assert_eq!(error.answer().unwrap().status(), Some(412));
    assert!(error.leaves_doubt());
}

#[tokio::test]
async fn health_checks_and_firewalls_are_replaced_and_patched() {
    let world = world().await;
    let World { fake, sdk, client, .. } = &world;
    insert_all(sdk).await;
    let (check, firewall) = (it(Kind::HealthCheck), it(Kind::Firewall));
    let mut wanted: HealthCheck = client.get(&check).await.unwrap();
    wanted.check_interval_sec = Some(5);
    client.update(&check, &wanted).await.unwrap();
    client.patch(&check, json!({ "timeoutSec": 2 })).await.unwrap();
    let told = fake.read(&check).unwrap();
    assert_eq!((&told["checkIntervalSec"], &told["timeoutSec"]), (&json!(5), &json!(2)));

    let mut wanted: Firewall = client.get(&firewall).await.unwrap();
    wanted.target_tags = Vec::new();
    client.update(&firewall, &wanted).await.unwrap();
    assert_eq!(fake.read(&firewall).unwrap().get("targetTags"), None);
    client.patch(&firewall, json!({ "sourceRanges": ["203.0.113.0/24"] })).await.unwrap();
    assert_eq!(fake.read(&firewall).unwrap()["sourceRanges"], json!(["203.0.113.0/24"]));

    // The client would leave the list out, and the rule as it is.
    let error = client.patch(&firewall, json!({ "sourceRanges": [] })).await.unwrap_err();
    assert!(error.answer().unwrap().to_string().contains("drop the field sourceRanges"));
}

#[tokio::test]
async fn labels_and_the_tier_are_changed() {
    let world = world().await;
    let World { fake, sdk, client, .. } = &world;
    insert_all(sdk).await;
    let labels = BTreeMap::from([("team".to_owned(), "web".to_owned())]);
    for kind in [Kind::Address, Kind::ForwardingRule] {
        let read: Value = sdk.get(&it(kind)).await.unwrap();
        let fingerprint = read["labelFingerprint"].as_str();
        assert!(fingerprint.is_some(), "{read}");
        client.set_labels(&it(kind), &labels, fingerprint).await.unwrap();
        assert_eq!(fake.read(&it(kind)).unwrap()["labels"], json!({ "team": "web" }), "{kind}");
        let error = client.set_labels(&it(kind), &labels, fingerprint).await.unwrap_err();
        assert_eq!(error.category().as_str(), "ChangedMeanwhile");
    }
}

#[tokio::test]
async fn endpoints_come_and_go_and_tell_their_health() {
    let world = world().await;
    let World { fake, sdk, client, .. } = &world;
    insert_all(sdk).await;
    let (group, service) = (it(Kind::EndpointGroup), it(Kind::BackendService));
    let endpoint = |name: &str| {
        let instance = fake.read(&at(Kind::Instance, name)).unwrap();
        let address = instance["networkInterfaces"][0]["networkIP"].as_str().unwrap().to_owned();
        Endpoint { instance: name.to_owned(), ip_address: Some(address) }
    };
    let all = [endpoint("node-0"), endpoint("node-3"), endpoint("node-6")];
    client.attach(&group, &all).await.unwrap();
    client.attach(&group, &all[..1]).await.unwrap();
    fake.set_page_size(2);
    let mut told = client.endpoints(&group).await.unwrap();
    told.sort();
    assert_eq!(told, all);
    client.detach(&group, &all[2..]).await.unwrap();
    assert_eq!(fake.members_of(&group), ["node-0", "node-3"]);

    fake.set_unhealthy(None, "node-3", true);
    let health = client.health(&service, &group.url()).await.unwrap();
    let mut states: Vec<_> = health
        .health_status
        .iter()
        .map(|target| (target.instance.rsplit('/').next().unwrap(), target.health_state.clone().unwrap()))
        .collect();
    states.sort();
    assert_eq!(states, [("node-0", HealthState::Healthy), ("node-3", HealthState::Unhealthy)]);
}

#[tokio::test]
async fn instances_come_and_go() {
    let world = world().await;
    let World { fake, sdk, client, .. } = &world;
    insert_all(sdk).await;
    let group = it(Kind::InstanceGroup);
    let urls = ["node-0", "node-3"].map(|name| at(Kind::Instance, name).url());
    client.add_instances(&group, &urls).await.unwrap();
    let mut told = client.instances_of(&group).await.unwrap();
    told.sort();
    assert_eq!(told, urls);
    let error = client.add_instances(&group, &urls[..1]).await.unwrap_err();
    assert_eq!(error.category().as_str(), "ChangedMeanwhile", "{error:?}");
    client.remove_instances(&group, &urls[..1]).await.unwrap();
    assert_eq!(fake.members_of(&group), ["node-3"]);
}

#[tokio::test]
async fn operations_of_every_scope_are_followed() {
    let world = world().await;
    let World { fake, client, .. } = &world;
    fake.set_operation_time(Duration::from_millis(100));
    let making = [Kind::Address, Kind::Firewall, Kind::InstanceGroup].map(|kind| {
        let client = client.clone();
        async move {
            // Any type will do to carry a body.
            let json: ForwardingRule = serde_json::from_value(body(kind)).unwrap();
            client.insert(&it(kind), &json).await.unwrap();
        }
    });
    futures::future::join_all(making).await;
    for kind in [Kind::Address, Kind::Firewall, Kind::InstanceGroup] {
        assert!(fake.read(&it(kind)).is_some(), "{kind}");
        let looks = landfall_gcp::api::Method::new(kind, Verb::GetOperation);
        assert_eq!(fake.count(looks), 1, "{kind}");
    }
}
