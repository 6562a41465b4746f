//! Ways from one wish to another, gone in a small model of Compute Engine: to the end, and cut short after each change.

use std::collections::BTreeSet;
use std::sync::Arc;

use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, EndpointTarget, FamilyPolicy, Member};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::testing;
use rstest::rstest;

use super::*;
use crate::api::Kind;
use crate::observe::Thing;

mod model;

use model::Model;

const INTERNAL: &str = "networking.gke.io/load-balancer-type";

fn web(change: impl FnOnce(Member) -> Member) -> DesiredLb {
    testing::lb(ProviderName::Gcp, "web").on(testing::nodes(3)).with(change)
}

fn tcp(ports: &'static [u16]) -> impl Fn(Member) -> Member {
    let all: Vec<_> = ports.iter().map(|port| (Protocol::Tcp, *port)).collect();
    move |member| member.listening(&all)
}

fn internal(member: Member) -> Member {
    member.annotated(INTERNAL, "Internal")
}

fn mixed(member: Member) -> Member {
    member.listening(&[(Protocol::Tcp, 53), (Protocol::Udp, 53)])
}

fn udp(member: Member) -> Member {
    member.listening(&[(Protocol::Udp, 80)])
}

fn dual(member: Member) -> Member {
    member.stack(&IpFamily::BOTH, FamilyPolicy::RequireDualStack)
}

/// Whether the address is the same after as before.
const KEPT: bool = true;

#[rstest]
#[case::port_added(web(|it| it), web(tcp(&[80, 81])), KEPT)]
#[case::port_replaced(web(|it| it), web(tcp(&[81])), KEPT)]
#[case::port_removed(web(tcp(&[80, 81, 82])), web(tcp(&[80, 82])), KEPT)]
#[case::more_than_one_rule(web(|it| it), web(tcp(&[1, 2, 3, 4, 5, 6, 80])), KEPT)]
#[case::fewer_rules(web(tcp(&[1, 2, 3, 4, 5, 6, 80])), web(|it| it), KEPT)]
#[case::protocol(web(|it| it), web(udp), KEPT)]
#[case::mixed(web(tcp(&[53])), web(mixed), KEPT)]
#[case::no_longer_mixed(web(mixed), web(tcp(&[53])), KEPT)]
#[case::mixed_to_udp(web(mixed), web(udp), KEPT)]
#[case::local(web(|it| it), web(|it| it.local(31_000)), KEPT)]
#[case::no_longer_local(web(|it| it.local(31_000)), web(|it| it), KEPT)]
#[case::second_family(web(|it| it), web(dual), KEPT)]
#[case::internal(web(|it| it), web(internal), !KEPT)]
#[case::external(web(internal), web(|it| it), !KEPT)]
#[case::internal_port(web(internal), web(|it| internal(tcp(&[81])(it))), KEPT)]
#[case::internal_all_ports(web(internal), web(|it| internal(tcp(&[1, 2, 3, 4, 5, 6, 7])(it))), KEPT)]
#[case::internal_mixed(web(internal), web(|it| internal(mixed(it))), KEPT)]
#[case::internal_no_longer_mixed(web(|it| internal(mixed(it))), web(internal), KEPT)]
#[case::another_asked_for(web(|it| it.requesting(&["34.9.9.8"])), web(|it| it.requesting(&["34.9.9.9"])), !KEPT)]
#[case::another_tier(web(|it| it), web(|it| it.annotated("cloud.google.com/network-tier", "Standard")), !KEPT)]
fn a_change_converges_from_every_point(#[case] from: DesiredLb, #[case] to: DesiredLb, #[case] kept: bool) {
    let mut before = Model::default();
    before.converge(&from);
    let address = before.addresses();
    let (wanted, changes) = (before.wanted(&to), before.diff(&to));
    assert!(!changes.is_empty());
    let mut whole = before.clone();
    whole.converge(&to);
    assert_eq!(whole.addresses().is_superset(&address), kept, "{:?} after {address:?}", whole.addresses());
    for cut in 0..changes.len() {
        let mut model = before.clone();
        for change in &changes[..cut] {
            model.make(&wanted, change);
        }
        model.converge(&to);
        assert_eq!(model.picture(), whole.picture(), "cut short after {cut}");
        assert_eq!(model.addresses().is_superset(&address), kept, "cut short after {cut}");
        // And if somebody changes their mind just then.
        let mut back = before.clone();
        changes[..cut].iter().for_each(|change| back.make(&wanted, change));
        back.converge(&from);
        if kept {
            assert!(back.addresses().is_superset(&address), "back after {cut}");
        }
    }
}

