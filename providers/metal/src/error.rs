//! Why a load balancer cannot have its address, and what to do about it.

use std::net::IpAddr;
use std::time::Duration;

use landfall_core::error::{Category, Classified, ErrorClass};
use landfall_core::refusal::Refusal;

/// The words for conditions, events and metric labels.
pub(crate) mod categories {
    use landfall_core::error::Category;

    /// An entry of a pool cannot be used.
    pub(crate) const INVALID_ADDRESSES: Category = Category::new("InvalidAddresses");
    /// A selector of a pool cannot be evaluated.
    pub(crate) const INVALID_SELECTOR: Category = Category::new("InvalidSelector");
    /// Two pools contain the same address.
    pub(crate) const OVERLAP: Category = Category::new("Overlap");
    /// The optional family of a dual-stack Service has no address yet.
    pub(crate) const SECOND_FAMILY_PENDING: Category = Category::new("SecondFamilyPending");
    /// A member's permission to share is void because another member of its group does not give it.
    pub(crate) const SHARING_NOT_PERMITTED: Category = Category::new("SharingNotPermitted");
    /// Another load balancer had to leave an address.
    pub(crate) const SHARING_ENDED: Category = Category::new("SharingEnded");
    /// A requested address is of a family that the Service does not have.
    pub(crate) const FAMILY_MISMATCH: Category = Category::new("FamilyMismatch");
    /// Members of one group cannot be served by the same nodes.
    pub(crate) const TRAFFIC_POLICY_CONFLICT: Category = Category::new("TrafficPolicyConflict");
}

/// What can go wrong with the addresses of one load balancer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetalError {
    /// Nothing is known about pools yet.
    #[error("the AddressPools have not been read yet; {lb} gets its address when they are")]
    PoolsNotLoaded {
        /// Who asks: `namespace/name`.
        lb: String,
    },
    /// The wish itself cannot be understood or served, whatever the pools are.
    #[error("{}", join(refusals))]
    Refused {
        /// Every reason; never empty.
        refusals: Vec<Refusal>,
    },
    /// The load balancer has no member, so nothing says what it needs. The controller must not ask for that.
    #[error("{lb} has no member")]
    NoMembers {
        /// Who asks: `namespace/name`.
        lb: String,
    },
    /// There is not one pool.
    #[error("there is no AddressPool; create an AddressPool with addresses for {lb}")]
    NoAddressPool {
        /// Who asks: `namespace/name`.
        lb: String,
    },
    /// The Service or its class names a pool that does not exist.
    #[error("AddressPool {name:?} does not exist; {}", known_pools(known))]
    UnknownPool {
        /// The name as given.
        name: String,
        /// The pools there are.
        known: Vec<String>,
    },
    /// There are pools, but none gives addresses to this load balancer.
    #[error("no AddressPool can give an address to {lb}: {}", reasons.join("; "))]
    NoMatchingPool {
        /// Who asks: `namespace/name`.
        lb: String,
        /// One sentence per pool.
        reasons: Vec<String>,
    },
    /// Every pool that may be used is full, or has no address of the family.
    #[error(
        "no {families} address is free for {lb}: {}; add addresses to a pool or release Services that are no longer needed",
        usage.join(", ")
    )]
    PoolExhausted {
        /// Who asks: `namespace/name`.
        lb: String,
        /// The families that could not be had.
        families: String,
        /// Per candidate pool and family: how many are in use out of how many.
        usage: Vec<String>,
    },
    /// A requested address is in no pool.
    #[error(
        "the requested address {address} is in no AddressPool; add it to a pool or request another ({})",
        known_pools(known)
    )]
    AddressNotInPool {
        /// As requested.
        address: IpAddr,
        /// The pools there are.
        known: Vec<String>,
    },
    /// A requested address is in a pool that does not give it to this load balancer.
    #[error("the requested address {address} cannot be given out: {reason}")]
    AddressNotAllowed {
        /// As requested.
        address: IpAddr,
        /// Names the pool and says what is in the way.
        reason: String,
    },
    /// Somebody else has the requested address, and it cannot be shared with them.
    #[error("the requested address {address} of pool {pool} is held by {holder}: {reason}")]
    AddressInUse {
        /// As requested.
        address: IpAddr,
        /// Its pool.
        pool: String,
        /// Who holds it: `namespace/name`.
        holder: String,
        /// Why the two cannot share it.
        reason: String,
    },
    /// An address that the load balancer has or shows is no longer its own, and there is no other for it. What
    /// its status shows must stay until there is.
    #[error("{lb} has to leave {}, and there is no address to move to", losses.join(" and "))]
    NowhereToMove {
        /// Who asks: `namespace/name`.
        lb: String,
        /// One text per address: which, and why.
        losses: Vec<String>,
        /// Why there is no other.
        #[source]
        cause: Box<MetalError>,
    },
}

impl Classified for MetalError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::PoolsNotLoaded { .. } => ErrorClass::Waiting { poll: UNTIL_LOADED },
            Self::PoolExhausted { .. } | Self::AddressInUse { .. } => ErrorClass::Quota,
            Self::NoMembers { .. } => ErrorClass::Bug,
            Self::NowhereToMove { cause, .. } => cause.class(),
            Self::Refused { .. }
            | Self::NoAddressPool { .. }
            | Self::UnknownPool { .. }
            | Self::NoMatchingPool { .. }
            | Self::AddressNotInPool { .. }
            | Self::AddressNotAllowed { .. } => ErrorClass::Rejected,
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::PoolsNotLoaded { .. } => Category::new("PoolsNotLoaded"),
            Self::Refused { refusals } => {
                refusals.first().map_or(Category::new("Refused"), |refusal| refusal.category)
            }
            Self::NoMembers { .. } => Category::new("NoMembers"),
            Self::NoAddressPool { .. } => Category::new("NoAddressPool"),
            Self::UnknownPool { .. } => Category::new("UnknownPool"),
            Self::NoMatchingPool { .. } => Category::new("NoMatchingPool"),
            Self::PoolExhausted { .. } => Category::new("PoolExhausted"),
            Self::AddressNotInPool { .. } => Category::new("AddressNotInPool"),
            Self::AddressNotAllowed { .. } => Category::new("AddressNotAllowed"),
            Self::AddressInUse { .. } => Category::new("AddressInUse"),
            Self::NowhereToMove { cause, .. } => cause.category(),
        }
    }
}

/// The first feed follows the first list of the pools, which takes a moment at start-up and no longer.
const UNTIL_LOADED: Duration = Duration::from_secs(1);

fn join(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn known_pools(names: &[String]) -> String {
    if names.is_empty() {
        "there are no pools".to_owned()
    } else {
        format!("known pools: {}", names.join(", "))
    }
}
