//! Changes to a load balancer, counted in calls, and addresses that survive them.

use landfall_core::net::{IpFamily, Protocol};
use landfall_core::provider::Provider as _;
use landfall_gcp::api::{Kind, Method, Place, Verb};
use landfall_testkit::gcp::fake::{Fault, PROJECT, REGION};

use crate::stage::{Stage, ips, nodes, service, web};

#[tokio::test(start_paused = true)]
async fn settled_services_cost_only_lists() {
    let stage = Stage::new();
    let all: Vec<_> = (0..40).map(|number| service(&format!("web-{number}"))).collect();
    for desired in &all {
        stage.ensure(desired).await;
    }
    tokio::time::sleep(std::time::Duration::from_mins(11)).await;
    let (again, before) = (stage.restarted(), stage.gcp.calls());
    for desired in &all {
        assert_eq!(again.ensure(desired).await.steps, []);
    }
    let journal = stage.gcp.journal().split_off(before);
    let is_list = |verb| matches!(verb, Verb::List | Verb::ListEndpoints | Verb::Get);
    assert!(
        journal.iter().all(|call| call.method.is_some_and(|method| is_list(method.verb))),
        "{journal:#?}"
    );
    assert!(journal.len() < 25, "{} calls, however many Services there are", journal.len());
}

