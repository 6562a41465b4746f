//! Reserved addresses: who gets one, who keeps it, and who has to wait.

use std::time::Duration;

use landfall_core::error::ProviderError;
use landfall_core::model::{DesiredLb, FamilyPolicy};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::outcome::Outcome;
use landfall_core::provider::Provider as _;
use landfall_gcp::account::Freshness;
use landfall_gcp::api::{Kind, Method, Place, Reference, Verb};
use landfall_gcp::network::NetworkConfig;
use landfall_testkit::gcp::fake::{Fault, IP_COLLECTION, PROJECT, REGION};
use rstest::rstest;
use serde_json::json;

use crate::stage::{Stage, ips, service};

const INSERT_RULE: Method = Method::new(Kind::ForwardingRule, Verb::Insert);

fn address(name: &str) -> Reference {
    Place::region(PROJECT, REGION).at(Kind::Address, name)
}

/// A project in which the user has reserved the address `mine`.
fn stage() -> Stage {
    let stage = Stage::new();
    reserve(&stage, "mine", "203.0.113.7");
    stage
}

/// The user reserves another one.
fn reserve(stage: &Stage, name: &str, value: &str) {
    let body = json!({ "address": value, "addressType": "EXTERNAL", "networkTier": "PREMIUM" });
    stage.gcp.console().put(&address(name), body).unwrap();
}

/// A Service that asks for the address `mine`.
fn on_it(name: &str, protocol: Protocol, port: u16) -> DesiredLb {
    on("mine", name, protocol, port)
}

/// A Service that asks for a reserved address.
fn on(address: &str, name: &str, protocol: Protocol, port: u16) -> DesiredLb {
    let key = "networking.gke.io/load-balancer-ip-addresses";
    service(name).with(|it| it.annotated(key, address).listening(&[(protocol, port)]))
}

/// Lets a run fail when all is done but the forwarding rule.
async fn fail_without_a_rule(stage: &Stage, desired: &DesiredLb) {
    stage.gcp.fault_on(INSERT_RULE, 1, Fault::refuse(503, "backendError"));
    let error = stage.provider.ensure(desired).await.unwrap_err();
    assert_eq!(error.category().as_str(), "CloudUnavailable", "{}", error.explain());
}

/// Refused because that load balancer, or its forwarding rule, has the address.
fn assert_taken(answer: Result<Outcome, ProviderError>, holder: &DesiredLb) {
    let error = answer.unwrap_err();
    assert_eq!(error.category().as_str(), "AddressTaken");
    let (text, rule) = (error.explain(), format!("lf-default-{}-", holder.members[0].service.name));
    let names_it = text.contains(&holder.id.to_string()) || text.contains(&rule);
    assert!(text.contains("mine") && names_it, "{text}");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_name_one_address_at_once_one_gets_it() {
    let stage = stage();
    let (one, other) = (on_it("one", Protocol::Tcp, 80), on_it("other", Protocol::Tcp, 81));
    let answers = tokio::join!(stage.provider.ensure(&one), stage.provider.ensure(&other));
    let (holder, waiting, served) = match answers {
        (Ok(served), Err(_)) => (&one, &other, served),
        (Err(_), Ok(served)) => (&other, &one, served),
        both => panic!("{both:?}"),
    };
    for stage in [&stage, &stage.restarted()] {
        assert_eq!(stage.ensure(holder).await.steps, []);
        assert_taken(stage.provider.ensure(waiting).await, holder);
        assert_taken(stage.provider.plan(waiting).await.map(|_| served.clone()), holder);
    }
    assert_eq!(stage.made(Kind::ForwardingRule).len(), 1);
    stage.release(&holder.id).await;
    assert_eq!(ips(&stage.ensure(waiting).await), ips(&served));
}

/// Two processes know nothing of each other's plans, and Google takes both: their ports differ.
#[tokio::test(start_paused = true)]
async fn of_two_that_have_one_address_the_older_one_is_not_bothered() {
    let stage = stage();
    stage.ensure(&service("first")).await;
    let (older, younger) = (on_it("z", Protocol::Tcp, 80), on_it("a", Protocol::Tcp, 81));
    let other_process = stage.restarted();
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        other_process.ensure(&younger).await
    };
    let (one, two) = tokio::join!(stage.ensure(&older), later);
    assert_eq!(ips(&one), ips(&two));
    let next = stage.restarted();
    assert_eq!(next.ensure(&older).await.steps, []);
    assert_taken(next.provider.ensure(&younger).await, &older);
    assert_eq!(stage.made(Kind::ForwardingRule).len(), 3, "nothing is taken away from it");
    // A younger rule does not make a younger load balancer.
    let moved = on_it("z", Protocol::Udp, 80);
    assert_eq!(ips(&next.converge(&moved).await), ips(&one));
    assert_taken(next.provider.ensure(&younger).await, &older);
    next.release(&older.id).await;
    assert_eq!(next.ensure(&younger).await.steps, []);
}

