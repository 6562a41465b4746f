#![allow(clippy::needless_pass_by_value, reason = "a json! literal reads best as an argument by value")]

use super::*;
use crate::class::Sharing;
use crate::ids::ProviderName;
use crate::model::MemberRef;
use crate::net::IpFamily;
use crate::outcome::Outcome;
use crate::params::ClassParams;
use crate::plan::Plan;
use crate::provider::Owned;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use rstest::rstest;
use serde_json::{Value, json};

/// A provider that only has an opinion.
struct Opinion {
    can: Capabilities,
    kind: TargetKind,
    dislikes: Option<&'static str>,
    dislikes_all: bool,
}

impl Opinion {
    fn new() -> Self {
        let can = Capabilities {
            protocols: vec![Protocol::Tcp, Protocol::Udp],
            mixed_protocols: true,
            same_port_protocols: true,
            dual_stack: true,
            sharing: true,
            source_ranges: true,
            session_affinity: true,
            requested_addresses: true,
            needs_node_ports: true,
            adoption: true,
            external_state: true,
        };
        Self { can, kind: TargetKind::Nodes, dislikes: None, dislikes_all: false }
    }
}

#[async_trait::async_trait]
impl Provider for Opinion {
    fn name(&self) -> ProviderName {
        ProviderName::Memory
    }
    fn capabilities(&self) -> &Capabilities {
        &self.can
    }
    fn target_kind(&self, _: &ClassParams, _: &Member) -> TargetKind {
        self.kind
    }
    fn validate(&self, desired: &DesiredLb) -> Vec<Refusal> {
        let category = categories::UNSUPPORTED;
        if self.dislikes_all {
            return vec![Refusal::whole(category, "x", "", "no")];
        }
        let hated = desired.members.iter().filter(|m| Some(m.service.name.as_str()) == self.dislikes);
        hated
            .map(|m| Refusal::of(&m.service, category, "metadata.name", m.service.name.as_str(), "no"))
            .collect()
    }
    async fn plan(&self, _: &DesiredLb) -> Result<Plan, crate::error::ProviderError> {
        unreachable!("decisions never plan")
    }
    async fn ensure(&self, _: &DesiredLb) -> Result<Outcome, crate::error::ProviderError> {
        unreachable!("decisions never act")
    }
    async fn release(&self, _: &LbId) -> Result<(), crate::error::ProviderError> {
        unreachable!("decisions never act")
    }
    async fn inventory(&self) -> Result<Vec<Owned>, crate::error::ProviderError> {
        unreachable!("decisions never act")
    }
}

fn service(name: &str, second: i64, extra: Value) -> Arc<Service> {
    let mut spec =
        json!({"ports": [{"port": 80, "nodePort": 30080}], "ipFamilies": ["IPv4"], "type": "LoadBalancer"});
    spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let created = jiff::Timestamp::from_second(second).unwrap().to_string();
    let value = json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "creationTimestamp": created}, "spec": spec});
    Arc::new(serde_json::from_value(value).unwrap())
}

fn snapshot(services: Vec<Arc<Service>>) -> Snapshot {
    let services = services
        .into_iter()
        .map(|service| ServiceFacts { service, slices: vec![], namespace_labels: None })
        .collect();
    let class = Arc::new(Class::built_in(ProviderName::Memory).unwrap());
    let id = "memory:share/memory/shop/k".parse().unwrap();
    Snapshot { id, class, services, nodes: crate::testing::nodes(2) }
}

fn names(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.service.name.as_str()).collect()
}

#[test]
fn the_good_are_served_and_the_bad_are_retained_with_their_reasons() {
    let bad = service("bad", 1, json!({"loadBalancerIP": "x"}));
    let decision = desired(&snapshot(vec![bad, service("good", 2, json!({}))]), &Opinion::new());
    let lb = decision.lb.unwrap();
    assert_eq!(names(&lb.members), ["good"]);
    assert_eq!(lb.retained.iter().map(|r: &MemberRef| r.service.name.as_str()).collect::<Vec<_>>(), ["bad"]);
    assert_eq!(decision.refusals.len(), 1);
    assert_eq!(lb.nodes.eligible.len(), 2);
}

