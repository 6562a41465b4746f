//! What a provider is asked for: one load balancer with its members, listeners and targets.
//!
//! Everything here is plain, serialisable data. A provider never sees a Kubernetes Service.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::class::Sharing;
use crate::ids::{ClassName, LbId, ServiceKey, Uid};
use crate::net::{IpFamily, PortKey, Protocol, SourceRanges};
use crate::params::ClassParams;

/// One external address (an address pair for dual stack) with listeners.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DesiredLb {
    /// Who this is; the key of every ownership mark.
    pub id: LbId,
    /// The class that the members chose.
    pub class: ClassName,
    /// The class's parameters for its provider; annotations of the members override them.
    pub params: ClassParams,
    /// Which Services the class lets share, for providers with ways of sharing of their own.
    pub sharing: Sharing,
    /// The Services served, oldest first. Never empty.
    pub members: Vec<Member>,
    /// Services that belong here but whose wish is refused at the moment. What they already have stays as it is:
    /// a typing error in an annotation does not take a running Service down.
    pub retained: Vec<MemberRef>,
    /// Nodes that traffic may be sent to. Empty for providers that need none.
    #[serde(serialize_with = "nodes_as_list")]
    pub nodes: Arc<NodeSet>,
}

impl DesiredLb {
    /// The address families asked for: the oldest member's primary first.
    pub fn families(&self) -> Vec<IpFamily> {
        let mut families = Vec::with_capacity(2);
        for family in self.members.iter().flat_map(|member| &member.families) {
            if !families.contains(family) {
                families.push(*family);
            }
        }
        families
    }

    /// The addresses asked for, without duplicates, in the order of the members.
    pub fn requested(&self) -> Vec<IpAddr> {
        distinct(self.members.iter().flat_map(|member| member.requested.iter().copied()))
    }

    /// The addresses that the members' statuses show, without duplicates, oldest member first.
    pub fn published(&self) -> Vec<IpAddr> {
        distinct(self.members.iter().flat_map(|member| member.published.iter().copied()))
    }

    /// Every listener with its member.
    pub fn listeners(&self) -> impl Iterator<Item = (&Member, &Listener)> {
        self.members.iter().flat_map(|member| member.listeners.iter().map(move |listener| (member, listener)))
    }
}

fn distinct(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut seen = Vec::new();
    for address in addresses {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    seen
}

/// A Service by name and uid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct MemberRef {
    /// Namespace and name.
    pub service: ServiceKey,
    /// `metadata.uid`.
    pub uid: Uid,
}

/// One Service on a load balancer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// Namespace and name.
    pub service: ServiceKey,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.creationTimestamp`; the older Service wins every tie.
    pub created: Timestamp,
    /// What to listen on, in the order of `spec.ports`.
    pub listeners: Vec<Listener>,
    /// Ports that an older member already holds. They are reported, not served.
    pub refused_ports: Vec<RefusedPort>,
    /// `spec.externalTrafficPolicy`, and where to ask whether a node should get traffic.
    pub traffic: TrafficPolicy,
    /// `spec.sessionAffinity`.
    pub affinity: SessionAffinity,
    /// `spec.trafficDistribution`, if the Service says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<TrafficDistribution>,
    /// Who may connect.
    pub sources: SourceRanges,
    /// Whether the source ranges were given; `false` means that `sources` is the default: everybody.
    pub sources_given: bool,
    /// `spec.ipFamilies`, primary first.
    pub families: Vec<IpFamily>,
    /// `spec.ipFamilyPolicy`.
    pub family_policy: FamilyPolicy,
    /// Addresses asked for, at most one per family.
    pub requested: Vec<IpAddr>,
    /// The ipMode to publish with IP addresses, if the Service asks for one.
    pub ip_mode: Option<IpMode>,
    /// IP addresses that the Service's status shows now. Not part of the wish, so not serialised.
    #[serde(skip)]
    pub published: Vec<IpAddr>,
    /// `spec.selector` in its canonical text `a=b,c=d`: equal texts select equal pods.
    pub selector: String,
    /// Labels of the Service.
    pub labels: BTreeMap<String, String>,
    /// Labels of its namespace; one map for all Services of the namespace.
    pub namespace_labels: Arc<BTreeMap<String, String>>,
    /// Annotations under the prefixes that providers read; nothing else is kept.
    pub annotations: BTreeMap<String, String>,
}

impl Member {
    /// Name and uid.
    pub fn as_ref(&self) -> MemberRef {
        MemberRef { service: self.service.clone(), uid: self.uid.clone() }
    }

    /// Ports held on the load balancer.
    pub fn ports(&self) -> impl Iterator<Item = PortKey> + '_ {
        self.listeners.iter().map(Listener::key)
    }
}

/// One port of a Service on the load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// `spec.ports[].name`; empty for the only port of a Service.
    pub name: String,
    /// Protocol.
    pub protocol: Protocol,
    /// Port that clients connect to.
    pub port: u16,
    /// Port on every node; `None` with `allocateLoadBalancerNodePorts: false`.
    pub node_port: Option<u16>,
    /// `spec.ports[].appProtocol`, a hint.
    pub app_protocol: Option<String>,
    /// Pods behind the port, for providers that send traffic to pods directly.
    pub endpoints: Vec<EndpointTarget>,
}

impl Listener {
    /// Port and protocol.
    pub fn key(&self) -> PortKey {
        PortKey { port: self.port, protocol: self.protocol }
    }
}

/// A port that this member asked for and an older member holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedPort {
    /// The port.
    pub key: PortKey,
    /// The Service that holds it.
    pub holder: ServiceKey,
}

/// A pod as a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct EndpointTarget {
    /// Pod address.
    pub address: IpAddr,
    /// Pod port.
    pub port: u16,
    /// Node that runs it, where known.
    pub node: Option<String>,
    /// Zone, where known.
    pub zone: Option<String>,
}

/// Where a provider sends traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// The provider needs no targets from the controller (bare metal).
    None,
    /// Node addresses and node ports.
    Nodes,
    /// Pod addresses and ports.
    Endpoints,
    /// Nodes, and which of them depends on where the pods are.
    NodesWithEndpoints,
}

impl TargetKind {
    /// Whether the provider needs the nodes.
    pub const fn needs_nodes(self) -> bool {
        matches!(self, Self::Nodes | Self::NodesWithEndpoints)
    }

    /// Whether the provider needs the pods behind each listener.
    pub const fn needs_endpoints(self) -> bool {
        matches!(self, Self::Endpoints | Self::NodesWithEndpoints)
    }
}

/// `spec.externalTrafficPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TrafficPolicy {
    /// Any node may forward to any pod.
    Cluster,
    /// Only nodes with a pod of the Service take traffic; the client's address is kept.
    Local {
        /// Port on which kube-proxy answers 200 where the node has a ready pod, if one is allocated.
        health_check_node_port: Option<u16>,
    },
}

