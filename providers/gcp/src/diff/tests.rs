//! Ways from one wish to another, gone in a small model of Compute Engine: to the end, and cut short after each change.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use landfall_core::ids::{ClusterId, ProviderName};
use landfall_core::model::{DesiredLb, EndpointTarget, FamilyPolicy, Member};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::testing;
use rstest::rstest;

use super::*;
use crate::api::types::{Endpoint, ForwardingRule, Scheme};
use crate::api::{Kind, Place};
use crate::change::Members;
use crate::marks;
use crate::observe::Thing;
use crate::resources::{self, Facts, NodeFact, SubnetFact};
use crate::settings;

const INTERNAL: &str = "networking.gke.io/load-balancer-type";

/// Compute Engine in short: addresses are given out in turn, and lost with their last rule unless they are reserved.
#[derive(Clone, Default)]
struct Model {
    observed: Observed,
    given: u8,
}

impl Model {
    fn wanted(&self, desired: &DesiredLb) -> Wanted {
        let reading = settings::read(desired);
        assert_eq!(reading.refusals, []);
        let mut facts = facts(desired);
        facts.rules = self.observed.rules().map(|(_, _, rule)| rule.clone()).collect();
        resources::wanted(&cluster(), desired, &reading.settings, &facts)
    }

    fn diff(&self, desired: &DesiredLb) -> Vec<Change> {
        diff(&self.wanted(desired), &self.observed).unwrap()
    }

    /// Makes one change, as `apply` does.
    fn make(&mut self, wanted: &Wanted, change: &Change) {
        let reference = &change.reference;
        match &change.what {
            What::Insert(it) | What::Update(it) => {
                let it = self.filled(wanted, change, it);
                self.check(reference, &it);
                let owner = owner(it.description());
                let found = crate::observe::Found { owner, it: Arc::new(it) };
                self.observed.things.insert(reference.clone(), found);
                if matches!(reference.kind, Kind::EndpointGroup | Kind::InstanceGroup) {
                    self.observed.members.insert(reference.clone(), Arc::default());
                }
            }
            What::Members(Members { new, gone }) => {
                let mut members: BTreeSet<Endpoint> = (*self.observed.members[reference]).clone();
                members.retain(|member| !gone.contains(member));
                members.extend(new.keys().cloned());
                self.observed.members.insert(reference.clone(), Arc::new(members));
            }
            What::Delete => {
                self.check_unused(reference);
                self.observed.things.remove(reference).expect("only what is there goes");
            }
            What::Labels(labels) => {
                match Arc::make_mut(&mut self.observed.things.get_mut(reference).unwrap().it) {
                    Thing::ForwardingRule(rule) => rule.labels.clone_from(labels),
                    Thing::Address(address) => address.labels.clone_from(labels),
                    other => panic!("no labels: {other:?}"),
                }
            }
            What::GlobalAccess(to) => self.edit(reference, |rule| rule.allow_global_access = Some(*to)),
        }
    }

    fn edit(&mut self, reference: &Reference, change: impl FnOnce(&mut ForwardingRule)) {
        let found = self.observed.things.get_mut(reference).unwrap();
        let Thing::ForwardingRule(rule) = Arc::make_mut(&mut found.it) else { panic!("a rule") };
        change(rule);
    }

    fn filled(&mut self, wanted: &Wanted, change: &Change, it: &Thing) -> Thing {
        let address = change.towards.and_then(|family| chosen(wanted, &self.observed, family));
        let mut it = it.clone();
        match &mut it {
            Thing::ForwardingRule(rule) => {
                let address = address.unwrap_or_else(|| self.next(family_word(&rule.ip_version)));
                rule.ip_address = Some(text_of(address));
            }
            Thing::Firewall(firewall) if change.towards.is_some() => {
                firewall.destination_ranges = vec![text_of(address.expect("known by now"))];
            }
            Thing::Address(reserved) if reserved.address.is_none() => {
                reserved.address = Some(self.next(family_word(&reserved.ip_version)).to_string());
            }
            _ => {}
        }
        it
    }

    fn next(&mut self, family: IpFamily) -> IpAddr {
        self.given += 1;
        match family {
            IpFamily::V4 => IpAddr::from([34, 1, 2, self.given]),
            IpFamily::V6 => format!("2600:1900::{}:0:0", self.given).parse().unwrap(),
        }
    }

