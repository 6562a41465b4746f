//! Making a load balancer, looking at it again, and removing it.

use landfall_core::outcome::Phase;
use landfall_core::provider::Provider as _;
use landfall_gcp::api::Kind;

use crate::stage::{Stage, ips, service, web};

#[tokio::test(start_paused = true)]
async fn a_service_gets_an_address_and_nothing_stays_behind() {
    let stage = Stage::new();
    let outcome = stage.ensure(&web()).await;
    assert_eq!(outcome.phase, Phase::Ready);
    let rule = stage.only(Kind::ForwardingRule);
    assert_eq!(ips(&outcome)[0].to_string(), rule["IPAddress"]);
    let writes = stage.gcp.writes();
    let again = stage.ensure(&web()).await;
    assert_eq!((again.steps, stage.gcp.writes()), (vec![], writes), "nothing to do");
    assert_eq!(again.ingress, outcome.ingress);
    stage.release(&web().id).await;
    assert_eq!(stage.gcp.leaks(), []);
    assert_eq!(stage.provider.inventory().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn one_more_service_takes_four_changes() {
    let stage = Stage::new();
    stage.ensure(&web()).await;
    let writes = stage.gcp.writes();
    let outcome = stage.ensure(&service("other")).await;
    // Backend service, forwarding rule, its labels, firewall rule.
    assert_eq!(stage.gcp.writes() - writes, 4, "{:#?}", outcome.steps);
}