#[test]
fn a_provider_may_refuse_a_member_or_everything() {
    let two = || {
        snapshot(vec![
            service("a", 1, json!({})),
            service("b", 2, json!({"ports": [{"port": 81, "nodePort": 1}]})),
        ])
    };
    let decision = desired(&two(), &Opinion { dislikes: Some("a"), ..Opinion::new() });
    assert_eq!(names(&decision.lb.unwrap().members), ["b"]);
    let decision = desired(&two(), &Opinion { dislikes_all: true, ..Opinion::new() });
    assert_eq!(decision.lb, None);
    assert_eq!(decision.refusals_of(&ServiceKey::new("shop", "b")).count(), 1);
}

#[test]
fn a_port_taken_by_an_older_service_retains_the_younger() {
    let decision =
        desired(&snapshot(vec![service("b", 2, json!({})), service("a", 1, json!({}))]), &Opinion::new());
    let lb = decision.lb.unwrap();
    assert_eq!(names(&lb.members), ["a"]);
    assert_eq!(lb.retained[0].service.name, "b");
    assert_eq!(decision.refusals[0].category, categories::PORT_CONFLICT);
}

#[rstest]
#[case::none(TargetKind::None, 0, 0)]
#[case::nodes(TargetKind::Nodes, 2, 0)]
#[case::pods(TargetKind::Endpoints, 0, 1)]
#[case::nodes_by_pods(TargetKind::NodesWithEndpoints, 2, 1)]
fn a_provider_gets_the_targets_that_it_needs(
    #[case] kind: TargetKind,
    #[case] nodes: usize,
    #[case] pods: usize,
) {
    let mut snapshot = snapshot(vec![service("a", 1, json!({}))]);
    snapshot.services[0].slices = vec![slice()];
    let lb = desired(&snapshot, &Opinion { kind, ..Opinion::new() }).lb.unwrap();
    assert_eq!((lb.nodes.eligible.len(), lb.members[0].listeners[0].endpoints.len()), (nodes, pods));
}

/// One ready pod behind the only port.
fn slice() -> Arc<EndpointSlice> {
    let value = json!({
        "metadata": {"name": "a-1", "namespace": "shop"}, "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": true}, "nodeName": "n1"}],
    });
    Arc::new(serde_json::from_value(value).unwrap())
}

#[test]
fn a_provider_that_adopts_nothing_refuses_to_be_asked_for_it() {
    let mut asking = (*service("a", 1, json!({}))).clone();
    let asked = [("landfall.dev/adopt", "arn:x"), ("landfall.dev/adopt-confirm", "0a")];
    asking.metadata.annotations =
        Some(asked.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect());
    let world = snapshot(vec![Arc::new(asking)]);
    let mut provider = Opinion::new();
    assert_eq!(desired(&world, &provider).refusals, []);
    provider.can.adoption = false;
    let decision = desired(&world, &provider);
    assert_eq!(decision.lb, None, "a load balancer with another address is not what was asked for");
    let told = decision.refusals.iter().map(|r| (r.category, r.field.as_str(), r.value.as_str()));
    let wanted = asked.map(|(key, value)| (categories::UNSUPPORTED, key, value));
    assert_eq!(told.collect::<Vec<_>>(), wanted);
}