/// Its only forwarding rule is gone and the next one is not there yet.
#[tokio::test(start_paused = true)]
async fn an_address_is_kept_while_its_rule_is_replaced() {
    let stage = stage();
    let before = stage.ensure(&on_it("one", Protocol::Tcp, 80)).await;
    let (udp, late) = (on_it("one", Protocol::Udp, 80), on_it("late", Protocol::Tcp, 81));
    // By then addresses are read again, so that the rule that is about to go is known as their user.
    tokio::time::sleep(Duration::from_secs(31)).await;
    stage.gcp.fault_on(INSERT_RULE, 1, Fault::refuse(503, "backendError"));
    stage.provider.ensure(&udp).await.unwrap_err();
    assert_eq!(stage.made(Kind::ForwardingRule).len(), 0);
    assert_taken(stage.provider.ensure(&late).await, &udp);
    assert_eq!(ips(&stage.ensure(&udp).await), ips(&before));
    assert_taken(stage.provider.ensure(&late).await, &udp);
    stage.release(&udp.id).await;
    assert_eq!(ips(&stage.ensure(&late).await), ips(&before));
}

/// As above, and the process that has taken it away ends: the next one knows of no claim.
#[tokio::test(start_paused = true)]
async fn an_address_is_kept_over_a_crash_while_its_rule_is_replaced() {
    let stage = stage();
    let before = stage.ensure(&on_it("one", Protocol::Tcp, 80)).await;
    let (udp, late) = (on_it("one", Protocol::Udp, 80), on_it("late", Protocol::Tcp, 81));
    tokio::time::sleep(Duration::from_secs(31)).await;
    fail_without_a_rule(&stage, &udp).await;
    assert_eq!(stage.made(Kind::ForwardingRule).len(), 0);
    // Nor has it to be configured what the network is.
    let config = NetworkConfig { network: None, ..Stage::network() };
    let next = Stage::in_network(stage.gcp.clone(), config, Freshness::default());
    assert_taken(next.provider.plan(&late).await.map(|_| before.clone()), &udp);
    assert_taken(next.provider.ensure(&late).await, &udp);
    assert_eq!(ips(&next.ensure(&udp).await), ips(&before));
    next.release(&udp.id).await;
    assert_eq!(ips(&next.ensure(&late).await), ips(&before));
}

/// Nobody waits for the claim of somebody who wants something else by now.
#[tokio::test(start_paused = true)]
async fn a_claim_ends_with_the_wish() {
    let stage = stage();
    stage.gcp.fault_on(INSERT_RULE, 1, Fault::refuse(503, "backendError"));
    let (one, other) = (on_it("one", Protocol::Tcp, 80), on_it("other", Protocol::Tcp, 81));
    stage.provider.ensure(&one).await.unwrap_err();
    assert_taken(stage.provider.ensure(&other).await, &one);
    stage.ensure(&service("one")).await;
    stage.ensure(&other).await;
}

/// That it cannot be made does not matter.
#[rstest]
#[case::on_an_address_that_is_not_reserved("nowhere", "AddressNotFound")]
#[case::on_an_address_that_somebody_has("theirs", "AddressTaken")]
#[tokio::test(start_paused = true)]
async fn a_claim_ends_with_a_wish_that_is_followed_by_a_bad_one(#[case] next: &str, #[case] why: &str) {
    let stage = stage();
    reserve(&stage, "theirs", "203.0.113.8");
    stage.ensure(&on("theirs", "holder", Protocol::Tcp, 80)).await;
    let (one, other) = (on_it("one", Protocol::Tcp, 80), on_it("other", Protocol::Tcp, 81));
    fail_without_a_rule(&stage, &one).await;
    assert_taken(stage.provider.ensure(&other).await, &one);
    let error = stage.provider.ensure(&on(next, "one", Protocol::Tcp, 80)).await.unwrap_err();
    assert_eq!(error.category().as_str(), why);
    stage.ensure(&other).await;
}