    /// Two rules on one address: it must be reserved, and they may not take the same ports.
    fn check(&self, reference: &Reference, it: &Thing) {
        let Thing::ForwardingRule(rule) = it else { return };
        let others = self.observed.rules().filter(|(other, ..)| *other != reference).map(|(_, _, it)| it);
        for other in others.filter(|other| other.ip_address == rule.ip_address) {
            assert!(
                self.is_reserved(ip_of(rule).unwrap()),
                "{rule:?} shares an address that is not reserved"
            );
            let overlap = rule.ports.iter().any(|port| other.ports.contains(port));
            assert!(!(overlap && rule.ip_protocol == other.ip_protocol), "{rule:?} collides with {other:?}");
            assert_ne!(rule.load_balancing_scheme, Some(Scheme::Internal), "one rule per internal address");
        }
        let service = Reference::parse(rule.backend_service.as_deref().unwrap()).unwrap();
        let service = self.observed.service(&service).expect("made before the rule");
        let protocol = service.protocol.as_deref().unwrap();
        assert!(
            protocol == "UNSPECIFIED" || rule.ip_protocol.as_deref() == Some(protocol),
            "{protocol}: {rule:?}"
        );
    }

    fn is_reserved(&self, address: IpAddr) -> bool {
        let text = address.to_string();
        self.observed.addresses().any(|(_, _, it)| it.address.as_ref() == Some(&text))
    }

    fn check_unused(&self, reference: &Reference) {
        let url = Some(reference.url());
        let user = self.observed.rules().find(|(_, _, rule)| rule.backend_service == url);
        assert!(user.is_none(), "{reference} is used by {user:?}");
        let mut services = self.observed.services();
        let refers =
            |service: &crate::api::types::BackendService| service.health_checks.contains(&reference.url());
        assert!(!services.any(|(_, _, service)| refers(service)), "{reference} is used");
    }

    /// Goes on until nothing is left to do.
    fn converge(&mut self, desired: &DesiredLb) {
        for _ in 0..3 {
            let (wanted, changes) = (self.wanted(desired), self.diff(desired));
            if changes.is_empty() {
                return;
            }
            for change in changes {
                self.make(&wanted, &change);
            }
        }
        panic!("never ends: {:#?}", self.diff(desired).iter().map(Change::step).collect::<Vec<_>>());
    }

    fn addresses(&self) -> BTreeSet<IpAddr> {
        self.observed.rules().filter_map(|(_, _, rule)| ip_of(rule)).collect()
    }

    /// What there is, but for addresses.
    fn picture(&self) -> BTreeSet<Reference> {
        self.observed.things.keys().cloned().collect()
    }
}

fn family_word(version: &Option<String>) -> IpFamily {
    if version.as_deref() == Some("IPV6") { IpFamily::V6 } else { IpFamily::V4 }
}

fn owner(description: &str) -> Owner {
    let mark = marks::mark(description);
    mark.map_or(Owner::Shared, |mark| Owner::Lb { lb: mark.lb, member: mark.member })
}

fn cluster() -> ClusterId {
    ClusterId::new("prod").unwrap()
}

fn facts(desired: &DesiredLb) -> Facts {
    let region = Place::region("p", "r");
    let subnet = region.at(Kind::Subnetwork, "s");
    let nodes = desired.nodes.eligible.iter().map(|node| {
        let zone = Place::zone("p", format!("r-{}", node.zone.clone().unwrap()));
        let fact = NodeFact {
            instance: zone.at(Kind::Instance, &*node.name),
            subnetwork: subnet.url(),
            address: node.addresses[0],
            tags: BTreeSet::from(["k8s".to_owned()]),
            service_account: None,
        };
        (node.name.clone(), fact)
    });
    let fact =
        |external| SubnetFact { reference: subnet.clone(), ranges: Vec::new(), external_ipv6: external };
    Facts {
        network: Place::global("p").at(Kind::Network, "n"),
        subnets: BTreeMap::from([(IpFamily::V4, fact(false)), (IpFamily::V6, fact(true))]),
        addresses: BTreeMap::new(),
        nodes: nodes.collect(),
        rules: Vec::new(),
        shards: 1,
        cells: BTreeSet::new(),
        problems: Vec::new(),
        region,
    }
}

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

impl Model {
    /// What a load balancer sees of what others made.
    fn without_own(mut self) -> Self {
        self.observed.things.retain(|_, found| found.owner == Owner::Shared);
        self
    }
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