#[test]
fn capabilities_refuse_or_trim() {
    let check = |provider: &Opinion, extra: Value| {
        let decision = desired(&snapshot(vec![service("a", 1, extra)]), provider);
        decision.refusals.first().map(|r| format!("{} {}", r.category, r.field))
    };
    let mut provider = Opinion::new();
    let sctp = json!({"ports": [{"port": 80, "nodePort": 30080, "protocol": "SCTP"}]});
    assert_eq!(check(&provider, sctp).as_deref(), Some("Unsupported spec.ports[0].protocol"));
    let unallocated = json!({"ports": [{"port": 80}], "allocateLoadBalancerNodePorts": false});
    assert_eq!(check(&provider, unallocated.clone()).as_deref(), Some("NoNodePort spec.ports[0].nodePort"));
    provider.kind = TargetKind::None;
    assert_eq!(check(&provider, unallocated), None, "a provider without node targets needs no node port");

    provider.can.dual_stack = false;
    let dual = |policy: &str| json!({"ipFamilies": ["IPv6", "IPv4"], "ipFamilyPolicy": policy});
    assert_eq!(
        check(&provider, dual("RequireDualStack")).as_deref(),
        Some("Unsupported spec.ipFamilyPolicy")
    );
    let lb = desired(&snapshot(vec![service("a", 1, dual("PreferDualStack"))]), &provider).lb.unwrap();
    assert_eq!(lb.families(), [IpFamily::V6]);

    provider.can.requested_addresses = false;
    assert_eq!(
        check(&provider, json!({"loadBalancerIP": "192.0.2.1"})).as_deref(),
        Some("Unsupported landfall.dev/addresses")
    );
}

#[test]
fn providers_that_cannot_mix_protocols_serve_the_first() {
    let mixed = json!({"ports": [{"name": "a", "port": 53, "nodePort": 1}, {"name": "b", "port": 53, "nodePort": 2, "protocol": "UDP"}]});
    let mut provider = Opinion::new();
    assert!(desired(&snapshot(vec![service("a", 1, mixed.clone())]), &provider).lb.is_some());
    provider.can.same_port_protocols = false;
    assert!(desired(&snapshot(vec![service("a", 1, mixed)]), &provider).lb.is_none());
    provider.can.mixed_protocols = false;
    let udp = json!({"ports": [{"port": 53, "nodePort": 2, "protocol": "UDP"}]});
    let decision = desired(&snapshot(vec![service("a", 1, json!({})), service("b", 2, udp)]), &provider);
    assert_eq!(names(&decision.lb.unwrap().members), ["a"]);
}

#[test]
fn classes_choose_their_namespaces() {
    let mut closed = snapshot(vec![service("a", 1, json!({}))]);
    let selector = LabelSelector {
        match_labels: Some([("team".into(), "x".into())].into()),
        ..LabelSelector::default()
    };
    closed.class = Arc::new(Class { allowed_namespaces: Some(selector), ..(*closed.class).clone() });
    let decision = desired(&closed, &Opinion::new());
    assert_eq!(decision.refusals[0].category, categories::NAMESPACE_NOT_ALLOWED);
    closed.services[0].namespace_labels = Some(Arc::new([("team".to_owned(), "x".to_owned())].into()));
    assert!(desired(&closed, &Opinion::new()).lb.is_some());
}

#[test]
fn the_fingerprint_follows_the_wish_and_not_our_own_writes() {
    let of = |extra: Value| desired(&snapshot(vec![service("a", 1, extra)]), &Opinion::new()).fingerprint(7);
    let plain = of(json!({}));
    assert_eq!(plain, of(json!({})));
    assert_ne!(plain, of(json!({"ports": [{"port": 81, "nodePort": 30080}]})));
    assert_ne!(plain, of(json!({"loadBalancerIP": "x"})));

    let mut published = (*service("a", 1, json!({}))).clone();
    published.status =
        serde_json::from_value(json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})).unwrap();
    published.metadata.resource_version = Some("99".into());
    let decision = desired(&snapshot(vec![Arc::new(published)]), &Opinion::new());
    assert_eq!(decision.fingerprint(7), plain);
    assert_ne!(decision.fingerprint(8), plain, "other nodes");
}

#[test]
fn who_may_share_is_the_classs_to_say_and_a_change_of_it_is_looked_at() {
    let mut snapshot = snapshot(vec![service("a", 1, json!({}))]);
    let before = desired(&snapshot, &Opinion::new());
    Arc::make_mut(&mut snapshot.class).sharing = Sharing::Cluster;
    let after = desired(&snapshot, &Opinion::new());
    assert_ne!(before.fingerprint(7), after.fingerprint(7));
    assert_eq!(
        (before.lb.unwrap().sharing, after.lb.unwrap().sharing),
        (Sharing::Namespace, Sharing::Cluster)
    );
}
