//! Network endpoint groups and instance groups: who is in them, and how they are.

use landfall_gcp::api::{Compute, Kind, Verb};
use landfall_testkit::gcp::fake::{FakeCompute, NewInstance, PLAIN_SUBNET, ZONES};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{at, body, change, done, failed, insert, refused, serving, url, with};

/// Projects with an empty group of a kind, `group`.
async fn grouped(kind: Kind) -> FakeCompute {
    let gcp = FakeCompute::new();
    done(insert(&gcp, kind, body(kind, "group")).await);
    gcp
}

fn endpoints(names: &[&str]) -> Value {
    let entries: Vec<Value> = names.iter().map(|name| json!({ "instance": name })).collect();
    json!({ "networkEndpoints": entries })
}

fn instances(names: &[&str]) -> Value {
    let entries: Vec<Value> =
        names.iter().map(|name| json!({ "instance": url(Kind::Instance, name) })).collect();
    json!({ "instances": entries })
}

#[tokio::test(start_paused = true)]
async fn endpoints_come_and_go() {
    let gcp = grouped(Kind::EndpointGroup).await;
    let group = at(Kind::EndpointGroup, "group");
    done(change(&gcp, &group, Verb::AttachEndpoints, endpoints(&["node-0", "node-3"])).await);
    // Again, and by URL: nothing changes.
    let by_url = json!({ "networkEndpoints": [
        { "instance": url(Kind::Instance, "node-0"), "ipAddress": "10.0.0.16" },
    ] });
    done(change(&gcp, &group, Verb::AttachEndpoints, by_url).await);
    assert_eq!(gcp.read(&group).unwrap()["size"], 2);
    let page = gcp.members(&group, Verb::ListEndpoints, json!({}), None).await.unwrap();
    assert_eq!(
        page.items,
        [
            json!({ "networkEndpoint": { "instance": "node-0", "ipAddress": "10.0.0.16" } }),
            json!({ "networkEndpoint": { "instance": "node-3", "ipAddress": "10.0.0.19" } }),
        ]
    );
    done(change(&gcp, &group, Verb::DetachEndpoints, endpoints(&["node-0"])).await);
    assert_eq!(gcp.members_of(&group), ["node-3"]);
}

