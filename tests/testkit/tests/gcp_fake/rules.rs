//! Forwarding rules and backend services: ports, protocols, and what can be changed.

use landfall_gcp::api::{Kind, Place, Verb};
use landfall_testkit::gcp::fake::{FakeCompute, HOST_PROJECT, SHARED_NETWORK};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{at, body, change, done, insert, refused, serving, url, with};

#[rstest]
#[case::range(json!({ "ports": null, "portRange": "90" }), "portRange", json!("90-90"))]
#[case::wide_range(json!({ "ports": null, "portRange": "80-90" }), "portRange", json!("80-90"))]
#[case::all(json!({ "ports": null, "allPorts": true }), "allPorts", json!(true))]
#[case::five(json!({ "ports": ["1", "2", "3", "4", "65535"] }), "ports", json!(["1", "2", "3", "4", "65535"]))]
#[case::default_tier(json!({}), "networkTier", json!("PREMIUM"))]
#[tokio::test(start_paused = true)]
async fn rules_are_told_in_one_form(#[case] changes: Value, #[case] field: &str, #[case] wanted: Value) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::ForwardingRule, with(body(Kind::ForwardingRule, "web"), changes)).await);
    assert_eq!(gcp.read(&at(Kind::ForwardingRule, "web")).unwrap()[field], wanted);
}