#[tokio::test(start_paused = true)]
async fn a_node_change_is_one_call_per_zone_for_all_services() {
    let stage = Stage::new();
    let all = [web(), service("a"), service("b")];
    for desired in &all {
        stage.ensure(desired).await;
    }
    let attach = Method::new(Kind::EndpointGroup, Verb::AttachEndpoints);
    let (attached, writes) = (stage.gcp.count(attach), stage.gcp.writes());
    for desired in all {
        stage.ensure(&desired.on(nodes(9))).await;
    }
    assert_eq!((stage.gcp.count(attach) - attached, stage.gcp.writes() - writes), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_replaced_on_its_address() {
    let stage = Stage::new();
    let before = ips(&stage.ensure(&web()).await);
    let udp = web().with(|member| member.listening(&[(Protocol::Udp, 80)]));
    assert_eq!(ips(&stage.ensure(&udp).await), before);
    assert_eq!(stage.made(Kind::Address), Vec::<serde_json::Value>::new(), "held only meanwhile");
}

/// The process dies at each call of a replacement, and another one takes over.
#[tokio::test(start_paused = true)]
async fn the_address_survives_a_death_at_any_call() {
    let udp = web().with(|member| member.listening(&[(Protocol::Udp, 80)]));
    for n in 1.. {
        let stage = Stage::new();
        let before = ips(&stage.ensure(&web()).await);
        stage.gcp.fault_at(n, Fault::Freeze);
        let died = tokio::select! {
            () = stage.gcp.frozen() => true,
            outcome = stage.provider.ensure(&udp) => { outcome.unwrap(); false }
        };
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        let next = stage.restarted();
        assert_eq!(ips(&next.converge(&udp).await), before, "after call {n}");
        next.release(&udp.id).await;
        assert_eq!(stage.gcp.leaks(), [], "after call {n}");
        if !died {
            assert!(n > 5, "only {n} calls");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn several_rules_share_a_reserved_address() {
    let stage = Stage::new();
    let many: Vec<_> = (1..=7).map(|port| (Protocol::Tcp, port)).collect();
    let outcome = stage.ensure(&web().with(|member| member.listening(&many))).await;
    let rules = stage.made(Kind::ForwardingRule);
    assert_eq!((rules.len(), ips(&outcome).len()), (2, 1));
    let address = stage.only(Kind::Address);
    assert_eq!(address["address"], ips(&outcome)[0].to_string());
    let one = stage.ensure(&web().with(|member| member.listening(&many[..5]))).await;
    assert_eq!(ips(&one), ips(&outcome));
    assert_eq!(stage.made(Kind::Address).len(), 0, "one rule needs no reservation");
}

#[tokio::test(start_paused = true)]
async fn two_families_have_two_addresses() {
    let stage = Stage::new();
    let dual = |member: landfall_core::model::Member| {
        member.stack(&IpFamily::BOTH, landfall_core::model::FamilyPolicy::RequireDualStack)
    };
    let outcome = stage.converge(&web().with(dual)).await;
    let families: Vec<IpFamily> = ips(&outcome).iter().map(IpFamily::of).collect();
    assert_eq!(families, IpFamily::BOTH);
}

#[tokio::test(start_paused = true)]
async fn health_is_asked_for_until_all_is_well() {
    let stage = Stage::new();
    stage.gcp.set_unhealthy(None, "node-1", true);
    let outcome = stage.ensure(&web()).await;
    assert_eq!(outcome.targets, [], "not asked yet");
    tokio::time::sleep(outcome.look_again.unwrap()).await;
    let outcome = stage.ensure(&web()).await;
    let [health] = outcome.targets.as_slice() else { panic!("{:?}", outcome.targets) };
    assert_eq!((health.healthy, health.unhealthy[0].target.as_str()), (5, "node-1"));
}

/// That no node is known at the moment must not let clients in to machines that are none.
#[tokio::test(start_paused = true)]
async fn without_nodes_firewall_rules_stay_as_they_are() {
    let stage = Stage::new();
    stage.ensure(&web()).await;
    let before = stage.made(Kind::Firewall);
    stage.ensure(&web().on(nodes(0))).await;
    stage.ensure(&service("new").on(nodes(0))).await;
    assert_eq!(stage.made(Kind::Firewall), before);
    stage.ensure(&service("new")).await;
    assert_eq!(stage.made(Kind::Firewall).len(), before.len() + 1);
}

/// The only load balancer is served by the first of two shards, and the groups of the other one are not there.
#[tokio::test(start_paused = true)]
async fn one_node_more_or_less_does_not_move_all() {
    let stage = Stage::new();
    stage.gcp.add_nodes(251);
    let mut names = (0..).map(|number| service(&format!("web-{number}")));
    let desired = names.find(|desired| landfall_gcp::resources::shard_of(&desired.id, 2) == 0).unwrap();
    stage.converge(&desired.clone().on(nodes(251))).await;
    let before = stage.made(Kind::BackendService);
    let mut members = Vec::new();
    for stage in [&stage, &stage.restarted()] {
        let outcome = stage.ensure(&desired.clone().on(nodes(250))).await;
        assert!(outcome.steps.len() <= 1, "{:#?}", outcome.steps);
        let sizes = stage.gcp.all(Kind::EndpointGroup).into_iter().map(|group| group["size"].clone());
        members.push(sizes.collect::<Vec<_>>());
    }
    assert_eq!(members[0], members[1], "another process knows it too");
    assert_eq!(stage.made(Kind::BackendService), before);
}

#[tokio::test(start_paused = true)]
async fn nodes_without_an_instance_are_looked_at_again_soon() {
    let stage = Stage::new();
    let outcome = stage.converge(&web().on(nodes(10))).await;
    assert!(outcome.look_again.unwrap() <= std::time::Duration::from_secs(30));
    stage.gcp.add_nodes(10);
    tokio::time::sleep(outcome.look_again.unwrap()).await;
    assert_eq!(stage.ensure(&web().on(nodes(10))).await.steps.len(), 1);
}

/// Somebody makes the address of a Service a static one, and then it needs more forwarding rules than one.
#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_else_reserved_is_left_to_them() {
    let stage = Stage::new();
    let address = ips(&stage.ensure(&web()).await)[0].to_string();
    let theirs = Place::region(PROJECT, REGION).at(Kind::Address, "mine");
    let body = serde_json::json!({ "address": address, "addressType": "EXTERNAL", "networkTier": "PREMIUM" });
    stage.gcp.console().put(&theirs, body).unwrap();
    let ports: Vec<_> = (80..=86).map(|port| (Protocol::Tcp, port)).collect();
    let many = web().with(|member| member.listening(&ports));
    let (insert, list) = (Method::new(Kind::Address, Verb::Insert), Method::new(Kind::Address, Verb::List));
    assert_eq!(ips(&stage.ensure(&many).await)[0].to_string(), address);
    let (writes, lists) = (stage.gcp.writes(), stage.gcp.count(list));
    for _ in 0..5 {
        assert_eq!(stage.ensure(&many).await.steps, []);
    }
    assert_eq!(stage.gcp.count(list), lists, "remembered");
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_mins(11)).await;
        assert_eq!(stage.ensure(&many).await.steps, []);
    }
    assert_eq!((stage.gcp.count(insert), stage.gcp.writes()), (0, writes), "looked at, not tried");
    // They let it go: it is ours to hold.
    stage.gcp.remove(&theirs);
    tokio::time::sleep(std::time::Duration::from_mins(11)).await;
    assert_eq!(stage.ensure(&many).await.steps.len(), 1);
    assert_eq!(stage.only(Kind::Address)["address"], address);
}

/// Who reserved it may have let it go since somebody looked.
#[tokio::test(start_paused = true)]
async fn an_address_is_held_for_its_new_rule_although_others_held_it() {
    let stage = Stage::new();
    let address = ips(&stage.ensure(&web()).await)[0].to_string();
    let theirs = Place::region(PROJECT, REGION).at(Kind::Address, "mine");
    let body = serde_json::json!({ "address": address, "addressType": "EXTERNAL", "networkTier": "PREMIUM" });
    stage.gcp.console().put(&theirs, body).unwrap();
    let with = |ports: &[u16]| {
        let ports: Vec<_> = ports.iter().map(|port| (Protocol::Tcp, *port)).collect();
        web().with(|member| member.listening(&ports))
    };
    stage.ensure(&with(&[80, 81, 82, 83, 84, 85, 86])).await;
    stage.gcp.remove(&theirs);
    let changed = stage.converge(&with(&[80, 81, 82, 83, 85])).await;
    assert_eq!(ips(&changed)[0].to_string(), address);
}