#[test]
fn a_new_load_balancer_needs_three_changes_where_the_rest_is_shared() {
    let mut model = Model::default();
    model.converge(&web(|it| it));
    let other = testing::lb(ProviderName::Gcp, "other").on(testing::nodes(3));
    let kinds: Vec<_> = model.without_own().diff(&other).iter().map(|change| change.reference.kind).collect();
    assert_eq!(kinds, [Kind::BackendService, Kind::ForwardingRule, Kind::Firewall]);
}

#[rstest]
#[case::asked_for(web(|it| it), web(|it| it.requesting(&["34.1.2.1"])))]
#[case::not_asked_for(web(|it| it.requesting(&["34.9.9.9"])), web(|it| it))]
fn asking_for_what_it_has_is_no_change(#[case] from: DesiredLb, #[case] to: DesiredLb) {
    let mut model = Model::default();
    model.converge(&from);
    assert_eq!(model.diff(&to), []);
}

#[test]
fn a_rule_that_stays_is_not_touched_when_ports_join() {
    let mut model = Model::default();
    model.converge(&web(|it| it));
    let changes = model.diff(&web(tcp(&[80, 81])));
    let gone = changes.iter().filter(|change| change.what == What::Delete);
    assert_eq!(gone.count(), 0, "{changes:#?}");
}

#[test]
fn what_refused_members_have_stays() {
    let (a, b) = (testing::member("a"), testing::member("b").listening(&[(Protocol::Tcp, 81)]));
    let both = testing::group(ProviderName::Gcp, "front", vec![a.clone(), b.clone()]).on(testing::nodes(3));
    let mut model = Model::default();
    model.converge(&both);
    let picture = model.picture();
    let alone =
        testing::group(ProviderName::Gcp, "front", vec![a]).on(testing::nodes(3)).retaining(b.as_ref());
    assert_eq!(model.diff(&alone), [], "{picture:#?}");
}

#[test]
fn strangers_in_the_way_are_named() {
    let mut model = Model::default();
    let wanted = model.wanted(&web(|it| it));
    let reference = wanted.forwarding_rules[0].reference.clone();
    model.observed.foreign.push(crate::observe::Foreign { reference: reference.clone(), owner: None });
    let error = diff(&wanted, &model.observed).unwrap_err();
    assert!(error.to_string().contains(&reference.name), "{error}");
}

/// Drift, and whether it is repaired.
#[rstest]
#[case::ranges(|it: &mut Thing| if let Thing::Firewall(rule) = it { rule.source_ranges.push("192.0.2.0/24".into()) }, true)]
#[case::destination(|it: &mut Thing| if let Thing::Firewall(rule) = it { rule.destination_ranges.clear() }, true)]
#[case::affinity(|it: &mut Thing| if let Thing::BackendService(service) = it { service.session_affinity = None }, false)]
#[case::checks(|it: &mut Thing| if let Thing::BackendService(service) = it { service.health_checks.clear() }, true)]
#[case::backends(|it: &mut Thing| if let Thing::BackendService(service) = it { service.backends.pop(); }, true)]
#[case::led_elsewhere(|it: &mut Thing| if let Thing::ForwardingRule(rule) = it { rule.backend_service = Some("projects/p/regions/r/backendServices/x".into()) }, true)]
#[case::labels(|it: &mut Thing| if let Thing::ForwardingRule(rule) = it { rule.labels.clear() }, true)]
#[case::interval(|it: &mut Thing| if let Thing::HealthCheck(check) = it { check.check_interval_sec = Some(60) }, true)]
#[case::what_we_do_not_set(|it: &mut Thing| if let Thing::HealthCheck(check) = it { check.rest.insert("x".into(), 1.into()); }, false)]
#[case::default_told(|it: &mut Thing| if let Thing::BackendService(service) = it { service.locality_lb_policy = Some("MAGLEV".into()) }, false)]
fn drift_is_repaired(#[case] damage: fn(&mut Thing), #[case] repaired: bool) {
    let desired = web(|it| it);
    let mut model = Model::default();
    model.converge(&desired);
    let before = model.clone();
    for found in model.observed.things.values_mut() {
        damage(Arc::make_mut(&mut found.it));
    }
    assert_eq!(!model.diff(&desired).is_empty(), repaired);
    model.converge(&desired);
    assert_eq!(model.picture(), before.picture());
    assert_eq!(model.addresses(), before.addresses());
}

