//! Networks that a wish does not fit.

use std::fmt::Write as _;
use std::net::IpAddr;

use landfall_core::error::{Category, Classified, ErrorClass};

use super::subnets::{PassedOver, Reason};
use crate::api::ids::{SubnetId, VpcId};

/// Why a wish and the network do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No node tells which network the cluster is in.
    #[error(
        "the cluster's VPC is not known: none of its nodes is an EC2 instance that AWS knows (spec.providerID \
         aws:///ZONE/i-…), and none is configured; name it with --aws-vpc"
    )]
    NoVpc,
    /// The nodes are in several networks.
    #[error("the cluster's nodes are in several VPCs, {}: name the one for load balancers with --aws-vpc", list(.0))]
    SeveralVpcs(
        /// Their ids.
        Vec<VpcId>,
    ),
    /// No subnet can be used.
    #[error(
        "no subnet of {vpc} can be used; name some with the annotation \
         service.beta.kubernetes.io/aws-load-balancer-subnets or tag them {role}=1{}",
        why(passed_over)
    )]
    NoSubnets {
        /// The network.
        vpc: VpcId,
        /// The tag that makes a subnet fit.
        role: &'static str,
        /// All subnets, each with the reason why not.
        passed_over: Vec<PassedOver>,
    },
    /// A subnet that was asked for by id or name is not there.
    #[error("the VPC {vpc} has no subnet with the {what} {name:?}")]
    SubnetNotFound {
        /// The network.
        vpc: VpcId,
        /// `id` or `Name tag`.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// A name stands for several subnets of one zone.
    #[error(
        "several subnets of zone {zone} have the Name tag {name:?}, {}: give the id of one",
        list(subnets)
    )]
    AmbiguousSubnet {
        /// What was asked for.
        name: String,
        /// The zone.
        zone: String,
        /// What it stands for.
        subnets: Vec<SubnetId>,
    },
    /// A subnet that was asked for cannot be used.
    #[error("the subnet {subnet} cannot be used: {reason}")]
    UnfitSubnet {
        /// The subnet.
        subnet: SubnetId,
        /// Why not.
        reason: Reason,
    },
    /// Two of the subnets asked for are in one zone.
    #[error("{} are all in zone {zone}; a load balancer has one subnet per zone", list(subnets))]
    TwoSubnetsInZone {
        /// The zone.
        zone: String,
        /// The subnets.
        subnets: Vec<SubnetId>,
    },
    /// The subnets asked for are in zones of different kinds.
    #[error("the subnets are in zones of different kinds, {}; those of one load balancer must be of one", .0.join(", "))]
    MixedLocales(
        /// Subnets with the kinds of their zones.
        Vec<String>,
    ),
    /// There are not as many addresses as subnets.
    #[error(
        "{field} has {given} items and the load balancer {subnets} subnets: there must be one per subnet"
    )]
    AddressCount {
        /// Where they were asked for.
        field: &'static str,
        /// How many.
        given: usize,
        /// How many subnets.
        subnets: usize,
    },
    /// An address or prefix is in none of the subnets, or not in the one that it is for.
    #[error("{field}: {value} is not in the range of {}", list(subnets))]
    AddressNotInSubnet {
        /// Where it was asked for.
        field: &'static str,
        /// The address or prefix.
        value: String,
        /// The subnets that it could be in.
        subnets: Vec<SubnetId>,
    },
    /// Two addresses are in one subnet.
    #[error("{field}: {} are both in {subnet}; there must be one per subnet", list(addresses))]
    TwoAddressesInSubnet {
        /// Where they were asked for.
        field: &'static str,
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// The subnet.
        subnet: SubnetId,
    },
    /// A security group that was asked for is not there.
    #[error("the VPC {vpc} has no security group with the id, group name or Name tag {name:?}")]
    UnknownSecurityGroup {
        /// The network.
        vpc: VpcId,
        /// What was asked for.
        name: String,
    },
    /// A name stands for several security groups.
    #[error("several security groups are called {name:?}, {}: give the id of one", list(groups))]
    AmbiguousSecurityGroup {
        /// What was asked for.
        name: String,
        /// What it stands for.
        groups: Vec<crate::api::ids::SecurityGroupId>,
    },
}

impl Classified for NetworkError {
    /// Most of them can be put right in AWS alone, by a tag or a subnet, and nothing tells us that it was. So all are
    /// tried again, slowly, as what the account lacks is.
    fn class(&self) -> ErrorClass {
        ErrorClass::Quota
    }

    fn category(&self) -> Category {
        Category::new(match self {
            Self::NoVpc | Self::SeveralVpcs(_) => "VpcNotFound",
            Self::NoSubnets { .. } => "NoSubnets",
            Self::SubnetNotFound { .. } => "SubnetNotFound",
            Self::AmbiguousSubnet { .. } => "AmbiguousSubnet",
            Self::UnfitSubnet { .. } => "UnfitSubnet",
            Self::TwoSubnetsInZone { .. } => "TwoSubnetsInZone",
            Self::MixedLocales(_) => "MixedLocales",
            Self::AddressCount { .. } => "AddressCount",
            Self::AddressNotInSubnet { .. } => "AddressNotInSubnet",
            Self::TwoAddressesInSubnet { .. } => "TwoAddressesInSubnet",
            Self::UnknownSecurityGroup { .. } => "UnknownSecurityGroup",
            Self::AmbiguousSecurityGroup { .. } => "AmbiguousSecurityGroup",
        })
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn why(passed_over: &[PassedOver]) -> String {
    let mut text = String::new();
    for each in passed_over {
        let before = if text.is_empty() { ": " } else { "; " };
        let _ = write!(text, "{before}{each}");
    }
    text
}
