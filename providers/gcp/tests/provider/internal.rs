//! Internal load balancers: one forwarding rule on an address of their own, several on a shared one.

use std::collections::BTreeSet;

use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, Member};
use landfall_core::net::Protocol;
use landfall_core::outcome::Phase;
use landfall_core::testing::{self, member};
use landfall_gcp::api::Kind;
use serde_json::{Value, json};

use crate::stage::{Stage, ips, nodes, service};

fn internal(member: Member) -> Member {
    member.annotated("networking.gke.io/load-balancer-type", "Internal")
}

fn tcp(ports: impl IntoIterator<Item = u16>) -> Vec<(Protocol, u16)> {
    ports.into_iter().map(|port| (Protocol::Tcp, port)).collect()
}

fn lone(ports: &[(Protocol, u16)]) -> DesiredLb {
    service("web").with(|it| internal(it).listening(ports))
}

/// What the firewall rules for clients let in.
fn let_in(stage: &Stage) -> Vec<Value> {
    let rules = stage.made(Kind::Firewall).into_iter();
    let of_clients = rules.filter(|rule| rule.get("destinationRanges").is_some());
    of_clients.map(|rule| rule["allowed"].clone()).collect()
}

/// However many ports and protocols there are, one forwarding rule has the address, and the firewall rule keeps out what was
/// not asked for.
#[tokio::test(start_paused = true)]
async fn a_lone_service_has_one_rule_for_all_it_listens_on() {
    let stage = Stage::new();
    let few = stage.ensure(&lone(&tcp([80, 443]))).await;
    let rule = stage.only(Kind::ForwardingRule);
    assert_eq!((&rule["IPProtocol"], &rule["ports"]), (&json!("TCP"), &json!(["80", "443"])));
    assert_eq!((&rule["loadBalancingScheme"], rule.get("allPorts")), (&json!("INTERNAL"), None));
    let many = stage.converge(&lone(&tcp(1..=7))).await;
    let rule = stage.only(Kind::ForwardingRule);
    assert_eq!((&rule["IPProtocol"], &rule["allPorts"]), (&json!("TCP"), &json!(true)));
    assert_eq!(let_in(&stage), [json!([{ "IPProtocol": "tcp", "ports": ["1-7"] }])]);
    let mixed = stage.converge(&lone(&[(Protocol::Tcp, 53), (Protocol::Udp, 53)])).await;
    let rule = stage.only(Kind::ForwardingRule);
    assert_eq!((&rule["IPProtocol"], &rule["allPorts"]), (&json!("L3_DEFAULT"), &json!(true)));
    assert_eq!(stage.only(Kind::BackendService)["protocol"], "UNSPECIFIED");
    let both = json!([{ "IPProtocol": "tcp", "ports": ["53"] }, { "IPProtocol": "udp", "ports": ["53"] }]);
    assert_eq!(let_in(&stage), [both]);
    let back = stage.converge(&lone(&tcp([80, 443]))).await;
    assert_eq!(stage.only(Kind::BackendService)["protocol"], "TCP");
    let addresses: BTreeSet<_> = [few, many, mixed, back].iter().flat_map(ips).collect();
    assert_eq!(addresses.len(), 1, "{addresses:?}");
    stage.release(&lone(&[]).id).await;
    assert_eq!(stage.gcp.leaks(), []);
}

fn shared(members: Vec<Member>) -> DesiredLb {
    let members = members.into_iter().map(internal).collect();
    testing::group(ProviderName::Gcp, "front", members).on(nodes(6))
}

#[tokio::test(start_paused = true)]
async fn services_share_an_address_for_several_rules() {
    let stage = Stage::new();
    let dns = member("dns").born(1).listening(&[(Protocol::Tcp, 53), (Protocol::Udp, 53)]);
    let alone = stage.ensure(&shared(vec![dns.clone()])).await;
    assert_eq!(stage.only(Kind::Address)["purpose"], "SHARED_LOADBALANCER_VIP");
    let both = shared(vec![dns, member("web").born(2).listening(&tcp(80..=86))]);
    let outcome = stage.converge(&both).await;
    assert_eq!((ips(&outcome), outcome.problems), (ips(&alone), vec![]));
    assert_eq!((stage.made(Kind::ForwardingRule).len(), stage.made(Kind::BackendService).len()), (4, 2));
    stage.release(&both.id).await;
    assert_eq!(stage.gcp.leaks(), []);
}

/// Google takes ten forwarding rules of five ports. What does not fit is told, and the rest is served.
#[tokio::test(start_paused = true)]
async fn what_does_not_fit_on_a_shared_address_is_told() {
    let stage = Stage::new();
    let first = member("first").born(1).listening(&tcp(1..=45));
    let last = member("last").born(2).listening(&tcp(101..=107));
    let outcome = stage.converge(&shared(vec![first, last])).await;
    assert_eq!((outcome.phase, stage.made(Kind::ForwardingRule).len()), (Phase::Ready, 10));
    let told: Vec<_> =
        outcome.problems.iter().map(|it| (it.category.as_str(), it.port.map(|it| it.port))).collect();
    assert_eq!(told, [("TooManyForwardingRules", Some(106)), ("TooManyForwardingRules", Some(107))]);
    let let_in = let_in(&stage).into_iter().map(|it| it.to_string()).collect::<String>();
    assert!(let_in.contains("101-105") && !let_in.contains("107"), "{let_in}");
}