#[rstest]
#[case::other_zone(endpoints(&["node-1"]), (404, "notFound"))]
#[case::unknown(endpoints(&["nobody"]), (404, "notFound"))]
#[case::other_subnet(endpoints(&["elsewhere"]), (400, "invalid"))]
#[case::port(json!({ "networkEndpoints": [{ "instance": "node-0", "port": 80 }] }), (400, "invalid"))]
#[case::address(json!({ "networkEndpoints": [{ "instance": "node-0", "ipAddress": "10.0.0.1" }] }), (400, "invalid"))]
#[case::none(endpoints(&[]), (400, "invalid"))]
#[case::too_many(endpoints(&["node-0"; 501]), (400, "invalid"))]
#[tokio::test(start_paused = true)]
async fn an_endpoint_is_a_node_of_zone_and_subnet(
    #[case] body: Value,
    #[case] (status, reason): (u16, &str),
) {
    let gcp = grouped(Kind::EndpointGroup).await;
    let elsewhere = NewInstance {
        name: "elsewhere".to_owned(),
        subnet: FakeCompute::subnet(PLAIN_SUBNET),
        address: "10.2.0.9".to_owned(),
        ..NewInstance::node(0)
    };
    gcp.add_instance(&elsewhere);
    let group = at(Kind::EndpointGroup, "group");
    let answer = change(&gcp, &group, Verb::AttachEndpoints, body).await;
    assert_eq!(refused(answer), (status, reason.to_owned()));
    assert_eq!(gcp.members_of(&group), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn only_what_is_attached_is_detached() {
    let gcp = grouped(Kind::EndpointGroup).await;
    let group = at(Kind::EndpointGroup, "group");
    let answer = change(&gcp, &group, Verb::DetachEndpoints, endpoints(&["node-0"])).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[rstest]
#[case::kind(json!({ "networkEndpointType": "GCE_VM_IP_PORT" }))]
#[case::port(json!({ "defaultPort": 80 }))]
#[case::network(json!({ "network": null }))]
#[case::subnet(json!({ "subnetwork": null }))]
#[case::name(json!({ "name": "A" }))]
#[case::far_subnet(json!({ "subnetwork": "projects/test-project/regions/us-central1/subnetworks/far" }))]
#[case::shared_subnet(json!({ "subnetwork": "projects/host-project/regions/europe-west1/subnetworks/shared" }))]
#[tokio::test(start_paused = true)]
async fn endpoint_groups_that_cannot_be_are_refused(#[case] changes: Value) {
    let gcp = FakeCompute::new();
    let answer = insert(&gcp, Kind::EndpointGroup, with(body(Kind::EndpointGroup, "new"), changes)).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn instances_come_and_go() {
    let gcp = grouped(Kind::InstanceGroup).await;
    let group = at(Kind::InstanceGroup, "group");
    done(change(&gcp, &group, Verb::AddInstances, instances(&["node-0", "node-3"])).await);
    let twice = change(&gcp, &group, Verb::AddInstances, instances(&["node-6", "node-0"])).await;
    assert_eq!(refused(twice), (400, "memberAlreadyExists".to_owned()));
    done(change(&gcp, &group, Verb::RemoveInstances, instances(&["node-0"])).await);
    let gone = change(&gcp, &group, Verb::RemoveInstances, instances(&["node-0"])).await;
    assert_eq!(refused(gone), (400, "memberNotFound".to_owned()));
    let page = gcp.members(&group, Verb::ListInstances, json!({}), None).await.unwrap();
    assert_eq!(page.items, [json!({ "instance": url(Kind::Instance, "node-3"), "status": "RUNNING" })]);
    let read = gcp.read(&group).unwrap();
    assert_eq!((&read["size"], &read["network"]), (&json!(1), &json!(url(Kind::Network, "main"))));
}

#[tokio::test(start_paused = true)]
async fn an_instance_group_is_of_one_zone_and_network() {
    let gcp = grouped(Kind::InstanceGroup).await;
    let shared = NewInstance {
        name: "shared".to_owned(),
        subnet: FakeCompute::shared_subnet(),
        address: "10.8.0.9".to_owned(),
        ..NewInstance::node(0)
    };
    gcp.add_instance(&shared);
    let group = at(Kind::InstanceGroup, "group");
    done(change(&gcp, &group, Verb::AddInstances, instances(&["node-0"])).await);
    let invalid = (400, "invalid".to_owned());
    let other_network = change(&gcp, &group, Verb::AddInstances, instances(&["shared"])).await;
    assert_eq!(refused(other_network), invalid);
    let other_zone = json!({ "instances": [{ "instance": NewInstance::node(1).reference().url() }] });
    assert_eq!(refused(change(&gcp, &group, Verb::AddInstances, other_zone).await), invalid);
}

#[tokio::test(start_paused = true)]
async fn an_instance_group_has_a_thousand_instances() {
    let gcp = grouped(Kind::InstanceGroup).await;
    gcp.add_nodes(1_001 * ZONES.len());
    let names: Vec<String> = (0..1_001).map(|number| format!("node-{}", number * ZONES.len())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let group = at(Kind::InstanceGroup, "group");
    let too_many = change(&gcp, &group, Verb::AddInstances, instances(&names)).await;
    assert_eq!(refused(too_many), (400, "invalid".to_owned()));
    done(change(&gcp, &group, Verb::AddInstances, instances(&names[1..])).await);
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_in_one_load_balanced_group() {
    let gcp = serving().await;
    for name in ["one", "two"] {
        done(insert(&gcp, Kind::InstanceGroup, body(Kind::InstanceGroup, name)).await);
        let group = at(Kind::InstanceGroup, name);
        done(change(&gcp, &group, Verb::AddInstances, instances(&["node-0"])).await);
    }
    let backed = |service: &str, group: &str| {
        let backends = json!({ "backends": [{ "group": url(Kind::InstanceGroup, group) }] });
        with(body(Kind::BackendService, service), backends)
    };
    done(insert(&gcp, Kind::BackendService, backed("a", "one")).await);
    done(insert(&gcp, Kind::BackendService, backed("b", "one")).await);
    let twice = (400, "INSTANCE_IN_MULTIPLE_LOAD_BALANCED_IGS".to_owned());
    assert_eq!(refused(insert(&gcp, Kind::BackendService, backed("c", "two")).await), twice);
    let two = at(Kind::InstanceGroup, "two");
    done(change(&gcp, &two, Verb::RemoveInstances, instances(&["node-0"])).await);
    done(insert(&gcp, Kind::BackendService, backed("c", "two")).await);
    assert_eq!(refused(change(&gcp, &two, Verb::AddInstances, instances(&["node-0"])).await), twice);
}

#[tokio::test(start_paused = true)]
async fn health_is_told_per_node_and_forwarding_rule() {
    let gcp = serving().await;
    done(insert(&gcp, Kind::EndpointGroup, body(Kind::EndpointGroup, "group")).await);
    let group = at(Kind::EndpointGroup, "group");
    done(change(&gcp, &group, Verb::AttachEndpoints, endpoints(&["node-0", "node-3"])).await);
    let backends = json!({ "backends": [{ "group": group.url() }] });
    done(insert(&gcp, Kind::BackendService, with(body(Kind::BackendService, "backed"), backends)).await);
    let service = at(Kind::BackendService, "backed");
    let ask = async |group: &str| {
        let page = gcp.members(&service, Verb::GetHealth, json!({ "group": group }), None).await?;
        let told = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let entries =
            page.items.iter().map(|entry| (told(entry, "forwardingRuleIp"), told(entry, "healthState")));
        Ok(entries.collect::<Vec<_>>())
    };
    assert_eq!(refused(ask(&url(Kind::EndpointGroup, "other")).await), (400, "invalid".to_owned()));
    assert_eq!(ask(&group.url()).await.unwrap(), []);

    let rule = json!({ "backendService": service.url() });
    done(insert(&gcp, Kind::ForwardingRule, with(body(Kind::ForwardingRule, "web"), rule)).await);
    gcp.set_unhealthy(None, "node-3", true);
    let entry = |state: &str| ("34.16.0.1".to_owned(), state.to_owned());
    assert_eq!(ask(&group.url()).await.unwrap(), [entry("HEALTHY"), entry("UNHEALTHY")]);
    gcp.set_unhealthy(None, "node-3", false);
    gcp.set_unhealthy(Some("backed"), "node-0", true);
    gcp.set_unhealthy(Some("another"), "node-3", true);
    assert_eq!(ask(&group.url()).await.unwrap(), [entry("UNHEALTHY"), entry("HEALTHY")]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_goes_leaves_its_groups() {
    let gcp = grouped(Kind::EndpointGroup).await;
    let group = at(Kind::EndpointGroup, "group");
    done(change(&gcp, &group, Verb::AttachEndpoints, endpoints(&["node-0", "node-3"])).await);
    assert!(gcp.remove(&at(Kind::Instance, "node-0")));
    assert!(gcp.remove_member(&group, "node-3"));
    assert_eq!(gcp.read(&group).unwrap()["size"], 0);
    assert_eq!(gcp.leaks(), [group]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_in_the_end_changes_no_group() {
    use landfall_gcp::api::Method;
    use landfall_testkit::gcp::fake::Fault;
    let gcp = grouped(Kind::EndpointGroup).await;
    let group = at(Kind::EndpointGroup, "group");
    let method = Method::new(Kind::EndpointGroup, Verb::AttachEndpoints);
    gcp.fault_on(method, 1, Fault::fail_operation(503, "INTERNAL_ERROR"));
    let answer = change(&gcp, &group, Verb::AttachEndpoints, endpoints(&["node-0"])).await;
    assert_eq!(failed(answer), (503, "INTERNAL_ERROR".to_owned()));
    assert_eq!(gcp.members_of(&group), Vec::<String>::new());
}