#[tokio::test(start_paused = true)]
async fn two_may_swap_their_claims() {
    let stage = stage();
    reserve(&stage, "theirs", "203.0.113.8");
    let on = |name, address| on(address, name, Protocol::Tcp, 80);
    fail_without_a_rule(&stage, &on("one", "mine")).await;
    fail_without_a_rule(&stage, &on("two", "theirs")).await;
    stage.provider.ensure(&on("one", "theirs")).await.unwrap_err();
    stage.ensure(&on("two", "mine")).await;
    stage.ensure(&on("one", "theirs")).await;
}

/// Whoever claims it may never be heard of again.
#[tokio::test(start_paused = true)]
async fn a_claim_lasts_while_it_is_renewed() {
    let stage = stage();
    let (one, other) = (on_it("one", Protocol::Tcp, 80), on_it("other", Protocol::Tcp, 81));
    for _ in 0..5 {
        fail_without_a_rule(&stage, &one).await;
        tokio::time::sleep(Duration::from_mins(6)).await;
        assert_taken(stage.provider.ensure(&other).await, &one);
    }
    tokio::time::sleep(Duration::from_mins(10)).await;
    stage.ensure(&other).await;
}

/// Something of the user has the name of the reservation that the load balancer needs for several forwarding rules.
#[tokio::test(start_paused = true)]
async fn a_stranger_with_the_name_of_a_reservation_is_named() {
    let stage = Stage::new();
    let many: Vec<_> = (1..=7).map(|port| (Protocol::Tcp, port)).collect();
    let many = service("web").with(|it| it.listening(&many));
    let steps = stage.provider.plan(&many).await.unwrap().steps;
    let name = steps.into_iter().find(|step| step.resource.kind == "address").unwrap().resource.name;
    stage.gcp.console().put(&address(&name), json!({ "address": "203.0.113.9" })).unwrap();
    let one = stage.ensure(&service("web")).await;
    // It came after the last list, so Google has to say so first.
    let met = stage.provider.ensure(&many).await.unwrap_err();
    assert_eq!(met.category().as_str(), "NameTaken");
    for stage in [&stage, &stage.restarted()] {
        let before = stage.gcp.writes();
        let error = stage.provider.ensure(&many).await.unwrap_err();
        assert_eq!(error.category().as_str(), "ForeignResource");
        let text = error.explain();
        assert!(text.contains(&name) && text.contains("rename or delete it"), "{text}");
        assert_eq!(stage.gcp.writes(), before, "nothing is tried");
    }
    assert!(stage.gcp.remove(&address(&name)));
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(ips(&stage.converge(&many).await), ips(&one));
}

/// A load balancer with an IPv6 address out of a prefix that the project brought along.
fn of_prefix(ports: &[(Protocol, u16)]) -> DesiredLb {
    service("web").with(|it| {
        it.stack(&[IpFamily::V6], FamilyPolicy::SingleStack)
            .annotated("networking.gke.io/ip-collection-v6", IP_COLLECTION)
            .listening(ports)
    })
}

/// The prefix is where a new address comes from; later requests name the address alone.
#[tokio::test(start_paused = true)]
async fn an_address_of_a_prefix_of_the_project_is_kept() {
    let (tcp, udp) = ((Protocol::Tcp, 53), (Protocol::Udp, 53));
    let stage = Stage::new();
    let before = ips(&stage.ensure(&of_prefix(&[tcp])).await);
    assert!(before[0].to_string().starts_with("2001:db8:b0b:"), "{before:?}");
    // Replaced, two rules, and one again.
    for ports in [&[udp][..], &[tcp, udp], &[tcp]] {
        assert_eq!(ips(&stage.converge(&of_prefix(ports)).await), before, "{ports:?}");
    }
    stage.release(&of_prefix(&[tcp]).id).await;
    assert_eq!(stage.gcp.leaks(), []);
    let both = stage.converge(&of_prefix(&[tcp, udp])).await;
    assert!(ips(&both)[0].to_string().starts_with("2001:db8:b0b:"), "{both:?}");
    assert_eq!(stage.made(Kind::ForwardingRule).len(), 2);
}
