//! Builders for tests: no test spells out a whole object.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a builder given nonsense by a test should panic"
)]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::class::Sharing;
use crate::ids::{ClassName, LbId, ProviderName, ServiceKey, ShareKey, Uid};
use crate::model::{
    DesiredLb, FamilyPolicy, Listener, Member, MemberRef, NodeSet, NodeTarget, SessionAffinity, TrafficPolicy,
};
use crate::net::{IpFamily, Protocol, SourceRanges};
use crate::params::ClassParams;

/// A lone Service `default/{name}` of a provider, with TCP port 80 and node port 30080.
pub fn lb(provider: ProviderName, name: &str) -> DesiredLb {
    let member = member(name);
    let id = LbId::service(provider, member.service.clone(), member.uid.clone());
    DesiredLb {
        id,
        class: class(provider.as_str()),
        params: ClassParams::Defaults,
        sharing: Sharing::Namespace,
        members: vec![member],
        retained: Vec::new(),
        nodes: Arc::new(NodeSet::default()),
    }
}

/// A group `default/{key}` of a provider with these members.
pub fn group(provider: ProviderName, key: &str, members: Vec<Member>) -> DesiredLb {
    let class = class(provider.as_str());
    let key = ShareKey::new(key).expect("test share key");
    DesiredLb {
        id: LbId::share(provider, class.clone(), Some("default".into()), key),
        class,
        params: ClassParams::Defaults,
        sharing: Sharing::Namespace,
        members,
        retained: Vec::new(),
        nodes: Arc::new(NodeSet::default()),
    }
}

/// The Service `default/{name}` with TCP port 80 and node port 30080; `name` (or `namespace/name`) also makes its uid.
pub fn member(name: &str) -> Member {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    Member {
        service: ServiceKey::new(namespace, name),
        uid: Uid::new(format!("uid-{namespace}-{name}")).expect("test uid"),
        created: Timestamp::UNIX_EPOCH,
        listeners: vec![listener(Protocol::Tcp, 80)],
        refused_ports: Vec::new(),
        traffic: TrafficPolicy::Cluster,
        affinity: SessionAffinity::None,
        distribution: None,
        sources: SourceRanges::everybody(),
        sources_given: false,
        families: vec![IpFamily::V4],
        family_policy: FamilyPolicy::SingleStack,
        requested: Vec::new(),
        ip_mode: None,
        published: Vec::new(),
        selector: format!("app={name}"),
        labels: BTreeMap::new(),
        namespace_labels: Arc::default(),
        annotations: BTreeMap::new(),
    }
}

/// A listener with node port 30000 + port.
pub fn listener(protocol: Protocol, port: u16) -> Listener {
    Listener {
        name: format!("{}-{port}", protocol.as_str().to_lowercase()),
        protocol,
        port,
        node_port: Some(30_000 + port % 2_768),
        app_protocol: None,
        endpoints: Vec::new(),
    }
}

/// Nodes named `n1`, `n2`, … in zones `a`, `b`, `c` in turn.
pub fn nodes(count: u16) -> Arc<NodeSet> {
    let eligible = (1..=count)
        .map(|i| NodeTarget {
            name: format!("n{i}"),
            provider_id: Some(format!("test:///zone/i-{i:04x}")),
            addresses: vec![IpAddr::from([10, 0, (i >> 8) as u8, (i & 255) as u8])],
            zone: Some(["a", "b", "c"][usize::from(i % 3)].to_owned()),
            labels: BTreeMap::new(),
        })
        .collect();
    Arc::new(NodeSet { eligible, excluded: Vec::new() })
}

/// Chained changes to a member.
impl Member {
    /// Replaces the listeners.
    pub fn listening(mut self, ports: &[(Protocol, u16)]) -> Self {
        self.listeners = ports.iter().map(|&(protocol, port)| listener(protocol, port)).collect();
        self
    }

    /// Created that many seconds after the epoch.
    pub fn born(mut self, second: i64) -> Self {
        self.created = Timestamp::from_second(second).expect("test time");
        self
    }

    /// Families and policy.
    pub fn stack(mut self, families: &[IpFamily], policy: FamilyPolicy) -> Self {
        self.families = families.to_vec();
        self.family_policy = policy;
        self
    }

    /// Asks for addresses.
    pub fn requesting(mut self, addresses: &[&str]) -> Self {
        self.requested = parse(addresses);
        self
    }

    /// Shows addresses in its status.
    pub fn showing(mut self, addresses: &[&str]) -> Self {
        self.published = parse(addresses);
        self
    }

    /// Adds an annotation.
    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a label.
    pub fn labelled(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a label of its namespace.
    pub fn in_namespace_labelled(mut self, key: &str, value: &str) -> Self {
        Arc::make_mut(&mut self.namespace_labels).insert(key.to_owned(), value.to_owned());
        self
    }

    /// `externalTrafficPolicy: Local` with this health check port.
    pub fn local(mut self, port: u16) -> Self {
        self.traffic = TrafficPolicy::Local { health_check_node_port: Some(port) };
        self
    }
}

/// Chained changes to a load balancer.
impl DesiredLb {
    /// Changes the first member.
    pub fn with(mut self, change: impl FnOnce(Member) -> Member) -> Self {
        let first = self.members.remove(0);
        self.members.insert(0, change(first));
        self
    }

    /// Sets the nodes.
    pub fn on(mut self, nodes: Arc<NodeSet>) -> Self {
        self.nodes = nodes;
        self
    }

    /// Adds a member whose wish is refused for now.
    pub fn retaining(mut self, member: MemberRef) -> Self {
        self.retained.push(member);
        self
    }

    /// Sets who may share.
    pub fn sharing(mut self, sharing: Sharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Sets the class parameters.
    pub fn params(mut self, params: ClassParams) -> Self {
        self.params = params;
        self
    }
}

fn class(name: &str) -> ClassName {
    ClassName::new(name).expect("test class")
}

fn parse(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|a| a.parse().expect("test address")).collect()
}
