//! Which subnets a load balancer gets: those asked for, or one per zone that fits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use landfall_core::error::Category;
use landfall_core::outcome::Problem;
use landfall_core::params::aws::Scheme;

use super::{Known, NetworkError};
use crate::api::ec2::Subnet;
use crate::api::elb::{AddressType, ZoneMapping};
use crate::api::ids::SubnetId;
use crate::settings::BalancerSettings;

mod asked;
mod found;

/// Free addresses that AWS wants in a subnet, for its nodes and their growth.
const FREE_ADDRESSES: u32 = 8;
/// Prefix of the tags that tell clusters apart.
pub(super) const CLUSTER_TAG: &str = "kubernetes.io/cluster/";

/// What subnets are chosen for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) settings: &'a BalancerSettings,
    /// The zones of the load balancer that stays.
    pub(super) current: &'a [ZoneMapping],
    pub(super) known: &'a Known,
    /// The tags of this cluster; empty if they are not known.
    pub(super) own_tags: &'a BTreeSet<String>,
}

/// The subnets of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen<'a> {
    /// In the order asked for, else by zone.
    pub(super) subnets: Vec<&'a Subnet>,
    /// The others, if nobody asked for particular ones.
    pub(super) passed_over: Vec<PassedOver>,
}

/// A subnet that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The subnet.
    pub subnet: SubnetId,
    /// Its zone.
    pub zone: String,
    /// Why it is not used.
    pub reason: Reason,
}

/// Why a subnet is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is not in an availability zone. Such subnets are never found, only used if asked for; those on Outposts not
    /// even then.
    Locale(
        /// Kind of its zone.
        String,
    ),
    /// It has no IPv4 range.
    NoIpv4,
    /// It has no IPv6 range and the load balancer is dual-stack.
    NoIpv6,
    /// It belongs to another cluster.
    OtherCluster(
        /// The tag that says so.
        String,
    ),
    /// Others have the tag for this scheme, and it has not.
    NoRole(
        /// The tag.
        &'static str,
    ),
    /// It has no route to an internet gateway, and the load balancer faces the internet.
    Private,
    /// It has a route to an internet gateway, the load balancer is internal, and there are private subnets.
    Public,
    /// It has too few free addresses.
    Crowded {
        /// How many.
        free: u32,
    },
    /// None of the fixed addresses asked for is in its range.
    NoFixedAddress,
    /// Another subnet of its zone is used.
    Other(
        /// That one.
        SubnetId,
    ),
    /// There are only as many fixed addresses as zones in use.
    NoAddressLeft,
}

/// The subnets for a wish. None for a load balancer that is taken over, unless particular ones are asked for.
pub(super) fn choose<'a>(question: &Question<'a>) -> Result<Chosen<'a>, NetworkError> {
    if !question.settings.subnets.is_empty() {
        return asked::choose(question);
    }
    if question.settings.adopt.is_some() {
        return Ok(Chosen { subnets: Vec::new(), passed_over: Vec::new() });
    }
    found::choose(question)
}

impl Chosen<'_> {
    /// Zones with nodes that are left out although they have subnets, each with the reasons.
    pub(super) fn problems(&self, known: &Known) -> Vec<Problem> {
        let served: BTreeSet<&str> = self.subnets.iter().map(|subnet| subnet.zone.as_str()).collect();
        let populated: BTreeSet<&str> =
            known.instances.iter().map(|instance| instance.zone.as_str()).collect();
        let mut left_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        // Whoever fixes addresses chooses zones by that.
        let meant =
            |each: &&PassedOver| !matches!(each.reason, Reason::NoFixedAddress | Reason::NoAddressLeft);
        for each in self.passed_over.iter().filter(meant) {
            let zone = each.zone.as_str();
            if populated.contains(zone) && !served.contains(zone) {
                left_out.entry(zone).or_default().push(each.to_string());
            }
        }
        let told = left_out.into_iter();
        told.map(|(zone, reasons)| Problem {
            member: None,
            port: None,
            category: Category::new("ZoneLeftOut"),
            message: format!("zone {zone} has nodes and no subnet that can be used: {}", reasons.join("; ")),
        })
        .collect()
    }
}