#[test]
fn nodes_that_come_and_go_change_one_group_per_zone() {
    let mut model = Model::default();
    model.converge(&web(|it| it));
    let changes = model.diff(&web(|it| it).on(testing::nodes(5)));
    let zones: BTreeSet<_> = changes.iter().map(|change| &change.reference.place).collect();
    assert!(
        changes.iter().all(|change| matches!(change.what, What::Members(_)) && change.shared),
        "{changes:#?}"
    );
    assert_eq!((changes.len(), zones.len()), (2, 2));
}

/// With more nodes than one group holds, `externalTrafficPolicy: Local` moves to groups of the nodes with pods.
#[test]
fn nobody_leads_to_groups_that_are_yet_empty() {
    let mut model = Model::default();
    model.converge(&web(|it| it.local(31_000)));
    let mut many = web(|it| it.local(31_000)).on(testing::nodes(300));
    let node = Some(many.nodes.eligible[0].name.clone());
    let address = many.nodes.eligible[0].addresses[0];
    many.members[0].listeners[0].endpoints = vec![EndpointTarget { address, port: 8080, node, zone: None }];
    let changes = model.diff(&many);
    let filled = changes.iter().filter(|change| !change.shared && matches!(change.what, What::Members(_)));
    let led = changes.iter().filter(|change| change.reference.kind == Kind::BackendService);
    let (filled, led) = (filled.map(|change| change.stage).max(), led.map(|change| change.stage).min());
    assert!(filled.is_some() && filled < led, "{filled:?} before {led:?}");
}

#[test]
fn a_plan_reads_well() {
    let model = Model::default();
    let steps: Vec<String> =
        model.diff(&web(|it| it)).iter().map(|change| change.step().to_string()).collect();
    let text = steps.join("\n");
    assert!(text.contains("+ forwarding-rule lf-default-web-"), "{text}");
    assert!(text.contains("IPAddress: the IPv4 address of the load balancer"), "{text}");
    assert!(text.contains("healthChecks: [\"health-check/lf-health-prod-"), "{text}");
}

/// The groups of all zones have one name.
#[test]
fn a_plan_tells_zones_apart() {
    let mut model = Model::default();
    model.converge(&web(|it| it));
    let groups = |changes: &[Change]| {
        let groups = changes.iter().filter(|change| change.reference.kind == Kind::EndpointGroup);
        groups.map(|change| change.step().to_string()).collect::<Vec<_>>()
    };
    let texts = groups(&model.diff(&web(|it| it).on(testing::nodes(6))));
    assert_eq!(texts.len(), 3);
    for (zone, text) in ["r-a", "r-b", "r-c"].iter().zip(&texts) {
        assert!(text.starts_with(&format!("  ~ network-endpoint-group {zone}/lf-nodes-")), "{texts:#?}");
    }
    let made = Model::default().diff(&web(|it| it));
    let service = made.iter().find(|change| change.reference.kind == Kind::BackendService).unwrap();
    let text = service.step().to_string();
    for zone in ["r-a", "r-b", "r-c"] {
        assert!(text.contains(&format!("\"network-endpoint-group/{zone}/lf-nodes-")), "{text}");
    }
}

/// Prefixes that a project brought along give out addresses of other lengths than `/96`.
#[test]
fn the_length_of_a_prefix_is_kept() {
    let mut model = Model::default();
    let six = |it: Member| {
        let prefix = "projects/p/regions/r/publicDelegatedPrefixes/ours";
        it.stack(&[IpFamily::V6], FamilyPolicy::SingleStack)
            .annotated("networking.gke.io/ip-collection-v6", prefix)
    };
    model.converge(&web(six));
    for found in model.observed.things.values_mut() {
        match Arc::make_mut(&mut found.it) {
            Thing::ForwardingRule(rule) => rule.ip_address = Some("2001:db8:1::/64".to_owned()),
            Thing::Firewall(rule) if !rule.destination_ranges.is_empty() => {
                rule.destination_ranges = vec!["2001:db8:1::/64".to_owned()];
            }
            _ => {}
        }
    }
    assert_eq!(model.diff(&web(six)), []);
    model.converge(&web(|it| six(udp(it))));
    let rules: Vec<_> = model.observed.rules().filter_map(|(_, _, rule)| rule.ip_address.clone()).collect();
    assert_eq!(rules, ["2001:db8:1::/64"]);
}
