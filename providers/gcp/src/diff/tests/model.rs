//! A small model of Compute Engine, for ways from one wish to another.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use landfall_core::ids::ClusterId;
use landfall_core::model::DesiredLb;
use landfall_core::net::IpFamily;

use crate::api::types::{BackendService, Endpoint, ForwardingRule, Scheme};
use crate::api::{Kind, Place, Reference};
use crate::change::{Change, Members, What};
use crate::diff::{chosen, diff, ip_of, text_of};
use crate::marks;
use crate::observe::{Found, Observed, Owner, Thing};
use crate::resources::{self, Facts, NodeFact, SubnetFact, Wanted};
use crate::settings;

/// Compute Engine in short: addresses are given out in turn, and lost with their last rule unless they are reserved.
#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) observed: Observed,
    given: u8,
}

impl Model {
    /// The graph of a wish that meets what there is.
    pub(super) fn wanted(&self, desired: &DesiredLb) -> Wanted {
        let reading = settings::read(desired);
        assert_eq!(reading.refusals, []);
        let mut facts = facts(desired);
        facts.rules = self.observed.rules().map(|(_, _, rule)| rule.clone()).collect();
        resources::wanted(&cluster(), desired, &reading.settings, &facts)
    }

    /// The changes that a wish takes now.
    pub(super) fn diff(&self, desired: &DesiredLb) -> Vec<Change> {
        diff(&self.wanted(desired), &self.observed).unwrap()
    }

    /// Makes one change, as `apply` does.
    pub(super) fn make(&mut self, wanted: &Wanted, change: &Change) {
        let reference = &change.reference;
        match &change.what {
            What::Insert(it) | What::Update(it) => {
                let it = self.filled(wanted, change, it);
                self.check(reference, &it);
                let owner = owner(it.description());
                let found = Found { owner, it: Arc::new(it) };
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
                let address = address.unwrap_or_else(|| self.next(family_word(rule.ip_version.as_deref())));
                rule.ip_address = Some(text_of(&self.observed, address));
            }
            Thing::Firewall(firewall) if change.towards.is_some() => {
                firewall.destination_ranges = vec![text_of(&self.observed, address.expect("known by now"))];
            }
            Thing::Address(reserved) if reserved.prefix_length.is_none() && reserved.address.is_some() => {
                let address = reserved.address.clone().unwrap_or_default();
                let mut rules = self.observed.rules().filter_map(|(_, _, rule)| rule.ip_address.clone());
                let prefix = rules.find_map(|it| it.strip_prefix(&format!("{address}/")).map(str::to_owned));
                reserved.prefix_length = prefix.map(|length| length.parse().unwrap());
            }
            Thing::Address(reserved) if reserved.address.is_none() => {
                reserved.address = Some(self.next(family_word(reserved.ip_version.as_deref())).to_string());
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
        let refers = |service: &BackendService| service.health_checks.contains(&reference.url());
        assert!(!services.any(|(_, _, service)| refers(service)), "{reference} is used");
    }

    /// Goes on until nothing is left to do.
    pub(super) fn converge(&mut self, desired: &DesiredLb) {
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

    /// What a load balancer sees of what others made.
    pub(super) fn without_own(mut self) -> Self {
        self.observed.things.retain(|_, found| found.owner == Owner::Shared);
        self
    }

    /// The addresses that forwarding rules have.
    pub(super) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.observed.rules().filter_map(|(_, _, rule)| ip_of(rule)).collect()
    }

    /// What there is, but for addresses.
    pub(super) fn picture(&self) -> BTreeSet<Reference> {
        self.observed.things.keys().cloned().collect()
    }
}

fn family_word(version: Option<&str>) -> IpFamily {
    if version == Some("IPV6") { IpFamily::V6 } else { IpFamily::V4 }
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
