//! Address pools as plain values: what the controller feeds to the bare-metal provider, and what it hands back.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Serialize;

use crate::class::Sharing;
use crate::error::Category;
use crate::ids::LbId;
use crate::model::Member;

/// One `AddressPool` as read from the API server. `addresses` are still texts: the provider reports bad ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolSpec {
    /// `metadata.name`.
    pub name: String,
    /// CIDRs (`192.0.2.0/24`, `2001:db8::/64`) and inclusive ranges (`192.0.2.10-192.0.2.20`), in order of preference.
    pub addresses: Vec<String>,
    /// Whether Services that name no pool may get an address from here.
    pub auto_assign: bool,
    /// Whether to leave out the first and the last address of every IPv4 CIDR shorter than /31, every IPv4 address
    /// that ends in .0 or .255, and the first address of every IPv6 CIDR shorter than /127 (RFC 4291, 2.6.1).
    pub avoid_network_and_broadcast: bool,
    /// Namespaces that may use the pool; `None` for all.
    pub namespace_selector: Option<LabelSelector>,
    /// Services that may use the pool; `None` for all.
    pub service_selector: Option<LabelSelector>,
    /// Pools with a higher priority are tried first; equal ones by name.
    pub priority: i32,
    /// Whether the pool is being deleted: nothing new is given out, what is in use stays in use.
    pub deleting: bool,
}

/// Who holds which addresses, as the Services' statuses tell. Re-adopted before anything new is given out.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The load balancer.
    pub id: LbId,
    /// Its members, oldest first, read with the best effort even if their wish is refused now; `published` are the
    /// addresses.
    pub members: Vec<Member>,
    /// Which Services their class lets share; the default where the class is not known.
    pub sharing: Sharing,
}

/// What the controller feeds to a provider that hands out addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolFeed {
    /// Every pool.
    pub pools: Vec<PoolSpec>,
    /// Every holding, on the first feed of a leadership: it replaces all that the provider believes. `None` on
    /// later feeds, when the provider itself knows best.
    pub holdings: Option<Vec<Holding>>,
}

/// The side of a provider that hands out addresses from pools.
///
/// All calls are quick, synchronous and never fail: what is wrong with a pool is part of the answer. After
/// `feed` has returned, every later `ensure` decides by the new pools. Before the first feed, `ensure` answers
/// that it is waiting and gives nothing out.
pub trait AddressBook: Send + Sync {
    /// Takes the pools, and on the first feed the holdings. Returns the load balancers that have to be looked at
    /// again: what they hold is no longer theirs, or what they asked for in vain may be there now.
    fn feed(&self, feed: PoolFeed) -> Vec<LbId>;

    /// Load balancers that lack something they want: to be looked at again when something was given back.
    fn restless(&self) -> Vec<LbId>;

    /// Usage and verdict of every pool fed, by name.
    fn usage(&self) -> Vec<PoolUsage>;
}

/// What the provider hands back for the status of one pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolUsage {
    /// `metadata.name`.
    pub name: String,
    /// Addresses that can be given out, per family; saturates at `i64::MAX`.
    pub capacity: FamilyCounts,
    /// Addresses in use, per family.
    pub used: FamilyCounts,
    /// Whether the pool can be used, and if not, why.
    pub verdict: Result<(), PoolProblem>,
}

/// A count per address family. Saturating: a /64 has more addresses than an `i64` can count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FamilyCounts {
    /// IPv4 addresses.
    pub v4: i64,
    /// IPv6 addresses.
    pub v6: i64,
}

/// Why a pool (or a part of it) cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolProblem {
    /// Condition reason: `InvalidAddresses`, `Overlap`, …
    pub category: Category,
    /// A sentence that names entry and pool.
    pub message: String,
}
