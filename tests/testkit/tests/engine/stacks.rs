//! Clusters whose Services have one address family.
//! <https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services>

use landfall_testkit::apiserver::{ApiServer, Options};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::{SERVICES, send, service};

fn wanting(policy: &str) -> Value {
    let mut service = service("web");
    service["spec"]["ipFamilyPolicy"] = json!(policy);
    service
}

#[rstest]
#[case::ipv4(Options::ipv4_only(), "IPv4", "10.96.")]
#[case::ipv6(Options::ipv6_only(), "IPv6", "fd00:10:96:")]
#[tokio::test]
async fn a_preference_for_two_families_gets_the_one_there_is(
    #[case] options: Options,
    #[case] family: &str,
    #[case] range: &str,
    #[values("SingleStack", "PreferDualStack")] policy: &str,
) {
    let server = ApiServer::start_with(options).unwrap();
    let made = send(&server, "POST", SERVICES, wanting(policy)).await.expect(201);
    let spec = &made["spec"];
    assert_eq!((&spec["ipFamilies"], &spec["ipFamilyPolicy"]), (&json!([family]), &json!(policy)));
    assert_eq!(spec["clusterIPs"], json!([spec["clusterIP"]]));
    let address = spec["clusterIP"].as_str().unwrap();
    assert!(address.starts_with(range), "{address}");
    assert_eq!(server.allocated(), (1, 1), "one cluster IP, one node port");
}

#[rstest]
#[case::ipv4(Options::ipv4_only(), "IPv6")]
#[case::ipv6(Options::ipv6_only(), "IPv4")]
#[tokio::test]
async fn what_needs_the_other_family_is_refused(#[case] options: Options, #[case] missing: &str) {
    let server = ApiServer::start_with(options).unwrap();
    let refused = send(&server, "POST", SERVICES, wanting("RequireDualStack")).await.expect(422);
    let cause = &refused["details"]["causes"][0];
    assert_eq!((&refused["reason"], &cause["field"]), (&json!("Invalid"), &json!("spec.ipFamilyPolicy")));
    assert!(
        cause["message"]
            .as_str()
            .unwrap()
            .ends_with("this cluster is not configured for dual-stack services")
    );

    let mut other = service("web");
    other["spec"]["ipFamilies"] = json!([missing]);
    let refused = send(&server, "POST", SERVICES, other).await.expect(422);
    assert_eq!(refused["details"]["causes"][0]["field"], "spec.ipFamilies[0]");
    assert_eq!(server.allocated(), (0, 0), "a refusal keeps nothing");
}

/// An update asks for the second family as a create does.
#[tokio::test]
async fn an_upgrade_to_two_families_is_refused() {
    let server = ApiServer::start_with(Options::ipv4_only()).unwrap();
    server.create(service("web")).unwrap();
    let uri = format!("{SERVICES}/web");
    let wanted = |policy: &str| json!({"spec": {"ipFamilyPolicy": policy}});
    send(&server, "PATCH", &uri, wanted("RequireDualStack")).await.expect(422);
    let preferred = send(&server, "PATCH", &uri, wanted("PreferDualStack")).await.expect(200);
    assert_eq!(preferred["spec"]["ipFamilies"], json!(["IPv4"]));
}
