//! A project, looked at past the provider.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use landfall_contract::{Listening, View};
use landfall_core::ids::{ClusterId, LbId};
use landfall_core::net::{IpFamily, PortKey, Protocol, SourceRanges};
use landfall_gcp::api::types::{BackendService, Firewall, ForwardingRule, HealthCheck, SessionAffinity};
use landfall_gcp::api::{Kind, Place, Reference, Scope};
use landfall_gcp::marks;
use landfall_testkit::gcp::fake::{FakeCompute, PROJECT, REGION, SUBNET};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::wishes;

/// The kinds that anybody makes here.
const KINDS: [Kind; 7] = [
    Kind::Address,
    Kind::BackendService,
    Kind::EndpointGroup,
    Kind::Firewall,
    Kind::ForwardingRule,
    Kind::HealthCheck,
    Kind::InstanceGroup,
];

/// What differs between two projects, or is an address.
const VOLATILE: [&str; 9] = [
    "id",
    "creationTimestamp",
    "fingerprint",
    "labelFingerprint",
    "address",
    "IPAddress",
    "destinationRanges",
    "status",
    "users",
];

/// The cluster whose provider is tested.
pub(crate) fn cluster() -> ClusterId {
    ClusterId::new("ours").unwrap()
}

/// A project.
pub(crate) struct Site {
    pub(crate) gcp: FakeCompute,
}

impl Site {
    /// Somebody reserves the addresses that Services may ask for.
    pub(crate) fn reserve_addresses(&self) {
        for family in IpFamily::BOTH {
            for (number, address) in wishes::free_addresses(family).into_iter().enumerate() {
                let name = format!("free-{}-{number}", family.as_str().to_lowercase());
                let mut body = json!({
                    "address": address.to_string(), "addressType": "EXTERNAL", "networkTier": "PREMIUM",
                    "ipVersion": family.as_str().to_uppercase(),
                });
                if family == IpFamily::V6 {
                    body["prefixLength"] = json!(96);
                    body["ipv6EndpointType"] = json!("NETLB");
                    body["subnetwork"] = json!(FakeCompute::subnet(SUBNET).url());
                }
                self.gcp.put(&Place::region(PROJECT, REGION).at(Kind::Address, name), body).unwrap();
            }
        }
    }

    /// Everything of the kinds that anybody makes here.
    pub(crate) fn all(&self) -> BTreeMap<Reference, Value> {
        let all = KINDS.into_iter().flat_map(|kind| self.gcp.all(kind));
        all.map(|body| (Reference::parse(body["selfLink"].as_str().unwrap()).unwrap(), body)).collect()
    }