#[rstest]
#[case::six_ports(json!({ "ports": ["1", "2", "3", "4", "5", "6"] }))]
#[case::no_ports(json!({ "ports": null }))]
#[case::two_kinds(json!({ "portRange": "80-90" }))]
#[case::ports_and_all(json!({ "allPorts": true }))]
#[case::twice(json!({ "ports": ["80", "80"] }))]
#[case::no_port(json!({ "ports": ["http"] }))]
#[case::port_zero(json!({ "ports": ["0"] }))]
#[case::wrong_range(json!({ "ports": null, "portRange": "90-80" }))]
#[case::default_protocol_with_ports(json!({ "IPProtocol": "L3_DEFAULT" }))]
#[case::protocol(json!({ "IPProtocol": "UDP" }))]
#[case::l3_to_tcp(json!({ "IPProtocol": "L3_DEFAULT", "ports": null, "allPorts": true }))]
#[case::scheme(json!({ "loadBalancingScheme": "INTERNAL" }))]
#[case::global_access(json!({ "allowGlobalAccess": true }))]
#[case::target(json!({ "target": "projects/p/regions/r/targetPools/t" }))]
#[tokio::test(start_paused = true)]
async fn rules_that_cannot_be_are_refused(#[case] changes: Value) {
    let gcp = serving().await;
    let answer = insert(&gcp, Kind::ForwardingRule, with(body(Kind::ForwardingRule, "web"), changes)).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[rstest]
#[case::same("TCP", json!({ "ports": ["80", "443"] }), false)]
#[case::other_port("TCP", json!({ "ports": ["443"] }), true)]
#[case::range("TCP", json!({ "portRange": "79-81" }), false)]
#[case::range_beside("TCP", json!({ "portRange": "81-90" }), true)]
#[case::all("TCP", json!({ "allPorts": true }), false)]
#[case::other_protocol("UDP", json!({ "ports": ["80"] }), true)]
#[case::the_rest("L3_DEFAULT", json!({ "allPorts": true }), true)]
#[tokio::test(start_paused = true)]
async fn no_two_rules_have_a_port_of_an_address(
    #[case] protocol: &str,
    #[case] ports: Value,
    #[case] fits: bool,
) {
    let gcp = serving().await;
    let service = with(body(Kind::BackendService, "any"), json!({ "protocol": "UNSPECIFIED" }));
    done(insert(&gcp, Kind::BackendService, service).await);
    done(insert(&gcp, Kind::Address, body(Kind::Address, "vip")).await);
    let first = json!({ "IPAddress": "vip", "backendService": url(Kind::BackendService, "any") });
    let rule = |name| with(body(Kind::ForwardingRule, name), first.clone());
    done(insert(&gcp, Kind::ForwardingRule, rule("first")).await);
    let other = with(rule("other"), json!({ "IPProtocol": protocol, "ports": null }));
    let answer = insert(&gcp, Kind::ForwardingRule, with(other, ports)).await;
    if fits {
        done(answer);
    } else {
        assert_eq!(refused(answer), (400, "invalid".to_owned()));
    }
}

#[rstest]
#[case(json!({ "ports": ["81"] }))]
#[case(json!({ "backendService": "x" }))]
#[case(json!({ "networkTier": "STANDARD" }))]
#[case(json!({ "description": "other" }))]
#[case(json!({ "allowGlobalAccess": true }))]
#[case(json!({ "labels": { "a": "b" } }))]
#[tokio::test(start_paused = true)]
async fn an_external_rule_cannot_be_changed(#[case] changes: Value) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "web")).await);
    let answer = change(&gcp, &at(Kind::ForwardingRule, "web"), Verb::Patch, changes).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn global_access_of_an_internal_rule_can_be_changed() {
    let gcp = serving().await;
    let service = json!({ "loadBalancingScheme": "INTERNAL" });
    done(insert(&gcp, Kind::BackendService, with(body(Kind::BackendService, "inside"), service)).await);
    let internal = json!({
        "loadBalancingScheme": "INTERNAL", "backendService": url(Kind::BackendService, "inside"),
        "subnetwork": url(Kind::Subnetwork, "plain"),
    });
    done(insert(&gcp, Kind::ForwardingRule, with(body(Kind::ForwardingRule, "web"), internal)).await);
    let what = at(Kind::ForwardingRule, "web");
    let before = gcp.read(&what).unwrap();
    assert_eq!(before["allowGlobalAccess"], false);
    let patch = json!({ "allowGlobalAccess": true, "fingerprint": before["fingerprint"] });
    done(change(&gcp, &what, Verb::Patch, patch.clone()).await);
    assert_eq!(gcp.read(&what).unwrap()["allowGlobalAccess"], true);
    assert_eq!(refused(change(&gcp, &what, Verb::Patch, patch).await), (412, "conditionNotMet".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn internal_rules_are_in_the_network_of_the_backends() {
    let gcp = serving().await;
    let shared = FakeCompute::shared_subnet();
    let network = Place::global(HOST_PROJECT).at(Kind::Network, SHARED_NETWORK).url();
    let group = json!({ "network": network, "subnetwork": shared.url() });
    done(insert(&gcp, Kind::EndpointGroup, with(body(Kind::EndpointGroup, "neg"), group)).await);
    let backends = json!({
        "loadBalancingScheme": "INTERNAL", "backends": [{ "group": url(Kind::EndpointGroup, "neg") }],
    });
    done(insert(&gcp, Kind::BackendService, with(body(Kind::BackendService, "inside"), backends)).await);
    let rule = |subnet: String| {
        let internal = json!({
            "loadBalancingScheme": "INTERNAL", "backendService": url(Kind::BackendService, "inside"),
            "subnetwork": subnet,
        });
        with(body(Kind::ForwardingRule, "web"), internal)
    };
    let elsewhere = insert(&gcp, Kind::ForwardingRule, rule(url(Kind::Subnetwork, "plain"))).await;
    assert_eq!(refused(elsewhere), (400, "invalid".to_owned()));
    done(insert(&gcp, Kind::ForwardingRule, rule(shared.url())).await);
    let read = gcp.read(&at(Kind::ForwardingRule, "web")).unwrap();
    assert_eq!((&read["IPAddress"], &read["network"]), (&json!("10.8.8.0"), &json!(network)));
}

#[rstest]
#[case::two_checks(json!({ "healthChecks": [url(Kind::HealthCheck, "check"), url(Kind::HealthCheck, "check")] }))]
#[case::no_check(json!({ "healthChecks": null, "backends": [{ "group": url(Kind::EndpointGroup, "neg") }] }))]
#[case::mixed(json!({ "backends": [
    { "group": url(Kind::EndpointGroup, "neg") }, { "group": url(Kind::InstanceGroup, "ig") },
] }))]
#[case::twice(json!({ "backends": [
    { "group": url(Kind::EndpointGroup, "neg") }, { "group": url(Kind::EndpointGroup, "neg") },
] }))]
#[case::fifty_one(json!({ "backends": vec![json!({ "group": url(Kind::EndpointGroup, "neg") }); 51] }))]
#[case::mode(json!({ "backends": [{ "group": url(Kind::EndpointGroup, "neg"), "balancingMode": "UTILIZATION" }] }))]
#[case::scheme(json!({ "loadBalancingScheme": "EXTERNAL_MANAGED" }))]
#[case::protocol(json!({ "protocol": "HTTP" }))]
#[case::affinity(json!({ "sessionAffinity": "CLIENT_IP_NO_DESTINATION" }))]
#[case::locality(json!({ "localityLbPolicy": "ROUND_ROBIN" }))]
#[case::network(json!({ "network": url(Kind::Network, "main") }))]
#[case::zonal(json!({ "networkPassThroughLbTrafficPolicy": {} }))]
#[case::draining(json!({ "connectionDraining": { "drainingTimeoutSec": 3601 } }))]
#[case::strong(json!({ "connectionTrackingPolicy": { "enableStrongAffinity": true } }))]
#[case::idle(json!({ "connectionTrackingPolicy": { "idleTimeoutSec": 59 } }))]
#[tokio::test(start_paused = true)]
async fn services_that_cannot_be_are_refused(#[case] changes: Value) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::EndpointGroup, body(Kind::EndpointGroup, "neg")).await);
    done(insert(&gcp, Kind::InstanceGroup, body(Kind::InstanceGroup, "ig")).await);
    let answer = insert(&gcp, Kind::BackendService, with(body(Kind::BackendService, "new"), changes)).await;
    assert_eq!(refused(answer), (400, "invalid".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn services_get_defaults() {
    let gcp = serving().await;
    done(insert(&gcp, Kind::EndpointGroup, body(Kind::EndpointGroup, "neg")).await);
    let backends = json!({ "backends": [{ "group": url(Kind::EndpointGroup, "neg") }] });
    done(insert(&gcp, Kind::BackendService, with(body(Kind::BackendService, "new"), backends)).await);
    let read = gcp.read(&at(Kind::BackendService, "new")).unwrap();
    assert_eq!((&read["timeoutSec"], &read["affinityCookieTtlSec"]), (&json!(30), &json!(0)));
    assert_eq!((&read["sessionAffinity"], &read["kind"]), (&json!("NONE"), &json!("compute#backendService")));
    assert_eq!(read["backends"][0]["balancingMode"], "CONNECTION");
}

#[rstest]
#[case::any("UNSPECIFIED", true)]
#[case::other("UDP", false)]
#[tokio::test(start_paused = true)]
async fn a_service_changes_to_a_protocol_that_its_rules_go_with(#[case] protocol: &str, #[case] goes: bool) {
    let gcp = serving().await;
    done(insert(&gcp, Kind::ForwardingRule, body(Kind::ForwardingRule, "web")).await);
    let what = at(Kind::BackendService, "service");
    let fingerprint = gcp.read(&what).unwrap()["fingerprint"].clone();
    let patch = json!({ "protocol": protocol, "fingerprint": fingerprint });
    let answer = change(&gcp, &what, Verb::Patch, patch).await;
    if goes {
        done(answer);
    } else {
        assert_eq!(refused(answer), (400, "invalid".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_scheme_of_a_service_cannot_be_changed() {
    let gcp = serving().await;
    let what = at(Kind::BackendService, "service");
    let fingerprint = gcp.read(&what).unwrap()["fingerprint"].clone();
    let patch = json!({ "loadBalancingScheme": "INTERNAL", "fingerprint": fingerprint });
    assert_eq!(refused(change(&gcp, &what, Verb::Patch, patch).await), (400, "invalid".to_owned()));
}
