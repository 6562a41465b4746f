//! Networks that a wish does not fit.

use ipnet::IpNet;
use landfall_core::error::{Category, Classified, ErrorClass};
use landfall_core::net::IpFamily;

use crate::api::{Place, Reference};

/// Why a wish and the network do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No node tells which project and region the cluster is in.
    #[error(
        "the cluster's project and region are not known: none of its nodes is an instance of Compute Engine \
         (spec.providerID gce://PROJECT/ZONE/INSTANCE), and none are configured; name them with --gcp-project and \
         --gcp-region"
    )]
    NoRegion,
    /// The nodes are in several regions or projects.
    #[error(
        "the cluster's nodes are in several places, {}: name the one for load balancers with --gcp-project and \
         --gcp-region", list(.0)
    )]
    SeveralRegions(
        /// Project and region.
        Vec<Place>,
    ),
    /// No node tells which network the cluster is in.
    #[error(
        "the cluster's network is not known: Compute Engine knows no running instance of a node, and none is \
         configured; name it with --gcp-network"
    )]
    NoNetwork,
    /// The nodes are in several networks.
    #[error(
        "the cluster's nodes are in several networks, {}: name the one for load balancers with --gcp-network",
        list(.0)
    )]
    SeveralNetworks(
        /// The networks.
        Vec<Reference>,
    ),
    /// A subnet does not do.
    #[error("the subnet {subnet} cannot be used for {family}: {reason}")]
    Subnet {
        /// The subnet.
        subnet: Box<Reference>,
        /// What it is wanted for.
        family: IpFamily,
        /// Why not.
        reason: Box<SubnetError>,
    },
    /// No node tells which subnet addresses come from.
    #[error(
        "no subnet is known that {0} addresses can come from: name one with the annotation \
         networking.gke.io/load-balancer-subnet, or with --gcp-subnetwork"
    )]
    NoSubnet(
        /// The family.
        IpFamily,
    ),
    /// An address that was asked for does not do.
    #[error("the address {address} cannot be used: {reason}")]
    Address {
        /// Its name, or the address itself.
        address: String,
        /// Why not.
        reason: Box<AddressError>,
    },
}

/// Why a subnet does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// It is not there.
    #[error("there is none of this name in this project and region")]
    NotFound,
    /// It belongs to another network.
    #[error("it belongs to another network than the nodes, {0}")]
    OtherNetwork(
        /// That network.
        String,
    ),
    /// It is reserved for something else.
    #[error("its purpose is {0}; it must be PRIVATE")]
    Purpose(
        /// For what.
        String,
    ),
    /// It has no addresses of this family and kind.
    #[error("{0}")]
    Stack(
        /// What it has, and what it must have.
        String,
    ),
}

/// Why an address does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not reserved.
    #[error("none is reserved in {0}; reserve it there, or ask for another one")]
    NotFound(
        /// Where it was looked for.
        Place,
    ),
    /// Something else uses it.
    #[error("it is used by {}; Services share an address by landfall.dev/share", .0.join(", "))]
    Taken(
        /// What uses it.
        Vec<String>,
    ),
    /// It is external and the load balancer internal, or the other way round.
    #[error("it is {found} and the load balancer {wanted}")]
    WrongType {
        /// What it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// It has another network tier.
    #[error(
        "its network tier is {found} and that of the load balancer {wanted}; set cloud.google.com/network-tier to {found}"
    )]
    WrongTier {
        /// What it has.
        found: String,
        /// What it must have.
        wanted: &'static str,
    },
    /// It is reserved for something else.
    #[error("it is reserved for {found}; for this load balancer it must be reserved for {wanted}")]
    WrongPurpose {
        /// For what.
        found: String,
        /// For what it must be.
        wanted: &'static str,
    },
    /// It is in none of the ranges of the subnet.
    #[error("it is not in the subnet {subnet} with the ranges {}", list(ranges))]
    NotInSubnet {
        /// The subnet.
        subnet: Reference,
        /// Its ranges.
        ranges: Vec<IpNet>,
    },
    /// What Google tells about it cannot be read.
    #[error("Google tells no address of it that can be read, but {0:?}")]
    Unreadable(
        /// What is told.
        String,
    ),
}

impl NetworkError {
    /// For an address that was asked for by its name or by itself.
    pub(crate) fn address(asked: impl Into<String>, reason: AddressError) -> Self {
        Self::Address { address: asked.into(), reason: Box::new(reason) }
    }

    /// Whether something else uses an address that was asked for.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Address { reason, .. } if matches!(**reason, AddressError::Taken(_)))
    }
}

impl Classified for NetworkError {
    /// Most of them can be put right in the project alone, by reserving an address or changing a subnet, and nothing
    /// tells us that it was. So all are tried again, slowly, as what a quota lacks is.
    fn class(&self) -> ErrorClass {
        ErrorClass::Quota
    }

    fn category(&self) -> Category {
        Category::new(match self {
            Self::NoRegion | Self::SeveralRegions(_) => "RegionNotFound",
            Self::NoNetwork | Self::SeveralNetworks(_) => "NetworkNotFound",
            Self::NoSubnet(_) => "NoSubnets",
            Self::Subnet { reason, .. } => match **reason {
                SubnetError::NotFound => "SubnetNotFound",
                _ => "UnfitSubnet",
            },
            Self::Address { reason, .. } => match **reason {
                AddressError::NotFound(_) => "AddressNotFound",
                AddressError::Taken(_) => "AddressTaken",
                AddressError::WrongType { .. } => "WrongAddressType",
                AddressError::WrongTier { .. } => "WrongTier",
                AddressError::WrongPurpose { .. } => "WrongAddressPurpose",
                AddressError::NotInSubnet { .. } => "AddressNotInSubnet",
                AddressError::Unreadable(_) => "AddressUnreadable",
            },
        })
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