    /// One line per thing of ours. What all load balancers of a cluster share is part of each backend service; it is a
    /// thing of its own only when it is left behind.
    pub(crate) fn picture(&self) -> Vec<String> {
        let all = self.all();
        let ours = all.iter().filter(|(_, body)| marks::is_ours(&cluster(), text(body, "description")));
        let (shared, own): (Vec<_>, Vec<_>) =
            ours.partition(|(_, body)| marks::mark(text(body, "description")).is_none());
        let shared: Vec<String> = shared.into_iter().map(|(it, body)| self.line(it, body)).collect();
        if own.is_empty() {
            return shared;
        }
        let (rules, own): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|(it, _)| it.kind == Kind::ForwardingRule);
        let rules = as_served(rules.into_iter().map(|(_, body)| body));
        let with_shared = |(it, body): (&Reference, &Value)| match it.kind {
            // Held for several rules, which is a matter of the way there.
            Kind::Address if !rules.is_empty() => None,
            Kind::BackendService => Some(format!("{} sharing {shared:?}", self.line(it, body))),
            _ => Some(self.line(it, body)),
        };
        own.into_iter().filter_map(with_shared).chain(rules.clone()).collect()
    }

    /// One line per thing of others.
    pub(crate) fn strangers(&self) -> Vec<String> {
        let all = self.all();
        let theirs = all.iter().filter(|(_, body)| !marks::is_ours(&cluster(), text(body, "description")));
        theirs.map(|(it, body)| self.line(it, body)).collect()
    }

    fn line(&self, it: &Reference, body: &Value) -> String {
        let mut body = body.clone();
        let fields = body.as_object_mut().unwrap();
        fields.retain(|field, _| !VOLATILE.contains(&field.as_str()));
        format!("{it} {body} {:?}", self.gcp.members_of(it))
    }

    /// A load balancer as its clients see it.
    pub(crate) fn view(&self, id: &LbId) -> View {
        let mut view =
            View { addresses: BTreeSet::new(), hostnames: BTreeMap::new(), listeners: BTreeMap::new() };
        for body in self.gcp.all(Kind::ForwardingRule) {
            let Some(mark) = marks::mark(text(&body, "description")).filter(|mark| mark.lb == *id) else {
                continue;
            };
            if !marks::is_ours(&cluster(), text(&body, "description")) {
                continue;
            }
            let rule: ForwardingRule = read(body);
            let address: IpAddr =
                rule.ip_address.as_ref().unwrap().split('/').next().unwrap().parse().unwrap();
            view.addresses.insert(address);
            for key in keys(&rule) {
                let new = self.listening(&rule, mark.member.as_ref().unwrap().service.clone(), key, address);
                match view.listeners.get_mut(&key) {
                    None => drop(view.listeners.insert(key, new)),
                    Some(there) => {
                        let (before, more) = (there.sources.take().unwrap(), new.sources.unwrap());
                        let all = before.v4.into_iter().chain(before.v6).chain(more.v4).chain(more.v6);
                        there.sources = Some(SourceRanges::from_ranges(all));
                    }
                }
            }
        }
        view
    }

    fn listening(
        &self,
        rule: &ForwardingRule,
        member: landfall_core::ids::ServiceKey,
        key: PortKey,
        address: IpAddr,
    ) -> Listening {
        let service: BackendService = self.at(rule.backend_service.as_ref().unwrap());
        let check: HealthCheck = self.at(&service.health_checks[0]);
        let groups = service.backends.iter().map(|backend| Reference::parse(&backend.group).unwrap());
        let nodes = groups.flat_map(|group| {
            let Scope::Zone(zone) = group.place.scope.clone() else { panic!("{group} is in no zone") };
            let names = self.gcp.members_of(&group).into_iter();
            names.map(move |name| (format!("gce://{PROJECT}/{zone}/{name}"), key.port))
        });
        Listening {
            member,
            targets: nodes.collect(),
            sources: Some(self.sources(address, key)),
            health_port: check.http_health_check.map(|http| http.port),
            affinity_seconds: (service.session_affinity == Some(SessionAffinity::ClientIp)).then_some(0),
        }
    }

    /// Who can reach a port of an address.
    fn sources(&self, address: IpAddr, key: PortKey) -> SourceRanges {
        let rules = self.gcp.all(Kind::Firewall).into_iter().map(read::<Firewall>);
        let lets_in = rules.filter(|rule| {
            let mut to = rule.destination_ranges.iter().map(|range| net(range));
            to.any(|range| range.contains(&address)) && rule.allowed.iter().any(|it| allows(it, key))
        });
        let ranges: Vec<String> = lets_in.flat_map(|rule| rule.source_ranges).collect();
        SourceRanges::from_ranges(ranges.iter().map(|range| net(range)))
    }

    fn at<T: DeserializeOwned>(&self, url: &str) -> T {
        read(self.gcp.read(&Reference::parse(url).unwrap()).unwrap())
    }
}

/// Forwarding rules by what they have in common but the ports: rules stay as long as they can when ports come, so how
/// ports are spread over them is a matter of the way there.
fn as_served<'a>(rules: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut ports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for body in rules {
        let mut common = body.clone();
        let fields = common.as_object_mut().unwrap();
        let own: Vec<String> = fields.remove("ports").map(read).unwrap_or_default();
        let said = ["name", "selfLink"];
        fields.retain(|field, _| !VOLATILE.contains(&field.as_str()) && !said.contains(&field.as_str()));
        ports.entry(common.to_string()).or_default().extend(own);
    }
    ports.into_iter().map(|(common, ports)| format!("{common} {ports:?}")).collect()
}

pub(crate) fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn read<T: DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).unwrap()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap_or_else(|_| IpNet::from(text.parse::<IpAddr>().unwrap()))
}

/// What a rule takes.
fn keys(rule: &ForwardingRule) -> Vec<PortKey> {
    let protocol = match rule.ip_protocol.as_deref() {
        Some("UDP") => Protocol::Udp,
        _ => Protocol::Tcp,
    };
    rule.ports.iter().map(|port| PortKey { port: port.parse().unwrap(), protocol }).collect()
}

fn allows(allowed: &landfall_gcp::api::types::Allowed, key: PortKey) -> bool {
    let range = |text: &String| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        (from.parse::<u16>().unwrap()..=to.parse::<u16>().unwrap()).contains(&key.port)
    };
    allowed.protocol.eq_ignore_ascii_case(key.protocol.as_str()) && allowed.ports.iter().any(range)
}