impl TrafficPolicy {
    /// kube-proxy's own health port, see KEP-3836.
    pub const KUBE_PROXY_PORT: u16 = 10_256;

    /// Where to ask a node whether it should get traffic (KEP-3836, KEP-1669).
    pub fn health_check(self) -> HealthCheck {
        let port = match self {
            Self::Local { health_check_node_port: Some(port) } => port,
            Self::Local { .. } | Self::Cluster => Self::KUBE_PROXY_PORT,
        };
        HealthCheck { port, path: "/healthz" }
    }
}

/// An HTTP check on a node: 200 means that the node takes traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Port on the node.
    pub port: u16,
    /// Path.
    pub path: &'static str,
}

/// `spec.sessionAffinity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SessionAffinity {
    /// None.
    None,
    /// One client address stays on one pod.
    ClientIp {
        /// How long, in seconds, 1 to 86400.
        timeout_seconds: u32,
    },
}

/// `spec.trafficDistribution` (KEP-4444, KEP-3015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TrafficDistribution {
    /// Clients are kept in their zone while it can serve them. Formerly `PreferClose`.
    PreferSameZone,
    /// Clients are kept on their node while it can serve them.
    PreferSameNode,
}

/// `spec.ipFamilyPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FamilyPolicy {
    /// One family.
    SingleStack,
    /// Two families where possible, one is enough.
    PreferDualStack,
    /// Two families or nothing.
    RequireDualStack,
}

/// `status.loadBalancer.ingress[].ipMode` (KEP-1860).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum IpMode {
    /// Packets arrive with the address as destination; kube-proxy may short-circuit traffic inside the cluster.
    #[serde(rename = "VIP")]
    Vip,
    /// The load balancer ends connections; traffic must go through it.
    Proxy,
}

impl IpMode {
    /// The spelling of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vip => "VIP",
            Self::Proxy => "Proxy",
        }
    }
}

/// The nodes that may be targets, and those that may not, with reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeSet {
    /// Nodes that take traffic, by name.
    pub eligible: Vec<NodeTarget>,
    /// Nodes that do not, by name.
    pub excluded: Vec<ExcludedNode>,
}

/// A node as a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct NodeTarget {
    /// `metadata.name`.
    pub name: String,
    /// `spec.providerID`, e.g. `aws:///eu-west-1a/i-0123`. A cloud provider skips and reports nodes without one.
    pub provider_id: Option<String>,
    /// `InternalIP` addresses in the node's order.
    pub addresses: Vec<IpAddr>,
    /// `topology.kubernetes.io/zone`.
    pub zone: Option<String>,
    /// Labels, for selectors in class parameters and annotations.
    pub labels: BTreeMap<String, String>,
}

/// A node that takes no traffic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ExcludedNode {
    /// `metadata.name`.
    pub name: String,
    /// Why.
    pub reason: Exclusion,
}

/// Why a node takes no traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Exclusion {
    /// `node.kubernetes.io/exclude-from-external-load-balancers` is set and not a boolean false.
    Label,
    /// The cluster autoscaler or Karpenter is about to remove it.
    Draining,
    /// `metadata.deletionTimestamp` is set.
    Deleting,
}

fn nodes_as_list<S: serde::Serializer>(nodes: &Arc<NodeSet>, to: S) -> Result<S::Ok, S::Error> {
    nodes.eligible.serialize(to)
}
