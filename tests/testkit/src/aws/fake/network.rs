//! What load balancers find in place: networks, subnets, instances, certificates. Tests change it; the provider never
//! does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use landfall_aws::api::Tags;
use landfall_aws::api::ec2::{Instance, RouteTable, Subnet, Vpc, Zone};
use landfall_aws::api::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};

use super::refused::{Done, refuse};

/// Id of the network that a new fake has.
pub const VPC: &str = "vpc-0000000000000001";
/// Id of the security group that the instances of a new fake are in.
pub const NODES: &str = "sg-000000000000000a";
const ZONES: [&str; 3] = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];
/// Instances of a new fake.
const INSTANCES: u16 = 100;

/// What is there before any load balancer.
#[derive(Debug, Clone)]
pub struct Network {
    /// Networks.
    pub vpcs: BTreeMap<VpcId, Vpc>,
    /// Subnets. `free` is without the addresses that load balancers take; these are subtracted when it is read.
    pub subnets: BTreeMap<SubnetId, Subnet>,
    /// Route tables with the network of each.
    pub route_tables: Vec<(VpcId, RouteTable)>,
    /// Zones of the region.
    pub zones: Vec<Zone>,
    /// Instances.
    pub instances: BTreeMap<InstanceId, Instance>,
    /// Managed prefix lists, with the number of rules that each counts for.
    pub prefix_lists: BTreeMap<String, usize>,
    /// Elastic IP allocations.
    pub allocations: BTreeSet<String>,
    /// ARNs of certificates.
    pub certificates: BTreeSet<String>,
}

impl Network {
    /// One dual-stack network with a public and a private subnet in each of three zones, and a hundred instances
    /// `i-0001`, `i-0002`, … in these zones in turn.
    pub(super) fn with_three_zones() -> Self {
        let vpc = VpcId::from(VPC);
        let ranges = vec![IpNet::V4(v4(0, 16)), IpNet::V6(v6(0, 56))];
        let subnets: Vec<Subnet> = (0u8..3).flat_map(|zone| [private(zone), public(zone)]).collect();
        let public = subnets.iter().filter(|subnet| subnet.tags.contains_key(PUBLIC));
        let public = public.map(|subnet| subnet.id.clone()).collect();
        let tables = [
            RouteTable { main: true, subnets: Vec::new(), internet: false },
            RouteTable { main: false, subnets: public, internet: true },
        ];
        let zone = |name: &str| Zone { name: name.to_owned(), kind: "availability-zone".to_owned() };
        Self {
            vpcs: BTreeMap::from([(vpc.clone(), Vpc { id: vpc.clone(), ranges })]),
            subnets: subnets.into_iter().map(|subnet| (subnet.id.clone(), subnet)).collect(),
            route_tables: tables.into_iter().map(|table| (vpc.clone(), table)).collect(),
            zones: ZONES.into_iter().map(zone).collect(),
            instances: (1..=INSTANCES).map(instance).map(|one| (one.id.clone(), one)).collect(),
            prefix_lists: BTreeMap::new(),
            allocations: BTreeSet::new(),
            certificates: BTreeSet::new(),
        }
    }

    pub(super) fn vpc(&self, id: &VpcId) -> Done<&Vpc> {
        match self.vpcs.get(id) {
            Some(vpc) => Ok(vpc),
            None => refuse("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist")),
        }
    }

    pub(super) fn subnet(&self, id: &SubnetId) -> Done<&Subnet> {
        match self.subnets.get(id) {
            Some(subnet) => Ok(subnet),
            None => refuse("SubnetNotFound", format!("The subnet ID '{id}' does not exist")),
        }
    }

    /// Whether a network has a way to the internet.
    pub(super) fn has_internet(&self, vpc: &VpcId) -> bool {
        self.route_tables.iter().any(|(of, table)| of == vpc && table.internet)
    }

    /// The zone of an address of a network; `None` if no subnet has it.
    pub(super) fn zone_of(&self, vpc: &VpcId, address: IpAddr) -> Option<&str> {
        let has = |subnet: &&Subnet| match address {
            IpAddr::V4(v4) => subnet.cidr.is_some_and(|range| range.contains(&v4)),
            IpAddr::V6(v6) => subnet.ipv6_cidrs.iter().any(|range| range.contains(&v6)),
        };
        let of_vpc = self.subnets.values().filter(|subnet| subnet.vpc == *vpc);
        of_vpc.into_iter().find(has).map(|subnet| subnet.zone.as_str())
    }
}

const PUBLIC: &str = "kubernetes.io/role/elb";
const PRIVATE: &str = "kubernetes.io/role/internal-elb";

fn private(zone: u8) -> Subnet {
    subnet("private", zone, zone * 16, PRIVATE)
}

fn public(zone: u8) -> Subnet {
    subnet("public", zone, 128 + zone * 16, PUBLIC)
}

/// A subnet `10.0.{third}.0/20`; its name ends in the letter of its zone.
fn subnet(kind: &str, zone: u8, third: u8, role: &str) -> Subnet {
    let name = format!("{kind}-{}", char::from(b'a' + zone));
    let tags = [("Name", name.as_str()), (role, "1")];
    let cidr = v4(third, 20);
    Subnet {
        id: SubnetId::new(format!("subnet-{name}")),
        vpc: VPC.into(),
        zone: ZONES[usize::from(zone)].to_owned(),
        cidr: Some(cidr),
        ipv6_cidrs: vec![v6(third, 64)],
        // The network, the router, DNS, one in reserve and broadcast.
        free: (1 << (32 - cidr.prefix_len())) - 5,
        outpost: None,
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

/// Zones in turn as `landfall_core::testing::nodes` has them.
fn instance(number: u16) -> Instance {
    Instance {
        id: InstanceId::new(format!("i-{number:04x}")),
        state: "running".to_owned(),
        vpc: Some(VPC.into()),
        zone: ZONES[usize::from(number % 3)].to_owned(),
        security_groups: vec![SecurityGroupId::from(NODES)],
        tags: Tags::new(),
    }
}

fn v4(third: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert([10, 0, third, 0].into(), length)
}

fn v6(third: u8, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert([0x2001, 0xdb8, 1, u16::from(third), 0, 0, 0, 0].into(), length)
}
