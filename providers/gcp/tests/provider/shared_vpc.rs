//! A network of another project, whose firewall rules may be the business of its administrators alone.

use std::sync::Arc;
use std::time::Duration;

use landfall_core::error::ErrorClass;
use landfall_core::model::{DesiredLb, NodeSet};
use landfall_core::outcome::Phase;
use landfall_core::provider::Provider as _;
use landfall_gcp::account::Freshness;
use landfall_gcp::api::{Kind, Method, Verb};
use landfall_gcp::network::NetworkConfig;
use landfall_testkit::gcp::fake::{
    FakeCompute, HOST_PROJECT, NewInstance, PROJECT, REGION, SHARED_NETWORK, TAG,
};

use crate::stage::{Stage, ips, nodes, service};

const INSERT: Method = Method::new(Kind::Firewall, Verb::Insert);
const LIST: Method = Method::new(Kind::Firewall, Verb::List);
const DELETE: Method = Method::new(Kind::Firewall, Verb::Delete);

/// Three nodes in the network of the host project.
fn stage() -> Stage {
    let gcp = FakeCompute::new();
    for number in 20..23 {
        let (subnet, address) = (FakeCompute::shared_subnet(), format!("10.8.0.{number}"));
        gcp.add_instance(&NewInstance { subnet, address, ..NewInstance::node(number) });
    }
    Stage::in_network(gcp, network(), Freshness::default())
}

fn network() -> NetworkConfig {
    NetworkConfig {
        project: Some(PROJECT.into()),
        region: Some(REGION.into()),
        network: Some(SHARED_NETWORK.into()),
        network_project: Some(HOST_PROJECT.into()),
        ..NetworkConfig::default()
    }
}

fn on_shared(name: &str) -> DesiredLb {
    let eligible = nodes(23).eligible[20..].to_vec();
    service(name).on(Arc::new(NodeSet { eligible, excluded: Vec::new() }))
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_asked_for_once_and_told_to_all() {
    let stage = stage();
    stage.gcp.forbid(HOST_PROJECT, INSERT, true);
    for name in ["a", "b", "c"] {
        let outcome = stage.ensure(&on_shared(name)).await;
        assert_eq!(outcome.phase, Phase::Ready);
        let command = format!("gcloud compute firewall-rules create lf-default-{name}-");
        let told = outcome.problems.iter().any(|problem| problem.message.contains(&command));
        assert!(told, "{:#?}", outcome.problems);
    }
    // Neither for the other rules of the first one nor for those of the others.
    assert_eq!(stage.gcp.count(INSERT), 1);
    stage.gcp.forbid(HOST_PROJECT, INSERT, false);
    tokio::time::sleep(Duration::from_mins(5)).await;
    let outcome = stage.ensure(&on_shared("b")).await;
    assert_eq!(outcome.problems, []);
    assert_eq!(stage.made(Kind::Firewall).len(), 2, "for checks, and its own");
}

/// An administrator can run what the condition says as it is.
#[tokio::test(start_paused = true)]
async fn the_condition_has_the_whole_command_and_the_rest_is_served() {
    let (stage, web) = (stage(), on_shared("web"));
    stage.gcp.forbid(HOST_PROJECT, INSERT, true);
    let outcome = stage.ensure(&web).await;
    let vip = ips(&outcome)[0];
    assert_eq!((outcome.phase, stage.made(Kind::ForwardingRule).len()), (Phase::Ready, 1));
    let commands: Vec<&str> =
        outcome.problems.iter().filter_map(|it| it.message.split_once(" run: ").map(|(_, it)| it)).collect();
    let [checks, clients] = commands.as_slice() else { panic!("{:#?}", outcome.problems) };
    let of_host =
        format!("--project {HOST_PROJECT} --network {SHARED_NETWORK} --direction INGRESS --priority 1000");
    let begins =
        |text: &str, name: &str| text.starts_with(&format!("gcloud compute firewall-rules create {name}"));
    assert!(begins(checks, "lf-health-test-") && begins(clients, "lf-default-web-"), "{commands:#?}");
    let what = format!(
        "{of_host} --allow tcp:80 --source-ranges 0.0.0.0/0 --destination-ranges {vip} --target-tags {TAG} \
         --description '{{"
    );
    assert!(clients.contains(&what) && clients.ends_with("}'"), "{clients}");
    assert!(
        checks.contains(&format!("{of_host} --allow tcp:10256 --source-ranges 130.211.0.0/22,")),
        "{checks}"
    );
    // Rules that nobody sees must not be there either, for all that is known.
    stage.gcp.forbid(HOST_PROJECT, LIST, true);
    let (again, tried) =
        (Stage::in_network(stage.gcp.clone(), network(), Freshness::default()), stage.gcp.count(INSERT));
    let hidden = again.ensure(&web).await;
    assert_eq!((ips(&hidden), hidden.phase, stage.gcp.count(INSERT)), (vec![vip], Phase::Ready, tried));
    let told = hidden.problems.iter().find(|it| it.message.contains(&what)).unwrap();
    assert_eq!(told.category.as_str(), "FirewallRuleNeeded");
}

#[tokio::test(start_paused = true)]
async fn rules_that_were_known_are_not_forgotten_because_they_are_hidden() {
    let (stage, web) = (stage(), on_shared("web"));
    stage.ensure(&web).await;
    stage.gcp.forbid(HOST_PROJECT, LIST, true);
    stage.gcp.forbid(HOST_PROJECT, DELETE, true);
    tokio::time::sleep(Duration::from_mins(11)).await;
    let error = stage.provider.release(&web.id).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied);
    assert!(error.explain().contains("lf-default-web-"), "{}", error.explain());
    stage.gcp.forbid(HOST_PROJECT, DELETE, false);
    stage.release(&web.id).await;
    assert_eq!(stage.gcp.leaks(), []);
}
