//! The resource graph: what a load balancer consists of, as values. Ids of things that may not exist yet do not occur;
//! resources refer to each other by name.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::ids::LbId;
use landfall_core::model::MemberRef;
use landfall_core::net::{IpFamily, PortKey};
use landfall_core::outcome::Problem;
use landfall_core::params::aws::{Publish, Scheme};
use serde::Serialize;

use crate::api::ec2::{Allow, Rule};
use crate::api::elb::{
    AddressType, GroupTargets, HealthCheck, LoadBalancer, NlbProtocol, SubnetMapping, Target,
};
use crate::api::ids::{LoadBalancerArn, SecurityGroupId, SubnetId, VpcId};
use crate::api::{Attributes, Tags};
use crate::rezone::Subnets;

/// Everything that a load balancer takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wanted {
    /// Whose it is.
    pub lb: LbId,
    /// The network.
    pub vpc: VpcId,
    /// The load balancer itself.
    pub balancer: BalancerWish,
    /// The security group with the source ranges, if we manage one.
    pub frontend: Option<SecurityGroupWish>,
    /// The group that the nodes let in, shared by all load balancers of the cluster.
    pub backend: Option<BackendWish>,
    /// Target groups, by name.
    pub groups: Vec<TargetGroupWish>,
    /// Listeners, by port.
    pub listeners: Vec<ListenerWish>,
    /// Members whose listeners, target groups and rules stay as they are.
    pub retained: BTreeSet<MemberRef>,
    /// What the operator should know although the rest works.
    pub problems: Vec<Problem>,
}

/// The load balancer wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalancerWish {
    /// Name. It changes with everything that forces a successor: scheme, fixed addresses, having security groups at
    /// all, a name asked for.
    pub name: String,
    /// Its name while a predecessor has the one that was asked for; `None` if none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// Who can reach it.
    pub scheme: Scheme,
    /// Address families.
    pub address_type: AddressType,
    /// Where, by zone. Empty only for one that is taken over: it keeps what it has.
    pub subnets: Vec<SubnetMapping>,
    /// The zones of those subnets.
    pub zones: BTreeMap<SubnetId, String>,
    /// Source NAT for IPv6.
    pub source_nat: bool,
    /// Security groups of the user. The frontend and backend groups come on top, if wanted.
    pub given_groups: Vec<SecurityGroupId>,
    /// Whether inbound rules hold for `PrivateLink` traffic; `None` leaves AWS's default (they do).
    pub private_link_rules: Option<bool>,
    /// Attributes asked for. Others have their documented default.
    pub attributes: Attributes,
    /// Minimum capacity in load balancer capacity units.
    pub capacity: Option<u32>,
    /// Tags, ownership marks included.
    pub tags: Tags,
    /// An existing load balancer to take over instead of making one.
    pub adopt: Option<LoadBalancerArn>,
    /// When the host name is published.
    pub publish: Publish,
}

impl BalancerWish {
    /// The subnets with their zones.
    pub(crate) fn placed(&self) -> Subnets<'_> {
        Subnets { subnets: &self.subnets, zones: &self.zones }
    }

    /// Whether it has security groups. One that is made without can never have any.
    pub fn is_guarded(&self, frontend: bool, backend: bool) -> bool {
        frontend || backend || !self.given_groups.is_empty()
    }
}

/// A security group wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecurityGroupWish {
    /// Name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Inbound rules. Those whose description names a retained member stay besides.
    pub rules: BTreeSet<Rule>,
    /// Tags, ownership marks included.
    pub tags: Tags,
}

/// The shared backend group, and who lets it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendWish {
    /// The group; it has no inbound rules.
    pub group: SecurityGroupWish,
    /// Security groups of the nodes.
    pub node_groups: BTreeSet<SecurityGroupId>,
    /// What each of them lets in from the group. Only added to while load balancers exist, so that one that knows less
    /// never closes what another needs.
    pub allow: BTreeSet<Allow>,
    /// Description of those rules: the mark by which they are known as ours.
    pub mark: String,
}