impl Question<'_> {
    fn is_dual(&self) -> bool {
        self.settings.address_type == AddressType::Dualstack
    }

    /// How many subnets there must be, if addresses are fixed.
    fn addresses(&self) -> Option<usize> {
        let settings = self.settings;
        let counts = [settings.allocations.len(), settings.private_ipv4.len(), settings.ipv6.len()];
        counts.into_iter().find(|count| *count > 0)
    }

    /// Whether each family whose addresses are fixed has one in the subnet.
    fn has_fixed_address(&self, subnet: &Subnet) -> bool {
        let v4 = self.settings.private_ipv4.iter().map(|ip| IpAddr::V4(*ip)).collect::<Vec<_>>();
        let v6 = self.settings.ipv6.iter().map(|ip| IpAddr::V6(*ip)).collect::<Vec<_>>();
        [v4, v6].iter().all(|list| list.is_empty() || list.iter().any(|ip| holds(subnet, *ip)))
    }

    /// What is wrong with a subnet for this wish, whoever chose it.
    fn flaw(&self, subnet: &Subnet) -> Option<Reason> {
        if subnet.cidr.is_none() {
            return Some(Reason::NoIpv4);
        }
        (self.is_dual() && subnet.ipv6_cidrs.is_empty()).then_some(Reason::NoIpv6)
    }

    /// Whether a subnet has too few free addresses to be added. An internal load balancer with fixed addresses takes
    /// just these.
    fn crowd(&self, subnet: &Subnet) -> Option<Reason> {
        let has = self.current.iter().any(|mapping| mapping.subnet == subnet.id);
        let counts = !has && self.settings.private_ipv4.is_empty();
        (counts && subnet.free < FREE_ADDRESSES).then_some(Reason::Crowded { free: subnet.free })
    }

    /// Kind of the place that a subnet is in.
    fn locale(&self, subnet: &Subnet) -> &str {
        if subnet.outpost.is_some() {
            return OUTPOST;
        }
        let zone = self.known.zones.iter().find(|zone| zone.name == subnet.zone);
        zone.map_or(AVAILABILITY_ZONE, |zone| &zone.kind)
    }
}

/// The kind of an ordinary zone.
const AVAILABILITY_ZONE: &str = "availability-zone";
/// What stands for the kind of zone of a subnet that is on an Outpost.
const OUTPOST: &str = "outpost";

/// The tag that says that a subnet is for load balancers of this scheme.
fn role(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Internal => "kubernetes.io/role/internal-elb",
        Scheme::InternetFacing => "kubernetes.io/role/elb",
    }
}

/// Whether an address is in the range of a subnet.
pub(super) fn holds(subnet: &Subnet, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => subnet.cidr.is_some_and(|range| range.contains(&address)),
        IpAddr::V6(address) => subnet.ipv6_cidrs.iter().any(|range| range.contains(&address)),
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.subnet, self.zone, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locale(kind) if kind == OUTPOST => write!(f, "it is on an Outpost"),
            Self::Locale(kind) => write!(f, "it is in a {kind}"),
            Self::NoIpv4 => write!(f, "it has no IPv4 range"),
            Self::NoIpv6 => write!(f, "it has no IPv6 range and the load balancer is dualstack"),
            Self::OtherCluster(tag) => write!(f, "it is tagged {tag}, another cluster's"),
            Self::NoRole(tag) => write!(f, "it is not tagged {tag} and others are"),
            Self::Private => write!(f, "it has no route to an internet gateway"),
            Self::Public => write!(f, "it has a route to an internet gateway and others have none"),
            Self::Crowded { free } => write!(f, "it has {free} free addresses, AWS wants {FREE_ADDRESSES}"),
            Self::NoFixedAddress => write!(f, "no fixed address is in its range"),
            Self::Other(subnet) => write!(f, "{subnet} of the same zone is used"),
            Self::NoAddressLeft => write!(f, "there is no fixed address for another zone"),
        }
    }
}
