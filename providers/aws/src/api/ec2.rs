//! EC2: networks, instances and security groups.

use std::fmt;

use async_trait::async_trait;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

use super::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};
use super::{Answer, Page, Tags};

/// The calls. Lists take the token of the page wanted, `None` for the first. Every list is filtered or paginated: EC2
/// charges unfiltered, unpaginated ones twice.
#[async_trait]
pub trait Ec2: Send + Sync + 'static {
    /// `DescribeSubnets` of a network.
    async fn subnets(&self, vpc: &VpcId, token: Option<&str>) -> Answer<Page<Subnet>>;
    /// `DescribeVpcs` with this id; `InvalidVpcID.NotFound` if there is none.
    async fn vpc(&self, id: &VpcId) -> Answer<Vpc>;
    /// `DescribeRouteTables` of a network.
    async fn route_tables(&self, vpc: &VpcId, token: Option<&str>) -> Answer<Page<RouteTable>>;
    /// `DescribeAvailabilityZones` of the region.
    async fn zones(&self) -> Answer<Vec<Zone>>;
    /// `DescribeInstances` with these ids (by filter, so unknown ids are left out and no error), at most 200.
    async fn instances(&self, ids: &[InstanceId], token: Option<&str>) -> Answer<Page<Instance>>;
    /// `DescribeSecurityGroups`.
    async fn security_groups(
        &self,
        which: &WhichSecurityGroups,
        token: Option<&str>,
    ) -> Answer<Page<SecurityGroup>>;
    /// `DescribeNetworkInterfaces` that are in a security group.
    async fn interfaces(&self, group: &SecurityGroupId, token: Option<&str>) -> Answer<Page<Interface>>;

    /// `CreateSecurityGroup`; `InvalidGroup.Duplicate` if the network has one of that name.
    async fn create_security_group(&self, new: &NewSecurityGroup) -> Answer<SecurityGroupId>;
    /// `DeleteSecurityGroup`; `DependencyViolation` while an interface or another group's rule refers to it.
    async fn delete_security_group(&self, id: &SecurityGroupId) -> Answer<()>;
    /// `AuthorizeSecurityGroupIngress`, all or nothing.
    async fn authorize(&self, id: &SecurityGroupId, rules: &[Rule]) -> Answer<()>;
    /// `RevokeSecurityGroupIngress`.
    async fn revoke(&self, id: &SecurityGroupId, rules: &[Rule]) -> Answer<()>;
    /// `CreateTags`, replacing values of equal keys.
    async fn create_tags(&self, id: &SecurityGroupId, tags: &Tags) -> Answer<()>;
    /// `DeleteTags` by key.
    async fn delete_tags(&self, id: &SecurityGroupId, keys: &[String]) -> Answer<()>;
}

/// Which security groups to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichSecurityGroups {
    /// Those with all of these tags (a filter per tag).
    Tagged(Tags),
    /// Those with these ids, by filter: unknown ids are left out and no error.
    Known(Vec<SecurityGroupId>),
    /// Those of a network with this name as group name or `Name` tag.
    Named {
        /// The network.
        vpc: VpcId,
        /// The names.
        names: Vec<String>,
    },
    /// Those with an inbound rule that lets in whatever is in this group (filter `ip-permission.group-id`).
    LettingIn(SecurityGroupId),
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subnet {
    /// Its identity.
    pub id: SubnetId,
    /// Its network.
    pub vpc: VpcId,
    /// Name of its zone.
    pub zone: String,
    /// IPv4 range; `None` for an IPv6-only subnet.
    pub cidr: Option<Ipv4Net>,
    /// IPv6 ranges that are associated.
    pub ipv6_cidrs: Vec<Ipv6Net>,
    /// Free IPv4 addresses.
    pub free: u32,
    /// ARN of its Outpost, if it is on one.
    pub outpost: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vpc {
    /// Its identity.
    pub id: VpcId,
    /// Its address ranges that are associated.
    pub ranges: Vec<IpNet>,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteTable {
    /// Whether subnets without a table of their own use it.
    pub main: bool,
    /// Subnets that use it by name.
    pub subnets: Vec<SubnetId>,
    /// Whether it has an active route to an internet gateway.
    pub internet: bool,
}

/// A zone of the region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    pub kind: String,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// Its identity.
    pub id: InstanceId,
    /// `pending`, `running`, `stopping`, … Only running instances can be registered.
    pub state: String,
    /// Its network; `None` once terminated.
    pub vpc: Option<VpcId>,
    /// Its zone.
    pub zone: String,
    /// Security groups of its first network interface.
    pub security_groups: Vec<SecurityGroupId>,
    /// Tags.
    pub tags: Tags,
}

/// A network interface, as far as it blocks the deletion of a security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// `eni-…`.
    pub id: String,
    /// What its owner wrote, e.g. `ELB net/name/hash`.
    pub description: String,
    /// `in-use`, `available`, …
    pub status: String,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecurityGroup {
    /// Its identity.
    pub id: SecurityGroupId,
    /// Name, unique in its network.
    pub name: String,
    /// What its maker wrote.
    pub description: String,
    /// Its network.
    pub vpc: VpcId,
    /// Inbound rules, each with one source.
    pub ingress: Vec<Rule>,
    /// Tags.
    pub tags: Tags,
}

/// A security group to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewSecurityGroup {
    /// Name.
    pub name: String,
    /// What it is for; the API demands one.
    pub description: String,
    /// Network.
    pub vpc: VpcId,
    /// Tags.
    pub tags: Tags,
}

/// One inbound rule with one source. Two rules are the same to AWS if all but the description is equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Rule {
    /// What it lets in.
    pub allow: Allow,
    /// From where.
    pub source: Source,
    /// For people, and for us to know our own rules on groups of others.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// What a rule lets in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Allow {
    /// TCP ports, first and last.
    Tcp(u16, u16),
    /// UDP ports, first and last.
    Udp(u16, u16),
    /// ICMP type and code; -1 for all.
    Icmp(i32, i32),
    /// ICMP for IPv6, type and code; -1 for all.
    Icmpv6(i32, i32),
    /// Something that we never make: protocol, from, to.
    Other(String, i32, i32),
}

/// Where a rule lets traffic in from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Source {
    /// An IPv4 range.
    V4(Ipv4Net),
    /// An IPv6 range.
    V6(Ipv6Net),
    /// A managed prefix list, `pl-…`.
    PrefixList(String),
    /// Whatever is in a security group.
    Group(SecurityGroupId),
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(from, to) => write!(f, "tcp {from}-{to}"),
            Self::Udp(from, to) => write!(f, "udp {from}-{to}"),
            Self::Icmp(kind, code) => write!(f, "icmp {kind}/{code}"),
            Self::Icmpv6(kind, code) => write!(f, "icmpv6 {kind}/{code}"),
            Self::Other(protocol, from, to) => write!(f, "{protocol} {from}-{to}"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.allow.fmt(f)?;
        match &self.source {
            Source::V4(range) => write!(f, " from {range}"),
            Source::V6(range) => write!(f, " from {range}"),
            Source::PrefixList(id) => write!(f, " from {id}"),
            Source::Group(id) => write!(f, " from {id}"),
        }
    }
}