/// A target group wanted, with its targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetGroupWish {
    /// Name. It changes with everything that forces a successor: load balancer, member, port, protocol, target type, family.
    pub name: String,
    /// Whose it is.
    pub member: MemberRef,
    /// Protocol.
    pub protocol: NlbProtocol,
    /// Port of targets registered without one; ours always give one.
    pub port: u16,
    /// What its targets are.
    pub targets: GroupTargets,
    /// Family of their addresses.
    pub family: IpFamily,
    /// Health check.
    pub health: HealthCheck,
    /// Attributes asked for. Others have their documented default.
    pub attributes: Attributes,
    /// Tags, ownership marks included.
    pub tags: Tags,
    /// Targets, each with what people call it: the node's name or the pod's address.
    #[serde(serialize_with = "targets_as_list")]
    pub registered: BTreeMap<Target, String>,
}

/// A listener wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListenerWish {
    /// Whose it is.
    pub member: MemberRef,
    /// The Service's ports that it serves.
    pub serves: Vec<PortKey>,
    /// Port.
    pub port: u16,
    /// Protocol.
    pub protocol: NlbProtocol,
    /// Name of the target group that it forwards to.
    pub group: String,
    /// ARNs of certificates, the default one first; empty unless TLS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// Security policy; `None` for AWS's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// ALPN policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Attributes asked for. Others have their documented default.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Tags, ownership marks included.
    pub tags: Tags,
}

/// What is known about the network and the nodes: read before the graph is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The network.
    pub vpc: VpcId,
    /// IPv4 and IPv6 ranges of the network: pod addresses outside of them are registered with zone `all`.
    pub ranges: Vec<ipnet::IpNet>,
    /// The subnets chosen, by zone, with their fixed addresses.
    pub subnets: Vec<SubnetMapping>,
    /// The zone of each of those subnets; of each that it has, for one that is taken over as it is.
    pub zones: BTreeMap<SubnetId, String>,
    /// Ids of the user's security groups, in the order given.
    pub given_groups: Vec<SecurityGroupId>,
    /// Nodes that can be registered, by name: their instance id and zone.
    pub instances: BTreeMap<String, InstanceFact>,
    /// Security groups of the nodes that must let the backend group in, one per node at most.
    pub node_groups: BTreeSet<SecurityGroupId>,
    /// Load balancers of ours that are there, for this one; not those that were taken over.
    pub existing: Vec<LoadBalancer>,
    /// Those of them whose successor took over.
    pub superseded: BTreeSet<LoadBalancerArn>,
    /// What the account lets a load balancer have.
    pub quotas: Quotas,
    /// What the operator should know: nodes that cannot be registered, why a subnet was passed over.
    pub problems: Vec<Problem>,
}

/// What the account lets one load balancer have. Sources: "Quotas for your Network Load Balancers" in the user guide,
/// and "Amazon VPC quotas".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Listeners per load balancer; not adjustable.
    pub listeners: usize,
    /// Registrations per load balancer; a target in two target groups counts twice.
    pub targets: usize,
    /// Registrations per load balancer and zone; with cross-zone load balancing, over all zones together.
    pub targets_per_zone: usize,
    /// Targets per target group.
    pub targets_per_group: usize,
    /// Inbound rules per security group and address family. The API does not tell if it was raised.
    pub rules: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { listeners: 50, targets: 3_000, targets_per_zone: 500, targets_per_group: 1_000, rules: 60 }
    }
}

/// A node that can be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFact {
    /// `i-…`.
    pub id: crate::api::ids::InstanceId,
    /// Its zone.
    pub zone: String,
}

fn targets_as_list<S: serde::Serializer>(
    targets: &BTreeMap<Target, String>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let text = |(target, name): (&Target, &String)| {
        let zone = target.zone.as_ref().map(|zone| format!(" zone {zone}")).unwrap_or_default();
        let id = if target.id.contains(':') { format!("[{}]", target.id) } else { target.id.clone() };
        format!("{id}:{} ({name}){zone}", target.port)
    };
    to.collect_seq(targets.iter().map(text))
}
